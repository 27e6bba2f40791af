"""Every rule of `lowering.tosa` that moves data is exact on random ops of int8 and int16."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import SSAValue

from cmopt.dialects import edge
from cmopt.dialects.quant import UniformQuantizedType
from cmopt.dialects.shapes import numel
from cmopt.lowering.tosa.movement import runs

sys.path.insert(0, str(Path(__file__).parents[1]))
from rules_alone import Alone, examples, f, int8, int16, mixed_kinds, seeds

KIND, WIDE = int8(0.5, 3), int16(0.5)


def some_kind(alone: Alone) -> UniformQuantizedType:
    """A type of 8 or 16 bits."""
    return WIDE if alone.random.integers(2) else KIND


def shapes(low: int = 1, high: int = 6, most: int = 5) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes of `low` to `high` dimensions."""
    return st.lists(st.integers(1, most), min_size=low, max_size=high).map(tuple)


def permuted(alone: Alone, shape: tuple[int, ...], perm: tuple[int, ...]) -> SSAValue:
    """A permute of an input."""
    return alone.add(edge.PermuteOp.of(alone.input(shape, some_kind(alone)), perm))


@examples(100)
@given(shape=shapes(2), seed=seeds, data=st.data())
def test_permute(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    alone, perm = Alone(seed), data.draw(st.permutations(range(len(shape))))
    alone.holds(permuted(alone, shape, tuple(perm)))


@examples(25)
@given(a=st.integers(1, 3), b=st.integers(2, 12), c=st.integers(2, 12), d=st.integers(1, 9),
       seed=seeds)  # fmt: skip
def test_permute_in_the_middle(a: int, b: int, c: int, d: int, seed: int) -> None:
    """It is done by slices if there are few."""
    alone = Alone(seed)
    alone.holds(permuted(alone, (a, b, c, d), (0, 2, 1, 3)))


@pytest.mark.parametrize(
    ("shape", "perm", "limit"),
    [
        ((300, 300, 2), (2, 0, 1), None),
        ((2, 300, 300), (1, 2, 0), None),
        ((65_536, 3), (1, 0), None),
        ((3, 65_536), (1, 0), None),
        ((2, 5, 40_000), (1, 0, 2), None),
        ((2, 3, 2, 30_000), (0, 2, 1, 3), None),
        ((65_537, 3), (1, 0), r"tosa\.transpose: an axis of 65537 is longer than 65536"),
        ((3, 65_537), (1, 0), r"tosa\.transpose: an axis of 65537 is longer than 65536"),
    ],
)  # fmt: skip
def test_permute_of_long_axes(
    shape: tuple[int, ...], perm: tuple[int, ...], limit: str | None
) -> None:
    """Dimensions are merged only if the merged one is short enough."""
    alone = Alone(0)
    alone.holds(permuted(alone, shape, perm), 0, *([limit] if limit else []))


@examples(30)
@given(factors=shapes(2, 6), seed=seeds, data=st.data())
def test_reshape(factors: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    """Between any two shapes with the same number of elements."""
    alone = Alone(seed)
    cuts = [data.draw(st.booleans()) for _ in factors[1:]]
    joined = [factors[0]]
    for cut, n in zip(cuts, factors[1:], strict=True):
        joined = [*joined, n] if cut else [*joined[:-1], joined[-1] * n]
    assert numel(joined) == numel(factors)
    kind = some_kind(alone)
    alone.holds(alone.op(edge.ReshapeOp, [alone.input(factors, kind)], joined, kind))


@examples(40)
@given(shape=shapes(), seed=seeds, data=st.data())
def test_slice(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    alone, dim = Alone(seed), data.draw(st.integers(0, len(shape) - 1))
    start = data.draw(st.integers(0, shape[dim] - 1))
    size = data.draw(st.integers(1, shape[dim] - start))
    result = (*shape[:dim], size, *shape[dim + 1 :])
    place = {"dim": IntegerAttr(dim, i64), "start": IntegerAttr(start, i64)}
    kind = some_kind(alone)
    alone.holds(alone.op(edge.SliceOp, [alone.input(shape, kind)], result, kind, **place))


@examples(60)
@given(shape=shapes(), seed=seeds, data=st.data(), output=mixed_kinds)
def test_cat(shape: tuple[int, ...], seed: int, data: st.DataObject, output: Any) -> None:
    """Operands of the result's type and of others, computed and constant.

    One step if an operand of int16, or for a result of int16, is requantized.
    """
    alone, dim = Alone(seed), data.draw(st.integers(0, len(shape) - 1))
    parts, total, limits, bound = [], 0, [], False
    for place in range(data.draw(st.integers(1, 4))):
        size = data.draw(st.sampled_from([1, 2, 3, 1, 2, 3, 0]) if place else st.integers(1, 3))
        own = (*shape[:dim], size, *shape[dim + 1 :])
        kind = data.draw(st.one_of(st.just(output), mixed_kinds))
        bound |= kind != output and WIDE.storage in (kind.storage, output.storage)
        if place and data.draw(st.booleans()):
            parts.append(alone.constant(alone.stored(own, kind), kind))
        else:
            parts.append(alone.input(own, kind))
        total += size
        limits += [] if size else ["a tensor is empty"]
    result = (*shape[:dim], total, *shape[dim + 1 :])
    along = IntegerAttr(dim, i64)
    alone.holds(alone.op(edge.CatOp, [parts], result, output, dim=along), int(bound), *limits)


@examples(40)
@given(shape=shapes(0, 5, 4), more=shapes(0, 2, 3), seed=seeds, data=st.data())
def test_expand(
    shape: tuple[int, ...], more: tuple[int, ...], seed: int, data: st.DataObject
) -> None:
    """Repeats dimensions of 1, and adds new ones in front, up to rank six."""
    alone, more = Alone(seed), more[: 6 - len(shape)]
    source = tuple(1 if data.draw(st.booleans()) else n for n in shape)
    alone.holds(alone.add(edge.ExpandOp.of(alone.input(source, some_kind(alone)), (*more, *shape))))


@examples(40)
@given(shape=shapes(), seed=seeds, kind=mixed_kinds, value=st.one_of(st.just(0.0),
       st.floats(-1e3, 1e3, width=32)), data=st.data())  # fmt: skip
def test_pad(
    shape: tuple[int, ...], seed: int, kind: Any, value: float, data: st.DataObject
) -> None:
    alone, sizes = Alone(seed), st.lists(st.integers(0, 3), min_size=len(shape),
                                         max_size=len(shape))  # fmt: skip
    low, high = data.draw(sizes), data.draw(sizes)
    alone.holds(alone.add(edge.PadOp.of(alone.input(shape, kind), low, high, f(value))))


INDICES = {
    "flip": lambda n, k, random: range(n - 1, -1, -1),
    "roll": lambda n, k, random: np.roll(np.arange(n), k),
    "repeat": lambda n, k, random: np.repeat(np.arange(n), k),
    "tile": lambda n, k, random: np.tile(np.arange(n), k),
    "strided": lambda n, k, random: range(k % n, n, k),
    "reflected": lambda n, k, random: [*range(min(k, n - 1), 0, -1), *range(n)],
    "random": lambda n, k, random: random.integers(0, n, k * 3),
}


@pytest.mark.parametrize("choice", INDICES)
@examples(25)
@given(shape=shapes(1, 6, 7), times=st.integers(1, 5), seed=seeds, data=st.data())
def test_take(
    choice: str, shape: tuple[int, ...], times: int, seed: int, data: st.DataObject
) -> None:
    alone, dim = Alone(seed), data.draw(st.integers(0, len(shape) - 1))
    indices = [int(i) for i in INDICES[choice](shape[dim], times, alone.random)]
    alone.holds(alone.add(edge.TakeOp.of(alone.input(shape, some_kind(alone)), dim, indices)))


def test_take_of_too_many_pieces() -> None:
    """No two of the taken elements are neighbours."""
    alone = Alone(0)
    indices = [i % 2 * 5 for i in range(4097)]
    value = alone.add(edge.TakeOp.of(alone.input((1, 6), KIND), 1, indices))
    alone.holds(value, 0, "takes 4097 pieces, more than 4096")


@examples(40)
@given(image=st.tuples(*[st.integers(1, 5)] * 3), batch=st.integers(1, 2), seed=seeds,
       factors=st.tuples(*[st.sampled_from([2, 4, 8])] * 2), height_first=st.booleans(),
       kind=mixed_kinds)  # fmt: skip
def test_nearest_upsampling(
    image: tuple[int, ...], batch: int, seed: int, factors: tuple[int, int], height_first: bool,
    kind: Any,
) -> None:  # fmt: skip
    """A take of a take, in either order, with one factor or two."""
    alone = Alone(seed)
    value = alone.input((batch, *image), kind)
    for dim in (1, 2) if height_first else (2, 1):
        indices = np.repeat(np.arange(image[dim - 1]), factors[dim - 1]).tolist()
        value = alone.add(edge.TakeOp.of(value, dim, indices))
    alone.holds(value)


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_nearest_upsampling_is_one_operation(factor: int) -> None:
    """Each pixel is in its place. All pixels are different."""
    alone = Alone(factor)
    pixels = np.arange(5 * 7 * 3, dtype=np.int8).reshape(1, 5, 7, 3)
    value = alone.input(pixels.shape, KIND, pixels)
    for dim, size in ((1, 5), (2, 7)):
        indices = np.repeat(np.arange(size), factor).tolist()
        value = alone.add(edge.TakeOp.of(value, dim, indices))
    alone.holds(value)


@given(st.lists(st.integers(0, 4), min_size=1))
def test_runs_make_up_the_indices(indices: list[int]) -> None:
    made = [first + i * step for first, length, step in runs(indices) for i in range(length)]
    assert made == indices


def test_padding_leaves_the_input_whole() -> None:
    assert runs([0, 0, 0, 1, 2, 2]) == [(0, 2, 0), (0, 3, 1), (2, 1, 1)]
    assert runs([1, 0, 1, 2, 1]) == [(1, 1, 1), (0, 3, 1), (1, 1, 1)]
    assert runs([2, 1, 0, 1, 2, 1, 0]) == [(2, 2, -1), (0, 3, 1), (1, 2, -1)]
    assert runs([0, 0, 1, 1]) == [(0, 2, 0), (1, 2, 0)]
