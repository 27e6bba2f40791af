"""Fuse clamping activations into the op before them."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import FloatAttr, IntegerType, ModuleOp, f32
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.arithmetic.functions import activation_bounds, clamp_bounds
from cmopt.dialects.edge import (
    AddOp,
    ClampOp,
    Conv2dOp,
    ConvTranspose2dOp,
    LinearOp,
    MaxPool2dOp,
    ReluOp,
    SubOp,
)
from cmopt.dialects.shapes import element_of
from cmopt.lowering.rewrite import apply_patterns

FUSES = (AddOp, Conv2dOp, ConvTranspose2dOp, LinearOp, MaxPool2dOp, SubOp)
"""The ops that end in a clamp (`activation_min`, `activation_max`)."""


def compose(outer: float | None, inner: float | None, low: float | None, high: float | None
            ) -> float | None:  # fmt: skip
    """One bound of `clamp(clamp(x, inner…), low, high)`; `outer` if there is no inner bound."""
    if inner is None:
        return outer
    if low is not None:
        inner = max(inner, low)
    return inner if high is None else min(inner, high)


class FuseActivation(RewritePattern):
    """`relu(conv(x))` → `conv(x) {activation_min = 0}`, for relu and clamp after any of `FUSES`.

    Exact: nothing is rounded between the two ops, because their types are equal. The first op
    must have no other user.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ReluOp | ClampOp, rewriter: PatternRewriter) -> None:
        producer = op.input.owner
        if not isinstance(producer, FUSES) or not op.input.has_one_use():
            return
        if isinstance(element_of(op.input), IntegerType):
            return  # A clamp to float bounds would make integers floats.
        if op.input.type != op.output.type or (bounds := clamp_bounds(op)) is None:
            return
        low, high = bounds
        inner_low, inner_high = activation_bounds(producer)
        for name, bound in (
            ("activation_min", compose(low, inner_low, low, high)),
            ("activation_max", compose(high, inner_high, low, high)),
        ):
            if bound is not None:
                producer.properties[name] = FloatAttr(bound, f32)
        rewriter.notify_op_modified(producer)
        rewriter.replace(op, (), (producer.output,))


@dataclass(frozen=True)
class FuseActivationsPass(ModulePass):
    """Fuse relu and clamp into the convolution, linear, add or max pool before them."""

    name = "fuse-activations"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, FuseActivation())
