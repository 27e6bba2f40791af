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
    longest = max(*input[1:3], *output[1:3]) + max(padding)
    limit = LONGEST_DEPTHWISE_AXIS if depthwise else LONGEST_AXIS
    if longest > limit:
        return f"an axis of {longest}, with its padding, is longer than {limit}"
    if (channels := max(input[3], output[3])) > MOST_CHANNELS:
        return f"{channels} channels are more than {MOST_CHANNELS}"
    taps = weight[1] * weight[2] * (1 if depthwise else weight[3])
    if (not depthwise or input[3] == 1) and taps > LONGEST_FILTER:
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
