"""Offsets for buffers, so that they take few bytes in total."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from cmopt.codegen.exact_placement import exact_placement
from cmopt.codegen.lifetimes import Buffer, Liveness, align


@dataclass(eq=False)
class Chain:
    """Buffers at fixed distances from each other, because they share bytes."""

    deltas: dict[Buffer, int]
    """The offset of each buffer from the chain's beginning."""

    @cached_property
    def size(self) -> int:
        """Bytes from the chain's beginning to its end."""
        return max(delta + align(buffer.size) for buffer, delta in self.deltas.items())

    @property
    def first(self) -> int:
        """When its first buffer begins to live."""
        return min(buffer.first for buffer in self.deltas)

    @property
    def life(self) -> int:
        """The number of ops from the first to the last at which a part of it is live."""
        return sum(buffer.last - buffer.first + 1 for buffer in self.deltas)

    def changes(self) -> Iterator[tuple[int, int]]:
        """Pairs of a time and the change of the chain's number of live bytes at that time.

        A time may come several times. Bytes that buffers share are counted once.
        """
        ends = {buffer: delta + align(buffer.size) for buffer, delta in self.deltas.items()}
        borders = sorted({*self.deltas.values(), *ends.values()})
        number = {border: index for index, border in enumerate(borders)}
        users = [0] * len(borders)
        begins = [(buffer.first, 1, buffer) for buffer in self.deltas]
        events = [*begins, *((buffer.last + 1, -1, buffer) for buffer in self.deltas)]
        for time, step, buffer in sorted(events, key=lambda event: event[0]):
            for index in range(number[self.deltas[buffer]], number[ends[buffer]]):
                users[index] += step
                if users[index] == (step > 0):
                    yield time, step * (borders[index + 1] - borders[index])


@dataclass(frozen=True)
class Placement:
    """An offset for each buffer; no placement of the same chains needs fewer than `bound` bytes."""

    offsets: dict[Buffer, int]
    size: int
    bound: int


class Tied:
    """A growing chain with offsets from any origin. Of two chains the smaller joins the larger."""

    def __init__(self, buffer: Buffer):
        self.offsets = {buffer: 0}
        self.lowest = 0
        self.residues = {(buffer.alignment, 0)}
        """Pairs (alignment, offset modulo alignment) of the buffers."""


def chains(liveness: Liveness, *, in_place: bool) -> list[Chain]:
    """Chains of buffers that must be tied (parts of a join) and, with `in_place`, of take-overs.

    A take-over is left out if live bytes of the two chains would overlap.
    """
    chain_of = {buffer: Tied(buffer) for buffer in liveness.buffers}
    for inside in liveness.insides:
        _tie(liveness, chain_of, inside.whole, inside.part, inside.delta, must=True)
    if in_place:
        for t in liveness.take_overs:
            _tie(liveness, chain_of, t.buffer, t.successor, t.delta, must=False)
    return [
        Chain({buffer: offset - tied.lowest for buffer, offset in tied.offsets.items()})
        for tied in dict.fromkeys(chain_of.values())
    ]


def _tie(liveness: Liveness, chain_of: dict[Buffer, Tied], base: Buffer, other: Buffer, delta: int,
         *, must: bool) -> None:  # fmt: skip
    """Make one chain of two, so that `other` begins `delta` bytes after the beginning of `base`.

    Without `must`, not if other live bytes would overlap or an address would not be aligned.
    """
    large, small = chain_of[base], chain_of[other]
    if large is small:
        return
    distance = large.offsets[base] + delta - small.offsets[other]
    if len(large.offsets) < len(small.offsets):
        large, small, distance = small, large, -distance
    lowest = min(large.lowest, small.lowest + distance)
    residues = large.residues | {(a, (r + distance) % a) for a, r in small.residues}
    if not must:
        clashes = any(
            chain_of[b] is large
            and liveness.shared.get((b, a)) != d + distance - large.offsets[b]
            and liveness.shared.get((a, b)) != large.offsets[b] - d - distance
            and -a.size < d + distance - large.offsets[b] < b.size
            for a, d in small.offsets.items()
            for b in liveness.neighbours[a]
        )
        if clashes or any((r - lowest) % alignment for alignment, r in residues):
            return
    large.lowest, large.residues = lowest, residues
    for buffer, offset in small.offsets.items():
        large.offsets[buffer] = offset + distance
        chain_of[buffer] = large


