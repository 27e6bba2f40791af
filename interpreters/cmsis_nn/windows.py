"""Sliding windows over NHWC arrays, shared by the convolutions and the pools."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Pair = tuple[int, int]
Scalar = TypeVar("Scalar", bound=np.generic)


def check_geometry(
    operator: str, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, output_hw: Pair
) -> None:
    """Raise `ValueError` unless all are pairs, padding not negative and the rest positive."""
    for name, pair, least in (
        ("kernel", kernel, 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
        ("dilation", dilation, 1),
        ("output_hw", output_hw, 1),
    ):
        if len(pair) != 2 or min(pair) < least:
            raise ValueError(f"{operator}: {name} must be two numbers >= {least}, not {pair}")


def windows(
    array: NDArray[Scalar],
    fill: Any,
    kernel: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    output_hw: Pair,
) -> NDArray[Scalar]:
    """The windows of an [N, H, W, C] array as a view [N, OH, OW, KH, KW, C].

    Window (i, j) begins at row `i * stride[0] - padding[0]` and column `j * stride[1] -
    padding[1]`. Positions outside the array read `fill`. Any `output_hw` is allowed.
    """
    batch, _, _, channels = array.shape
    extent = [
        (o - 1) * s + (k - 1) * d + 1
        for o, s, k, d in zip(output_hw, stride, kernel, dilation, strict=True)
    ]
    top, left = padding
    padded = np.full((batch, extent[0], extent[1], channels), fill, dtype=array.dtype)
    inside = array[:, : max(extent[0] - top, 0), : max(extent[1] - left, 0)]
    padded[:, top : top + inside.shape[1], left : left + inside.shape[2]] = inside
    step_n, step_h, step_w, step_c = padded.strides
    return np.lib.stride_tricks.as_strided(
        padded,
        (batch, *output_hw, *kernel, channels),
        (
            step_n,
            step_h * stride[0],
            step_w * stride[1],
            step_h * dilation[0],
            step_w * dilation[1],
            step_c,
        ),
        writeable=False,
    )
