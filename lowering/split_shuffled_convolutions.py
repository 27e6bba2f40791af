"""Split a convolution in front of a pixel shuffle, for an NPU: one for each row of pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.constants import is_known
from cmopt.dialects.edge import Conv2dOp, PermuteOp, ReshapeOp, is_nhwc
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import int_of, ints_of, shape_of
from cmopt.lowering.convolution_phases import Moves, woven
from cmopt.lowering.legality import why_not_delegated
from cmopt.lowering.rewrite import apply_patterns
from cmopt.lowering.split_convolutions import part_of
from cmopt.support.names import unknown_name
from cmopt.support.targets import NPUS

CHANNELS_AT_ONCE = 8
"""An NPU takes as long for fewer output channels as for this many (measured on a U55-128)."""


@dataclass(frozen=True)
class Shuffle:
    """A convolution whose channels become pixels.

    channels: the channels of the convolution by row of a pixel's block, by column, and by channel
    of the result: [rows, columns, C].
    """

    conv: Conv2dOp
    channels: NDArray[np.int64]
    result: ReshapeOp

    @staticmethod
    def of(op: PermuteOp) -> Shuffle | None:
        """The shuffle that a permute is the middle of, from [N,(3 parts of O),H,W] to
        [N,C,H,rows,W,columns]; None if it is another permute."""
        split, perm = op.input.owner, ints_of(op.perm)
        if not isinstance(split, ReshapeOp) or len(perm) != 6 or not op.output.has_one_use():
            return None
        conv, (use,) = split.input.owner, op.output.uses
        result, shape = use.operation, shape_of(op.input)
        if not isinstance(conv, Conv2dOp) or not isinstance(result, ReshapeOp):
            return None
        batch, outputs, *plane = shape_of(conv.output)
        if is_nhwc(conv) or (shape[0], *shape[4:]) != (batch, *plane):
            return None
        if (perm[0], perm[2], perm[4]) != (0, 4, 5):
            return None
        c, row, column = perm[1], perm[3], perm[5]
        image = (batch, shape[c], plane[0] * shape[row], plane[1] * shape[column])
        if shape_of(result.output) != image:
            return None
        numbers = np.arange(outputs).reshape(shape[1:4])
        return Shuffle(conv, numbers.transpose(row - 1, column - 1, c - 1), result)

    @property
    def takes_no_longer(self) -> bool:
        """Whether the convolutions of the rows together compute no more channels than before."""
        rows, columns, channels = self.channels.shape
        part, whole = columns * channels, rows * columns * channels
        return bool(rows * -(-part // CHANNELS_AT_ONCE) <= -(-whole // CHANNELS_AT_ONCE))

    def by_rows(self) -> Moves:
        """The result by a convolution for each row of the blocks."""
        rows, columns, channels = self.channels.shape
        batch, _, height, width = shape_of(self.conv.output)
        parts = []
        for row in self.channels:
            ops = part_of(self.conv, row.reshape(-1))
            part = Moves(ops, ops[-1].results[0])
            part.reshape((batch, columns, channels, height, width))
            part.append(PermuteOp.of(part.value, (0, 2, 3, 4, 1)))
            part.reshape((batch, channels, height, width * columns))
            parts.append(part)
        return woven(parts, rows)


@dataclass
class SplitIntoRows(RewritePattern):
    """`pixel_shuffle(conv2d(x))` → a `conv2d(x)` for each row of the blocks, interleaved; exact.

    Its channels are in the order of the pixels, so that an NPU writes each row where it belongs.
    For quantized convolutions that the NPU computes in no more time, and that nothing else reads.
    """

    npu: str

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: PermuteOp, rewriter: PatternRewriter) -> None:
        shuffle = Shuffle.of(op)
        if shuffle is None or not (_is_splittable(shuffle.conv) and op.input.has_one_use()):
            return
        if not shuffle.takes_no_longer:
            return
        build = shuffle.by_rows()
        if any(why_not_delegated(new, self.npu) for new in build.ops if isinstance(new, Conv2dOp)):
            build.drop()
            return
        rewriter.replace(shuffle.result, build.ops, (build.value,))


def _is_splittable(conv: Conv2dOp) -> bool:
    if quantized_element(conv.output.type) is None or int_of(conv.groups) != 1:
        return False
    return conv.output.has_one_use() and all(is_known(value) for value in conv.operands[1:])


@dataclass(frozen=True)
class SplitShuffledConvolutionsPass(ModulePass):
    """Split convolutions behind which a pixel shuffle stands, with an NPU; exact."""

    name = "split-shuffled-convolutions"

    npu: str = ""
    """A name of `support.targets.NPUS`, or empty: then nothing changes."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if not self.npu:
            return
        if self.npu not in NPUS:
            raise unknown_name("NPU", self.npu, NPUS)
        apply_patterns(op, SplitIntoRows(self.npu))
