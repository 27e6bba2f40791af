"""The numpy arrays that `tosa.const` ops hold. An array of i48 is held in int64."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, IntegerType
from xdsl.ir import Attribute

from cmopt.dialects.arrays import Array, dense_elements, numpy_dtype

_I48 = IntegerType(48)


def dtype_of(element: Attribute) -> np.dtype[np.generic]:
    """The dtype that holds an element type. Raises ValueError if there is none."""
    return np.dtype(np.int64) if element == _I48 else numpy_dtype(element)


def constant_array(attr: DenseIntOrFPElementsAttr) -> Array:
    """The array in a dense attribute, of any element type of a tosa.const."""
    return dense_elements(attr, dtype_of(attr.get_element_type()))
