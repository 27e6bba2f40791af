"""edge.matmul → TOSA's product of matrices and a rescale."""

from __future__ import annotations

from xdsl.dialects.builtin import TensorType, i32
from xdsl.ir import SSAValue

from cmopt.arithmetic.accumulators import output_factors, product_overflow
from cmopt.dialects import tosa
from cmopt.dialects.edge import MatmulOp
from cmopt.dialects.quant import qtype_of
from cmopt.dialects.shapes import int_of, numel, shape_of
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.tosa.builder import RegionBuilder
from cmopt.lowering.weights import require_int8


def matmul(op: MatmulOp, b: RegionBuilder) -> SSAValue:
    """The product without zero points, rescaled; ≤ 1 step. A transposed rhs is transposed back."""
    require_int8(op.lhs, op.rhs, op.output)
    if (reason := product_overflow(op)) is not None:
        raise Unsupported(reason)
    *batch, rows, depth = shape_of(op.lhs)
    items, columns = numel(batch), shape_of(op.output)[-1]
    lhs = b.reshape(b.value(op.lhs), (items, rows, depth))
    if int_of(op.transposed_rhs):
        rhs = b.reshape(b.value(op.rhs), (items, columns, depth))
        rhs = b.transpose(rhs, (0, 2, 1))
    else:
        rhs = b.reshape(b.value(op.rhs), (items, depth, columns))
    zeros = [b.number(qtype_of(value).zero_point) for value in (op.lhs, op.rhs)]
    product = b.add(tosa.MatMulOp([lhs, rhs, *zeros], TensorType(i32, (items, rows, columns))))
    output = qtype_of(op.output)
    steps = qtype_of(op.lhs).scale * qtype_of(op.rhs).scale
    factor = float(output_factors(steps, output.scale))
    result = b.rescale(product, factor, output_zp=output.zero_point)
    return b.reshape(result, shape_of(op.output))
