"""edge.softmax → exponentials from tables, their sum, and its reciprocal from a table.

All in integers, with the operators of a U55, which has neither a division nor a select.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import BoolAttr, i32
from xdsl.ir import SSAValue

from cmopt.dialects import tosa
from cmopt.dialects.edge import SoftmaxOp
from cmopt.dialects.quant import UniformQuantizedType, is_int8, qtype_of
from cmopt.dialects.shapes import int_of, numel, shape_of
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.tosa.activations import are_int8, require_activations
from cmopt.lowering.tosa.builder import RegionBuilder, i16
from cmopt.lowering.tosa.functions import sum_of_tables
from cmopt.lowering.tosa.pieces import Piece, pieces_of
from cmopt.lowering.tosa.reductions import maximum_of_rows, sum_of_rows
from cmopt.lowering.tosa.tables import PLACES, int16_table

POWER = (1 << 15) - 1
"""The exponential of 0 in int16."""

LONGEST_ROW = 1 << 16
"""The sum of longer rows may not fit int32."""

LARGEST_ERROR = 0.9
"""In steps, before the result is rounded: the result is then off by 1 at most."""

FINE_BITS = 14
"""Bits of a fine exponential below those of an int16."""

SHARE_BITS = 29
"""Bits of a share of a sum."""

MOST_SLOW_ROWS = 16
"""With up to this many rows, what Vela makes of an operator on [1,1,R,1] takes up to 16 times as
long as what it makes of one on [1,1,1,R]."""

SMALLEST_SCALE = 2.0**-26
"""The smallest step of a result that fine exponentials and shares are exact enough for."""


def softmax(op: SoftmaxOp, b: RegionBuilder) -> SSAValue:
    """`exp(x - max) / Σ exp(x - max)`; ≤ 1 step from int8 to int8.

    Exponentials have 15 bits, or 29 if the result's steps are small; see the ways to divide. With
    int16, see `wide_shares`.
    """
    require_activations(op.input, op.output)
    shape, dim = shape_of(op.input), int_of(op.dim)
    size, output = shape[dim], qtype_of(op.output)
    if size > LONGEST_ROW:
        raise Unsupported(f"a softmax over {size} elements leaves its sum too few bits")
    narrow = are_int8(op.input, op.output)
    if narrow and output.scale < SMALLEST_SCALE:
        raise Unsupported(
            f"a softmax in steps of {output.scale:g} leaves its exponentials too few bits"
        )
    # As a matrix whose rows are summed; the NPU sums the last dimension fastest.
    last = [d for d in range(len(shape)) if d != dim] + [dim]
    moved = b.transpose(b.value(op.input), last)
    rows = b.rows(moved, size)
    if narrow:
        powers = Powers(rows, qtype_of(op.input).scale, b)
        divide = next(way for way, error in WAYS if error(size, output.scale) <= LARGEST_ERROR)
        shares = divide(powers, size)
    else:
        shares = wide_shares(rows, qtype_of(op.input), size, b)
    result = b.rescale(
        shares, 2.0**-SHARE_BITS / output.scale, output_zp=output.zero_point, to=output.storage
    )
    result = b.reshape(result, shape_of(moved))
    return b.transpose(result, [last.index(d) for d in range(len(shape))])


class Powers:
    """`exp(scale · (x - max of the row))` of rows [1,1,R,N], in units of 1 / POWER."""

    def __init__(self, rows: SSAValue, scale: float, b: RegionBuilder):
        self.rows, self.b = rows, b
        self.largest = maximum_of_rows(rows, b)
        exact = POWER * np.exp(np.minimum(scale * (PLACES >> 7), 0.0))
        self.rounded = np.rint(exact).astype(np.int64)
        self.rest = np.rint((exact - self.rounded) * (1 << FINE_BITS)).astype(np.int64)
        self.short = self._looked_up(self.rounded)

    def _looked_up(self, entries: NDArray[np.int64]) -> SSAValue:
        """The entries at the distances from the maxima, which are -255 … 0.

        The distance is made again for each table, because Vela then computes both at once.
        """
        wide = [self.b.rescale(value, 1.0, to=i32) for value in (self.rows, self.largest)]
        distance = self.b.arithmetic(tosa.SubOp, *wide)
        return int16_table(self.b.rescale(distance, 128.0, to=i16), entries, self.b)

    @cached_property
    def lower(self) -> SSAValue:
        """The int16 that rounding took from `short`, in units of 2^-FINE_BITS."""
        return self._looked_up(self.rest)

    def fine(self) -> SSAValue:
        """In int32, with FINE_BITS more bits than `short`."""
        one, many = (_number(n, np.int16, self.b) for n in (1, 1 << FINE_BITS))
        parts = self.b.multiply(self.short, many), self.b.multiply(self.lower, one)
        return self.b.arithmetic(tosa.AddOp, *parts)

    def sum(self, *, exact: bool) -> SSAValue:
        """[1,1,R,1] in int32: the sum of `short`; or the sum of `fine`, rounded to these units."""
        total = self._sum(self.short)
        if not exact:
            return total
        lower = self.b.rescale(self._sum(self.lower), 2.0**-FINE_BITS, to=i32)
        return self.b.arithmetic(tosa.AddOp, total, lower)

    def _sum(self, value: SSAValue) -> SSAValue:
        return sum_of_rows(value, POWER, self.b)


class Reciprocals:
    """Of sums in [POWER, size · POWER], exact to 2^-14.

    `normal`: the reciprocal of the sum shifted left to [2^30, 2^31), in units of 2^-45; an int16 in
    [2^14, 2^15) from a table. `zeros`: the leading zeros of the sum. Both are in the order of the
    rows, see `by_row`.
    """

    def __init__(self, total: SSAValue, size: int, b: RegionBuilder):
        self.b, self.fewest = b, 32 - (size * POWER).bit_length()
        self.shape = shape_of(total)
        if (rows := numel(self.shape)) <= MOST_SLOW_ROWS:
            total = b.reshape(total, (1, 1, 1, rows))
        self.zeros = b.add(tosa.ClzOp([total], total.type))
        shift = b.arithmetic(tosa.SubOp, self.zeros, _number(1, np.int32, b))
        self.shifted = b.arithmetic(tosa.LogicalLeftShiftOp, total, shift)
        middle = 3 << 29
        place = b.arithmetic(tosa.SubOp, self.shifted, _number(middle, np.int32, b))
        entries = np.rint(2.0**45 / (middle + PLACES * 2.0**14)).clip(0, POWER).astype(np.int64)
        self.normal = int16_table(b.rescale(place, 2.0**-14, to=i16), entries, b)

    def by_row(self, value: SSAValue) -> SSAValue:
        """A value with one element for each sum, in the sums' shape."""
        return self.b.reshape(value, self.shape)

    def wide(self) -> tuple[SSAValue, int]:
        """The reciprocals of the sums in int32, in their shape, and the bits of their unit."""
        more = self.b.arithmetic(tosa.SubOp, self.zeros, _number(self.fewest, np.int32, self.b))
        normal = self.b.rescale(self.normal, 1.0, to=i32)
        reciprocal = self.b.arithmetic(tosa.LogicalLeftShiftOp, normal, more)
        return self.by_row(reciprocal), 46 - self.fewest

    def fine(self) -> SSAValue:
        """The reciprocals of the sums in int32, in their shape, in units of 2^-43.

        They have up to 28 bits, less one for each doubling of the sum above POWER. One step of
        Newton's method, r + r · (1 - x · r), doubles the bits of `normal`.
        """
        b, normal = self.b, self.b.rescale(self.normal, 1.0, to=i32)
        product = b.multiply(self.shifted, normal, 16)
        rest = b.arithmetic(tosa.SubOp, _number(1 << 29, np.int32, b), product)
        first = b.multiply(normal, _number(1 << 14, np.int32, b))
        exact = b.arithmetic(tosa.AddOp, first, b.multiply(normal, rest, 15))
        places = b.arithmetic(tosa.SubOp, _number(17, np.int32, b), self.zeros)
        return self.by_row(_shifted_right(exact, places, b))


