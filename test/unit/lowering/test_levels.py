"""The split into delegates, compared with every other split of small random graphs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from cmopt.lowering.tosa.levels import Processor, levels

Graph = tuple[list[list[int]], list[Processor]]
"""The sources of each node, which have smaller numbers, and where the node can run."""


@st.composite
def graphs(draw: st.DrawFn, most: int = 7) -> Graph:
    """Graphs small enough to try everything."""
    count = draw(st.integers(1, most))
    sources = [
        sorted(draw(st.sets(st.integers(0, node - 1), max_size=3))) if node else []
        for node in range(count)
    ]
    processors = draw(st.lists(st.sampled_from(Processor), min_size=count, max_size=count))
    return sources, processors


def split(graph: Graph) -> dict[int, int]:
    """The levels of a graph."""
    sources, processors = graph
    return levels(range(len(processors)), sources.__getitem__, processors.__getitem__)


def groupings(count: int, limit: int) -> Iterator[list[int]]:
    """Every way to put `count` nodes into at most `limit` numbered delegates, each once."""

    def extend(chosen: list[int]) -> Iterator[list[int]]:
        if len(chosen) == count:
            yield chosen
            return
        for part in range(min(max(chosen, default=-1) + 2, limit)):
            yield from extend([*chosen, part])

    yield from extend([])


def has_cycle(edges: set[tuple[int, int]]) -> bool:
    """Whether the edges have a cycle."""
    edges = {(a, b) for a, b in edges if a != b}
    while edges:
        left = {(a, b) for a, b in edges if any(c == b for c, _ in edges)}
        if left == edges:
            return True
        edges = left
    return False


def runs(graph: Graph, inside: list[int], part: list[int]) -> bool:
    """Whether the nodes `inside` can run in these delegates, one delegate after the other."""
    sources, processors = graph
    name = dict(zip(inside, part, strict=True))
    names = [name.get(node, -1 - node) for node in range(len(processors))]
    return not has_cycle({(names[s], names[n]) for n in range(len(processors)) for s in sources[n]})


def fewest(graph: Graph, found: int) -> int:
    """The fewest delegates of any split with at most `found` delegates."""
    _, processors = graph
    free = [n for n, processor in enumerate(processors) if processor is Processor.EITHER]
    npu = [n for n, processor in enumerate(processors) if processor is Processor.NPU]
    for limit in range(found):
        for choice in product([False, True], repeat=len(free)):
            inside = sorted(npu + [n for n, chosen in zip(free, choice, strict=True) if chosen])
            if any(runs(graph, inside, part) for part in groupings(len(inside), limit)):
                return limit
    return found


@given(graph=graphs())
def test_every_node_comes_after_its_sources(graph: Graph) -> None:
    sources, processors = graph
    level = split(graph)
    assert list(level) == list(range(len(processors)))
    for node, processor in enumerate(processors):
        assert all(level[source] <= level[node] for source in sources[node])
        assert processor is Processor.EITHER or level[node] % 2 == processor.value


@given(graph=graphs())
def test_no_other_split_has_fewer_delegates(graph: Graph) -> None:
    _, processors = graph
    level = split(graph)
    # Free nodes alone make no delegate: the partition omits it.
    parts = {level[n] for n, processor in enumerate(processors) if processor is Processor.NPU}
    assert len(parts) == fewest(graph, len(parts))


def test_what_is_found_is_compared() -> None:
    """The search finds a split with fewer delegates if there is one, and none with a cycle."""
    chain: Graph = [[], [0], [1]], [Processor.NPU, Processor.CPU, Processor.NPU]
    assert fewest(chain, 3) == 2
    fork: Graph = [[], [0], [0]], [Processor.NPU, Processor.CPU, Processor.NPU]
    assert fewest(fork, 3) == 1
