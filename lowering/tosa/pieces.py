"""A function of int16 as a sum of tables: one for the whole range, others that correct parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LOW, HIGH = -(1 << 15), (1 << 15) - 1
EVERY = np.arange(LOW, HIGH + 1)

CELL_BITS = 7
"""Bits of an int16 below the places of a table: a cell has this many."""

MOST_PIECES = 5
"""The most tables of one function. Each but the first is two operations of the NPU."""

SMALL_SQUARE = 0.25
"""The mean of the squared errors, in steps, of a function that needs no more tables. That of exact
results is 1/12."""

SMALL_ERROR = 8
"""The largest error, in steps, of a function that needs no more tables."""

MOST_TRIALS = 64
"""The places that are tried for one more table, the best first."""

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Piece:
    """A table for the values from `start` on: `2^(16 - zoom)` of them.

    It is read at `(q - start) · 2^zoom - 2^15`, saturated to int16. entries: 513 numbers that fit
    int16, adjacent ones less than 2^15 apart.
    """

    start: int
    zoom: int
    entries: Integers

    @property
    def middle(self) -> int:
        """The value that is read at place 0; even, or 0."""
        return self.start + (1 << 15 - self.zoom)

    def __call__(self, values: Integers) -> Integers:
        """What the NPU reads, exactly."""
        places = ((values - self.middle) << self.zoom).clip(LOW, HIGH) - LOW
        index, fraction = places >> CELL_BITS, places & ((1 << CELL_BITS) - 1)
        steps = self.entries[index + 1] - self.entries[index]
        half = 1 << CELL_BITS - 1
        result: Integers = self.entries[index] + ((steps * fraction + half) >> CELL_BITS)
        return result

    def at_places(self) -> Integers:
        """What the NPU reads for each int16, and the entry for the place behind the last one."""
        reaches_end = self.start + (1 << 16 - self.zoom) > HIGH
        return np.append(self(EVERY), self.entries[-1] if reaches_end else 0)


def pieces_of(wanted: Reals, defined: NDArray[np.bool_]) -> list[Piece]:
    """Tables whose sum is near to `wanted` for each int16.

    wanted: 65,536 numbers in the range of int16. defined: those that matter. The first table has
    the whole range, or its upper half if nothing else matters. Each other one is 0 outside its
    part, and makes the sum of the squared errors as small as one table can. Each sum of the first
    of them fits int16 wherever it matters.
    """
    wanted = np.append(wanted, 2 * wanted[-1] - wanted[-2])  # The place behind the last value.
    defined = np.append(defined, False)
    pieces = [_whole(wanted, is_half=not defined[: 1 << 15].any())]
    current = pieces[0].at_places()
    while len(pieces) < MOST_PIECES and not _is_near((wanted - current)[defined]):
        if (piece := _correction(wanted, current, defined)) is None:
            break
        pieces.append(piece)
        current = current + piece.at_places()
    return pieces


def error_of(pieces: list[Piece], wanted: Reals, defined: NDArray[np.bool_]) -> int:
    """The most steps between the sum of tables and the rounded numbers that are wanted."""
    every: Integers = np.sum([piece(EVERY) for piece in pieces], axis=0)
    return int(np.abs(np.rint(wanted) - every)[defined].max(initial=0))


def _is_near(errors: Reals) -> bool:
    """Whether a function with these errors needs no more tables."""
    if not errors.size:
        return True
    return bool((errors**2).mean() <= SMALL_SQUARE and np.abs(errors).max() <= SMALL_ERROR)


def _whole(wanted: Reals, is_half: bool) -> Piece:
    """The table of the whole range, or of the numbers from 0 on.

    Where the function jumps by more than 15 bits between two places, it follows as fast as a table
    can.
    """
    start, zoom = (0, 1) if is_half else (LOW, 0)
    places = wanted[start - LOW :: 1 << CELL_BITS - zoom]
    entries = np.rint(places).astype(np.int64).clip(LOW, HIGH)
    for index in range(1, len(entries)):
        before = int(entries[index - 1])
        entries[index] = entries[index].clip(before - HIGH, before + HIGH)
    piece = Piece(start, zoom, entries)
    _end_exactly(piece, int(np.rint(wanted[-2])))
    return piece


def _end_exactly(piece: Piece, wanted: int) -> None:
    """Change the last entry so that the last value, which calibration makes frequent, has no error
    of rounding."""
    before = int(piece.entries[-1])
    for change in (0, 1, -1, 2, -2):
        piece.entries[-1] = before + change
        if LOW <= before + change <= HIGH and int(piece(EVERY[-1:])[0]) == wanted:
            return
    piece.entries[-1] = before


def _correction(wanted: Reals, current: Integers, defined: NDArray[np.bool_]) -> Piece | None:
    """The table whose addition leaves the smallest squared errors; None if none lessens them."""
    before = _sums_of_squares(wanted, current, defined)
    best: list[tuple[float, int, int]] = []
    for zoom in range(1, CELL_BITS + 1):
        after = _sums_of_squares(wanted, current + _everywhere(wanted, current, zoom), defined)
        length = 1 << 16 - zoom
        starts = np.arange(0, len(EVERY) - length + 1, 1 << CELL_BITS)
        ends = starts + length
        gains = (before[ends] - before[starts]) - (after[ends] - after[starts])
        best += [(float(gain), zoom, int(at)) for gain, at in zip(gains, starts, strict=True)]
    best = sorted((entry for entry in best if entry[0] > 0), reverse=True)[:MOST_TRIALS]
    for _, zoom, at in best:
        entries = _missing(wanted, current, zoom)[at >> CELL_BITS - zoom :][:513].copy()
        if at + (1 << 16 - zoom) < len(EVERY):
            entries[-1] = 0
        piece = Piece(at + LOW, zoom, entries)
        outside = (piece.start > EVERY) | (piece.start + (1 << 16 - zoom) <= EVERY)
        if not piece(EVERY)[outside].any():
            return piece
    return None


def _sums_of_squares(wanted: Reals, current: Integers, defined: NDArray[np.bool_]) -> Reals:
    """The sums of the squared errors before each index."""
    return np.append(0.0, np.cumsum(np.where(defined, (wanted - current) ** 2, 0)))[:-1]


def _missing(wanted: Reals, current: Integers, zoom: int) -> Integers:
    """What is missing at the places of a table with this zoom, over the whole range.

    At most half of int16, so that adjacent ones fit a table. One more table can add the rest.
    """
    width = 1 << CELL_BITS - zoom
    missing: Integers = np.rint(wanted[::width]).astype(np.int64) - current[::width]
    return missing.clip(-(HIGH >> 1), HIGH >> 1)


def _everywhere(wanted: Reals, current: Integers, zoom: int) -> Integers:
    """What tables with this zoom would add over the whole range."""
    entries = _missing(wanted, current, zoom)
    places = np.arange(len(EVERY)) << zoom
    index, fraction = places >> CELL_BITS, places & ((1 << CELL_BITS) - 1)
    steps = entries[index + 1] - entries[index]
    added = entries[index] + ((steps * fraction + (1 << CELL_BITS - 1)) >> CELL_BITS)
    return np.append(added, entries[-1])
