"""Offsets for buffers: as few bytes as their lifetimes allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cmopt.codegen.lifetimes import Buffer, Liveness, align


@dataclass(eq=False)
class Chain:
    """Buffers at fixed distances, each taking over bytes of the one before."""

    buffers: list[Buffer]
    deltas: list[int]
    """Offset of each buffer from the chain's beginning."""

    @property
    def size(self) -> int:
        """Bytes from the chain's beginning to its end."""
        return max(d + align(b.size) for b, d in zip(self.buffers, self.deltas, strict=True))

    @property
    def life(self) -> int:
        """For how many ops some part of it is live."""
        return sum(b.last - b.first + 1 for b in self.buffers)

    def extent(self, time: int) -> int:
        """Bytes of the parts that are live at `time`."""
        live = [
            (d, d + align(b.size))
            for b, d in zip(self.buffers, self.deltas, strict=True)
            if b.first <= time <= b.last
        ]
        return max(e for _, e in live) - min(s for s, _ in live) if live else 0


@dataclass(frozen=True)
class Placement:
    """An offset for each buffer; `bound` is what is live at the fullest moment, at the least."""

    offsets: dict[Buffer, int]
    size: int
    bound: int


def chains(liveness: Liveness, *, in_place: bool) -> list[Chain]:
    """Buffers joined by the take-overs that are used; without `in_place` each stands alone."""
    successor = {t.buffer: t for t in liveness.take_overs} if in_place else {}
    followers = {t.successor for t in successor.values()}
    result = []
    for buffer in liveness.buffers:
        if buffer in followers:
            continue
        members, deltas = [buffer], [0]
        while (take_over := successor.get(members[-1])) is not None:
            members.append(take_over.successor)
            deltas.append(deltas[-1] + take_over.delta)
        lowest = min(deltas)
        result.append(Chain(members, [d - lowest for d in deltas]))
    return result


def lower_bound(groups: Sequence[Chain], times: int) -> int:
    """The most bytes live at one time: no placement of these chains needs fewer."""
    return max((sum(c.extent(t) for c in groups) for t in range(-1, times)), default=0)


def lowest_base(chain: Chain, offsets: dict[Buffer, int]) -> int:
    """The least beginning at which no part of the chain meets a live part of what is placed."""
    forbidden: list[tuple[int, int]] = []
    for buffer, delta in zip(chain.buffers, chain.deltas, strict=True):
        for other, offset in offsets.items():
            if buffer.size and other.size and buffer.overlaps(other):
                forbidden.append(
                    (offset - align(buffer.size) - delta, offset + align(other.size) - delta)
                )
    base = 0
    for low, high in sorted(forbidden):
        if low >= base:
            break  # The gap that begins at base ends here or later.
        base = max(base, high)
    return base


def place_in_order(order: Sequence[Chain]) -> dict[Buffer, int]:
    """First fit: each chain as low as what came before it leaves room."""
    offsets: dict[Buffer, int] = {}
    for chain in order:
        base = lowest_base(chain, offsets)
        for buffer, delta in zip(chain.buffers, chain.deltas, strict=True):
            offsets[buffer] = base + delta
    return offsets


def top(order: Sequence[Chain], offsets: dict[Buffer, int]) -> int:
    """Where the highest chain ends."""
    return max((offsets[c.buffers[0]] - c.deltas[0] + c.size for c in order), default=0)


def search(groups: Sequence[Chain], bound: int, attempts: int = 400) -> dict[Buffer, int]:
    """The best of several orders, improved by moving what stands highest to the front.

    Stops at the bound. Deterministic: the same function is always planned alike.
    """
    best: dict[Buffer, int] = {}
    best_top = -1
    orders = [
        sorted(groups, key=lambda c: -c.size),
        sorted(groups, key=lambda c: (-c.size * c.life, c.buffers[0].first)),
        sorted(groups, key=lambda c: (-c.life, -c.size)),
        list(groups),
    ]
    for order in orders:
        for _ in range(attempts // len(orders)):
            offsets = place_in_order(order)
            height = top(order, offsets)
            if best_top < 0 or height < best_top:
                best, best_top = offsets, height
            if best_top <= bound:
                return best
            highest = max(order, key=lambda c: offsets[c.buffers[0]] - c.deltas[0] + c.size)
            position = order.index(highest)
            if position == 0:
                break
            order.insert(position // 2, order.pop(position))
    return best


def place(liveness: Liveness) -> Placement:
    """Offsets for every buffer, with take-overs where they make the arena smaller."""
    candidates = []
    for in_place in (False, True):
        groups = chains(liveness, in_place=in_place)
        bound = lower_bound(groups, liveness.times)
        offsets = search(groups, bound)
        candidates.append(Placement(offsets, top(groups, offsets), bound))
    return min(candidates, key=lambda placement: placement.size)
