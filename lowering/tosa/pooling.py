"""edge.avg_pool2d and edge.max_pool2d (NHWC) → TOSA's pools."""

from __future__ import annotations

from xdsl.dialects.builtin import i32
from xdsl.ir import SSAValue

from cmopt.dialects import tosa
from cmopt.dialects.edge import AvgPool2dOp, MaxPool2dOp
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import int_of, ints, ints_of, shape_of
from cmopt.interpreters.arrays import dequantize, quantize
from cmopt.interpreters.functions import activation_bounds
from cmopt.lowering.integers import EVERY_INT8, activation_range, element, is_int8, is_nhwc
from cmopt.lowering.tosa.builder import NotInTosa, RegionBuilder, like
from cmopt.lowering.tosa.convolution import fit


def _check(op: AvgPool2dOp | MaxPool2dOp) -> None:
    if not is_nhwc(op):
        raise NotInTosa("works on NHWC")
    for value in (op.input, op.output):
        if not is_int8(quantized_element(value.type)):
            raise NotInTosa(f"takes int8 per tensor, got {value.type}")


def _stride(op: AvgPool2dOp | MaxPool2dOp) -> tuple[int, ...]:
    """The strides; 1 along an axis that has one window."""
    counts = shape_of(op.output)[1:3]
    return tuple(1 if n == 1 else s for n, s in zip(counts, ints_of(op.stride), strict=True))


def avg_pool2d(op: AvgPool2dOp, b: RegionBuilder) -> SSAValue:
    """The mean on the input's type, ≤ 1 step of it; then, where the result's differs, a table.

    Where padding counts, the input is padded with its zero point first.
    """
    _check(op)
    source, kind = b.value(op.input), element(op.input)
    padding = ints_of(op.padding)
    if int_of(op.count_include_pad) and any(padding):
        top, bottom, left, right = padding
        source = b.pad(source, (0, top, left, 0), (0, bottom, right, 0), kind.zero_point)
        padding = (0, 0, 0, 0)
    kernel, stride, counts = ints_of(op.kernel_size), _stride(op), shape_of(op.output)[1:3]
    source, pad = fit(source, counts, kernel, stride, padding, (1, 1), b)
    zero = b.number(kind.zero_point)
    # The NPU pools one image at a time.
    images = [b.slice_dim(source, 0, n, 1) for n in range(shape_of(source)[0])]
    pooled = [
        b.add(
            tosa.AvgPool2DOp.create(
                operands=[image, zero, zero],
                result_types=[like(image, (1, *counts, shape_of(image)[3]))],
                properties={
                    "kernel": op.kernel_size, "stride": ints(stride), "pad": ints(pad),
                    "acc_type": i32,
                },
            )
        )
        for image in images
    ]  # fmt: skip
    return _requantized(op, b.concat(pooled, 0), b)


def max_pool2d(op: MaxPool2dOp, b: RegionBuilder) -> SSAValue:
    """The maximum, then a clamp or, where the result's type differs, a table; exact."""
    _check(op)
    if ints_of(op.dilation) != (1, 1):
        raise NotInTosa("a window with dilation has no form in TOSA")
    kernel, stride, counts = ints_of(op.kernel_size), _stride(op), shape_of(op.output)[1:3]
    source = b.value(op.input)
    source, pad = fit(source, counts, kernel, stride, ints_of(op.padding), (1, 1), b)
    pooled = b.add(
        tosa.MaxPool2DOp.create(
            operands=[source],
            result_types=[like(source, shape_of(op.output))],
            properties={"kernel": op.kernel_size, "stride": ints(stride), "pad": ints(pad)},
        )
    )
    return _requantized(op, pooled, b)


def _requantized(op: AvgPool2dOp | MaxPool2dOp, value: SSAValue, b: RegionBuilder) -> SSAValue:
    source, target = element(op.input), element(op.output)
    if source == target:
        return b.clamp(value, *activation_range(op, target))
    real = dequantize(EVERY_INT8, source)
    low, high = activation_bounds(op)
    real = real if low is None else real.clip(min=low)
    real = real if high is None else real.clip(max=high)
    return b.table(value, quantize(real, target))
