"""Tables of the reciprocals of int8 divisors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import SSAValue

from cmopt.lowering.tosa.builder import RegionBuilder, i16
from cmopt.lowering.tosa.tables import int16_table

LARGEST_RECIPROCAL = (1 << 15) - 1


def reciprocal(divisor: SSAValue, entries: NDArray[np.int64], b: RegionBuilder) -> SSAValue:
    """The int16 entry for each int8. One more between each two makes their steps fit int16."""
    every = np.interp(np.arange(513), np.arange(256) * 2, entries)
    return int16_table(b.scaled(divisor, 256.0, to=i16), np.rint(every).astype(np.int64), b)
