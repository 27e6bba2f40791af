"""Cut off the taps of a convolution that read only padding."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.constants import constant_of, typed_constant
from cmopt.dialects.edge import Conv2dOp, data_format_of, spatial
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import element_of, ints, ints_of, shape_of, window_output
from cmopt.lowering.rewrite import apply_patterns, recreated


@dataclass(frozen=True)
class Axis:
    """One axis of a convolution: `size` inputs, `taps` weights `dilation` apart."""

    size: int
    taps: int
    stride: int
    before: int
    after: int
    dilation: int

    @property
    def output(self) -> int:
        """The number of output positions."""
        padding = self.before + self.after
        return window_output(self.size, self.taps, self.stride, padding, self.dilation)

    def is_live(self, tap: int) -> bool:
        """Whether a tap reads the input at some output position.

        At position i it reads element i·stride + first. The first position with an element ≥ 0 is
        -first / stride, rounded up. If any position reads the input, this one does.
        """
        first = tap * self.dilation - self.before
        position = max(0, -(first // self.stride))
        return position < self.output and position * self.stride + first < self.size

    def trimmed(self) -> tuple[Axis, int]:
        """The axis without dead taps at its ends, and the number of taps cut at the front.

        Returns the axis itself and 0 if no shorter axis has the same output: padding cannot be
        negative, or wider than the kernel reaches.
        """
        live = [tap for tap in range(self.taps) if self.is_live(tap)]
        if not live:
            return self, 0
        cut = min(live[0], self.before // self.dilation)
        taps, before = live[-1] - cut + 1, self.before - cut * self.dilation
        reach = self.dilation * (taps - 1)
        after = max(0, (self.output - 1) * self.stride + reach + 1 - self.size - before)
        short = Axis(self.size, taps, self.stride, before, after, self.dilation)
        if max(before, after) > reach or short.output != self.output:
            return self, 0
        return short, cut


class TrimPaddingTaps(RewritePattern):
    """conv2d(x, w) → conv2d(x, part of w) with less padding.

    A tap on padding adds weight · 0, because the padding of a quantized input is its zero point.
    Any data format, stride and dilation; the weight must be a constant.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: Conv2dOp, rewriter: PatternRewriter) -> None:
        weight = constant_of(op.weight)
        if weight is None or quantized_element(op.input.type) is None:
            return
        format = data_format_of(op)
        top, bottom, left, right = ints_of(op.padding)
        sizes, kernel = (spatial(shape_of(value), format)[2:] for value in (op.input, op.weight))
        borders = ((top, bottom), (left, right))
        axes = [
            Axis(size, taps, stride, *border, dilation)
            for size, taps, stride, border, dilation in zip(
                sizes, kernel, ints_of(op.stride), borders, ints_of(op.dilation), strict=True
            )
        ]
        results = [axis.trimmed() for axis in axes]
        if [axis.taps for axis, _ in results] == list(kernel):
            return
        rows, columns = (slice(cut, cut + axis.taps) for axis, cut in results)
        part = weight[:, :, rows, columns] if format == "NCHW" else weight[:, rows, columns]
        new_ops, value = typed_constant(
            part, TensorType(element_of(op.weight), part.shape), op.weight.name_hint
        )
        (height, _), (width, _) = results
        padding = [height.before, height.after, width.before, width.after]
        operands = [op.input, value, *op.operands[2:]]
        short = recreated(op, operands, op.output.type, padding=ints(padding))
        short.results[0].name_hint = op.output.name_hint
        rewriter.replace(op, [*new_ops, short])


@dataclass(frozen=True)
class TrimPaddingTapsPass(ModulePass):
    """Cut off the taps of quantized convolutions that read padding at every output position."""

    name = "trim-padding-taps"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, TrimPaddingTaps())
