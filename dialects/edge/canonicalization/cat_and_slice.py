"""Canonicalization of `edge.slice` and `edge.cat`: slices of slices and of cats.

Every pattern is exact for any element type.
"""

from __future__ import annotations

from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.edge import CatOp, ReshapeOp, SliceOp, keeps_axis
from cmopt.dialects.shapes import element_of, int_of, shape_of


def kept_dim(op: ReshapeOp, dim: int) -> int | None:
    """The dimension of a reshape's operand that is dimension `dim` of its result, or None."""
    source, target = shape_of(op.input), shape_of(op.output)
    return next((d for d in range(len(source)) if keeps_axis(source, d, target, dim)), None)


def is_joined(value: SSAValue, dim: int) -> bool:
    """Whether `value` is a cat along `dim`, with no more than reshapes and other cats between."""
    owner = value.owner
    if isinstance(owner, ReshapeOp):
        kept = kept_dim(owner, dim)
        return kept is not None and is_joined(owner.input, kept)
    if not isinstance(owner, CatOp) or any(
        element_of(part) != element_of(value) for part in owner.inputs
    ):
        return False
    return int_of(owner.dim) == dim or all(is_joined(part, dim) for part in owner.inputs)


class ComposeSlices(RewritePattern):
    """`slice(slice(x))` along one dimension → `slice(x)`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SliceOp, rewriter: PatternRewriter) -> None:
        producer = op.input.owner
        if isinstance(producer, SliceOp) and producer.dim == op.dim:
            dim, start = int_of(op.dim), int_of(producer.start) + int_of(op.start)
            rewriter.replace(op, SliceOp.of(producer.input, dim, start, shape_of(op.output)[dim]))


class SliceOfCat(RewritePattern):
    """`slice(cat(a, b, …))` → the cat of each operand's part of the slice. Along another dimension
    than the cat's, each operand must be a cat along that dimension again."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SliceOp, rewriter: PatternRewriter) -> None:
        cat, dim = op.input.owner, int_of(op.dim)
        if not isinstance(cat, CatOp) or not is_joined(op.input, dim):
            return
        start, size, at = int_of(op.start), shape_of(op.output)[dim], 0
        parts: list[Operation] = []
        for part in cat.inputs:
            if int_of(cat.dim) != dim:
                parts.append(SliceOp.of(part, dim, start, size))
                continue
            length = shape_of(part)[dim]
            first, last = max(start, at), min(start + size, at + length)
            if first < last:
                parts.append(SliceOp.of(part, dim, first - at, last - first))
            at += length
        if not parts:
            return
        joined = CatOp.of([part.results[0] for part in parts], int_of(cat.dim))
        rewriter.replace(op, [*parts, joined])


class SliceOfReshape(RewritePattern):
    """`slice(reshape(x))` → `reshape(slice(x))` if the slice then reads a cat."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SliceOp, rewriter: PatternRewriter) -> None:
        reshape, dim = op.input.owner, int_of(op.dim)
        if not isinstance(reshape, ReshapeOp) or not is_joined(op.input, dim):
            return
        kept = kept_dim(reshape, dim)
        assert kept is not None
        part = SliceOp.of(reshape.input, kept, int_of(op.start), shape_of(op.output)[dim])
        rewriter.replace(op, [part, ReshapeOp([part.output], op.output.type)])


class JoinNeighbours(RewritePattern):
    """`cat(…, slice(x, a…b), slice(x, b…c), …)` → `cat(…, slice(x, a…c), …)`.

    The new slice must be all of x, or nothing else may read the two slices.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CatOp, rewriter: PatternRewriter) -> None:
        dim = int_of(op.dim)
        for index, (left, right) in enumerate(zip(op.inputs, op.inputs[1:], strict=False)):
            one, two = left.owner, right.owner
            if not isinstance(one, SliceOp) or not isinstance(two, SliceOp):
                continue
            if one.input is not two.input or not int_of(one.dim) == int_of(two.dim) == dim:
                continue
            size = shape_of(left)[dim]
            if int_of(two.start) != int_of(one.start) + size:
                continue
            both = SliceOp.of(one.input, dim, int_of(one.start), size + shape_of(right)[dim])
            if both.output.type != one.input.type and not (
                left.has_one_use() and right.has_one_use()
            ):
                continue
            parts = [*op.inputs[:index], both.output, *op.inputs[index + 2 :]]
            rewriter.replace(op, [both, CatOp([parts], op.output.type, dict(op.properties))])
            return


SLICE: tuple[RewritePattern, ...] = (ComposeSlices(), SliceOfCat(), SliceOfReshape())
CAT: tuple[RewritePattern, ...] = (JoinNeighbours(),)