def short_shares(powers: Powers, size: int) -> SSAValue:
    """Powers and reciprocals of 15 bits: one product."""
    b = powers.b
    reciprocal, bits = Reciprocals(powers.sum(exact=False), size, b).wide()
    return b.multiply(powers.short, b.rescale(reciprocal, 2.0 ** (SHARE_BITS - bits), to=i16))


def short_error(size: int, scale: float) -> float:
    """In steps, before the last rounding.

    Powers and reciprocals are off by 2^-16 of the largest share. A share that does not saturate has
    255 steps at most. The sum loses 2^-16 of it for each of its terms, and the table 2^-14.
    """
    return 2.0**-15 / scale + 255 * (2.0**-14 + size * 2.0**-16)


def normal_shares(powers: Powers, size: int) -> SSAValue:
    """Powers and normalized reciprocals of 15 bits: the products are shifted back, row by row."""
    b = powers.b
    reciprocals = Reciprocals(powers.sum(exact=True), size, b)
    product = b.multiply(powers.short, reciprocals.by_row(reciprocals.normal))
    places = b.arithmetic(tosa.SubOp, _number(46 - SHARE_BITS, np.int32, b), reciprocals.zeros)
    return _shifted_right(product, reciprocals.by_row(places), b)


def normal_error(size: int, scale: float) -> float:
    """As `short_error`, but a reciprocal loses nothing more, and the sum is rounded once.

    The bits that are added to the sum are themselves rounded, to 2^-FINE_BITS.
    """
    terms = 1 + size * 2.0**-FINE_BITS
    return 2.0**-16 / scale + 255 * (2.0**-14 + terms * 2.0**-16)


