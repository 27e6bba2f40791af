"""Calls of each ``cortex_m::`` operator: their specified results, or why they fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from one_op_program import (
    INT8,
    INT16,
    NCHW,
    Array,
    Constant,
    Planned,
    Program,
    nhwc,
    nhwc_result,
    result,
    scratch,
)

from cmopt.interpreters import cmsis_nn as spec

MULTIPLIER = 1518500250


@dataclass
class Case:
    """expected: the output's content, or None if the call fails and logs `message`."""

    name: str
    program: Program
    expected: Array | None = None
    message: str = ""


class Random:
    """Data for one case, reproducible."""

    def __init__(self, seed: int) -> None:
        self.generator = np.random.default_rng(seed)

    def int8(self, *shape: int) -> Array:
        return self.generator.integers(-128, 128, shape).astype(np.int8)

    def bias(self, channels: int) -> Array:
        return self.generator.integers(-9000, 9000, channels).astype(np.int32)

    def scales(self, channels: int) -> dict[str, Array]:
        return {
            "multipliers": self.generator.integers(2**30, 2**31, channels).astype(np.int32),
            "shifts": self.generator.integers(-10, -5, channels).astype(np.int32),
        }


def replaced(args: Sequence[Any], index: int, value: Any) -> list[Any]:
    """A copy of `args` with one of them replaced."""
    return [value if i == index else arg for i, arg in enumerate(args)]


def constant(data: Array | None) -> Constant | None:
    return None if data is None else Constant(data)


Builder = Callable[[], Iterator[Case]]
BUILDERS: list[Builder] = []


def cases_of(builder: Builder) -> Builder:
    BUILDERS.append(builder)
    return builder


def all_cases() -> list[Case]:
    return [case for builder in BUILDERS for case in builder()]


def convolution(
    seed: int,
    input_shape: Sequence[int],
    filter_shape: Sequence[int],
    output_hw: tuple[int, int],
    *,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    with_bias: bool = True,
    scratch_bytes: int = 0,
) -> tuple[list[Any], Array]:
    random = Random(seed)
    input, weight = random.int8(*input_shape), random.int8(*filter_shape)
    channels = filter_shape[0]
    bias = random.bias(channels) if with_bias else None
    scales = random.scales(channels)
    expected = spec.convolve_s8(
        input,
        weight,
        bias,
        stride=stride,
        padding=padding,
        dilation=dilation,
        input_offset=100,
        output_offset=-7,
        activation_min=-100,
        activation_max=120,
        output_hw=output_hw,
        **scales,
    )
    return [
        nhwc(input),
        Constant(weight),
        constant(bias),
        stride,
        padding,
        dilation,
        100,
        -7,
        Constant(scales["multipliers"]),
        Constant(scales["shifts"]),
        -100,
        120,
        scratch(scratch_bytes),
        nhwc_result(expected.shape),
    ], expected


