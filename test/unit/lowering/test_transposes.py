"""Permutations as transposes of at most rank 4."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import TensorType, i8
from xdsl.ir import Block

from cmopt.dialects import tosa
from cmopt.dialects.shapes import shape_of
from cmopt.interpreters.run import run_module
from cmopt.lowering.cortex_m.movement import transposes
from cmopt.lowering.tosa.builder import RegionBuilder
from cmopt.lowering.tosa.moves import first_apart

sys.path.insert(0, str(Path(__file__).parents[1]))
from tosa_region import Graph


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


@given(st.permutations(range(5)).filter(lambda perm: perm != [0, 1, 2, 3, 4]))
def test_the_first_dimension_that_moves_is_apart(perm: list[int]) -> None:
    x = np.arange(2 * 3 * 4 * 5 * 6).reshape(2, 3, 4, 5, 6)
    first, rest = first_apart(perm)
    np.testing.assert_array_equal(x.transpose(first).transpose(rest), x.transpose(perm))


@given(st.permutations(range(4)), st.integers(0, 3))
def test_a_transposed_stack_is_stacked_where_less_moves(perm: list[int], dim: int) -> None:
    """The same elements, in a transpose of at most three dimensions, or none."""
    graph, shape = Graph(0), (2, 3, 5)
    build = graph.build
    parts = [graph.source(shape) for _ in range(7)]
    rows = [build.reshape(part, (*shape[:dim], 1, *shape[dim:])) for part in parts]
    graph.finish(build.transpose(build.concat(rows, dim), perm))
    (result,) = run_module(graph.module, graph.values)
    np.testing.assert_array_equal(result, np.stack(graph.values, dim).transpose(perm))
    moved = [op for op in build.block.ops if isinstance(op, tosa.TransposeOp)]
    assert all(len([n for n in shape_of(op.input1) if n > 1]) <= 3 for op in moved)


@given(st.permutations(range(4)))
def test_the_npu_transposes_no_five_dimensions(perm: list[int]) -> None:
    """Vela splits such a transpose into many: a command stream of 130 KB for four images."""
    block = Block(arg_types=[TensorType(i8, [2, 9, 3, 10, 4])])
    build = RegionBuilder()
    build.transpose(block.args[0], (*perm, 4))
    transposed = [op for op in build.block.ops if isinstance(op, tosa.TransposeOp)]
    assert all(len(shape_of(op.input1)) <= 4 for op in transposed)
