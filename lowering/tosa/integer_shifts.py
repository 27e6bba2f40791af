"""Shifts of plain integers, with PyTorch's meaning for every count; exact on every NPU.

A U55 rounds what it shifts to the right, so half of a unit is subtracted before. Counts that are
negative or too large shift to the left all bits out, and to the right all but the sign.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import i32
from xdsl.ir import SSAValue

from cmopt.dialects import tosa
from cmopt.lowering.plain_integers import Argument, is_inside, range_of, type_range
from cmopt.lowering.tosa.wide_integers import WideIntegers

LEAST = type_range(i32)[0]
MOST_PLACES = 16
"""The most places of each of two shifts that together shift out 32 bits."""

Ints = NDArray[np.int64]


def left(value: Ints, places: Ints, bits: int) -> Ints:
    """`value << places` of integers with so many bits, before it wraps."""
    shifted: Ints = np.where(_is_count(places, bits), value << places.clip(0, bits - 1), 0)
    return shifted


def right(value: Ints, places: Ints, bits: int) -> Ints:
    """`value >> places` of integers with so many bits."""
    shifted: Ints = value >> np.where(_is_count(places, bits), places, bits - 1)
    return shifted


def _is_count(places: Ints, bits: int) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = (places >= 0) & (places < bits)
    return result


def shift_left(n: WideIntegers, value: Argument, places: Argument) -> SSAValue:
    """`value << places` in int32. If the result of `n` is int8 or int16, its bits are the highest
    ones."""
    wide, bits, above = n.of(value), n.bits, 32 - n.bits
    if (known := n.known(places)) is not None:
        counts = np.where(_is_count(known, bits), known, bits) + above
        parts = [n.constant(part) for part in _split(counts)]
    else:
        parts = [n.number(above)] if above else []
        is_count = is_inside(_counts(places), (0, bits - 1))
        count = n.of(places) if is_count else _within(n, places, bits)
        if is_count or above:
            parts.append(count)
        else:
            first = n.with_number(tosa.MinimumOp, count, MOST_PLACES)
            parts += [first, n.b.arithmetic(tosa.SubOp, count, first)]
    for part in parts:
        wide = n.b.arithmetic(tosa.LogicalLeftShiftOp, wide, part)
    return wide


def _split(counts: Ints) -> list[Ints]:
    """Counts up to 32 as sums of counts that an NPU has."""
    if (counts < 32).all():
        return [counts]
    first = counts.clip(max=MOST_PLACES)
    return [first, counts - first]


def shift_right(n: WideIntegers, value: Argument, places: Argument) -> SSAValue:
    """`value >> places` in int32. Its numbers fit into the type of the result of `n`.

    Half a unit cannot be subtracted from the lowest numbers. They are first made larger, but not
    by so much that their result changes.
    """
    wide, most = n.of(value), n.bits - 1
    if (known := n.known(places)) is not None:
        counts = np.where(_is_count(known, n.bits), known, most)
        halves = (1 << counts) >> 1
        count, half, lowest = (n.constant(a) for a in (counts, halves, halves + LEAST))
    else:
        is_count = is_inside(_counts(places), (0, most))
        count = n.of(places) if is_count else _within(n, places, most)
        half = _half(n, count)
        lowest = n.with_number(tosa.AddOp, half, LEAST)
    if n.bits == 32 and _least(value) < LEAST + (1 << most - 1):
        wide = n.b.arithmetic(tosa.MaximumOp, wide, lowest)
    return n.rounding_shift(n.b.arithmetic(tosa.SubOp, wide, half), count)


def _counts(places: Argument) -> tuple[int, int]:
    assert isinstance(places, SSAValue)
    return range_of(places)


def _least(value: Argument) -> int:
    return range_of(value)[0] if isinstance(value, SSAValue) else value or 0


def _within(n: WideIntegers, places: Argument, most: int) -> SSAValue:
    """Counts, `most` instead of those that are negative or larger."""
    count = n.with_number(tosa.MinimumOp, n.of(places), most)
    count = n.with_number(tosa.MaximumOp, count, -1)
    return n.b.arithmetic(tosa.MaximumOp, count, n.b.multiply(count, n.number(-most)))


def _half(n: WideIntegers, count: SSAValue) -> SSAValue:
    """`2^count / 2`, 0 for a count of 0."""
    is_more = n.with_number(tosa.MinimumOp, count, 1)
    before = n.b.arithmetic(tosa.SubOp, count, is_more)
    return n.b.arithmetic(tosa.LogicalLeftShiftOp, is_more, before)