def live_bytes(groups: Sequence[Chain], more: Mapping[int, int] | None = None) -> dict[int, int]:
    """The live bytes of some chains at each time at which their number changes, in order.

    more: further changes, by time.
    """
    changes = Counter(more)
    for chain in groups:
        for time, change in chain.changes():
            changes[time] += change
    times = sorted(changes)
    return dict(zip(times, accumulate(changes[time] for time in times), strict=True))


def lower_bound(groups: Sequence[Chain]) -> int:
    """The most bytes live at one time: no placement of these chains needs fewer."""
    return max(live_bytes(groups).values(), default=0)


def lowest_base(liveness: Liveness, chain: Chain, offsets: dict[Buffer, int]) -> int:
    """The lowest aligned offset at which no part of the chain overlaps a live part of another."""
    forbidden = sorted(
        (offsets[other] - align(buffer.size) - delta, offsets[other] + align(other.size) - delta)
        for buffer, delta in chain.deltas.items()
        for other in liveness.neighbours[buffer]
        if other in offsets
    )
    base = 0
    for low, high in forbidden:
        if low >= base:
            break  # The gap that begins at base ends here or later.
        base = max(base, align(high))
    return base


def place_in_order(liveness: Liveness, order: Sequence[Chain]) -> dict[Buffer, int]:
    """First fit: each chain goes to the lowest place that the chains before it leave free."""
    offsets: dict[Buffer, int] = {}
    for chain in order:
        base = lowest_base(liveness, chain, offsets)
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


def search(
    liveness: Liveness, groups: Sequence[Chain], bound: int, attempts: int = 400
) -> dict[Buffer, int]:
    """The best of several orders; each is improved by moving the highest chain forward.

    Stops at the bound. Deterministic: the same function always gets the same plan.
    """
    best: dict[Buffer, int] = {}
    best_top = -1
    kept = [c for c in groups if not c.deltas.keys().isdisjoint(liveness.kept)]
    others = [c for c in groups if c not in kept]
    orders = [
        sorted(others, key=lambda c: -c.size),
        sorted(others, key=lambda c: (-c.size * c.life, c.first)),
        sorted(others, key=lambda c: (-c.life, -c.size)),
        list(others),
    ]
    for order in orders:
        order[:0] = kept  # The state is at the beginning of the arena.
        for _ in range(attempts // len(orders)):
            offsets = place_in_order(liveness, order)
            height = top(order, offsets)
            if best_top < 0 or height < best_top:
                best, best_top = offsets, height
            if best_top <= bound:
                return best
            highest = max(order, key=lambda c: end_of(c, offsets))
            position = order.index(highest) - len(kept)
            if position <= 0:
                break
            order.insert(len(kept) + position // 2, order.pop(len(kept) + position))
    return best


def place(liveness: Liveness) -> Placement:
    """Offsets for every buffer, with take-overs where they make the arena smaller."""
    candidates = []
    for in_place in (False, True):
        groups = chains(liveness, in_place=in_place)
        bound = lower_bound(groups)
        offsets = search(liveness, groups, bound)
        candidates.append(Placement(offsets, top(groups, offsets), bound))
    best = min(candidates, key=lambda placement: placement.size)
    least = lower_bound_in_place(liveness)
    if best.size == least:
        return best
    exact = exact_placement(liveness, best.offsets, best.size, least)
    if exact is None:
        return best
    return Placement(exact.offsets, exact.size, exact.bound)


def lower_bound_in_place(liveness: Liveness) -> int:
    """A number of bytes below which no plan stays, whichever results take the bytes of operands:
    at each time, the bytes that are live less those that take-overs may save then."""
    saved: Counter[int] = Counter()
    for over in liveness.take_overs:
        shared = min(align(over.buffer.size), align(over.successor.size))
        saved[over.successor.first] -= shared
        saved[over.successor.first + 1] += shared
    return max(live_bytes(chains(liveness, in_place=False), saved).values(), default=0)