def fine_shares(powers: Powers, size: int) -> SSAValue:
    """Powers of 29 bits and reciprocals in int32."""
    b = powers.b
    reciprocal, bits = Reciprocals(powers.sum(exact=True), size, b).wide()
    return b.multiply(powers.fine(), reciprocal, bits + FINE_BITS - SHARE_BITS)


def fine_error(size: int, scale: float) -> float:
    """As `normal_error`, with FINE_BITS more bits in a power."""
    return normal_error(size, scale * (1 << FINE_BITS))


WAYS: tuple[tuple[Callable[[Powers, int], SSAValue], Callable[[int, float], float]], ...] = (
    (short_shares, short_error),
    (normal_shares, normal_error),
    (fine_shares, fine_error),
)
"""Ways to divide powers by the sums of their rows, in units of 2^-SHARE_BITS, with the largest
error of each. For 256 rows of 64, a softmax then takes 68,000, 141,000 or 179,000 cycles of a
U55-128."""


def _number(value: int, dtype: type[np.signedinteger[Any]], b: RegionBuilder) -> SSAValue:
    return b.constant(np.full((1, 1, 1, 1), value, dtype))


def _shifted_right(value: SSAValue, places: SSAValue, b: RegionBuilder) -> SSAValue:
    """`value / 2^places` in int32, rounded."""
    shift = tosa.ArithmeticRightShiftOp.create(
        operands=[value, places],
        result_types=[value.type],
        properties={"round": BoolAttr.from_bool(True)},
    )
    return b.add(shift)


FARTHEST = 12.0
"""The exponential of minus this is below half of one unit of POWER."""


def wide_powers(kind: UniformQuantizedType) -> tuple[float, list[Piece]]:
    """What a distance from the maximum, in steps of an input's type, is multiplied by for its place
    in tables, and the tables of exponentials in units of 1 / POWER."""
    factor = 128.0 if is_int8(kind) else 1.0 if kind.scale * (1 << 15) >= FARTHEST else 0.5
    places = np.arange(-(1 << 15), 1 << 15)
    exact = POWER * np.exp(np.minimum(kind.scale / factor * places, 0.0))
    return factor, pieces_of(exact, places <= 0)


def wide_shares(
    rows: SSAValue, kind: UniformQuantizedType, size: int, b: RegionBuilder
) -> SSAValue:
    """Shares of rows [1,1,R,N] for int16, in units of 2^-SHARE_BITS.

    With exponentials that are off by e units of 1 / POWER (their tables' error), a share of N is
    off by (N + 1) · e / POWER at most, where all errors have one sign. Distances of int16 in steps
    that are too small for a table are halved: that is an error of half a step in an exponent.
    """
    factor, pieces = wide_powers(kind)
    wide = [b.rescale(value, 1.0, to=i32) for value in (rows, maximum_of_rows(rows, b))]
    place = b.rescale(b.arithmetic(tosa.SubOp, *wide), factor, to=i16)
    powers = sum_of_tables(place, pieces, b)
    total = sum_of_rows(powers, POWER, b)
    reciprocals = Reciprocals(total, size, b).fine()
    return b.multiply(b.rescale(powers, 1.0, to=i32), reciprocals, 43 - SHARE_BITS)
