"""Average and maximum pooling over [N, H, W, C] arrays. Positions in the padding do not count."""

from __future__ import annotations

import numpy as np

from cmopt.interpreters.cmsis_nn.fixed_point import (
    Int8Array,
    Int64Array,
    check_activation,
    check_int8,
    check_rank,
)
from cmopt.interpreters.cmsis_nn.windows import Pair, check_geometry, windows

_NO_DILATION = (1, 1)


def positions_inside(
    size: Pair, kernel: Pair, stride: Pair, padding: Pair, output_hw: Pair
) -> Int64Array:
    """The number of positions of each window inside the input: int64 [OH, OW, 1]."""
    counts = []
    for axis in range(2):
        begin = np.arange(output_hw[axis], dtype=np.int64) * stride[axis] - padding[axis]
        end = np.minimum(begin + kernel[axis], size[axis])
        counts.append(np.maximum(end - np.maximum(begin, 0), 0))
    inside: Int64Array = (counts[0][:, None] * counts[1][None, :])[:, :, None]
    return inside


def _check(
    operator: str,
    input: Int8Array,
    kernel: Pair,
    stride: Pair,
    padding: Pair,
    activation: Pair,
    output_hw: Pair,
) -> Int64Array:
    check_int8(operator, input=input)
    check_rank(operator, 4, input=input)
    check_geometry(operator, kernel, stride, padding, _NO_DILATION, output_hw)
    check_activation(operator, *activation)
    size = (input.shape[1], input.shape[2])
    counts = positions_inside(size, kernel, stride, padding, output_hw)
    if not counts.all():
        raise ValueError(f"{operator}: a window lies wholly outside the input {input.shape}")
    return counts


def avgpool_s8(
    input: Int8Array,
    *,
    kernel: Pair,
    stride: Pair,
    padding: Pair,
    activation_min: int,
    activation_max: int,
    output_hw: Pair,
) -> Int8Array:
    """Average of the window's positions inside the input, rounded to nearest, ties away from zero.

    The quantization of input and output is the same.
    """
    activation = (activation_min, activation_max)
    counts = _check("avgpool_s8", input, kernel, stride, padding, activation, output_hw)
    wide = input.astype(np.int64)
    patches = windows(wide, 0, kernel, stride, padding, _NO_DILATION, output_hw)
    total = patches.sum(axis=(3, 4), dtype=np.int64)
    mean = np.sign(total) * ((np.abs(total) + counts // 2) // counts)
    result: Int8Array = np.clip(mean, activation_min, activation_max).astype(np.int8)
    return result


def max_pool_s8(
    input: Int8Array,
    *,
    kernel: Pair,
    stride: Pair,
    padding: Pair,
    activation_min: int,
    activation_max: int,
    output_hw: Pair,
) -> Int8Array:
    """Largest of the window's positions inside the input.

    The quantization of input and output is the same.
    """
    activation = (activation_min, activation_max)
    _check("max_pool_s8", input, kernel, stride, padding, activation, output_hw)
    patches = windows(input, -128, kernel, stride, padding, _NO_DILATION, output_hw)
    result: Int8Array = np.clip(patches.max(axis=(3, 4)), activation_min, activation_max)
    return result
