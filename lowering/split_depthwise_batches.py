"""One depthwise convolution for each item of a batch."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.edge import CatOp, Conv2dOp, SliceOp, is_nhwc
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import int_of, shape_of
from cmopt.lowering.legality import why_not_delegated
from cmopt.lowering.rewrite import apply_patterns


@dataclass
class SplitDepthwiseBatch(RewritePattern):
    """`conv2d(x)` with one input channel per group and N items → `cat(conv2d(x[0]), …)`; exact.

    The depthwise kernel takes one item. Slices and cat along the batch are ranges of bytes. What
    the NPU can compute stays, if there is an NPU.
    """

    npu: str = ""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: Conv2dOp, rewriter: PatternRewriter) -> None:
        items, *_, channels = shape_of(op.input)
        if not is_nhwc(op):
            return
        if items < 2 or channels == 1 or int_of(op.groups) != channels:
            return
        if quantized_element(op.input.type) is None or why_not_delegated(op, self.npu) is None:
            return
        ops: list[Operation] = []
        parts: list[SSAValue] = []
        for item in range(items):
            source = SliceOp.of(op.input, 0, item, 1)
            part = op.with_operands([source.output, *op.operands[1:]])
            ops += [source, part]
            parts.append(part.results[0])
        rewriter.replace(op, [*ops, CatOp.of(parts, 0)])


@dataclass(frozen=True)
class SplitDepthwiseBatchesPass(ModulePass):
    """Give each item of a batch its own depthwise convolution (quantized, NHWC).

    With `npu`, those that the NPU can do stay.
    """

    name = "split-depthwise-batches"

    npu: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, SplitDepthwiseBatch(self.npu))
