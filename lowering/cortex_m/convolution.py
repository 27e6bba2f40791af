"""edge.conv2d and edge.linear → quantized_conv2d, quantized_depthwise_conv2d, quantized_linear."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.cortex_m import (
    QuantizedConv2dOp,
    QuantizedDepthwiseConv2dOp,
    QuantizedLinearOp,
)
from cmopt.dialects.edge import Conv2dOp, LinearOp
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import int_of, ints_of, numel, shape_of
from cmopt.lowering.constants import constant_of
from cmopt.lowering.cortex_m import scratch
from cmopt.lowering.cortex_m.common import (
    Builder,
    activation_range,
    element,
    fixed_point,
    int8_tensor,
    is_nhwc,
)
from cmopt.pipeline.targets import Isa


def integer_bias(op: Conv2dOp | LinearOp) -> NDArray[np.int32] | None:
    """The bias in accumulator steps (input scale · weight scale), to the nearest.

    A bias quantized at just that scale, as PT2E does it, comes out unchanged.
    """
    if op.bias is None or (stored := constant_of(op.bias)) is None:
        return None
    kind = element(op.bias)
    step = element(op.input).scale * element(op.weight).params.scales
    real = (stored.astype(np.int64) - kind.params.zero_points) * (kind.params.scales / step)
    limits = np.iinfo(np.int32)
    clipped: NDArray[np.float64] = np.clip(np.rint(real), limits.min, limits.max)
    return clipped.astype(np.int32)


def requantization(op: Conv2dOp | LinearOp) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Multipliers and shifts from accumulator to output, one per weight scale."""
    input, output = element(op.input).scale, element(op.output).scale
    pairs = [fixed_point(input * w / output) for w in element(op.weight).params.scales.tolist()]
    multipliers, shifts = zip(*pairs, strict=True)
    return np.array(multipliers, np.int32), np.array(shifts, np.int32)


@dataclass(frozen=True)
class Window:
    """A convolution's geometry: NHWC shapes, (h, w) stride, (top, left) padding, dilation."""

    input: tuple[int, ...]
    weight: tuple[int, ...]
    output: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    depthwise: bool = False

    def as_depthwise(self) -> Window:
        """With the weight [O,KH,KW,1] in the depthwise kernel's order [1,KH,KW,O]."""
        out, kh, kw, one = self.weight
        return replace(self, weight=(one, kh, kw, out), depthwise=True)

    def scratch(self, isa: Isa) -> int:
        """Bytes of working memory the kernel asks for."""
        size = scratch.depthwise_conv2d if self.depthwise else scratch.conv2d
        return size(isa, self.weight, **self.sizes)

    def upright(self) -> Window:
        """The same bytes with the only spatial axis on the height.

        A convolution over the width alone reaches `arm_convolve_1_x_n_s8` on MVE, which is wrong
        for many strides and paddings; over the height it does not, and a view costs nothing.
        """
        if self.input[1] != 1 or self.weight[1] != 1 or self.output[1] != 1 or self.weight[2] == 1:
            return self

        def swap(shape: tuple[int, ...]) -> tuple[int, ...]:
            return (shape[0], shape[2], shape[1], shape[3])

        def turn(pair: tuple[int, ...]) -> tuple[int, ...]:
            return (pair[1], pair[0])

        return Window(
            swap(self.input), swap(self.weight), swap(self.output),
            turn(self.stride), turn(self.padding), turn(self.dilation),
        )  # fmt: skip

    @property
    def sizes(self) -> dict[str, tuple[int, ...]]:
        """Keyword arguments of the scratch size functions, without the weight."""
        return {
            "input": self.input,
            "output": self.output,
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
        }


@dataclass
class ConvertConv2d(RewritePattern):
    """edge.conv2d (NHWC, constant weight) → one kernel call; at most 1 step.

    A bias in other steps than the accumulator's adds half a step of the accumulator.
    Depthwise convolutions (one input channel per group) of batch 1 go to the depthwise kernel. A
    convolution with one input channel is both: the kernel with less scratch takes it.
    """

    isa: Isa

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: Conv2dOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.input.type) is None or not is_nhwc(op):
            return
        top, _, left, _ = ints_of(op.padding)
        window = Window(
            shape_of(op.input), shape_of(op.weight), shape_of(op.output),
            ints_of(op.stride), (top, left), ints_of(op.dilation),
        ).upright()  # fmt: skip
        if int_of(op.groups) == window.input[3] and window.input[0] == 1:
            depthwise = window.as_depthwise()
            if window.input[3] > 1 or depthwise.scratch(self.isa) < window.scratch(self.isa):
                replace_by_convolution(op, depthwise, self.isa, rewriter)
                return
        replace_by_convolution(op, window, self.isa, rewriter)