@cases_of
def convolution_cases() -> Iterator[Case]:
    name = "quantized_conv2d"

    def shapes(*shapes: tuple[int, ...], **options: Any) -> dict[str, Any]:
        names = ("input_shape", "filter_shape", "output_hw")
        return dict(zip(names, shapes, strict=True)) | options

    grouped = shapes((1, 4, 4, 6), (4, 3, 3, 3), (2, 2))
    plain = shapes((1, 6, 5, 3), (4, 3, 3, 3), (4, 3))
    variants = {
        "plain": plain,
        "without_bias": plain | {"with_bias": False},
        "scratch_of_another_target": plain | {"scratch_bytes": 8},
        "pointwise": shapes((1, 3, 4, 8), (5, 1, 1, 8), (3, 4)),
        "strided_pointwise": shapes((1, 5, 4, 8), (5, 1, 1, 8), (3, 2), stride=(2, 2)),
        "batch": shapes((2, 7, 6, 5), (6, 3, 2, 5), (4, 4), stride=(2, 2), padding=(1, 1)),
        "dilated": shapes((1, 9, 8, 2), (3, 3, 3, 2), (5, 4), dilation=(2, 2)),
        "grouped": grouped,
        "grouped_without_bias": grouped | {"with_bias": False},
        "one_dimensional": shapes((1, 1, 12, 4), (3, 1, 3, 4), (1, 12), padding=(0, 1)),
        "more_padding_at_the_end": shapes((1, 4, 4, 2), (3, 3, 3, 2), (2, 2), stride=(2, 2)),
    }
    for seed, (variant, arguments) in enumerate(variants.items()):
        args, expected = convolution(seed, **arguments)
        yield Case(f"{name}_{variant}", Program(name, args), expected)

    long, _ = convolution(1, (1, 65536, 1, 1), (1, 3, 1, 1), (65534, 1))
    message = "the longest axis with its padding is 65536, expected 1 to 65535"
    yield Case(f"{name}_long_axis", Program(name, long), message=message)

    args, _ = convolution(1, **plain)
    contiguous = Planned(args[0].data, (1, 3, 6, 5), NCHW)
    odd_filter = Constant(np.zeros((4, 3, 3, 2), np.int8))
    scales = np.full(3, MULTIPLIER, np.int32)
    failures = {
        "input_not_channels_last": (0, contiguous, r"input has dim order \[0, 1, 2, 3\]"),
        "input_of_int16": (0, Planned(np.zeros((1, 3, 6, 5), np.int16)), "input has dtype 2"),
        "filter_of_no_group": (1, odd_filter, "have no groups for a filter of 2 channels"),
        "short_bias": (2, Constant(np.zeros(3, np.int32)), "the length of bias is 3, expected 4"),
        "stride_of_zero": (3, (0, 1), "stride is 0"),
        "one_stride": (3, (1,), "stride has 1 values"),
        "negative_padding": (4, (0, -1), "padding is -1"),
        "input_offset_of_uint8": (6, 129, "input_offset is 129"),
        "short_multipliers": (8, Constant(scales), "requantize_multipliers is 3, expected 4"),
        "empty_activation": (10, 121, "activation_min 121 exceeds activation_max 120"),
        "output_too_large": (13, nhwc_result((1, 7, 3, 4)), "output height 7 does not follow"),
        "output_too_small": (13, nhwc_result((1, 2, 3, 4)), "output height 2 does not follow"),
        "output_of_other_channels": (13, nhwc_result((1, 4, 3, 5)), "the number of filters is 4"),
    }
    for variant, (index, value, message) in failures.items():
        program = Program(name, replaced(args, index, value))
        yield Case(f"{name}_{variant}", program, message=message)


def depthwise(
    seed: int,
    input_shape: Sequence[int],
    kernel: tuple[int, int],
    output_hw: tuple[int, int],
    *,
    multiplier: int = 1,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    with_bias: bool = True,
) -> tuple[list[Any], Array]:
    random = Random(seed)
    channels = input_shape[3] * multiplier
    input, weight = random.int8(*input_shape), random.int8(1, *kernel, channels)
    bias = random.bias(channels) if with_bias else None
    scales = random.scales(channels)
    expected = spec.depthwise_conv_s8(
        input,
        weight,
        bias,
        stride=stride,
        padding=padding,
        dilation=dilation,
        depth_multiplier=multiplier,
        input_offset=-5,
        output_offset=9,
        activation_min=-128,
        activation_max=100,
        output_hw=output_hw,
        **scales,
    )
    return [
        nhwc(input),
        Constant(weight),
        constant(bias),
        stride,
        padding,
        dilation,
        multiplier,
        -5,
        9,
        Constant(scales["multipliers"]),
        Constant(scales["shifts"]),
        -128,
        100,
        scratch(),
        nhwc_result(expected.shape),
    ], expected


