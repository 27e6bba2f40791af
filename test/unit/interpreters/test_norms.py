"""The reciprocal root of a norm is right to 2^-28, for all sums that a row can have."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cmopt.interpreters.norms import reciprocal_roots, row_factor

BOUND = 2.0**-28


def test_reciprocal_roots() -> None:
    random = np.random.default_rng(0)
    ends = [np.arange(2**30, 2**30 + 4096), np.arange(2**32 - 4096, 2**32)]
    grid = np.linspace(2**30, 2**32 - 1, 1 << 20).astype(np.int64)
    a = np.concatenate([*ends, grid, random.integers(2**30, 2**32, 1 << 20)]).astype(np.uint64)
    root = reciprocal_roots(a).astype(np.float64)
    assert np.abs(root * np.sqrt(a.astype(np.float64)) / 2.0**46 - 1).max() < BOUND / 2
    assert root.min() >= 2**30 and root.max() < 2**31


@settings(max_examples=300, deadline=None)
@given(
    energy=st.one_of(st.integers(0, 2**62), st.integers(0, 9)),
    multiplier=st.one_of(st.just(0), st.integers(2**30, 2**31 - 1)),
    shift=st.integers(-96, 96),
)
def test_the_factor_of_a_row(energy: int, multiplier: int, shift: int) -> None:
    """Its square times the sum is 1, in exact arithmetic."""
    factor, exponent = row_factor(energy, multiplier, shift)
    total = energy + multiplier * Fraction(2) ** shift
    if not total:
        assert (factor, exponent) == (0, 0)
        return
    assert 2**30 <= factor < 2**31
    square = Fraction(factor) ** 2 * Fraction(2) ** (2 * (exponent - 61))
    assert abs(square * total - 1) < 2 * BOUND
