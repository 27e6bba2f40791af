"""Which ops one call of the NPU computes: as few calls as any split can have."""

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
    """It costs nothing on either, and stays where its operands come from."""


def levels(
    nodes: Sequence[Node],
    sources: Callable[[Node], Iterable[Node]],
    processor: Callable[[Node], Processor],
) -> dict[Node, int]:
    """A level for each node: odd where it runs on the NPU, even where on the CPU.

    nodes: in an order in which every node comes after its sources.

    The nodes of one odd level make one delegate. A node's level is at least each of its sources',
    so running the levels in order runs everything after what it reads: there are no cycles. The
    level rises only where data changes processors. So the highest level is the number of changes
    on some path through the graph. Any split has a delegate for each time that path enters the
    NPU: none has fewer delegates.
    """
    level: dict[Node, int] = {}
    for node in nodes:
        before = max((level[source] for source in sources(node) if source in level), default=0)
        kind = processor(node)
        fits = kind is Processor.EITHER or before % 2 == kind.value
        level[node] = before if fits else before + 1
    return level