@cases_of
def depthwise_cases() -> Iterator[Case]:
    name = "quantized_depthwise_conv2d"
    plain: dict[str, Any] = {
        "input_shape": (1, 6, 5, 6),
        "kernel": (3, 3),
        "output_hw": (6, 5),
        "padding": (1, 1),
    }
    variants = {
        "plain": plain,
        "without_bias": plain | {"with_bias": False},
        "strided": plain | {"stride": (2, 2), "output_hw": (3, 3)},
        "dilated": plain | {"dilation": (2, 1), "output_hw": (4, 5)},
        "one_channel": plain | {"input_shape": (1, 6, 5, 1), "multiplier": 4},
        "multiplied": plain | {"multiplier": 3},
    }
    for seed, (variant, arguments) in enumerate(variants.items()):
        args, expected = depthwise(seed, **arguments)
        yield Case(f"{name}_{variant}", Program(name, args), expected)

    long, _ = depthwise(1, (1, 32768, 1, 2), (3, 1), (32766, 1))
    message = "the longest axis with its padding is 32768, expected 1 to 32767"
    yield Case(f"{name}_long_axis", Program(name, long), message=message)

    args, _ = depthwise(1, **plain)
    other_output = nhwc_result((1, 6, 5, 12))
    other_filter = Constant(np.zeros((6, 3, 3, 1), np.int8))
    failures = {
        "other_multiplier": (6, 2, "the number of output channels is 6, expected 12"),
        "other_output": (14, other_output, "the number of output channels is 12, expected 6"),
        "filter_of_a_convolution": (1, other_filter, "dimension 0 of weight is 6, expected 1"),
    }
    for variant, (index, value, message) in failures.items():
        program = Program(name, replaced(args, index, value))
        yield Case(f"{name}_{variant}", program, message=message)
    batched = replaced(args, 0, nhwc(np.zeros((2, 6, 5, 6), np.int8)))
    batched = replaced(batched, 14, nhwc_result((2, 6, 5, 6)))
    yield Case(f"{name}_batch", Program(name, batched), message="the batch size is 2, expected 1")


def transposed_convolution(
    seed: int,
    input_shape: Sequence[int],
    filter_shape: Sequence[int],
    output_hw: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    output_padding: tuple[int, int],
) -> tuple[list[Any], Array]:
    random = Random(seed)
    input, weight = random.int8(*input_shape), random.int8(*filter_shape)
    bias, scales = random.bias(filter_shape[0]), random.scales(filter_shape[0])
    expected = spec.transpose_conv_s8(
        input,
        weight,
        bias,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=(1, 1),
        input_offset=3,
        output_offset=-1,
        activation_min=-128,
        activation_max=127,
        output_hw=output_hw,
        **scales,
    )
    return [
        nhwc(input),
        Constant(weight),
        Constant(bias),
        stride,
        padding,
        output_padding,
        (1, 1),
        3,
        -1,
        Constant(scales["multipliers"]),
        Constant(scales["shifts"]),
        -128,
        127,
        scratch(),
        scratch(),
        nhwc_result(expected.shape),
    ], expected


@cases_of
def transposed_convolution_cases() -> Iterator[Case]:
    name = "quantized_transpose_conv2d"
    variants: dict[str, tuple[Any, ...]] = {
        "plain": ((1, 3, 4, 2), (3, 2, 2, 2), (6, 8), (2, 2), (0, 0), (0, 0)),
        "padded": ((2, 3, 4, 2), (3, 5, 3, 2), (6, 8), (2, 2), (2, 1), (1, 1)),
        "longer_stride": ((1, 3, 4, 2), (3, 2, 1, 2), (9, 12), (3, 3), (0, 0), (1, 2)),
        "uneven_strides": ((1, 3, 3, 3), (2, 3, 4, 3), (5, 10), (1, 3), (0, 0), (0, 0)),
        "many_channels": ((1, 3, 3, 20), (4, 3, 3, 20), (5, 5), (2, 2), (1, 1), (0, 0)),
    }
    for seed, (variant, arguments) in enumerate(variants.items()):
        args, expected = transposed_convolution(seed, *arguments)
        yield Case(f"{name}_{variant}", Program(name, args), expected)

    args, _ = transposed_convolution(1, *variants["plain"])
    failures = {
        "dilated": (6, (2, 1), r"dilation\[0\] is 2, expected 1"),
        "other_output": (15, nhwc_result((1, 7, 8, 3)), "output height 7 does not follow"),
    }
    for variant, (index, value, message) in failures.items():
        program = Program(name, replaced(args, index, value))
        yield Case(f"{name}_{variant}", program, message=message)

    # The defects of limits.transposed_convolution_limit.
    wrong = "CMSIS-NN is wrong for input "
    defects: dict[str, tuple[Any, ...]] = {
        "overruns": ((1, 3, 4, 2), (3, 2, 2, 2), (7, 8), (3, 2), (1, 0), (1, 0), wrong),
        "miscounts": ((1, 3, 4, 2), (3, 4, 4, 2), (6, 8), (2, 2), (1, 1), (0, 0), wrong),
        "loses_rows": ((1, 1, 4, 2), (3, 6, 1, 2), (2, 4), (1, 1), (2, 0), (0, 0), wrong),
        "reads_past": ((1, 3, 4, 2), (3, 3, 3, 2), (7, 10), (2, 2), (0, 0), (0, 1), wrong),
        "scratch": ((1, 3, 4, 2), (3, 2, 1, 2), (4, 12), (1, 3), (0, 0), (0, 2), wrong),
        "trimmed": (
            *((1, 3, 4, 17), (3, 1, 2, 17), (3, 8), (2, 2), (1, 0), (0, 0)),
            "the padding of the height is 1, expected 0 to 0",
        ),
        "long": (
            *((1, 1, 32768, 17), (1, 1, 2, 17), (1, 65536), (1, 2), (0, 0), (0, 0)),
            "the longest axis with its padding is 65537, expected 1 to 65535",
        ),
    }
    for seed, (variant, (*arguments, message)) in enumerate(defects.items()):
        args, _ = transposed_convolution(seed, *arguments)
        yield Case(f"{name}_{variant}", Program(name, args), message=message)


