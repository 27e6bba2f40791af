"""The weights of convolutions and linear layers, and the checks that all targets share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Operation, SSAValue

from cmopt.arithmetic.accumulators import matrix_overflow
from cmopt.dialects.constants import constant_of, is_known, typed_constant
from cmopt.dialects.edge import Conv2dOp, ConvTranspose2dOp, LinearOp
from cmopt.dialects.quant import UniformQuantizedType, is_int8, qtype_of, quantized_element
from cmopt.dialects.shapes import element_of
from cmopt.lowering.rules import Unsupported


def require_int8(*values: SSAValue) -> None:
    """Raise Unsupported unless all values are quantized per tensor and stored in 8 bits."""
    for value in values:
        if not is_int8(quantized_element(value.type)):
            raise Unsupported(f"takes int8 per tensor, got {value.type}")


def require_stored(*values: SSAValue) -> int:
    """The bits, 8 or 16, in which all values are stored, quantized per tensor.

    Raises Unsupported for any other type, or if they differ.
    """
    elements = [quantized_element(value.type) for value in values]
    widths = {0 if e is None or e.is_per_axis else e.storage.width.data for e in elements}
    if len(widths) != 1 or not widths <= {8, 16}:
        raise Unsupported(f"takes int8 or int16 per tensor, got {values[0].type}")
    return widths.pop()


def constant_weight(op: Conv2dOp | ConvTranspose2dOp | LinearOp) -> NDArray[np.generic]:
    """The stored weight of an op on int8.

    Raises Unsupported if an activation or the weight is not int8, if `symmetric_weight` does, or if
    an accumulator might overflow.
    """
    require_int8(op.input, op.output)
    weight = symmetric_weight(op)
    if (reason := matrix_overflow(op)) is not None:
        raise Unsupported(reason)
    return weight


def symmetric_weight(
    op: Conv2dOp | ConvTranspose2dOp | LinearOp, widths: tuple[int, ...] = (8,)
) -> NDArray[np.generic]:
    """The stored weight.

    widths: the bits in which it may be stored. Raises Unsupported for any other, if the weight or
    bias is not a constant, and if the weight is empty, not symmetric, or quantized along another
    axis than the output channels.
    """
    if (weight := constant_of(op.weight)) is None:
        raise Unsupported("the weight is not a constant")
    element = qtype_of(op.weight)
    if element.storage.width.data not in widths or element.params.zero_points.any():
        names = " or ".join(f"int{width}" for width in widths)
        raise Unsupported(f"takes symmetric {names} weights (zero point 0)")
    if element.is_per_axis and element.axis.data != 0:
        raise Unsupported("weights must be quantized per output channel")
    if op.bias is not None and not is_known(op.bias):
        raise Unsupported("the bias is not a constant")
    if weight.size == 0:
        raise Unsupported("the weight is empty")
    return weight


def selected_rows(value: SSAValue, rows: NDArray[np.int64]) -> tuple[list[Operation], SSAValue]:
    """Ops that make some rows of a constant weight or bias, with the scales of these rows."""
    stored, element = constant_of(value), element_of(value)
    assert stored is not None
    if isinstance(element, UniformQuantizedType) and element.is_per_axis:
        element = UniformQuantizedType.get(
            element.storage,
            element.params.scales[rows].tolist(),
            element.params.zero_points[rows].tolist(),
            axis=element.axis.data,
            storage_range=element.storage_range,
        )
    part = np.asarray(stored[rows], order="C")
    return typed_constant(part, TensorType(element, part.shape), value.name_hint)
