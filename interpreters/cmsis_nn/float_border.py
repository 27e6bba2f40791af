"""Conversions between float32 and integers: the scalar kernels' meaning, in float32."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def _check_scale(operator: str, scale: float) -> np.float32:
    single = np.float32(scale)
    if not np.isfinite(single) or single <= 0:
        raise ValueError(f"{operator}: scale must be positive and finite, not {scale}")
    return single


def quantize(
    x: NDArray[np.float32],
    scale: float,
    zero_point: int,
    qmin: int,
    qmax: int,
    dtype: DTypeLike = np.int8,
) -> NDArray[Any]:
    """`clamp(round(x * (1 / scale)) + zero_point, qmin, qmax)` as `dtype`.

    The reciprocal and the product are rounded to float32; `round` has ties to even. Two cases that
    are undefined in C are defined here: a quotient beyond 32 bits saturates, and NaN counts as 0.
    """
    target = np.dtype(dtype)
    if x.dtype != np.float32:
        raise ValueError(f"quantize: x must be float32, not {x.dtype}")
    if target.kind != "i":
        raise ValueError(f"quantize: dtype must be a signed integer, not {target}")
    limits = np.iinfo(target)
    if not limits.min <= qmin <= qmax <= limits.max:
        raise ValueError(f"quantize: [{qmin}, {qmax}] is empty or leaves {target}")
    inverse = np.float32(1) / _check_scale("quantize", scale)
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = np.rint(x * inverse).astype(np.float64)
    rounded = np.nan_to_num(rounded, nan=0.0)
    result: NDArray[Any] = np.clip(rounded + zero_point, qmin, qmax).astype(target)
    return result


def dequantize(
    q: NDArray[np.int8] | NDArray[np.int16] | NDArray[np.int32], scale: float, zero_point: int
) -> NDArray[np.float32]:
    """`(q - zero_point) * scale`; the difference is exact, the product is rounded to float32."""
    if q.dtype.kind != "i":
        raise ValueError(f"dequantize: q must be of a signed integer type, not {q.dtype}")
    difference = (q.astype(np.int64) - zero_point).astype(np.float32)
    return difference * _check_scale("dequantize", scale)
