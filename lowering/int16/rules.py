"""The table of rules that lower `edge` ops on int16. It holds what needs this project's kernels.

Ops that only move elements, and norms, have rules for every width in `lowering/cortex_m`.
"""

from __future__ import annotations

from xdsl.ir import Operation, SSAValue

from cmopt.dialects.edge import (
    AminOp,
    AvgPool2dOp,
    BinaryOp,
    Conv2dOp,
    LinearOp,
    MatmulOp,
    MaxPool2dOp,
    ReductionOp,
    SoftmaxOp,
    UnaryOp,
)
from cmopt.dialects.quant import qtype_of
from cmopt.dialects.shapes import ints_of, shape_of
from cmopt.lowering.cortex_m.builder import KernelBuilder
from cmopt.lowering.int16 import convolution, elementwise, matrix, pooling
from cmopt.lowering.int16.values import (
    in_int16,
    int16_tensor,
    is_mixed,
    is_wide,
    requantize,
    require_int16,
)
from cmopt.lowering.lower_reductions import parts_of
from cmopt.lowering.rules import Rule, rule_of


def reduction(op: ReductionOp, b: KernelBuilder) -> SSAValue:
    """Lowers the ops that `lower-reductions` makes of it; a minimum is a portable call."""
    if not isinstance(op, AminOp):
        return b.expand(parts_of(op))
    require_int16(op.input, op.output)
    dims, type = list(ints_of(op.dims)), int16_tensor(shape_of(op.output))
    least = b.portable("aten.amin.default", b.value(op.input), dims, True, type=type)
    return requantize(b, least, qtype_of(op.input), qtype_of(op.output))


RULES: dict[type[Operation], Rule] = {
    AvgPool2dOp: pooling.avg_pool2d,
    BinaryOp: elementwise.binary,
    Conv2dOp: convolution.conv2d,
    LinearOp: convolution.linear,
    MatmulOp: matrix.matmul,
    MaxPool2dOp: pooling.max_pool2d,
    ReductionOp: reduction,
    SoftmaxOp: matrix.softmax,
    UnaryOp: elementwise.unary,
}


def int16_rule(op: Operation) -> Rule | None:
    """The rule for an op on int16; None if it has no int16 value, or a rule for every width."""
    if not is_wide(op) or (rule := rule_of(op, RULES)) is None:
        return None
    return mixed if is_mixed(op) else rule


def mixed(op: Operation, b: KernelBuilder) -> SSAValue:
    """An op on int8 and int16 → the op on int16, between requantizations: half a step more."""
    return b.expand(in_int16(op))
