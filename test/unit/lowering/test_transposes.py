"""Permutations as transposes of at most rank 4."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cmopt.lowering.cortex_m.movement import transposes


@given(st.data())
def test_transposes_make_up_the_permutation(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=7)))
    perm = tuple(data.draw(st.permutations(range(len(shape)))))
    x = np.arange(np.prod(shape)).reshape(shape)
    moved = x
    for sizes, order in transposes(shape, perm):
        assert 2 <= len(order) <= 4
        moved = moved.reshape(sizes).transpose(order)
    np.testing.assert_array_equal(moved.reshape(-1), x.transpose(perm).reshape(-1))
