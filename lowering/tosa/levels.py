"""Splits ops into calls of the NPU, with the smallest possible number of calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import TypeVar

Node = TypeVar("Node")


class Processor(Enum):
    """Where an op can run."""

    CPU = 0
    NPU = 1
    EITHER = 2
    """It costs nothing on either, so it runs where its operands come from."""


def levels(
    nodes: Sequence[Node],
    sources: Callable[[Node], Iterable[Node]],
    processor: Callable[[Node], Processor],
) -> dict[Node, int]:
    """A level for each node: odd if it runs on the NPU, even if it runs on the core.

    nodes: in an order in which every node comes after its sources.

    The nodes of one odd level make one delegate. A node's level is never below a level of its
    sources, so the levels can run in order, without cycles. The level rises only where data
    changes processors. So the highest level is the number of changes on some path through the
    graph. Any split needs a delegate each time that path enters the NPU, so this number of
    delegates is the smallest.
    """
    level: dict[Node, int] = {}
    for node in nodes:
        before = max((level[source] for source in sources(node) if source in level), default=0)
        kind = processor(node)
        fits = kind is Processor.EITHER or before % 2 == kind.value
        level[node] = before if fits else before + 1
    return level
