"""edge.conv2d and edge.linear on int16 → convolutions of the dialect `cmopt`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from xdsl.dialects.builtin import IntegerAttr, TensorType, i64
from xdsl.ir import Operation, SSAValue

from cmopt.arithmetic.fixed_point import fixed_point
from cmopt.dialects import cmopt as own
from cmopt.dialects.constants import constant_of, typed_constant
from cmopt.dialects.cortex_m.limits import convolution_limit
from cmopt.dialects.edge import CatOp, Conv2dOp, LinearOp, SliceOp
from cmopt.dialects.edge.canonicalization.take_and_pad import fits
from cmopt.dialects.quant import UniformQuantizedType, qtype_of
from cmopt.dialects.shapes import element_of, int_of, ints_of, numel, shape_of
from cmopt.lowering.cortex_m import scratch
from cmopt.lowering.cortex_m.builder import KernelBuilder
from cmopt.lowering.cortex_m.convolution import hint_of, window_of
from cmopt.lowering.cortex_m.dispatch import Window
from cmopt.lowering.int16.values import clamp_of, int16_tensor, own_call, require_int16
from cmopt.lowering.rewrite import recreated
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.weights import symmetric_weight

REACH = 1 << 15
"""The greatest magnitude of an int16 activation."""

FAST_COLUMNS = 512
"""Products of a sum that `arm_convolve_s16` adds in 32 bits on MVE before it goes on in 64."""

LARGEST_FACTOR = 65535.0
"""The factor with which one step of a sum is the whole range of int16."""


def factors_of(steps: ArrayLike, output: float) -> NDArray[np.float64]:
    """What a kernel multiplies sums by, given their steps and the step of the output."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        return np.minimum(np.asarray(steps, np.float64) / output, LARGEST_FACTOR)


class Sums:
    """The sums of a convolution or linear layer: their bias, and the factors of their rescale.

    `bias` is int32 if no sum can overflow 32 bits, also after it is shifted left, else int64. All
    have one entry for each output channel.
    """

    def __init__(self, op: Conv2dOp | LinearOp, weight: NDArray[np.generic]):
        channels = len(weight)
        steps = qtype_of(op.input).scale * qtype_of(op.weight).params.scales
        steps = np.broadcast_to(steps, channels)
        factors = factors_of(steps, qtype_of(op.output).scale)
        pairs = [fixed_point(float(factor)) for factor in factors]
        self.multipliers = np.array([multiplier for multiplier, _ in pairs], np.int32)
        self.shifts = np.array([shift for _, shift in pairs], np.int32)
        bias = _integers(op, steps)
        magnitudes = np.abs(weight.astype(np.int64)).reshape(channels, -1)
        largest = (magnitudes.sum(axis=1) * REACH + np.abs(bias)).astype(np.float64)
        shifted = largest * 2.0 ** np.maximum(self.shifts, 0)
        self.is_long = weight.dtype == np.int16 or bool((shifted >= 2.0**31).any())
        self.bias = bias if self.is_long else bias.astype(np.int32)
        if self.is_long and (self.shifts > 14).any():
            raise Unsupported("the output's scale is too small for the kernel's shifts")
        first = magnitudes[:, :FAST_COLUMNS].sum(axis=1) * REACH
        if self.is_long and weight.dtype == np.int8 and (first >= 1 << 31).any():
            raise Unsupported("the weights are so large that the kernel's sums may overflow")


