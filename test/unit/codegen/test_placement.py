"""The memory planner never overlaps live buffers, and reaches the lower bound."""

from __future__ import annotations

from itertools import combinations, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmopt.codegen.lifetimes import Buffer, Liveness, TakeOver, align
from cmopt.codegen.placement import (
    chains,
    lower_bound,
    lower_bound_in_place,
    place,
    place_in_order,
    search,
    top,
)

TIMES = 12


@st.composite
def liveness(draw: st.DrawFn) -> Liveness:
    """Random buffers. Some end just when another begins, which may then take their bytes."""
    buffers = []
    for _ in range(draw(st.integers(1, 14))):
        first = draw(st.integers(-1, TIMES - 1))
        last = draw(st.integers(first, min(first + 5, TIMES - 1)))
        buffers.append(Buffer(draw(st.integers(0, 300)), first, last))
    take_overs = []
    free = list(buffers)
    for buffer in buffers:
        for successor in free:
            smaller = 0 < successor.size <= buffer.size
            if buffer.first < buffer.last == successor.first and smaller:
                take_overs.append(TakeOver(buffer, successor, 0))
                free.remove(successor)
                break
    return Liveness(buffers, take_overs)


def overlap(a: Buffer, b: Buffer) -> bool:
    """Whether both are live at some time."""
    return a.first <= b.last and b.first <= a.last


@settings(deadline=None)
@given(liveness())
def test_live_buffers_never_share_bytes(live: Liveness) -> None:
    placement = place(live)
    allowed = {(id(t.buffer), id(t.successor)) for t in live.take_overs}
    for a in live.buffers:
        assert placement.offsets[a] % 16 == 0
        assert 0 <= placement.offsets[a] <= placement.size - align(a.size)
        for b in live.buffers:
            pair = {(id(a), id(b)), (id(b), id(a))}
            if a is b or not overlap(a, b) or not a.size or not b.size:
                continue
            if pair & allowed and max(a.first, b.first) == min(a.last, b.last):
                continue
            start = max(placement.offsets[a], placement.offsets[b])
            end = min(placement.offsets[a] + a.size, placement.offsets[b] + b.size)
            assert start >= end


@settings(deadline=None)
@given(liveness())
def test_size_lies_between_the_bound_and_the_sum(live: Liveness) -> None:
    placement = place(live)
    assert placement.bound <= placement.size <= sum(align(b.size) for b in live.buffers)


@given(liveness())
def test_the_bound_counts_what_is_live_at_once(live: Liveness) -> None:
    """Compared with the definition, computed for each time without chains."""
    bound = lower_bound(chains(live, in_place=False))
    sums = [
        sum(align(b.size) for b in live.buffers if b.first <= time <= b.last)
        for time in range(-1, TIMES)
    ]
    assert bound == max(sums)


@given(liveness())
def test_planning_is_deterministic(live: Liveness) -> None:
    first, second = place(live), place(live)
    assert [first.offsets[b] for b in live.buffers] == [second.offsets[b] for b in live.buffers]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        # A chain: each buffer is live while the next is made, so two are live at a time.
        ([1000, 2000, 500, 2000, 16], 3008),
        ([64, 64, 64, 64], 128),
        ([100], 112),
    ],
)
def test_a_chain_needs_its_largest_neighbours(sizes: list[int], expected: int) -> None:
    buffers = [Buffer(size, i - 1, i) for i, size in enumerate(sizes)]
    placement = place(Liveness(buffers, []))
    assert placement.size == placement.bound == expected


def test_taking_over_saves_the_second_buffer() -> None:
    first, second = Buffer(1024, 0, 3), Buffer(1024, 3, 5)
    apart = place(Liveness([first, second], []))
    together = place(Liveness([first, second], [TakeOver(first, second, 0)]))
    assert (apart.size, together.size) == (2048, 1024)


def test_order_of_sizes_is_not_enough() -> None:
    """First fit by size alone needs 5 units here. The bound is 4, and the search finds it."""
    unit = 64
    spans = [(0, 2, 1), (1, 4, 2), (3, 6, 1), (0, 1, 2), (2, 3, 1), (5, 7, 3), (4, 5, 1)]
    buffers = [Buffer(size * unit, first, last) for first, last, size in spans]
    placement = place(Liveness(buffers, []))
    assert placement.size == placement.bound


@settings(max_examples=60, deadline=None)
@given(liveness())
def test_no_plan_of_a_small_program_is_smaller(live: Liveness) -> None:
    """Every order of first fit, with every choice of results that take over bytes."""
    live = Liveness(live.buffers[:6], [t for t in live.take_overs if _has(live, t)])
    best = place(live).size
    for count in range(len(live.take_overs) + 1):
        for taken in combinations(live.take_overs, count):
            some = Liveness(live.buffers, list(taken))
            groups = chains(some, in_place=True)
            for order in permutations(groups):
                assert best <= top(order, place_in_order(some, order))


def _has(live: Liveness, over: TakeOver) -> bool:
    return over.buffer in live.buffers[:6] and over.successor in live.buffers[:6]


@settings(deadline=None)
@given(liveness())
def test_the_bound_is_no_larger_than_the_plan(live: Liveness) -> None:
    placement = place(live)
    assert lower_bound_in_place(live) <= placement.bound <= placement.size


def test_a_plan_that_first_fit_does_not_find() -> None:
    entries = [
        (144, 0, 4), (144, 7, 10), (32, 5, 7), (16, 4, 6), (16, 0, 3), (16, 5, 8), (96, 9, 10),
        (48, 3, 7),
    ]  # fmt: skip
    live = Liveness([Buffer(*entry) for entry in entries], [])
    groups = chains(live, in_place=False)
    assert top(groups, search(live, groups, lower_bound(groups))) == 256
    assert place(live).size == place(live).bound == 240
