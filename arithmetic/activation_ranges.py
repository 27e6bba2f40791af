"""The integer clamp at the end of a kernel."""

from __future__ import annotations

import numpy as np
from xdsl.ir import Operation

from cmopt.arithmetic.functions import activation_bounds
from cmopt.dialects.arrays import quantize
from cmopt.dialects.quant import UniformQuantizedType


def activation_range(op: Operation, output: UniformQuantizedType) -> tuple[int, int]:
    """The integer clamp of an op with `activation_min` / `activation_max`.

    Quantization is monotone, so clamping before it and clamping to the quantized bounds after it
    are the same.
    """
    low, high = output.storage_range
    bounds = [
        None if bound is None else int(quantize(np.array([bound], np.float32), output)[0])
        for bound in activation_bounds(op)
    ]
    low, high = (low if bounds[0] is None else bounds[0], high if bounds[1] is None else bounds[1])
    return min(low, high), high  # Where the bounds cross, the upper one wins.
