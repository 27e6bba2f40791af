"""The weights of convolutions and linear layers, and the checks that all targets share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import SSAValue

from cmopt.arithmetic.accumulators import matrix_overflow
from cmopt.dialects.constants import constant_of
from cmopt.dialects.edge import Conv2dOp, ConvTranspose2dOp, LinearOp
from cmopt.dialects.quant import is_int8, qtype_of, quantized_element
from cmopt.lowering.rules import Unsupported


def require_int8(*values: SSAValue) -> None:
    """Raise Unsupported unless all values are quantized per tensor and stored in 8 bits."""
    for value in values:
        if not is_int8(quantized_element(value.type)):
            raise Unsupported(f"takes int8 per tensor, got {value.type}")


def constant_weight(op: Conv2dOp | ConvTranspose2dOp | LinearOp) -> NDArray[np.generic]:
    """The stored weight of an op on int8.

    Raises Unsupported if an activation is not int8 per tensor, for the weight and the bias as
    `symmetric_weight`, or if an accumulator might overflow.
    """
    require_int8(op.input, op.output)
    weight = symmetric_weight(op)
    if (reason := matrix_overflow(op)) is not None:
        raise Unsupported(reason)
    return weight


def symmetric_weight(op: Conv2dOp | ConvTranspose2dOp | LinearOp) -> NDArray[np.generic]:
    """The stored weight.

    Raises Unsupported if the weight or bias is not a constant, or if the weight is empty, not
    symmetric int8, or quantized along another axis than the output channels.
    """
    if (weight := constant_of(op.weight)) is None:
        raise Unsupported("the weight is not a constant")
    element = qtype_of(op.weight)
    if element.storage.width.data != 8 or element.params.zero_points.any():
        raise Unsupported("takes symmetric int8 weights (zero point 0)")
    if element.is_per_axis and element.axis.data != 0:
        raise Unsupported("weights must be quantized per output channel")
    if op.bias is not None and constant_of(op.bias) is None:
        raise Unsupported("the bias is not a constant")
    if weight.size == 0:
        raise Unsupported("the weight is empty")
    return weight