def replace_by_convolution(
    op: Conv2dOp | LinearOp, window: Window, isa: Isa, rewriter: PatternRewriter
) -> None:
    """Replace `op` by the convolution kernel that `window` describes."""
    build = Builder(op, rewriter)
    weight = constant_of(op.weight)
    assert weight is not None
    if window.depthwise:
        weight = np.transpose(weight, (3, 1, 2, 0))
    channels_out = window.output[3]
    bias = integer_bias(op)
    if bias is None and window.input[3] != window.weight[3]:
        # A grouped kernel offsets its bias pointer, so it must have one.
        bias = np.zeros(channels_out, np.int32)
    operands: list[SSAValue | list[SSAValue]] = [
        build.view(build.storage(op.input), window.input),
        build.constant(np.asarray(weight, order="C").reshape(window.weight), op.weight.name_hint),
        [] if bias is None else [build.constant(bias, hint_of(op.bias))],
        *(
            build.constant(np.broadcast_to(values, channels_out), hint)
            for values, hint in zip(requantization(op), ("multipliers", "shifts"), strict=True)
        ),
        build.scratch(window.scratch(isa)),
    ]
    low, high = activation_range(op, element(op.output))
    properties: dict[str, int | tuple[int, ...]] = {
        "stride": window.stride,
        "padding": window.padding,
        "dilation": window.dilation,
        "input_offset": -element(op.input).zero_point,
        "output_offset": element(op.output).zero_point,
        "activation_min": low,
        "activation_max": high,
    }
    type = int8_tensor(window.output)
    if window.depthwise:
        properties["depth_multiplier"] = channels_out // window.input[3]
        result = build.add(QuantizedDepthwiseConv2dOp(operands, type, properties))
    else:
        result = build.add(QuantizedConv2dOp(operands, type, properties))
    build.finish(build.view(result, shape_of(op.output)))


def hint_of(value: SSAValue | None) -> str | None:
    """The name of an optional value."""
    return None if value is None else value.name_hint


@dataclass
class ConvertLinear(RewritePattern):
    """edge.linear (constant weight) → quantized_linear; at most 1 step, and as for conv2d.

    The kernel reads one multiplier only, so weights quantized per channel become a 1×1
    convolution instead.
    """

    isa: Isa

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: LinearOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.input.type) is None:
            return
        if element(op.weight).is_per_axis:
            rows, (out, depth) = numel(shape_of(op.input)[:-1]), shape_of(op.weight)
            shapes = (rows, 1, 1, depth), (out, 1, 1, depth), (rows, 1, 1, out)
            window = Window(*shapes, stride=(1, 1), padding=(0, 0), dilation=(1, 1))
            replace_by_convolution(op, window, self.isa, rewriter)
        else:
            replace_by_linear(op, self.isa, rewriter)


def replace_by_linear(op: LinearOp, isa: Isa, rewriter: PatternRewriter) -> None:
    """Replace `op` by the fully connected kernel, with the bias in the form the ISA reads."""
    build = Builder(op, rewriter)
    weight, bias = constant_of(op.weight), integer_bias(op)
    assert weight is not None
    input, weights = build.storage(op.input), build.constant(weight, op.weight.name_hint)
    offset = -element(op.input).zero_point
    biases: list[SSAValue] = []
    kernel_sums: list[SSAValue] = []
    if isa is Isa.MVE:
        sums = weight.astype(np.int64).sum(axis=1) * offset + (0 if bias is None else bias)
        kernel_sums = [build.constant(sums.astype(np.int32), "kernel_sum")]
    elif bias is not None:
        biases = [build.constant(bias, hint_of(op.bias))]
    multipliers, shifts = requantization(op)
    low, high = activation_range(op, element(op.output))
    build.finish(
        QuantizedLinearOp(
            [input, weights, biases, kernel_sums],
            int8_tensor(shape_of(op.output)),
            {
                "input_offset": offset,
                "filter_offset": 0,
                "output_offset": element(op.output).zero_point,
                "requantize_multipliers": multipliers.tolist(),
                "requantize_shifts": shifts.tolist(),
                "activation_max": high,
                "activation_min": low,
            },
        )
    )