def linear(seed: int, *, carries: str, filter_offset: int = 0) -> tuple[list[Any], Array]:
    """carries: what the program has: "bias", "kernel_sum", "both" or "neither"."""
    random = Random(seed)
    input, weights = random.int8(2, 3, 11), random.int8(5, 11)
    bias = random.bias(5)
    if carries == "neither":
        bias = np.zeros(5, np.int32)
    input_offset = 17
    sums = (weights.astype(np.int32) + filter_offset).sum(1) * input_offset + bias
    expected = spec.fully_connected_s8(
        input,
        weights,
        bias,
        input_offset=input_offset,
        filter_offset=filter_offset,
        output_offset=4,
        multiplier=MULTIPLIER,
        shift=-7,
        activation_min=-90,
        activation_max=90,
    )
    return [
        Planned(input),
        Constant(weights),
        Constant(bias) if carries in ("bias", "both") else None,
        Constant(sums.astype(np.int32)[None]) if carries in ("kernel_sum", "both") else None,
        input_offset,
        filter_offset,
        4,
        [MULTIPLIER],
        [-7],
        90,
        -90,
        result(expected.shape),
    ], expected


@cases_of
def linear_cases() -> Iterator[Case]:
    name = "quantized_linear"
    for seed, carries in enumerate(("bias", "kernel_sum", "both", "neither")):
        for filter_offset in (0, 6):
            args, expected = linear(seed, carries=carries, filter_offset=filter_offset)
            yield Case(f"{name}_{carries}_{filter_offset}", Program(name, args), expected)

    args, expected = linear(1, carries="bias")
    repeated = replaced(replaced(args, 7, [MULTIPLIER] * 5), 8, [-7] * 5)
    yield Case(f"{name}_repeated_multiplier", Program(name, repeated), expected)

    per_channel = replaced(repeated, 8, [-7, -7, -8, -7, -7])
    failures = {
        "per_channel": (per_channel, "requantization differs between output channels, at 2 of 5"),
        "no_multiplier": (replaced(args, 7, []), "0 requantize_multipliers"),
        "other_depth": (
            replaced(args, 0, Planned(np.zeros((2, 3, 10), np.int8))),
            "the last dimension of input is 10, expected 11",
        ),
        "other_rows": (replaced(args, 11, result((2, 2, 5))), "rows of out is 4, expected 6"),
        "short_kernel_sum": (
            replaced(args, 3, Constant(np.zeros((1, 4), np.int32))),
            "the length of kernel_sum is 4, expected 5",
        ),
    }
    for variant, (changed, message) in failures.items():
        yield Case(f"{name}_{variant}", Program(name, changed), message=message)


@cases_of
def batch_matmul_cases() -> Iterator[Case]:
    name = "quantized_batch_matmul"
    random = Random(5)
    lhs, rhs = random.int8(2, 3, 7), random.int8(2, 4, 7)
    expected = spec.batch_matmul_s8(
        lhs,
        rhs,
        lhs_offset=12,
        rhs_offset=-30,
        output_offset=2,
        multiplier=MULTIPLIER,
        shift=-7,
        activation_min=-128,
        activation_max=127,
    )
    args: list[Any] = [Planned(lhs), 12, Planned(rhs), -30, 2, MULTIPLIER, -7, scratch()]
    args.append(result(expected.shape))
    yield Case(name, Program(name, args), expected)
    wrong = Planned(np.zeros((2, 4, 6), np.int8))
    yield Case(
        f"{name}_other_depth",
        Program(name, replaced(args, 2, wrong)),
        message="the inner size of rhs_transposed is 6, expected 7",
    )


