"""The table of rules that lower `edge` ops to TOSA."""

from __future__ import annotations

from xdsl.dialects.arith import ConstantOp
from xdsl.ir import Operation, SSAValue

from cmopt.dialects.edge import (
    AvgPool2dOp,
    BinaryOp,
    CallOp,
    CatOp,
    Conv2dOp,
    EdgeOp,
    ExpandOp,
    LinearOp,
    MatmulOp,
    MaxPool2dOp,
    PadOp,
    PermuteOp,
    ReductionOp,
    ReshapeOp,
    SliceOp,
    SoftmaxOp,
    TakeOp,
    UnaryOp,
    WhereOp,
    is_nhwc,
)
from cmopt.dialects.quant import DCastOp, QCastOp, SCastOp
from cmopt.dialects.shapes import numel, shape_of
from cmopt.lowering.lower_reductions import parts_of
from cmopt.lowering.plugin_rules import plugin_rule
from cmopt.lowering.rules import Rule, Unsupported, rule_of
from cmopt.lowering.tosa import (
    calls,
    convolution,
    elementwise,
    functions,
    masks,
    matrix,
    movement,
    pooling,
    softmax,
)
from cmopt.lowering.tosa.builder import RegionBuilder


def reduction(op: ReductionOp, b: RegionBuilder) -> SSAValue:
    """Lowers the ops that `lower-reductions` makes of a reduction, with the sum of their bounds."""
    parts = parts_of(op)
    try:
        for part in parts:
            if isinstance(part, EdgeOp):
                part.location = op.location
                lower(part, b)
        return b.values[parts[-1].results[0]]
    finally:
        for part in parts:
            b.values.pop(part.results[0], None)
            if not isinstance(part, ConstantOp):
                part.drop_all_references()


def same_bits(op: SCastOp, b: RegionBuilder) -> SSAValue:
    """Inside a region all values are stored integers; exact."""
    return b.value(op.input)


RULES: dict[type[Operation], Rule] = {
    AvgPool2dOp: pooling.avg_pool2d,
    BinaryOp: elementwise.binary,
    CallOp: calls.call,
    CatOp: movement.cat,
    Conv2dOp: convolution.conv2d,
    ExpandOp: movement.expand,
    LinearOp: convolution.linear,
    MatmulOp: matrix.matmul,
    MaxPool2dOp: pooling.max_pool2d,
    PadOp: movement.pad,
    PermuteOp: movement.permute,
    QCastOp: functions.one_tensor,
    ReductionOp: reduction,
    ReshapeOp: movement.reshape,
    SCastOp: same_bits,
    SliceOp: movement.slice,
    SoftmaxOp: softmax.softmax,
    TakeOp: movement.take,
    UnaryOp: functions.one_tensor,
    WhereOp: masks.where,
}


def sources_of(op: Operation) -> list[SSAValue]:
    """The values that an op's rule reads. A requantization reads its dequantize's operand."""
    if isinstance(op, QCastOp) and isinstance(op.input.owner, DCastOp):
        return [op.input.owner.input]
    return list(op.operands)


def lower(op: Operation, b: RegionBuilder) -> None:
    """Add to a region the ops that compute `op`. Raises Unsupported with the reason if none do."""
    if (rule := _rule_for(op)) is None:
        raise Unsupported(f"{op.name} has no form in TOSA")
    if any(numel(shape_of(value)) == 0 for value in (*sources_of(op), *op.results)):
        raise Unsupported("a tensor is empty")
    if isinstance(op, Conv2dOp | AvgPool2dOp | MaxPool2dOp) and not is_nhwc(op):
        raise Unsupported("works on NHWC")
    b.lower(op, rule)


def _rule_for(op: Operation) -> Rule | None:
    """The rule of a plug-in if it lowers the op, else the project's own."""
    own = rule_of(op, RULES)
    if (added := plugin_rule(op, "tosa")) is None or own is None:
        return added or own
    try:
        RegionBuilder().lower(op, added)  # A region cannot be undone, so it is tried in another.
    except Unsupported:
        return own
    return added
