"""Random calls of the CMSIS-NN functions, as bytes for `kernel_cases.c` and as calls of a library.

Each function of `KERNELS` draws one call: shapes down to size 1, all strides, paddings, dilations
and groups that the kernels take, extremes of int8 values, offsets, multipliers and shifts.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from cmsis_nn_capi import CmsisNN, Int8, Int32
from numpy.random import Generator
from numpy.typing import NDArray

from cmopt.lowering.cortex_m import scratch
from cmopt.support.targets import Isa

Pair = tuple[int, int]


@dataclass
class Case:
    """One call. ints and arrays: in the order in which `kernel_cases.c` reads them.

    expected: the result, by the portable library. planned: bytes of scratch that a program for the
    instruction set plans. aliased: the array that the result may overwrite.
    """

    ints: Sequence[int]
    arrays: Sequence[NDArray[Any] | None]
    expected: Callable[[CmsisNN], NDArray[Any]]
    planned: Callable[[Isa], tuple[int, int]] = field(default=lambda isa: (0, 0))
    aliased: int = -1


def random_bytes(rng: Generator, *shape: int) -> Int8:
    """int8 values: any, or the extremes, or the smallest one only."""
    kind = rng.integers(8)
    if kind == 0:
        return np.full(shape, -128, np.int8)
    if kind == 1:
        return rng.choice(np.array([-128, -127, 127], np.int8), shape)
    return rng.integers(-128, 128, shape, np.int8)


def random_bias(rng: Generator, channels: int) -> Int32 | None:
    bound = int(rng.choice([0, 1 << 12, 1 << 17, (1 << 31) - 1]))
    return rng.integers(-bound, bound + 1, channels).astype(np.int32) if bound else None


def random_scale(rng: Generator) -> Pair:
    """Multiplier and shift: of a real layer, or any."""
    kind = rng.integers(10)
    if kind == 0:
        return int(rng.integers(-(1 << 31), 1 << 31)), int(rng.integers(-31, 32))
    if kind == 1:
        return int(rng.choice([-(1 << 31), (1 << 31) - 1, 1 << 30])), int(rng.integers(-31, 32))
    return int(rng.integers(1 << 30, 1 << 31)), int(rng.integers(-14, -2))


def random_scales(rng: Generator, channels: int) -> dict[str, Int32]:
    """A scale for each channel: all of real layers, or any."""
    if rng.integers(5):
        multipliers = rng.integers(1 << 30, 1 << 31, channels)
        shifts = rng.integers(-14, int(rng.choice([-4, -2, 0, 3])), channels)
    else:
        pairs = [random_scale(rng) for _ in range(channels)]
        multipliers, shifts = np.array(pairs, np.int64).T
    return {
        "multipliers": np.ascontiguousarray(multipliers.astype(np.int32)),
        "shifts": np.ascontiguousarray(shifts.astype(np.int32)),
    }


def random_output(rng: Generator) -> dict[str, int]:
    """Offset and clamp of an output: often those of a ReLU."""
    if rng.integers(3) == 0:
        return {"output_offset": -128, "activation_min": -128, "activation_max": 127}
    low, high = sorted(rng.integers(-128, 128, 2).tolist())
    if rng.integers(2):
        low, high = -128, 127
    offset = int(rng.choice([-128, 127, low, rng.integers(-128, 128)]))
    return {"output_offset": offset, "activation_min": low, "activation_max": high}


def random_offset(rng: Generator) -> int:
    return int(rng.choice([-127, 128, rng.integers(-127, 129)]))


def random_channels(rng: Generator) -> int:
    return int(rng.choice([1, 2, 3, 4, 8, 16, 17, 32, 33, rng.integers(1, 41)]))


def axis(rng: Generator, taps: int, stride: int, dilation: int, longest: int) -> tuple[int, ...]:
    """Input size, padding and output size along one axis of a window."""
    reach = (taps - 1) * dilation
    padding = int(rng.integers(0, reach + 1)) if rng.integers(4) else reach // 2
    size = int(rng.integers(max(1, reach + 1 - 2 * padding), reach + longest))
    output = (size + 2 * padding - reach - 1) // stride + 1
    if output * stride - padding < size:
        output += int(rng.integers(2))
    return size, padding, output


def random_window(rng: Generator, dilated: bool = True, longest: Pair = (9, 9)) -> dict[str, Pair]:
    pairs = []
    square = bool(rng.integers(2))
    taps = int(rng.choice([1, 3, 3, rng.integers(1, 6)]))
    stride = int(rng.choice([1, 1, 2, 3]))
    for most in longest:
        taps = taps if square else int(rng.choice([1, 2, 3, 5, rng.integers(1, 11)]))
        stride = stride if square else int(rng.choice([1, 1, 2, 3, 6]))
        dilation = int(rng.choice([1, 1, 1, 1, 2, 3])) if dilated else 1
        pairs.append((*axis(rng, taps, stride, dilation, most), taps, stride, dilation))
    names = ("hw", "padding", "output_hw", "kernel", "stride", "dilation")
    return dict(zip(names, zip(*pairs, strict=True), strict=True))


def convolution_ints(
    shapes: Sequence[Sequence[int]], tiles: Sequence[Pair], offset: int, output: dict[str, int]
) -> list[int]:
    return [
        *(size for shape in shapes for size in shape),
        *(step for pair in tiles for step in pair),
        output["activation_min"],
        output["activation_max"],
        offset,
        output["output_offset"],
    ]


def convolve(rng: Generator) -> Case:
    window = random_window(rng)
    groups = int(rng.choice([1, 1, 1, 1, 2, 3]))
    depth, outputs = random_channels(rng), random_channels(rng) * groups
    batch = int(rng.choice([1, 1, 1, 2]))
    if rng.integers(3) == 0:
        # Without padding, and one tap: the fast way of a pointwise convolution.
        size = (int(rng.integers(1, 9)), int(rng.integers(1, 9)))
        stride = (1, 1) if rng.integers(3) else (2, int(rng.integers(1, 3)))
        out = tuple((s - 1) // t + 1 for s, t in zip(size, stride, strict=True))
        window = {"hw": size, "output_hw": out, "stride": stride}
        window |= {"kernel": (1, 1), "padding": (0, 0), "dilation": (1, 1)}
        groups = 1
        depth = int(rng.choice([depth, 64, 100, rng.integers(1, 200)]))
    input = random_bytes(rng, batch, *window["hw"], depth * groups)
    filter = random_bytes(rng, outputs, *window["kernel"], depth)
    bias, scales = random_bias(rng, outputs), random_scales(rng, outputs)
    offset, output = random_offset(rng), random_output(rng)
    tiles = {name: window[name] for name in ("stride", "padding", "dilation")}
    shape = (batch, *window["output_hw"], outputs)
    return Case(
        convolution_ints((input.shape, filter.shape, shape), list(tiles.values()), offset, output),
        [input, filter, bias, scales["multipliers"], scales["shifts"]],
        lambda library: library.convolve(
            input,
            filter,
            bias,
            **tiles,
            **scales,
            **output,
            input_offset=offset,
            output_hw=window["output_hw"],
        ),
        lambda isa: (
            scratch.conv2d(isa, filter.shape, input=input.shape, output=shape, **tiles),
            0,
        ),
    )


def depthwise(rng: Generator) -> Case:
    wide = int(rng.choice([9, 9, 9, 130]))
    window = random_window(rng, dilated=bool(rng.integers(3) == 0), longest=(9, wide))
    channels, multiplier = random_channels(rng), int(rng.choice([1, 1, 1, 1, 2, 3]))
    input = random_bytes(rng, 1, *window["hw"], channels)
    filter = random_bytes(rng, 1, *window["kernel"], channels * multiplier)
    bias = random_bias(rng, channels * multiplier)
    scales = random_scales(rng, channels * multiplier)
    offset, output = random_offset(rng), random_output(rng)
    tiles = {name: window[name] for name in ("stride", "padding", "dilation")}
    shape = (1, *window["output_hw"], channels * multiplier)
    return Case(
        convolution_ints((input.shape, filter.shape, shape), list(tiles.values()), offset, output),
        [input, filter, bias, scales["multipliers"], scales["shifts"]],
        lambda library: library.depthwise(
            input,
            filter,
            bias,
            **tiles,
            **scales,
            **output,
            depth_multiplier=multiplier,
            input_offset=offset,
            output_hw=window["output_hw"],
        ),
        lambda isa: (
            scratch.depthwise_conv2d(isa, filter.shape, input=input.shape, output=shape, **tiles),
            0,
        ),
    )


def transpose_conv(rng: Generator) -> Case:
    channels, outputs = random_channels(rng), random_channels(rng)
    hw = (int(rng.integers(1, 7)), int(rng.integers(1, 7)))
    kernel = (int(rng.integers(1, 5)), int(rng.integers(1, 5)))
    stride = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    padding = (int(rng.integers(0, kernel[0])), int(rng.integers(0, kernel[1])))
    more = (int(rng.integers(0, stride[0])), int(rng.integers(0, stride[1])))
    sizes = zip(hw, kernel, stride, padding, more, strict=True)
    output_hw = tuple(max(1, (n - 1) * s - 2 * p + k + m) for n, k, s, p, m in sizes)
    batch = int(rng.integers(1, 3))
    input = random_bytes(rng, batch, *hw, channels)
    filter = random_bytes(rng, outputs, *kernel, channels)
    bias, scales = random_bias(rng, outputs), random_scales(rng, outputs)
    offset, output = random_offset(rng), random_output(rng)
    tiles = {"stride": stride, "padding": padding, "output_padding": more}
    shape = (batch, *output_hw, outputs)
    window = {"stride": stride, "padding": padding, "dilation": (1, 1)}
    return Case(
        convolution_ints((input.shape, filter.shape, shape), list(tiles.values()), offset, output),
        [input, filter, bias, scales["multipliers"], scales["shifts"]],
        lambda library: library.transpose_conv(
            input,
            filter,
            bias,
            **tiles,
            **scales,
            **output,
            input_offset=offset,
            output_hw=output_hw,
        ),
        lambda isa: scratch.transpose_conv2d(
            isa, filter.shape, more, input=input.shape, output=shape, **window
        ),
    )


def fully_connected(rng: Generator) -> Case:
    rows, outputs = int(rng.choice([1, 1, 2, 5])), random_channels(rng)
    columns = int(rng.choice([random_channels(rng), rng.integers(1, 300)]))
    input, weights = random_bytes(rng, rows, columns), random_bytes(rng, outputs, columns)
    bias, quant = random_bias(rng, outputs), random_scale(rng)
    output, offset = random_output(rng), random_offset(rng)
    filter_offset = int(rng.choice([0, 0, 0, random_offset(rng)]))
    clamp = [output["activation_min"], output["activation_max"]]
    return Case(
        [rows, columns, outputs, *quant, *clamp, offset, filter_offset, output["output_offset"]],
        [input, weights, bias],
        lambda library: library.fully_connected(
            input,
            weights,
            bias,
            **output,
            input_offset=offset,
            filter_offset=filter_offset,
            multiplier=quant[0],
            shift=quant[1],
        ),
        lambda isa: (scratch.batch_matmul(isa, outputs, columns), 0),
    )


def batch_matmul(rng: Generator) -> Case:
    batch, rows, columns = (int(n) for n in rng.integers(1, 5, 3))
    depth = random_channels(rng)
    columns = int(rng.choice([columns, random_channels(rng)]))
    left, right = random_bytes(rng, batch, rows, depth), random_bytes(rng, batch, columns, depth)
    multiplier, shift = random_scale(rng)
    output, offsets = random_output(rng), (random_offset(rng), random_offset(rng))
    clamp = [output["activation_min"], output["activation_max"]]
    sizes = [1, *left.shape, 1, *right.shape, 1, batch, rows, columns]
    return Case(
        [*sizes, multiplier, shift, *clamp, *offsets, output["output_offset"]],
        [left, right],
        lambda library: library.batch_matmul(
            left,
            right,
            **output,
            lhs_offset=offsets[0],
            rhs_offset=offsets[1],
            multiplier=multiplier,
            shift=shift,
        ),
        lambda isa: (scratch.batch_matmul(isa, columns, depth), 0),
    )


def vector_sum(rng: Generator) -> Case:
    weights = random_bytes(rng, random_channels(rng), int(rng.integers(1, 200)))
    bias, offsets = random_bias(rng, weights.shape[0]), (random_offset(rng), random_offset(rng))
    return Case(
        [weights.shape[1], weights.shape[0], *offsets],
        [weights, bias],
        lambda library: library.vector_sum(weights, *offsets, bias),
    )


def add(rng: Generator) -> Case:
    count = int(rng.integers(1, 200))
    a, b = random_bytes(rng, count), random_bytes(rng, count)
    scales = [random_scale(rng) for _ in range(3)]
    if rng.integers(3):
        # As the compiler makes them: both inputs are scaled to at most 1/2, the sum by 2^-19.
        scales = [(int(rng.integers(1 << 30, 1 << 31)), int(rng.integers(-6, 1))) for _ in "ab"]
        scales.append((int(rng.integers(1 << 30, 1 << 31)), int(rng.integers(-20, -14))))
    output, offsets = random_output(rng), (random_offset(rng), random_offset(rng))
    shift = int(rng.choice([20, 20, 20, rng.integers(0, 32)]))
    clamp = [output["activation_min"], output["activation_max"]]
    inputs = [offsets[0], *scales[0], offsets[1], *scales[1], shift]
    return Case(
        [*inputs, output["output_offset"], *scales[2], *clamp],
        [a, b],
        lambda library: library.add(
            a,
            b,
            self_offset=offsets[0],
            self_multiplier=scales[0][0],
            self_shift=scales[0][1],
            other_offset=offsets[1],
            other_multiplier=scales[1][0],
            other_shift=scales[1][1],
            left_shift=shift,
            output_multiplier=scales[2][0],
            output_shift=scales[2][1],
            **output,
        ),
        aliased=int(rng.integers(-1, 2)),
    )


def mul(rng: Generator) -> Case:
    count = int(rng.integers(1, 200))
    a, b = random_bytes(rng, count), random_bytes(rng, count)
    output, offsets = random_output(rng), (random_offset(rng), random_offset(rng))
    multiplier, shift = random_scale(rng)
    clamp = [output["activation_min"], output["activation_max"]]
    return Case(
        [*offsets, output["output_offset"], multiplier, shift, *clamp],
        [a, b],
        lambda library: library.mul(
            a,
            b,
            self_offset=offsets[0],
            other_offset=offsets[1],
            output_multiplier=multiplier,
            output_shift=shift,
            **output,
        ),
        aliased=int(rng.integers(-1, 2)),
    )


def pool(rng: Generator, kind: str) -> Case:
    while True:  # Each window reads at least one value.
        window = random_window(rng, dilated=False)
        sizes = zip(*(window[n] for n in ("hw", "output_hw", "stride", "padding")), strict=True)
        if all((out - 1) * stride - padding < size for size, out, stride, padding in sizes):
            break
    input = random_bytes(rng, int(rng.integers(1, 3)), *window["hw"], random_channels(rng))
    output = random_output(rng)
    clamp = {name: output[name] for name in ("activation_min", "activation_max")}
    shape = (input.shape[0], *window["output_hw"], input.shape[3])
    sizes = [*input.shape, 1, *window["kernel"], 1, *shape]
    return Case(
        [*sizes, *window["stride"], *window["padding"], *clamp.values()],
        [input],
        lambda library: library.pool(
            kind,
            input,
            kernel=window["kernel"],
            stride=window["stride"],
            padding=window["padding"],
            output_hw=window["output_hw"],
            **clamp,
        ),
        lambda isa: (scratch.avg_pool2d(isa, shape[2], shape[3]), 0),
    )


def avg_pool(rng: Generator) -> Case:
    return pool(rng, "avgpool")


def max_pool(rng: Generator) -> Case:
    return pool(rng, "max_pool")


def softmax(rng: Generator) -> Case:
    input = random_bytes(rng, int(rng.integers(1, 4)), random_channels(rng))
    multiplier, shift = int(rng.integers(1 << 30, 1 << 31)), int(rng.integers(0, 27))
    diff_min = -int(rng.integers(0, min(255, ((1 << 31) - 1) >> shift) + 1))
    return Case(
        [*input.shape, multiplier, shift, diff_min],
        [input],
        lambda library: library.softmax(
            input, multiplier=multiplier, shift=shift, diff_min=diff_min
        ),
    )


def transpose(rng: Generator) -> Case:
    rank = int(rng.integers(1, 5))
    input = random_bytes(rng, *rng.choice([1, 2, 3, 5, 8, 17, 20], rank).tolist())
    perm = rng.permutation(rank).tolist()
    ones = [1] * (4 - rank)
    sizes = [*input.shape, *ones, *(input.shape[i] for i in perm), *ones]
    return Case(
        [*sizes, rank, *perm, *range(rank, 4)],
        [input],
        lambda library: library.transpose(input, perm),
    )


def pad(rng: Generator) -> Case:
    input = random_bytes(rng, *(int(n) for n in rng.integers(1, 8, 4)))
    before, after = (rng.choice([0, 0, 1, 2, 3], 4).tolist() for _ in range(2))
    value = int(rng.integers(-128, 128))
    return Case(
        [*input.shape, *before, *after, value],
        [input],
        lambda library: library.pad(input, before, after, value),
    )


def extremum(rng: Generator, kind: str) -> Case:
    shape = [*rng.integers(1, 4, 2).tolist(), *rng.choice([1, 2, 3, 4, 17, 33], 2).tolist()]
    shapes = [[n if rng.integers(4) else 1 for n in shape] for _ in range(2)]
    a, b = (random_bytes(rng, *own) for own in shapes)
    result = np.broadcast_shapes(a.shape, b.shape)
    return Case(
        [*a.shape, *b.shape, *result],
        [a, b],
        lambda library: library.select(kind, a, b),
    )


def minimum(rng: Generator) -> Case:
    return extremum(rng, "minimum")


def maximum(rng: Generator) -> Case:
    return extremum(rng, "maximum")


KERNELS: dict[str, Callable[[Generator], Case]] = {
    draw.__name__: draw
    for draw in (
        *(convolve, depthwise, transpose_conv, fully_connected, batch_matmul, vector_sum),
        *(add, mul, avg_pool, max_pool, softmax, transpose, pad, minimum, maximum),
    )
}
"""By name, in the order of `kernel_cases.c`."""


def encode(cases: Sequence[tuple[str, Case, NDArray[Any]]], isa: Isa) -> bytes:
    """The file "inputs" of `kernel_cases.c`. Each case comes with its kernel and its result."""
    parts = [struct.pack("<i", len(cases))]
    for index, (name, case, expected) in enumerate(cases):
        arrays = [b"" if array is None else array.tobytes() for array in case.arrays]
        # An array that ends with memory is not one that the result overwrites.
        last = index % len(arrays)
        if last == case.aliased or not arrays[last]:
            last = -1
        header = (list(KERNELS).index(name), len(case.ints), len(arrays), expected.nbytes)
        more = (*case.planned(isa), last, index % 4, case.aliased)
        parts.append(struct.pack("<9i", *header, *more))
        parts.append(struct.pack(f"<{len(case.ints)}i", *case.ints))
        parts.append(struct.pack(f"<{len(arrays)}i", *map(len, arrays)))
        parts += arrays
    return b"".join(parts)