def add_arguments(a: Planned, b: Planned, out: Planned) -> tuple[list[Any], Array]:
    expected = spec.elementwise_add_s8(
        *np.broadcast_arrays(a.data, b.data),
        self_offset=3,
        self_multiplier=MULTIPLIER,
        self_shift=-1,
        other_offset=-20,
        other_multiplier=2**30,
        other_shift=0,
        left_shift=20,
        output_offset=5,
        output_multiplier=MULTIPLIER,
        output_shift=-18,
        activation_min=-110,
        activation_max=100,
    )
    args = [a, -3, MULTIPLIER, -1, b, 20, 2**30, 0, 5, MULTIPLIER, -18, -110, 100, out]
    return args, expected


def mul_arguments(a: Planned, b: Planned, out: Planned) -> tuple[list[Any], Array]:
    expected = spec.elementwise_mul_s8(
        *np.broadcast_arrays(a.data, b.data),
        self_offset=3,
        other_offset=-20,
        output_offset=5,
        output_multiplier=MULTIPLIER,
        output_shift=-6,
        activation_min=-128,
        activation_max=127,
    )
    return [a, -3, b, 20, 5, MULTIPLIER, -6, out], expected


@cases_of
def binary_cases() -> Iterator[Case]:
    random = Random(6)
    flat, other_flat = random.int8(3, 7), random.int8(3, 7)
    image, other_image = random.int8(2, 3, 4, 5), random.int8(2, 3, 4, 5)
    pixel = random.int8(1, 1, 1, 5)
    for name, arguments in (("quantized_add", add_arguments), ("quantized_mul", mul_arguments)):
        for variant, a, b, out in (
            ("flat", Planned(flat), Planned(other_flat), result((3, 7))),
            ("images", nhwc(image), nhwc(other_image), nhwc_result(image.shape)),
            ("image_and_channels", nhwc(image), nhwc(pixel), nhwc_result(image.shape)),
            ("channels_and_image", nhwc(pixel), nhwc(image), nhwc_result(image.shape)),
        ):
            args, expected = arguments(a, b, out)
            yield Case(f"{name}_{variant}", Program(name, args), expected)
        args, _ = arguments(nhwc(image), nhwc(pixel), nhwc_result(image.shape))
        contiguous = Planned(image, (2, 5, 3, 4), NCHW)
        short = result((3, 6))
        yield Case(
            f"{name}_contiguous_and_channels",
            Program(name, replaced(args, 0, contiguous)),
            message=r"self has dim order \[0, 1, 2, 3\]",
        )
        args, _ = arguments(Planned(flat), Planned(other_flat), short)
        yield Case(
            f"{name}_other_sizes",
            Program(name, args),
            message="dimension 1 of self is 7 and of out is 6",
        )
        args, _ = arguments(Planned(flat), Planned(other_flat), result((3, 7)))
        yield Case(
            f"{name}_shift_out_of_range",
            Program(name, replaced(args, len(args) - 2 if name == "quantized_mul" else 10, 32)),
            message="output multiplier 1518500250 and shift 32",
        )


@cases_of
def division_cases() -> Iterator[Case]:
    name = "quantized_div"
    random = Random(7)
    for dtype in (np.int8, np.int16):
        limits = np.iinfo(dtype)
        a, b = (
            random.generator.integers(limits.min, limits.max + 1, 300).astype(dtype)
            for _ in range(2)
        )
        b[:20] = 3
        with np.errstate(divide="ignore", invalid="ignore"):
            quotient = np.float32(a.astype(np.int32) + 4) / np.float32(b.astype(np.int32) - 3)
        value = np.where(b == 3, np.float32(0), quotient) * np.float32(7.25)
        # Halves away from zero; exact in float64.
        rounded = np.trunc(value.astype(np.float64) + np.copysign(0.5, value)) + 1
        expected = np.clip(rounded, limits.min, limits.max).astype(dtype)
        args = [Planned(a), -4, Planned(b), 3, 1, 7.25, result(a.shape, dtype)]
        yield Case(f"{name}_{dtype.__name__}", Program(name, args), expected)
        zero_points = {"self_zero_point": -4, "other_zero_point": 3, "output_zero_point": 1}
        assert np.array_equal(spec.div(a, b, output_scale=7.25, **zero_points), expected)
    infinite = replaced(args, 5, float("inf"))
    yield Case(f"{name}_infinite_scale", Program(name, infinite), message="output_scale inf")


