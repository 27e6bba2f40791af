"""The integer clamp at the end of a kernel."""

from __future__ import annotations

import numpy as np
from xdsl.ir import Operation

from cmopt.arithmetic.functions import activation_bounds
from cmopt.dialects.arrays import quantize
from cmopt.dialects.quant import UniformQuantizedType


def activation_range(op: Operation, output: UniformQuantizedType) -> tuple[int, int]:
    """The integer clamp of an op with `activation_min` / `activation_max`."""
    return clamp_range(activation_bounds(op), output)


def clamp_range(
    bounds: tuple[float | None, float | None], output: UniformQuantizedType
) -> tuple[int, int]:
    """The integer clamp of a result of type `output` that is real numbers clamped to `bounds`.

    Quantization is monotone, so clamping before it and clamping to the quantized bounds after it
    are the same.
    """
    least, most = output.storage_range
    low, high = (
        default if bound is None else int(quantize(np.array([bound], np.float32), output)[0])
        for bound, default in zip(bounds, (least, most), strict=True)
    )
    return min(low, high), high  # Where the bounds cross, the upper one wins.
