"""The limits of the kernels: one table for the lowering, the verifiers and the host library.

The rules in `lowering/` keep calls within them. The verifiers of this dialect reject calls beyond
them, and the interpreters run verified IR only. CMake writes the constants into a header for the
host's operators (`kernels/write_limits.py`), so that the host rejects calls that a device would
compute wrongly. This file imports nothing, so that the build can read it alone.
"""

from __future__ import annotations

Shape = tuple[int, ...]

MOST_BYTES = 2**31 - 1
"""Bytes of one tensor. ExecuTorch's operators and CMSIS-NN index bytes in int32."""

MOST_RANK = 4
"""Rank of a tensor that is transposed or padded: `cmsis_nn_dims` has four sizes."""

LONGEST_STEP = 65535
"""Stride, padding, dilation, and the kernel size of a pool, along one axis.

CMSIS-NN multiplies them by positions in int32, and counts positions in 16 bits."""

LONGEST_AXIS = 65535
"""Height and width of a convolution's input and output, padding included.

`arm_convolve_s8` and `arm_convolve_1_x_n_s8` count them in 16 unsigned bits. Found by a sweep on
emulated cores. `arm_convolve_1x1_s8` counts in 32 bits and has no such limit."""

LONGEST_DEPTHWISE_AXIS = 32767
"""The same for a depthwise convolution: `arm_depthwise_conv_s8_opt` counts in 16 signed bits."""

LONGEST_FILTER = 65535
"""Weights of one output channel of a convolution: `arm_convolve_s8` counts them in 16 bits."""

MOST_CHANNELS = 65535
"""Channels of a convolution's input and output: they are counted in 16 bits."""

DEPTHWISE_BLOCK = 124
"""Channels that the depthwise kernel takes at a time on MVE (CMSIS-NN's CH_IN_BLOCK_MVE).
With more channels it offsets the bias pointer, so it needs a bias."""

REVERSED_STRIDE = 2
"""The longest stride of a transposed convolution that CMSIS-NN computes as an ordinary one, over an
input with zeros between its elements and the filter reversed. See `is_reversed`."""

REVERSED_CHANNELS = 16
"""The most input channels of those that it computes otherwise, whatever the stride."""

LONGEST_SOFTMAX = 511
"""Elements of a softmax's row. Each exponential is at most 1. If they sum to 512,
`arm_softmax_s8` shifts by 32 bits, which is undefined in C."""

SMALLEST_SOFTMAX_SCALE = 2.0**-26
"""Scale of a softmax's input: the kernel shifts differences (26 fraction bits) left only."""

LONGEST_MATRIX_AXIS = 65535
"""Rows and columns of a transposed matrix, and the offsets of its rows.

`arm_transpose_s8_nhcw` gathers from up to 8 rows at a time on MVE, with offsets in 16 bits, and
counts both axes in 16 bits on every core. Found by a sweep on an emulated Cortex-M55."""

GATHERED_ROWS = 8
"""The number of those rows."""

LARGEST_MULTIPLIER = 2**31 - 1
"""Magnitude of a multiplier of a requantization."""

LONGEST_SHIFT = 31
"""Shift of a requantization, left or right: the kernels shift 32-bit numbers."""


def is_pointwise(weight: Shape, padding: Shape, dilation: Shape, channels: int) -> bool:
    """Whether `arm_convolve_wrapper_s8` reaches one of its 1×1 functions.

    weight: [O,KH,KW,C/groups]. channels: of the input.
    """
    flat = weight[1:3] == (1, 1) and dilation == (1, 1) and not any(padding)
    return flat and weight[3] == channels


def convolution_limit(
    input: Shape, weight: Shape, output: Shape, padding: Shape, dilation: Shape, *, depthwise: bool
) -> str | None:
    """The limit that a convolution exceeds, or None.

    input, output: [N,H,W,C]. weight: [O,KH,KW,C/groups], or [1,KH,KW,O] for the depthwise kernel.
    padding: (top, left). MVE runs a depthwise convolution of one channel to several as an ordinary
    one, so both sets of limits hold for it.
    """
    if not depthwise and is_pointwise(weight, padding, dilation, input[3]):
        return None
    taps = weight[1] * weight[2] * (1 if depthwise else weight[3])
    if depthwise and input[3] > 1:
        taps = 0  # They are not counted in 16 bits.
    limit = LONGEST_DEPTHWISE_AXIS if depthwise else LONGEST_AXIS
    return _counter_limit(input, output, padding, taps, limit)


def _counter_limit(
    input: Shape, output: Shape, padding: Shape, taps: int, longest_axis: int
) -> str | None:
    longest = max(*input[1:3], *output[1:3]) + max(padding)
    if longest > longest_axis:
        return f"an axis of {longest}, with its padding, is longer than {longest_axis}"
    if (channels := max(input[3], output[3])) > MOST_CHANNELS:
        return f"{channels} channels are more than {MOST_CHANNELS}"
    if taps > LONGEST_FILTER:
        return f"a filter of {taps} weights is longer than {LONGEST_FILTER}"
    return None


