"""Integers of the `tosa` dialect as numpy arrays: types, ranges and checks.

An array of i48 is held in int64. Functions take arrays of the operand types and compute in int64
(or exactly, in float64), so that no number wraps silently.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import IntegerType
from xdsl.ir import Attribute

from cmopt.dialects.arrays import Array
from cmopt.dialects.tosa.constants import dtype_of

Int64Array: TypeAlias = NDArray[np.int64]


def range_of(element: Attribute, unsigned: bool = False) -> tuple[int, int]:
    """Least and largest value of an integer type, both included."""
    assert isinstance(element, IntegerType)
    width = element.width.data
    return (0, (1 << width) - 1) if unsigned else (-(1 << width - 1), (1 << width - 1) - 1)


def require(name: str, values: Any, low: int, high: int, what: str) -> None:
    """Raise ValueError unless all values are in [low, high]."""
    array = np.asarray(values)
    if array.size and not (low <= array.min() and array.max() <= high):
        outside = array[(array < low) | (array > high)].flat[0]
        raise ValueError(f"{name}: {what} {outside} is outside [{low}, {high}]")


def narrowed(name: str, values: Array, element: Attribute, what: str = "result") -> Array:
    """`values`, which must fit `element`, in its dtype."""
    require(name, values, *range_of(element), what)
    return values.astype(dtype_of(element))


def zero_point(name: str, value: Array, element: Attribute) -> int:
    """The number in a zero point operand; only int8 tensors may have one that is not 0."""
    if value.reshape(-1)[0] and element != IntegerType(8):
        raise ValueError(f"{name}: zero point {value.reshape(-1)[0]} of an {element} must be 0")
    return int(value.reshape(-1)[0])


def product(name: str, lhs: Array, rhs: Array) -> Int64Array:
    """`lhs @ rhs` without rounding, in floating point for speed.

    Every partial sum is an integer that the chosen format holds exactly, so the order of
    summation does not matter. Raises ValueError if no format holds them.
    """
    largest = [int(max(abs(int(a.min())), abs(int(a.max())))) if a.size else 0 for a in (lhs, rhs)]
    bound = lhs.shape[-1] * largest[0] * largest[1]
    if bound >= 1 << 53:
        raise ValueError(f"{name}: a sum may reach {bound}, which is too large to compute exactly")
    kind = np.float32 if bound < 1 << 24 else np.float64
    result: Int64Array = np.matmul(lhs.astype(kind), rhs.astype(kind)).astype(np.int64)
    return result