@cases_of
def selection_cases() -> Iterator[Case]:
    random = Random(8)
    shapes = {
        "equal": ((2, 3, 4, 5), (2, 3, 4, 5)),
        "scalar": ((3, 4), (1,)),
        "rows": ((2, 3, 4), (4,)),
        "columns": ((2, 1, 4), (2, 3, 1)),
    }
    for name in ("minimum", "maximum"):
        for variant, (a_shape, b_shape) in shapes.items():
            a, b = random.int8(*a_shape), random.int8(*b_shape)
            rank = max(a.ndim, b.ndim)
            expected = getattr(spec, name)(
                a.reshape((1,) * (rank - a.ndim) + a_shape),
                b.reshape((1,) * (rank - b.ndim) + b_shape),
            )
            program = Program(name, [Planned(a), Planned(b), result(expected.shape)])
            yield Case(f"{name}_{variant}", program, expected)
        program = Program(name, [Planned(a), Planned(b), result((2, 3, 5))])
        yield Case(f"{name}_other_output", program, message="sizes 4 and 1 do not broadcast to 5")


@cases_of
def pooling_cases() -> Iterator[Case]:
    random = Random(9)
    input = random.int8(2, 6, 5, 3)
    window: dict[str, Any] = {"kernel": (3, 2), "stride": (2, 2), "padding": (1, 0)}
    lists = list(window.values())
    for ceil_mode, output_hw in ((False, (3, 2)), (True, (4, 3))):
        expected = spec.avgpool_s8(
            input, **window, activation_min=-128, activation_max=127, output_hw=output_hw
        )
        out = nhwc_result(expected.shape)
        args = [nhwc(input), *lists, ceil_mode, 0, 0, 0, scratch(), out]
        program = Program("quantized_avg_pool2d", args)
        yield Case(f"quantized_avg_pool2d_ceil_{ceil_mode}", program, expected)
    args = replaced(args, 4, False)
    yield Case(
        "quantized_avg_pool2d_other_output",
        Program("quantized_avg_pool2d", args),
        message="the output height is 4, expected 3",
    )
    expected = spec.max_pool_s8(
        input, **window, activation_min=-90, activation_max=90, output_hw=(3, 2)
    )
    out = nhwc_result(expected.shape)
    args = [nhwc(input), *lists, (1, 1), False, 2, 2, -90, 90, out]
    name = "quantized_max_pool2d"
    yield Case(name, Program(name, args), expected)
    failures = {
        "dilated": (4, (1, 2), r"dilation\[1\] is 2, expected 1"),
        "ceil_mode": (5, True, "ceil_mode is 1, expected 0"),
        "requantized": (7, 3, "output_zero_point is 3, expected 2"),
        "padded_by_a_kernel": (3, (0, 2), "horizontal padding is 2, expected 0 to 1"),
        "other_batch": (10, nhwc_result((1, 3, 2, 3)), "the batch size of out is 1, expected 2"),
    }
    for variant, (index, value, message) in failures.items():
        program = Program(name, replaced(args, index, value))
        yield Case(f"{name}_{variant}", program, message=message)


@cases_of
def softmax_cases() -> Iterator[Case]:
    input = Random(10).int8(2, 3, 10)
    expected = spec.softmax_s8(input, multiplier=MULTIPLIER, shift=22, diff_min=-351)
    args = [Planned(input), -1, 5, -128, MULTIPLIER, 22, -351, result(input.shape)]
    yield Case("softmax", Program("softmax", args), expected)
    yield Case("softmax_positive_dim", Program("softmax", replaced(args, 1, 2)), expected)
    failures = {
        "inner_dim": (1, 1, "dim is 1, expected 2"),
        "other_zero_point": (3, 0, "output_zero_point is 0, expected -128"),
        "right_shift": (5, -1, "input_shift is -1, expected 0 to 31"),
    }
    for variant, (index, value, message) in failures.items():
        program = Program("softmax", replaced(args, index, value))
        yield Case(f"softmax_{variant}", program, message=message)


