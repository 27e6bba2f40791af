"""edge.matmul → TOSA's product of matrices and a rescale."""

from __future__ import annotations

from xdsl.dialects.builtin import TensorType, i32
from xdsl.ir import SSAValue

from cmopt.arithmetic.accumulators import product_overflow
from cmopt.arithmetic.interpolated_tables import wide_type
from cmopt.dialects import tosa
from cmopt.dialects.edge import MatmulOp
from cmopt.dialects.quant import qtype_of
from cmopt.dialects.shapes import element_of, int_of, numel, shape_of
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.tosa.activations import are_int8, reach, require_activations
from cmopt.lowering.tosa.builder import RegionBuilder, i48
from cmopt.lowering.tosa.scales import MOST_BITS, WIDE_BITS, check_rescale, factors_to


def matmul(op: MatmulOp, b: RegionBuilder) -> SSAValue:
    """The product without zero points, rescaled; ≤ 1 step. A transposed rhs is transposed back.

    If an operand is int16, the other one is widened. From int16 to int16, ≤ 2 steps, as for
    convolutions.
    """
    require_activations(op.lhs, op.rhs, op.output)
    output = qtype_of(op.output)
    kinds = [qtype_of(value) for value in (op.lhs, op.rhs)]
    narrow = are_int8(op.lhs, op.rhs)
    if not narrow:
        kinds = [wide_type(kind) for kind in kinds]
    *batch, rows, depth = shape_of(op.lhs)
    items, columns = numel(batch), shape_of(op.output)[-1]
    factor = float(factors_to(kinds[0].scale * kinds[1].scale, output))
    if are_int8(op.lhs, op.rhs, op.output):
        if (reason := product_overflow(op)) is not None:
            raise Unsupported(reason)
    else:
        largest = depth * reach(op.lhs) * reach(op.rhs) if narrow else depth << 30
        check_rescale(largest, factor, MOST_BITS if narrow else WIDE_BITS)
    lhs, rhs = (
        b.value_as(value, kind) for value, kind in zip((op.lhs, op.rhs), kinds, strict=True)
    )
    lhs = b.reshape(lhs, (items, rows, depth))
    if int_of(op.transposed_rhs):
        rhs = b.transpose(b.reshape(rhs, (items, columns, depth)), (0, 2, 1))
    else:
        rhs = b.reshape(rhs, (items, depth, columns))
    zeros = [
        b.number(kind.zero_point, element_of(value))
        for kind, value in zip(kinds, (lhs, rhs), strict=True)
    ]
    sums = TensorType(i32 if narrow else i48, (items, rows, columns))
    product = b.add(tosa.MatMulOp([lhs, rhs, *zeros], sums))
    result = b.rescale(product, factor, output_zp=output.zero_point, to=output.storage)
    return b.reshape(result, shape_of(op.output))