def extremum_limit(first: Shape, second: Shape) -> str | None:
    """The limit that a minimum or maximum of two shapes that broadcast exceeds, or None.

    ExecuTorch's operators take the last four sizes for the whole shape. Where one operand has a row
    of one element for each of several rows, CMSIS-NN advances it by two elements for each wider row
    of the other.
    """
    if max(len(first), len(second)) > MOST_RANK:
        return f"operands have rank {MOST_RANK} at most"
    a, b = ((1,) * (MOST_RANK - len(shape)) + shape for shape in (first, second))
    for narrow, wide in ((a, b), (b, a)):
        if narrow[1] > 1 and narrow[2] * narrow[3] == 1 and wide[2] > 1:
            return f"the kernel broadcasts rows of one element wrongly to rows of {wide[2]}"
    return None


def is_reversed(channels: int, stride: Shape) -> bool:
    """Whether `arm_transpose_conv_wrapper_s8` calls `arm_convolve_s8` with the filter reversed.

    Otherwise it calls `arm_transpose_conv_s8`, which adds each input element's products to rows of
    32-bit sums. channels: of the input.
    """
    return max(stride) <= REVERSED_STRIDE and channels > REVERSED_CHANNELS


def transposed_convolution_limit(
    input: Shape, weight: Shape, output: Shape, stride: Shape, padding: Shape, output_padding: Shape
) -> str | None:
    """Why CMSIS-NN computes a transposed convolution wrongly, or None if it is right.

    input, output: [N,H,W,C]. weight: [O,KH,KW,C]. padding: (top, left). Found by a sweep of random
    shapes on this host and on emulated cores (scalar, DSP, MVE), with two versions of CMSIS-NN: the
    one that ExecuTorch 1.5 takes (June 2026), and the one of July 2026, which counts rows correctly
    where the padding is no multiple of the stride. A shape is right only if both are right.
    """
    (kh, kw), (sh, sw) = weight[1:3], stride
    if (longest := max(*stride, *padding, *output_padding)) > LONGEST_STEP:
        return f"stride, padding and output_padding are {LONGEST_STEP} at most, got {longest}"
    if is_reversed(input[3], stride):
        for k, p in zip((kh, kw), padding, strict=True):
            if p >= k:
                return f"the kernel takes padding below its {k} taps, got {p}"
        upscaled = (input[0], input[1] * sh, input[2] * sw, input[3])
        trimmed = (kh - 1 - padding[0], kw - 1 - padding[1])
        return _counter_limit(upscaled, output, trimmed, kh * kw * input[3], LONGEST_AXIS)
    p, more = padding[0], output_padding[0]
    if sh + p > kh + more:
        return (
            f"the kernel writes past its output where stride {sh} + padding {p} exceeds "
            f"kernel {kh} + output_padding {more}"
        )
    if p % sh:
        return f"the kernel miscounts rows where padding {p} is no multiple of stride {sh}"
    if input[1] * sh < p:
        return f"the kernel loses rows where padding {p} exceeds {input[1]} rows at stride {sh}"
    for k, s, p, more in zip((kh, kw), stride, padding, output_padding, strict=True):
        if more > (most := p + max(0, s - k)):
            return f"the kernel reads past its sums where output_padding {more} exceeds {most}"
    if max(kw, sh) < max(kw, sw):
        return (
            f"CMSIS-NN asks for too little scratch where stride {sw} of the width exceeds "
            f"kernel {kw} and stride {sh} of the height"
        )
    if (size := row_buffer(input, weight, stride)) > MOST_BYTES:
        return f"its {size} bytes of sums are more than {MOST_BYTES}"
    return None


def row_buffer(input: Shape, weight: Shape, stride: Shape) -> int:
    """Bytes of the sums of `arm_transpose_conv_s8`: as many rows as one row of input adds to.

    input: [N,H,W,C]. weight: [O,KH,KW,C].
    """
    out, kh, kw, _ = weight
    return 4 * out * max(kh, stride[0]) * ((input[2] - 1) * stride[1] + max(kw, stride[1]))


def transpose_limit(shape: Shape, perm: Shape) -> str | None:
    """The limit that a transpose exceeds, or None.

    Only the kernel for matrices has a limit. It runs for rank 2, and for rank 4 if the last two
    dimensions are exchanged.
    """
    if perm not in ((1, 0), (0, 1, 3, 2)):
        return None
    rows, columns = shape[-2:]
    reach = max(rows, columns, (min(rows, GATHERED_ROWS) - 1) * columns)
    if reach <= LONGEST_MATRIX_AXIS:
        return None
    return f"a matrix of {rows} by {columns} is larger than the kernel's 16-bit counters allow"
