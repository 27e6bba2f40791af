"""Numpy arrays as the run-time values of tensor types, and the meaning of quantized ones.

A value of a quantized type is its storage array. Everything here is exact and torch-free, so that
passes can fold constants with the same arithmetic that the interpreters run.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    Float16Type,
    Float32Type,
    Float64Type,
    IntegerType,
    TensorType,
)
from xdsl.ir import Attribute

from cmopt.dialects.quant import UniformQuantizedType, quantized_element
from cmopt.dialects.shapes import MAX_CONSTANT_BYTES
from cmopt.support.diagnostics import CompileError

Array = NDArray[np.generic]

_FLOATS: dict[type[Attribute], str] = {Float16Type: "<f2", Float32Type: "<f4", Float64Type: "<f8"}


def numpy_dtype(element: Attribute) -> np.dtype[np.generic]:
    """The numpy dtype of an element type, or of its storage type if it is quantized.

    Raises ValueError if the element type has no dtype (bfloat16, complex, index).
    """
    if isinstance(element, UniformQuantizedType):
        element = element.storage
    if isinstance(element, IntegerType):
        width = element.width.data
        if width == 1:
            return np.dtype(np.bool_)
        if width in (8, 16, 32, 64):
            kind = "u" if element.signedness.data.name == "UNSIGNED" else "i"
            return np.dtype(f"<{kind}{width // 8}")
    if (code := _FLOATS.get(type(element))) is not None:
        return np.dtype(code)
    raise ValueError(f"no numpy dtype for element type {element}")


def has_dtype(element: Attribute) -> bool:
    """Whether `numpy_dtype` has one for an element type."""
    try:
        numpy_dtype(element)
    except ValueError:
        return False
    return True


def dense_array(attr: DenseIntOrFPElementsAttr) -> Array:
    """The array in a dense attribute. Only booleans, and equal elements held as one, are copied.

    Raises CompileError for equal elements that would take more than `MAX_CONSTANT_BYTES`.
    """
    return dense_elements(attr, numpy_dtype(attr.get_element_type()))


def dense_elements(attr: DenseIntOrFPElementsAttr, dtype: np.dtype[np.generic]) -> Array:
    """`dense_array` for a dtype that holds the element type."""
    shape, data = attr.get_shape(), attr.data.data
    if dtype == np.bool_:
        # One byte each. Any bit set means true: MLIR parses true to 0xFF.
        held: Array = np.frombuffer(data, np.uint8) != 0
    else:
        held = np.frombuffer(data, dtype)
    if held.size != 1 or (count := math.prod(shape)) == 1:
        return held.reshape(shape)
    if count * dtype.itemsize > MAX_CONSTANT_BYTES:
        raise CompileError(
            f"a constant of {count * dtype.itemsize:,} bytes has no values here; at most "
            f"{MAX_CONSTANT_BYTES:,} are supported"
        )
    return np.full(shape, held[0], dtype)


def quantize(x: Array, type: UniformQuantizedType) -> Array:
    """Float32 to storage: `clamp(rint(x * float32(1 / scale)) + zero_point)`, ties to even.

    Equal to PyTorch's `quantize_per_tensor` / `quantize_per_channel` bit for bit. NaN gives the
    zero point, clamped.
    """
    scales, zeros = _aligned(type, x.ndim)
    inverse = (1.0 / scales).astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.nan_to_num(np.rint(x.astype(np.float32) * inverse).astype(np.float64))
    low, high = type.storage_range
    clamped: Array = np.clip(scaled + zeros, low, high)
    return clamped.astype(numpy_dtype(type))


def dequantize(q: Array, type: UniformQuantizedType) -> NDArray[np.float32]:
    """Storage to float32: `float32(q - zero_point) * float32(scale)`."""
    scales, zeros = _aligned(type, q.ndim)
    difference = (q.astype(np.int64) - zeros).astype(np.float32)
    return difference * scales.astype(np.float32)


def _aligned(
    type: UniformQuantizedType, rank: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Scales and zero points, shaped to broadcast along the quantized axis."""
    scales, zeros = type.params.scales, type.params.zero_points
    if not type.is_per_axis:
        return scales.reshape(()), zeros.reshape(())
    shape = [1] * rank
    shape[type.axis.data] = len(scales)
    return scales.reshape(shape), zeros.reshape(shape)


def to_float(value: Array, type: Attribute) -> Array:
    """What a value of tensor type `type` means: itself, or its dequantization."""
    element = quantized_element(type)
    return value if element is None else dequantize(value, element)


def from_float(value: Array, type: Attribute) -> Array:
    """A float result as a value of tensor type `type`: itself, or its quantization."""
    element = quantized_element(type)
    return value if element is None else quantize(value, element)


def check_value(value: Array, type: Attribute, what: str) -> None:
    """Raise ValueError if an array is not a value of a tensor type."""
    assert isinstance(type, TensorType)
    dtype = numpy_dtype(type.element_type)
    if value.dtype != dtype or value.shape != type.get_shape():
        raise ValueError(
            f"{what}: expected {dtype} {list(type.get_shape())}, "
            f"got {value.dtype} {list(value.shape)}"
        )
