"""Canonicalization of `cortex_m`: views of views, scratch nobody uses."""

from __future__ import annotations

from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.cortex_m.memory import ScratchOp, ViewOp
from cmopt.lowering.constants import constant_of, typed_constant


class ComposeViews(RewritePattern):
    """`view(view(x))` → `view(x)`, or `x` where the type comes back."""

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
    """Scratch whose kernel call is gone."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ScratchOp, rewriter: PatternRewriter) -> None:
        if not op.output.uses:
            rewriter.erase(op)


CANONICALIZATION: dict[str, tuple[RewritePattern, ...]] = {
    ViewOp.name: (ComposeViews(),),
    ScratchOp.name: (EraseUnusedScratch(),),
}
