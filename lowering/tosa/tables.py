"""Lookup tables whose results have more than 8 bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import TensorType, i32
from xdsl.ir import SSAValue

from cmopt.arithmetic.interpolated_tables import Spacing, places
from cmopt.dialects import tosa
from cmopt.dialects.shapes import shape_of
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.tosa.builder import RegionBuilder, i16

PLACES = places(Spacing.UNIFORM)
"""The int16 values at which an int16 table has its 513 entries."""


def int16_table(value: SSAValue, entries: NDArray[np.int64], b: RegionBuilder) -> SSAValue:
    """The int16 entry at an int16 value; between two of `PLACES`, their interpolation, rounded.

    A U55 computes this in one operation, which often is part of the one before.
    entries: 513 numbers that fit int16. Raises Unsupported if adjacent ones differ by 2^15 or more.
    """
    if np.abs(np.diff(entries)).max() >= 1 << 15:
        raise Unsupported("neighbouring entries of a table differ by more than 15 bits")
    table = b.constant(entries.astype(np.int16), "table")
    wide = b.add(tosa.TableOp([value, table], TensorType(i32, shape_of(value))), shared=False)
    return b.rescale(wide, 2.0**-7, to=i16)
