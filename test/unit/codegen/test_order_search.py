"""The search for an order of operators, compared with every order of small random graphs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmopt.codegen.order_search import (
    ARGUMENT,
    Graph,
    Operator,
    Overwrite,
    Value,
    Whole,
    bits,
    find_order,
)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """One argument and up to seven operators, which read earlier values and joined values."""
    count = draw(st.integers(1, 7))
    size = st.integers(0, 9).map(lambda n: 16 * n)
    values = [Value(draw(size), ARGUMENT, 0)]
    wholes: list[Whole] = []
    operators = []
    for index in range(count):
        operator = Operator(scratch=draw(st.sampled_from([0, 0, 32])))
        free = [n for n, value in enumerate(values) if value.whole is None]
        if len(free) > 2 and draw(st.booleans()):
            parts = sorted(draw(st.sets(st.sampled_from(free), min_size=2, max_size=3)))
            for part in parts:
                values[part].whole = len(wholes)
            made = sum(1 << values[p].producer for p in parts if values[p].producer != ARGUMENT)
            total = sum(values[part].size for part in parts)
            wholes.append(Whole(total, parts, 1 << index, made))
            operator.reads_wholes.append(len(wholes) - 1)
            operator.needs |= made
        alone = [n for n, value in enumerate(values)]
        for number in draw(st.sets(st.sampled_from(alone), max_size=2)):
            operator.reads.append(number)
            values[number].users |= 1 << index
            if values[number].producer != ARGUMENT:
                operator.needs |= 1 << values[number].producer
        values.append(Value(draw(size), index, draw(st.sampled_from([0, 0, 1])) << count))
        operator.makes.append(len(values) - 1)
        operator.copies_operands = draw(st.integers(0, 9)) == 0
        for number in operator.reads:
            if draw(st.booleans()) and values[number].whole is None:
                saved = min(values[number].size, values[-1].size)
                operator.overwrites.append(Overwrite(saved, number))
        operators.append(operator)
    return Graph(operators, values, wholes)


def orders(graph: Graph, done: int = 0) -> Iterator[list[int]]:
    """Every order that respects the needs."""
    if done == graph.all:
        yield []
    for index, operator in enumerate(graph.operators):
        if not done >> index & 1 and not operator.needs & ~done:
            yield from ([index, *rest] for rest in orders(graph, done | 1 << index))


def live_bytes(graph: Graph, done: int) -> int:
    """Counted anew: every value alone, and a joined value in which its parts lie."""
    total = 0
    for number, whole in enumerate(graph.wholes):
        if set(bits(whole.producers)) <= set(bits(done)) and whole.users & ~done:
            total += whole.size
            continue
        is_made = not whole.producers & ~done
        for value in (graph.values[p] for p in whole.parts):
            exists = value.producer == ARGUMENT or done >> value.producer & 1
            total += value.size * bool(exists and (not is_made or value.users & ~done))
        assert all(graph.values[p].whole == number for p in whole.parts)
    for value in graph.values:
        exists = value.producer == ARGUMENT or done >> value.producer & 1
        if value.whole is None and exists and value.users & ~done:
            total += value.size
    return total


@settings(max_examples=300, deadline=None)
@given(graphs())
def test_finds_the_least_of_all_orders(graph: Graph) -> None:
    found = find_order(graph)
    best = min(graph.peak(order) for order in orders(graph))
    assert found.peak == graph.peak(found.order) == best
    assert found.is_proven and found.bound == best
    assert sorted(found.order) == list(range(len(graph.operators)))


@settings(max_examples=100, deadline=None)
@given(graphs())
def test_steps_give_the_live_bytes(graph: Graph) -> None:
    order = next(orders(graph))
    done, live = 0, live_bytes(graph, 0)
    assert graph.live(0) == live
    for index in order:
        most, live = graph.step(index, done, live)
        done |= 1 << index
        assert live == live_bytes(graph, done) and most >= live
    assert graph.least() <= min(graph.peak(order) for order in orders(graph))


def stars(count: int, size: int) -> Graph:
    """Operators that all read one argument, each with a result of another size that stays."""
    operators = [Operator(reads=[0], makes=[1 + index]) for index in range(count)]
    end = 1 << count
    values = [Value(16, ARGUMENT, end - 1)]
    values += [Value(size + 16 * (index * 7 % count), index, end) for index in range(count)]
    for index, operator in enumerate(operators):
        operator.scratch = 16 * (index * 5 % count) * size
    return Graph(operators, values, [])


def test_ends_at_its_limit_and_says_so() -> None:
    graph = stars(24, 16)
    found = find_order(graph, most_states=1_000)
    assert sorted(found.order) == list(range(24))
    assert found.bound <= found.peak <= graph.peak(range(24))
    assert not found.is_proven


@pytest.mark.parametrize("length", [200, 800])
def test_a_long_chain_takes_no_search(length: int) -> None:
    operators = [Operator(1 << i - 1 if i else 0, [i], makes=[i + 1]) for i in range(length)]
    values = [Value(32, i - 1 if i else ARGUMENT, 1 << i) for i in range(length + 1)]
    found = find_order(Graph(operators, values, []), most_states=1)
    assert found.is_proven and found.order == list(range(length))
