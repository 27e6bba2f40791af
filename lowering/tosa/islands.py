"""Which ops an NPU does together: as few parts as any split can have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import TypeVar

Node = TypeVar("Node")


class Room(Enum):
    """Where an op can run."""

    CPU = 0
    NPU = 1
    EITHER = 2
    """It costs nothing anywhere, and stays where its operands come from."""


def levels(
    nodes: Sequence[Node],
    sources: Callable[[Node], Iterable[Node]],
    room: Callable[[Node], Room],
) -> dict[Node, int]:
    """A level for each node: odd where it runs on the NPU, even where on the CPU.

    nodes: in an order in which every node comes after its sources.

    The nodes of one odd level make one part. A node's level is at least each of its sources', so
    running the levels in order runs everything after what it reads: there are no cycles. It goes
    up only where data changes rooms, so the highest level is the number of changes on some path
    through the graph, and any split has a part for each time that path enters the NPU: there is
    none with fewer parts.
    """
    level: dict[Node, int] = {}
    for node in nodes:
        before = max((level[source] for source in sources(node) if source in level), default=0)
        kind = room(node)
        fits = kind is Room.EITHER or before % 2 == kind.value
        level[node] = before if fits else before + 1
    return level
