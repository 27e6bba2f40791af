"""Weights of 4 bits, two in a byte.

Weight i of the row-major array is in byte i // 2: in the lower 4 bits if i is even, else in the
upper ones. Rows follow each other without a gap, as in CMSIS-NN's functions for 4-bit weights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST, MOST = -8, 7
"""The range of a signed integer of 4 bits."""


def packed_bytes(count: int) -> int:
    """The bytes of `count` weights. The upper half of the last one may be unused."""
    return -(-count // 2)


def has_4_bits(values: NDArray[np.generic]) -> bool:
    """Whether all integers of an array have 4 bits."""
    return values.size == 0 or bool(values.min() >= LEAST and values.max() <= MOST)


def pack(weights: NDArray[np.generic]) -> NDArray[np.int8]:
    """The bytes of weights in -8…7, as a vector; an unused half is 0."""
    flat = np.zeros(2 * packed_bytes(weights.size), np.uint8)
    flat[: weights.size] = weights.reshape(-1).astype(np.int8).view(np.uint8) & 15
    return np.asarray(flat[0::2] | flat[1::2] << 4, np.uint8).view(np.int8)


def unpack(packed: NDArray[np.int8], count: int) -> NDArray[np.int8]:
    """The first `count` weights in a vector of bytes."""
    bytes = packed.view(np.uint8)
    halves = np.stack([bytes & 15, bytes >> 4], axis=-1).reshape(-1)[:count]
    return np.asarray((halves ^ 8).astype(np.int16) - 8, np.int8)
