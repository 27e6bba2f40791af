"""Canonicalization of `edge.avg_pool2d` and `edge.max_pool2d`."""

from __future__ import annotations

from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.edge import AvgPool2dOp, MaxPool2dOp, data_format_of, spatial
from cmopt.dialects.shapes import ints, ints_of, shape_of


class DropTrivialPool(RewritePattern):
    """Drop a pool whose windows are single elements, if it changes no type and clamps nothing."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: AvgPool2dOp | MaxPool2dOp, rewriter: PatternRewriter) -> None:
        is_trivial = ints_of(op.kernel_size) == ints_of(op.stride) == (1, 1)
        if not is_trivial or any(ints_of(op.padding)) or op.input.type != op.output.type:
            return
        if any(op.properties.get(f"activation_{end}") is not None for end in ("min", "max")):
            return
        rewriter.replace(op, (), (op.input,))


class CutWindow(RewritePattern):
    """A window longer than its padded input becomes as long as that.

    `ceil_mode` allows one such window. It reads the same elements and divides by the same number.
    The stock average pool takes no such window: it rounds the negative quotient toward 0.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: AvgPool2dOp | MaxPool2dOp, rewriter: PatternRewriter) -> None:
        if isinstance(op, MaxPool2dOp) and ints_of(op.dilation) != (1, 1):
            return
        sizes = spatial(shape_of(op.input), data_format_of(op))[2:]
        top, bottom, left, right = ints_of(op.padding)
        spans = (sizes[0] + top + bottom, sizes[1] + left + right)
        kernel = ints_of(op.kernel_size)
        cut = tuple(map(min, kernel, spans))
        if cut == kernel:
            return
        op.kernel_size = ints(cut)
        rewriter.notify_op_modified(op)


POOL: tuple[RewritePattern, ...] = (DropTrivialPool(), CutWindow())
