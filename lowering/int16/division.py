"""edge.div of int16 tensors → the stock quantized_div, and a term for divisors that may be 0."""

from __future__ import annotations

from xdsl.ir import SSAValue

from cmopt.dialects.cortex_m import Properties, QuantizedDivOp
from cmopt.dialects.edge import DivOp
from cmopt.dialects.quant import qtype_of, stored_bits
from cmopt.dialects.shapes import shape_of
from cmopt.lowering.cortex_m.binary import div_properties
from cmopt.lowering.cortex_m.builder import KernelBuilder
from cmopt.lowering.divisors import may_be_zero
from cmopt.lowering.int16.values import int16_tensor, spread
from cmopt.lowering.rules import Unsupported


def div(op: DivOp, b: KernelBuilder) -> SSAValue:
    """edge.div of int16 tensors → quantized_div; at most 1 step.

    If the divisor may be zero, a term is added: the dividend's sign, saturated, where the divisor
    is zero, and 0 elsewhere. The kernel itself finds these places: the quotient of a divisor and
    itself is 0 for zero. 0 / 0 is 0.
    """
    shape, values = shape_of(op.output), (op.lhs, op.rhs, op.output)
    if any(stored_bits(value) != 16 or qtype_of(value).is_per_axis for value in values):
        raise Unsupported("a quotient takes int16 per tensor with int16 only")
    zero_points = [qtype_of(value).zero_point for value in values]
    type = int16_tensor(shape)
    dividend, divisor = (spread(b, value, shape) for value in op.operands)
    quotient = QuantizedDivOp([dividend, divisor], type, div_properties(op))
    if op.lhs is op.rhs or not may_be_zero(op.rhs):
        return b.add(quotient)
    if zero_points[2] != 0:
        raise Unsupported("an int16 quotient with a zero point may be by zero")
    is_zero: Properties = {
        "self_zero_point": zero_points[1],
        "other_zero_point": zero_points[1],
        "output_zero_point": 1,
        "output_scale": -1.0,
    }
    zeros = b.add(QuantizedDivOp([divisor, divisor], type, is_zero))
    saturated: Properties = {
        "self_zero_point": zero_points[0],
        "other_zero_point": 0,
        "output_zero_point": 0,
        "output_scale": 65536.0,
    }
    term = b.add(QuantizedDivOp([dividend, zeros], type, saturated))
    return b.portable("aten.add.Tensor", b.add(quotient), term, 1, type=type)
