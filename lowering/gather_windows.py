"""Bring the elements of dilated windows together, because the kernel takes adjacent elements."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.edge import MaxPool2dOp, TakeOp, is_nhwc
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import ints, ints_of, shape_of
from cmopt.lowering.rewrite import apply_patterns, recreated


class GatherDilatedWindows(RewritePattern):
    """`max_pool2d(x) {dilation}` → `max_pool2d(take(x))` of windows that do not overlap; exact.

    Padding is replaced by another element of the same window: counting an element twice does not
    change the maximum. A pool with a window without elements stays.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MaxPool2dOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.input.type) is None or ints_of(op.dilation) == (1, 1):
            return
        value: SSAValue = op.input
        takes: list[Operation] = []
        for axis, dim in enumerate((1, 2) if is_nhwc(op) else (2, 3)):
            size, count = shape_of(op.input)[dim], shape_of(op.output)[dim]
            lines: list[int] = []
            for window in range(count):
                start = window * ints_of(op.stride)[axis] - ints_of(op.padding)[2 * axis]
                step, kernel = ints_of(op.dilation)[axis], ints_of(op.kernel_size)[axis]
                places = range(start, start + step * kernel, step)
                inside = [place for place in places if 0 <= place < size]
                if not inside:
                    return
                lines += [place if 0 <= place < size else inside[0] for place in places]
            takes.append(take := TakeOp.of(value, dim, lines))
            value = take.output
        pool = recreated(
            op,
            [value],
            op.output.type,
            stride=op.kernel_size,
            padding=ints([0, 0, 0, 0]),
            dilation=ints([1, 1]),
        )
        rewriter.replace(op, [*takes, pool])


@dataclass(frozen=True)
class GatherWindowsPass(ModulePass):
    """Replace quantized max pools with dilation by pools without it, of gathered elements."""

    name = "gather-windows"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, GatherDilatedWindows())
