"""Canonicalization of `cortex_m`: views of views, lookups of lookups, unused scratch."""

from __future__ import annotations

import numpy as np
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.constants import constant_of, constant_op, typed_constant
from cmopt.dialects.cortex_m.elementwise import QuantizedActivationOp
from cmopt.dialects.cortex_m.memory import ScratchOp, ViewOp


class ComposeViews(RewritePattern):
    """`view(view(x))` → `view(x)`, or `x` if it has the type of the result."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ViewOp, rewriter: PatternRewriter) -> None:
        if op.input.type == op.output.type:
            rewriter.replace(op, (), (op.input,))
        elif isinstance(producer := op.input.owner, ViewOp):
            rewriter.replace(op, ViewOp(producer.input, op.output.type))
        elif (values := constant_of(op.input)) is not None:
            shape = op.output.type.get_shape()
            ops, value = typed_constant(values.reshape(shape), op.output.type, op.input.name_hint)
            rewriter.replace(op, ops, (value,))


class EraseUnusedScratch(RewritePattern):
    """Erase scratch whose kernel call is gone."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ScratchOp, rewriter: PatternRewriter) -> None:
        if not op.output.uses:
            rewriter.erase(op)


class ComposeLookups(RewritePattern):
    """`lookup(lookup(x, f), g)` → `lookup(x, g ∘ f)`, also through views; exact.

    The inner result must have no other use, or its lookup would run twice.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: QuantizedActivationOp, rewriter: PatternRewriter) -> None:
        inner = op.input
        while isinstance(inner.owner, ViewOp) and inner.has_one_use():
            inner = inner.owner.input
        producer = inner.owner
        if not isinstance(producer, QuantizedActivationOp) or not inner.has_one_use():
            return
        first, second = constant_of(producer.lut), constant_of(op.lut)
        if first is None or second is None:
            return
        table = constant_op(second[first.astype(np.int64) + 128], "lut")
        source = ViewOp(producer.input, op.input.type)
        rewriter.replace(
            op,
            [
                table,
                source,
                QuantizedActivationOp([source.output, table.result], op.output.type, {}),
            ],
        )


class DropIdentityLookup(RewritePattern):
    """Drop a lookup whose table maps each integer to itself."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: QuantizedActivationOp, rewriter: PatternRewriter) -> None:
        table = constant_of(op.lut)
        if table is not None and (table == np.arange(-128, 128)).all():
            rewriter.replace(op, (), (op.input,))


CANONICALIZATION: dict[str, tuple[RewritePattern, ...]] = {
    QuantizedActivationOp.name: (DropIdentityLookup(), ComposeLookups()),
    ViewOp.name: (ComposeViews(),),
    ScratchOp.name: (EraseUnusedScratch(),),
}
