"""Offsets for buffers: as few bytes as their lifetimes allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cmopt.codegen.lifetimes import Buffer, Liveness, align


@dataclass(eq=False)
class Chain:
    """Buffers at fixed distances from each other, because they share bytes."""

    deltas: dict[Buffer, int]
    """Offset of each buffer from the chain's beginning."""

    @property
    def size(self) -> int:
        """Bytes from the chain's beginning to its end."""
        return max(delta + align(buffer.size) for buffer, delta in self.deltas.items())

    @property
    def first(self) -> int:
        """When its first buffer begins to live."""
        return min(buffer.first for buffer in self.deltas)

    @property
    def life(self) -> int:
        """For how many ops some part of it is live."""
        return sum(buffer.last - buffer.first + 1 for buffer in self.deltas)

    def extent(self, time: int) -> int:
        """Bytes of the parts that are live at `time`, shared ones counted once."""
        live = sorted(
            (delta, delta + align(buffer.size))
            for buffer, delta in self.deltas.items()
            if buffer.first <= time <= buffer.last and buffer.size
        )
        total = end = 0
        for low, high in live:
            total += max(0, high - max(low, end))
            end = max(end, high)
        return total


@dataclass(frozen=True)
class Placement:
    """An offset for each buffer; `bound` is what is live at the fullest moment, at the least."""

    offsets: dict[Buffer, int]
    size: int
    bound: int


def chains(liveness: Liveness, *, in_place: bool) -> list[Chain]:
    """Buffers joined by what must be (parts of a join) and, with `in_place`, by take-overs.

    A take-over is left out where the two chains it would tie hold live bytes in one place.
    """
    chain_of = {buffer: Chain({buffer: 0}) for buffer in liveness.buffers}
    for inside in liveness.insides:
        _tie(chain_of, inside.whole, inside.part, inside.delta, must=True)
    if in_place:
        for t in liveness.take_overs:
            _tie(chain_of, t.buffer, t.successor, t.delta, must=False)
    unique = {id(chain): chain for chain in chain_of.values()}
    return list(unique.values())


def _tie(
    chain_of: dict[Buffer, Chain], base: Buffer, other: Buffer, delta: int, *, must: bool
) -> None:
    """Make one chain of two, with `other` beginning `delta` behind `base`.

    Unless it must, not where other live bytes would meet, or an address would not be aligned.
    """
    left, right = chain_of[base], chain_of[other]
    if left is right:
        return
    shift = left.deltas[base] + delta - right.deltas[other]
    moved = {buffer: d + shift for buffer, d in right.deltas.items()}
    merged = {**left.deltas, **moved}
    lowest = min(merged.values())
    if not must:
        clashes = any(
            _clash(a, da, b, db) and (a, b) != (base, other)
            for a, da in left.deltas.items()
            for b, db in moved.items()
        )
        if clashes or any((d - lowest) % b.alignment for b, d in merged.items()):
            return
    chain = Chain({buffer: d - lowest for buffer, d in merged.items()})
    for buffer in merged:
        chain_of[buffer] = chain


def _clash(a: Buffer, start_a: int, b: Buffer, start_b: int) -> bool:
    """Whether two buffers at these offsets hold live bytes in one place."""
    shared = min(start_a + a.size, start_b + b.size) - max(start_a, start_b)
    return shared > 0 and a.overlaps(b)


def lower_bound(groups: Sequence[Chain], times: int) -> int:
    """The most bytes live at one time: no placement of these chains needs fewer."""
    return max((sum(c.extent(t) for c in groups) for t in range(-1, times)), default=0)


def lowest_base(chain: Chain, offsets: dict[Buffer, int]) -> int:
    """The least aligned beginning at which no part of the chain meets a live part of the others."""
    forbidden: list[tuple[int, int]] = []
    for buffer, delta in chain.deltas.items():
        for other, offset in offsets.items():
            if buffer.size and other.size and buffer.overlaps(other):
                forbidden.append(
                    (offset - align(buffer.size) - delta, offset + align(other.size) - delta)
                )
    base = 0
    for low, high in sorted(forbidden):
        if low >= base:
            break  # The gap that begins at base ends here or later.
        base = max(base, align(high))
    return base


def place_in_order(order: Sequence[Chain]) -> dict[Buffer, int]:
    """First fit: each chain as low as what came before it leaves room."""
    offsets: dict[Buffer, int] = {}
    for chain in order:
        base = lowest_base(chain, offsets)
        for buffer, delta in chain.deltas.items():
            offsets[buffer] = base + delta
    return offsets


def top(order: Sequence[Chain], offsets: dict[Buffer, int]) -> int:
    """Where the highest chain ends."""
    return max((end_of(chain, offsets) for chain in order), default=0)


def end_of(chain: Chain, offsets: dict[Buffer, int]) -> int:
    """Where a placed chain ends."""
    buffer, delta = next(iter(chain.deltas.items()))
    return offsets[buffer] - delta + chain.size


def search(groups: Sequence[Chain], bound: int, attempts: int = 400) -> dict[Buffer, int]:
    """The best of several orders, improved by moving what stands highest to the front.

    Stops at the bound. Deterministic: the same function is always planned alike.
    """
    best: dict[Buffer, int] = {}
    best_top = -1
    orders = [
        sorted(groups, key=lambda c: -c.size),
        sorted(groups, key=lambda c: (-c.size * c.life, c.first)),
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
            highest = max(order, key=lambda c: end_of(c, offsets))
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