@cases_of
def transpose_cases() -> Iterator[Case]:
    random = Random(11)
    for perm in ((0,), (1, 0), (0, 1), (2, 0, 1), (0, 3, 1, 2), (3, 2, 1, 0), (0, 1, 2, 3)):
        input = random.int8(*range(2, 2 + len(perm)))
        expected = spec.transpose(input, perm)
        program = Program("transpose", [Planned(input), perm, result(expected.shape)])
        yield Case(f"transpose_{'_'.join(map(str, perm))}", program, expected)
    args = [Planned(input), (0, 1, 2, 3), result(input.shape)]
    failures = {
        "repeated": (1, (0, 1, 1, 3), "perm names dimension 1 twice"),
        "negative": (1, (0, 1, 2, -1), "a value of perm is -1"),
        "short": (1, (0, 1, 2), "the length of perm is 3, expected 4"),
        "other_output": (2, result((2, 3, 4, 6)), "a size of out is 6, expected 5"),
    }
    for variant, (index, value, message) in failures.items():
        program = Program("transpose", replaced(args, index, value))
        yield Case(f"transpose_{variant}", program, message=message)
    for rows, columns, message in (
        (8, 9363, "the offset of a gathered row is 65541"),
        (65536, 2, "the number of rows is 65536"),
    ):
        args = [Planned(random.int8(rows, columns)), (1, 0), result((columns, rows))]
        yield Case(f"transpose_{rows}_rows", Program("transpose", args), message=message)
    large = random.int8(8, 9363, 1)
    expected = spec.transpose(large, (1, 0, 2))
    args = [Planned(large), (1, 0, 2), result(expected.shape)]
    yield Case("transpose_with_three_dimensions", Program("transpose", args), expected)


@cases_of
def pad_cases() -> Iterator[Case]:
    random = Random(12)
    image = random.int8(1, 3, 4, 5)
    pre, post = (0, 1, 2, 0), (0, 0, 1, 2)
    expected = spec.pad_s8(image, pre, post, -3)
    args = [nhwc(image), pre, post, -3, nhwc_result(expected.shape)]
    yield Case("pad_image", Program("pad", args), expected)
    matrix = random.int8(3, 4)
    expected = spec.pad_s8(matrix, (1, 0), (0, 2), 100)
    flat_args = [Planned(matrix), (0, 0, 1, 0), (0, 0, 0, 2), 100, result(expected.shape)]
    yield Case("pad_matrix", Program("pad", flat_args), expected)
    contiguous = Planned(image[..., :1], (1, 3, 4, 1), NCHW)
    ambiguous = Planned(random.int8(1, 1, 5, 4))
    failures = {
        "other_output": (args, 4, nhwc_result((1, 4, 7, 5)), "dimension 3 of out is 5, expected 7"),
        "short_list": (args, 1, (1, 2, 0), "pre_pad is 3, expected 4"),
        "negative": (args, 2, (0, 0, -1, 2), "post_pad is -1"),
        "value_out_of_range": (args, 3, 128, "pad_value is 128"),
        "contiguous_image": (args, 0, contiguous, "physical dimension 1 of out is 7, expected 4"),
        "absent_dimension": (flat_args, 1, (0, 1, 1, 0), "dimension 1 of out is 1, expected 2"),
    }
    for variant, (base, index, value, message) in failures.items():
        program = Program("pad", replaced(base, index, value))
        yield Case(f"pad_{variant}", program, message=message)
    one_channel = [ambiguous, (0, 0, 1, 1), (0, 0, 1, 1), 0, result((1, 1, 7, 6))]
    yield Case(
        "pad_one_channel_written_as_nchw",
        Program("pad", one_channel),
        message="physical dimension 1 of out is 7, expected 5",
    )


@cases_of
def activation_cases() -> Iterator[Case]:
    name = "quantized_activation"
    input = np.arange(-128, 128).astype(np.int8).reshape(16, 16)
    lut = Random(13).int8(256)
    args = [Planned(input), Constant(lut), result((256,))]
    yield Case(name, Program(name, args), spec.lookup_s8(input, lut).reshape(256))
    short = replaced(args, 1, Constant(lut[:255]))
    yield Case(f"{name}_short_table", Program(name, short), message="the length of lut is 255")
    smaller = replaced(args, 2, result((255,)))
    yield Case(f"{name}_other_size", Program(name, smaller), message="elements of out is 255")


