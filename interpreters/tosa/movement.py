"""Ops that move data, and RESIZE."""

from __future__ import annotations

import numpy as np

from cmopt.dialects import tosa
from cmopt.dialects.arrays import Array
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.interpreters.tosa.values import Int64Array, narrowed

Sizes = tuple[int, ...]


def pad(value: Array, padding: Sizes, constant: Array) -> Array:
    """`padding` holds [before, after] for each dimension."""
    pairs = list(zip(padding[::2], padding[1::2], strict=True))
    return np.pad(value, pairs, constant_values=constant.reshape(-1)[0])


def slice_of(value: Array, start: Sizes, size: Sizes) -> Array:
    """`size` elements from `start` on, in each dimension."""
    return value[tuple(slice(s, s + n) for s, n in zip(start, size, strict=True))]


def resize(op: tosa.ResizeOp, value: Array, scale: Sizes, offset: Sizes, border: Sizes) -> Array:
    """Resample [N,H,W,C]. Bilinear results are y_n·x_n times the mean."""
    axes = [
        _samples(out, size, n, d, o)
        for out, size, n, d, o in zip(
            shape_of(op.output)[1:3], value.shape[1:3], scale[::2], scale[1::2], offset, strict=True
        )
    ]
    (y0, y1, dy), (x0, x1, dx) = axes
    if op.mode.data == "NEAREST_NEIGHBOR":
        rows = np.where(2 * dy >= scale[0], y1, y0)
        columns = np.where(2 * dx >= scale[2], x1, x0)
        return value[:, rows][:, :, columns]
    number = value.astype(np.int64)
    below, right = dy[:, None, None], dx[None, :, None]
    above, left = scale[0] - below, scale[2] - right
    upper, lower = number[:, y0], number[:, y1]
    result = (upper[:, :, x0] * left + upper[:, :, x1] * right) * above
    result += (lower[:, :, x0] * left + lower[:, :, x1] * right) * below
    return narrowed(op.name, result, element_of(op.output), "accumulator")


def _samples(
    count: int, size: int, n: int, d: int, offset: int
) -> tuple[Int64Array, Int64Array, Int64Array]:
    """For each of `count` results, the two elements around it and the distance, in 1/n."""
    place = np.arange(count, dtype=np.int64) * d + offset
    first = place // n
    return np.clip(first, 0, size - 1), np.clip(first + 1, 0, size - 1), place - first * n
