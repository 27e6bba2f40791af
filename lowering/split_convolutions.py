"""Split 1×1 convolutions, so that each used part of the channels is computed separately."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern
from xdsl.rewriter import InsertPoint

from cmopt.dialects.constants import is_known
from cmopt.dialects.edge import CatOp, Conv2dOp, PermuteOp, ReshapeOp, SliceOp, is_nhwc
from cmopt.dialects.edge.elementwise import UnaryOp
from cmopt.dialects.permutations import order_of_bytes
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import element_of, int_of, ints_of, numel, resized, shape_of
from cmopt.lowering.rewrite import apply_patterns, recreated
from cmopt.lowering.weights import selected_rows

MOST_GROUPS = 4
"""The most convolution calls that may replace one transpose."""


def pointwise(value: SSAValue) -> Conv2dOp | None:
    """The NCHW convolution on int8 that makes a value, if it reads one position at a time.

    Its channels can be computed separately without gathering the input more than once.
    """
    op = value.owner
    if not isinstance(op, Conv2dOp) or is_nhwc(op) or int_of(op.groups) != 1:
        return None
    if shape_of(op.weight)[2:] != (1, 1) or quantized_element(op.output.type) is None:
        return None
    return op if all(is_known(v) for v in op.operands[1:]) else None


def behind_reshapes(value: SSAValue) -> SSAValue:
    """The value before the reshapes that make `value`, as long as nothing else reads between."""
    while isinstance(owner := value.owner, ReshapeOp) and value.has_one_use():
        value = owner.input
    return value


def part_of(conv: Conv2dOp, channels: NDArray[np.int64]) -> list[Operation]:
    """Ops that compute some output channels of a convolution; the last gives the result."""
    ops: list[Operation] = []
    operands: list[SSAValue] = [conv.input]
    for value in conv.operands[1:]:
        more, rows = selected_rows(value, channels)
        ops += more
        operands.append(rows)
    part = conv.with_operands(operands)
    part.results[0].name_hint = conv.output.name_hint
    return [*ops, part]


class SliceOfConvolution(RewritePattern):
    """`slice(conv(x))` along channels → `conv'(x)` with those channels only; exact.

    Only slices may read the convolution, and no two of them the same channel. A reshape between
    the convolution and the slice may split the channels.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SliceOp, rewriter: PatternRewriter) -> None:
        whole = op.input
        reshape = whole.owner if isinstance(whole.owner, ReshapeOp) else None
        conv = pointwise(whole if reshape is None else reshape.input)
        if conv is None or (reshape is not None and not conv.output.has_one_use()):
            return
        shape, (batch, channels, *_) = shape_of(whole), shape_of(conv.output)
        dims = [d for d in range(2, len(shape) + 1) if numel(shape[1:d]) == channels]
        users = [use.operation for use in whole.uses]
        if not dims or shape[0] != batch or not 1 <= int_of(op.dim) < dims[0]:
            return
        if not all(isinstance(user, SliceOp) and user.dim == op.dim for user in users):
            return
        if sum(shape_of(user.results[0])[int_of(op.dim)] for user in users) > shape[int_of(op.dim)]:
            return
        start, size = int_of(op.start), shape_of(op.output)[int_of(op.dim)]
        numbers = np.arange(channels).reshape(shape[1 : dims[0]])
        wanted = numbers.take(range(start, start + size), axis=int_of(op.dim) - 1).reshape(-1)
        ops = part_of(conv, wanted)
        rewriter.insert(ops, insertion_point=InsertPoint.before(conv))
        rewriter.replace(op, ReshapeOp([ops[-1].results[0]], op.output.type))