@cases_of
def quantize_cases() -> Iterator[Case]:
    name = "quantize_per_tensor"
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 3e38, -3e38, 1e-40, -3162.0, 0.125, 0.375]
    noise = Random(14).generator.normal(0, 40, 500)
    ties = (np.arange(-300, 300) + 0.5) * 0.25
    x = np.concatenate([special, noise, ties]).astype(np.float32)
    for dtype, code, low, high in ((np.int8, INT8, -128, 127), (np.int16, INT16, -32768, 32767)):
        for scale, zero_point, qmin, qmax in (
            (0.25, 3, low, high),
            (0.05, low, low, high),
            (0.1, -20, -20, 90),
        ):
            expected = spec.quantize(x, scale, zero_point, qmin, qmax, dtype)
            args = [Planned(x), scale, zero_point, qmin, qmax, code, result(x.shape, dtype)]
            program = Program(name, args)
            yield Case(f"{name}_{dtype.__name__}_{scale}", program, expected)
    failures = {
        "scale_of_zero": (1, 0.0, "scale 0 has no finite reciprocal"),
        "range_beyond_the_type": (4, 32768, "quant_max is 32768"),
        "other_dtype": (5, INT8, "out has dtype 2, expected 1"),
        "other_sizes": (6, result((3,), np.int16), "out cannot take the sizes of input"),
        "int8_input": (0, Planned(np.zeros(x.shape, np.int8)), "input has dtype 1, expected 6"),
    }
    for variant, (index, value, message) in failures.items():
        program = Program(name, replaced(args, index, value))
        yield Case(f"{name}_{variant}", program, message=message)


def placed(data: Array, offset: int, *, output: bool = False) -> Planned:
    return Planned(data, output=output, offset=offset)


@cases_of
def in_place_cases() -> Iterator[Case]:
    """Outputs that the memory planner places over an input."""
    random = Random(15)
    a, b = random.int8(100), random.int8(100)
    over_a = placed(np.zeros(100, np.int8), 64, output=True)
    for name, arguments in (("quantized_add", add_arguments), ("quantized_mul", mul_arguments)):
        args, expected = arguments(placed(a, 64), placed(b, 256), over_a)
        yield Case(f"{name}_in_place", Program(name, args), expected)
    table = random.int8(256)
    args = [placed(a, 64), Constant(table), over_a]
    expected = spec.lookup_s8(a, table)
    yield Case("quantized_activation_in_place", Program("quantized_activation", args), expected)
    args = [placed(a, 64), placed(b, 256), over_a]
    yield Case("minimum_in_place", Program("minimum", args), spec.minimum(a, b))

    x = random.generator.normal(0, 10, 100).astype(np.float32)
    for dtype, code in ((np.int8, INT8), (np.int16, INT16)):
        low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
        expected = spec.quantize(x, 0.1, 5, low, high, dtype)
        out = placed(np.zeros(100, dtype), 64, output=True)
        args = [placed(x, 64), 0.1, 5, low, high, code, out]
        program = Program("quantize_per_tensor", args)
        yield Case(f"quantize_per_tensor_in_place_{dtype.__name__}", program, expected)

        q = expected
        out = placed(np.zeros(100, np.float32), 64, output=True)
        last_bytes = placed(q, 64 + out.data.nbytes - q.nbytes)
        args = [last_bytes, 0.1, 5, low, high, code, out]
        program = Program("dequantize_per_tensor", args)
        expected = spec.dequantize(q, 0.1, 5)
        yield Case(f"dequantize_per_tensor_in_place_{dtype.__name__}", program, expected)


@cases_of
def dequantize_cases() -> Iterator[Case]:
    name = "dequantize_per_tensor"
    for dtype, code in ((np.int8, INT8), (np.int16, INT16)):
        limits = np.iinfo(dtype)
        q = np.arange(limits.min, limits.max + 1, 1 if dtype == np.int8 else 97).astype(dtype)
        expected = spec.dequantize(q, 0.0317, -11)
        args = [Planned(q), 0.0317, -11, int(limits.min), int(limits.max), code]
        args.append(result(q.shape, np.float32))
        yield Case(f"{name}_{dtype.__name__}", Program(name, args), expected)
    yield Case(
        f"{name}_zero_point_outside",
        Program(name, replaced(args, 2, 40_000)),
        message="zero_point is 40000",
    )
