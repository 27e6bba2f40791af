"""Permutations as transposes of at most rank 4."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import TensorType, i8
from xdsl.ir import Block

from cmopt.lowering.cortex_m.movement import transposes
from cmopt.lowering.tosa.builder import RegionBuilder


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


def test_no_permutation_of_dimensions_too_long_to_merge_is_no_transpose() -> None:
    """3 · 197 · 197 elements are more than one axis of the NPU can have."""
    block = Block(arg_types=[TensorType(i8, [1, 3, 197, 197])])
    build = RegionBuilder()
    assert build.transpose(block.args[0], (0, 1, 2, 3)) is block.args[0]