def split_by_readers(
    conv: Conv2dOp, whole: Operation, rewriter: PatternRewriter, function: UnaryOp | None
) -> None:
    """Compute each part of a convolution's channels, with the function behind it, separately.

    whole: the op whose result is read: the function, or the convolution if there is none. Only
    slices and concatenations along channels may read it, and no two slices the same channel.
    """
    result = whole.results[0]
    users = list(dict.fromkeys(use.operation for use in result.uses))
    slices = [user for user in users if isinstance(user, SliceOp) and int_of(user.dim) == 1]
    cats = [user for user in users if isinstance(user, CatOp) and int_of(user.dim) == 1]
    channels, borders = shape_of(result)[1], {0, shape_of(result)[1]}
    starts = {int_of(user.start): user for user in slices}
    end = 0
    for start, user in sorted(starts.items()):
        if start < end:
            return
        end = start + shape_of(user.output)[1]
        borders |= {start, end}
    if not slices or len(slices) + len(cats) != len(users) or len(starts) != len(slices):
        return
    if max(size for size in map(_channels, slices)) == channels:
        return
    ops: list[Operation] = []
    parts: list[SSAValue] = []
    for start, end in pairwise(sorted(borders)):
        if start not in starts and not cats:
            continue  # Nothing reads it.
        ops += part_of(conv, np.arange(start, end))
        if function is not None:
            shape = resized(shape_of(result), 1, end - start)
            type = TensorType(element_of(result), shape)
            ops.append(recreated(function, [ops[-1].results[0]], type))
            ops[-1].results[0].name_hint = result.name_hint
        parts.append(ops[-1].results[0])
        if start in starts:
            starts[start].output.replace_all_uses_with(parts[-1])
    rewriter.insert(ops, insertion_point=InsertPoint.before(whole))
    for cat in cats:
        values: list[SSAValue] = []
        for value in cat.operands:
            values += parts if value is result else [value]
        rewriter.replace(cat, CatOp.of(values, 1, element_of(cat.output)))
    for user in slices:
        rewriter.erase(user)
    rewriter.erase(whole)


def _channels(op: SliceOp) -> int:
    return shape_of(op.output)[1]


class SliceOfFunction(RewritePattern):
    """`slice(f(conv(x)))` along channels → `f(conv'(x))` with those channels only; exact.

    f is a function of one element. A concatenation that reads `f(conv(x))` takes the parts one
    after the other.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: UnaryOp, rewriter: PatternRewriter) -> None:
        conv = pointwise(op.input)
        if conv is not None and op.input.has_one_use():
            split_by_readers(conv, op, rewriter, op)


class SliceBesideCat(RewritePattern):
    """`slice(conv(x))` along channels → `conv'(x)`, if concatenations read the convolution too."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: Conv2dOp, rewriter: PatternRewriter) -> None:
        conv = pointwise(op.output)
        if conv is not None and any(isinstance(use.operation, CatOp) for use in op.output.uses):
            split_by_readers(conv, op, rewriter, None)


class TransposeOfConvolution(RewritePattern):
    """`permute(conv(x))` from [groups, channels, positions] to [groups, positions, channels] →
    `cat(permute(conv(x)), …)`, one convolution for each group; exact.

    Channels are last in the kernels' layout, so each of the new permutes moves no byte.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: PermuteOp, rewriter: PatternRewriter) -> None:
        conv = pointwise(behind_reshapes(op.input))
        if conv is None or not op.input.has_one_use():
            return
        shape, perm = shape_of(op.input), ints_of(op.perm)
        sizes = [size for size in shape if size != 1]
        order = order_of_bytes(shape, perm)
        if len(order) != 3 or order != tuple(sorted(order)[i] for i in (0, 2, 1)):
            return
        batch, channels, *_ = shape_of(conv.output)
        if batch != 1 or sizes[0] * sizes[1] != channels or sizes[0] > MOST_GROUPS:
            return
        ops: list[Operation] = []
        parts: list[SSAValue] = []
        one = resized(shape, order[0], 1)
        for group in np.arange(channels).reshape(sizes[0], sizes[1]):
            ops += part_of(conv, group)
            wide = ReshapeOp.of(ops[-1].results[0], one)
            ops += [wide, PermuteOp.of(wide.output, perm)]
            parts.append(ops[-1].results[0])
        rewriter.replace(op, [*ops, CatOp.of(parts, perm.index(order[0]))])


@dataclass(frozen=True)
class SplitConvolutionsPass(ModulePass):
    """Split 1×1 convolutions on int8 that are read in parts, or group by group.

    The result is not copied in parts or transposed: each part is computed where it is used, with
    as many products as before. For an NPU, which reads and writes parts without a copy, those that
    are also read as a whole stay.
    """

    name = "split-convolutions"

    npu: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if not self.npu:
            apply_patterns(op, SliceOfFunction(), SliceBesideCat())
        apply_patterns(op, SliceOfConvolution())
        apply_patterns(op, TransposeOfConvolution())