def _integers(op: Conv2dOp | LinearOp, steps: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bias in steps of the sums, rounded to nearest; zeros if there is none."""
    if op.bias is None or (stored := constant_of(op.bias)) is None:
        return np.zeros(len(steps), np.int64)
    kind = qtype_of(op.bias)
    real = (stored.astype(np.int64) - kind.params.zero_points) * (kind.params.scales / steps)
    if np.abs(real).max(initial=0) >= 2.0**46:
        raise Unsupported("a bias has more than 2^46 steps of the sums")
    return np.rint(real).astype(np.int64)


def conv2d(op: Conv2dOp, b: KernelBuilder) -> SSAValue:
    """edge.conv2d (NHWC, constant weight) → one call for each group, or a depthwise one.

    At most 1 step from sums of 32 bits, and 2 from sums of 64, whose multipliers have 16 bits.
    """
    require_int16(op.input, op.output)
    weight, groups = symmetric_weight(op, (8, 16)), int_of(op.groups)
    images, _, _, channels = shape_of(op.input)
    if groups == channels and groups > 1 and weight.dtype == np.int8:
        if images > 1:
            return b.expand(_for_each_image(op))
        return _depthwise(op, weight, b)
    if groups > 1:
        return b.expand(_for_each_group(op, weight))
    return _convolution(op, *_window(op, b), weight, b)


def linear(op: LinearOp, b: KernelBuilder) -> SSAValue:
    """edge.linear (constant weight) → a 1×1 convolution; bounds as for conv2d."""
    require_int16(op.input, op.output)
    weight = symmetric_weight(op, (8, 16))
    out, depth = weight.shape
    rows = numel(shape_of(op.input)[:-1])
    shapes = (rows, 1, 1, depth), (out, 1, 1, depth), (rows, 1, 1, out)
    window = Window(*shapes, stride=(1, 1), padding=(0, 0), dilation=(1, 1))
    return _convolution(op, b.value(op.input), window, weight, b)


def _window(op: Conv2dOp, b: KernelBuilder) -> tuple[SSAValue, Window]:
    """The input and the geometry. An input is padded before if a window may lie in the padding."""
    window, source = window_of(op).without_idle_dilation(), b.value(op.input)
    if not fits(op, ints_of(op.padding), "NHWC"):
        source = padded(b, source, ints_of(op.padding))
        window = replace(window, input=shape_of(source), padding=(0, 0))
    return source, window


def padded(b: KernelBuilder, value: SSAValue, border: tuple[int, ...]) -> SSAValue:
    """An NHWC tensor of int16, padded by [top, bottom, left, right] with zeros."""
    n, h, w, c = shape_of(value)
    top, bottom, left, right = border
    type = int16_tensor((n, h + top + bottom, w + left + right, c))
    amounts = [0, 0, left, right, top, bottom, 0, 0]
    return b.portable("aten.constant_pad_nd.default", value, amounts, 0, type=type)


def _convolution(
    op: Conv2dOp | LinearOp,
    source: SSAValue,
    window: Window,
    weight: NDArray[np.generic],
    b: KernelBuilder,
) -> SSAValue:
    sums = Sums(op, weight)
    size = 0 if weight.dtype == np.int16 else scratch.conv2d_s16(b.isa, window)
    properties: dict[str, int | tuple[int, ...]] = {
        "stride": window.stride, "padding": window.padding, "dilation": window.dilation,
        **clamp_of(op),
    }  # fmt: skip
    _require_counted(window)
    operands = _operands(op, b.view(source, window.input), weight, window, sums, size, b)
    type = int16_tensor(window.output)
    return b.view(own_call(b, own.QuantizedConv2dOp(operands, type, properties)),
                  shape_of(op.output))  # fmt: skip


def _depthwise(op: Conv2dOp, weight: NDArray[np.generic], b: KernelBuilder) -> SSAValue:
    source, window = _window(op, b)
    window = window.as_depthwise()
    _require_counted(window)
    sums = Sums(op, weight)
    if (sums.shifts > 14).any():
        raise Unsupported("the output's scale is too small for the kernel's shifts")
    sums.bias = sums.bias.astype(np.int64)
    size = scratch.depthwise_conv2d_s16(b.isa, window)
    filters = np.transpose(weight, (3, 1, 2, 0))
    properties: dict[str, int | tuple[int, ...]] = {
        "stride": window.stride, "padding": window.padding, "dilation": window.dilation,
        "depth_multiplier": window.output[3] // window.input[3], **clamp_of(op),
    }  # fmt: skip
    operands = _operands(op, source, filters, window, sums, size, b)
    type = int16_tensor(window.output)
    return own_call(b, own.QuantizedDepthwiseConv2dOp(operands, type, properties))


def _require_counted(window: Window) -> None:
    """Raise Unsupported if sizes are longer than the kernels can count."""
    reason = convolution_limit(
        window.input, window.weight, window.output, window.padding, window.dilation,
        depthwise=window.depthwise,
    )  # fmt: skip
    if reason is not None:
        raise Unsupported(reason)


def _operands(
    op: Conv2dOp | LinearOp,
    source: SSAValue,
    weight: NDArray[np.generic],
    window: Window,
    sums: Sums,
    size: int,
    b: KernelBuilder,
) -> list[SSAValue]:
    filters = np.asarray(weight, order="C").reshape(window.weight)
    return [
        source,
        b.constant(filters, op.weight.name_hint),
        b.constant(sums.bias, hint_of(op.bias) or "bias"),
        b.constant(sums.multipliers, "multipliers"),
        b.constant(sums.shifts, "shifts"),
        b.scratch(size),
    ]


def _for_each_image(op: Conv2dOp) -> list[Operation]:
    """One convolution for each image, joined."""
    images = [SliceOp.of(op.input, 0, item, 1) for item in range(shape_of(op.input)[0])]
    type = TensorType(element_of(op.output), (1, *shape_of(op.output)[1:]))
    parts = [recreated(op, [image.output, *op.operands[1:]], type) for image in images]
    return [*images, *parts, CatOp.of([part.results[0] for part in parts], 0)]


def _for_each_group(op: Conv2dOp, weight: NDArray[np.generic]) -> list[Operation]:
    """One convolution for each group of channels, joined."""
    groups, out = int_of(op.groups), len(weight)
    ins, outs = shape_of(op.input)[3] // groups, out // groups
    shape = shape_of(op.output)
    ops: list[Operation] = []
    parts: list[SSAValue] = []
    for group in range(groups):
        channels = slice(group * outs, (group + 1) * outs)
        source = SliceOp.of(op.input, 3, group * ins, ins)
        operands: list[SSAValue] = [source.output]
        ops.append(source)
        for value in op.operands[1:]:
            stored, element = constant_of(value), qtype_of(value)
            assert stored is not None
            part = TensorType(_part(element, channels), stored[channels].shape)
            made, constant = typed_constant(stored[channels], part, value.name_hint)
            ops.extend(made)
            operands.append(constant)
        type = TensorType(element_of(op.output), (*shape[:3], outs))
        conv = recreated(op, operands, type, groups=IntegerAttr(1, i64))
        ops.append(conv)
        parts.append(conv.results[0])
    return [*ops, CatOp.of(parts, 3)]


def _part(element: UniformQuantizedType, channels: slice) -> UniformQuantizedType:
    """The type of some output channels of a weight or bias."""
    if not element.is_per_axis:
        return element
    return UniformQuantizedType.get(
        element.storage,
        element.params.scales[channels].tolist(),
        element.params.zero_points[channels].tolist(),
        axis=element.axis.data,
        storage_range=element.storage_range,
    )
