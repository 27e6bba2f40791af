"""A cumulative sum as a product with a triangle of ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LONGEST_SUM = 256
"""Elements that a running sum may have: its matrix has the square of this number of weights."""


def triangle(size: int) -> NDArray[np.int8]:
    """The weights of a linear layer, one row for each result: ones up to and on the diagonal."""
    return np.tri(size, dtype=np.int8)
