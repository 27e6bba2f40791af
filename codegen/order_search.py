"""The order of operators that needs the fewest bytes: an exact search with a limit.

A state is the set of operators that have run. The bytes that are live in a state depend on this set
only. `find_order` asks, for one limit of bytes after the other, whether some order stays within it.
Two rules keep the number of states small; both cut off no limit that can be met:

* If an operator leaves no more bytes live than before, it runs at once.
* If a state that is reached leaves no more bytes live than the state from which the search began,
  the search begins again from the state between the two that leaves the fewest, and forgets all
  others.

Both hold because live bytes are a submodular function of the set of operators that have run: an
operator that runs later in an order frees at least as much, and needs at most as much.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

MOST_STATES = 150_000
"""States that one search visits at most; a few seconds."""
MOST_SUBSETS = 2_000
"""States between two others that are compared at most."""

ARGUMENT = -1
"""The producer of values that are live before the first operator runs."""


@dataclass
class Value:
    """Bytes that one operator makes and others read."""

    size: int
    producer: int
    """The operator, or `ARGUMENT`."""
    users: int
    """A bit for each operator that reads it; `Graph.end` if it is live to the end."""
    whole: int | None = None
    """The joined value of which it is a part."""


@dataclass
class Whole:
    """A joined value: its bytes are its parts, from when all of them are made until its users
    have run."""

    size: int
    parts: list[int]
    users: int = 0
    producers: int = 0
    """A bit for each operator that makes a part."""


@dataclass(frozen=True)
class Overwrite:
    """A result may take `saved` bytes of a value, or of a joined one, that dies at the operator."""

    saved: int
    value: int
    is_whole: bool = False


@dataclass
class Operator:
    """What must run before it, what it makes, and its working memory."""

    needs: int = 0
    """A bit for each operator that must run before."""
    reads: list[int] = field(default_factory=list)
    """The values that it reads."""
    reads_wholes: list[int] = field(default_factory=list)
    """The joined values that it reads."""
    makes: list[int] = field(default_factory=list)
    scratch: int = 0
    overwrites: list[Overwrite] = field(default_factory=list)
    copies_operands: bool = False
    """Results may take the bytes of all operands that die (an NPU's call)."""


@dataclass
class Graph:
    """Operators 0…n−1 in the given order, which is one of the possible ones."""

    operators: list[Operator]
    values: list[Value]
    wholes: list[Whole]

    def __post_init__(self) -> None:
        count = len(self.operators)
        self.all = (1 << count) - 1
        self.end = 1 << count
        self.followers: list[list[int]] = [[] for _ in self.operators]
        self.touches: list[list[int]] = [[] for _ in self.operators]
        """For each operator, the values whose life it may begin or end."""
        self.touches_wholes: list[list[int]] = [[] for _ in self.operators]
        for index, operator in enumerate(self.operators):
            for other in bits(operator.needs):
                self.followers[other].append(index)
            alone = [v for v in operator.reads + operator.makes if self.values[v].whole is None]
            self.touches[index] = list(dict.fromkeys(alone))
        for number, whole in enumerate(self.wholes):
            operators = whole.users | whole.producers
            for part in whole.parts:
                operators |= self.values[part].users
            for index in bits(operators & self.all):
                self.touches_wholes[index].append(number)

    def is_live(self, value: Value, done: int) -> bool:
        """Whether a value that is no part is live after the operators in `done`."""
        made = value.producer == ARGUMENT or done >> value.producer & 1
        return bool(made and value.users & ~done)

    def whole_bytes(self, number: int, done: int) -> int:
        """The live bytes of a joined value and its parts."""
        whole = self.wholes[number]
        is_made = not whole.producers & ~done
        if is_made and whole.users & ~done:
            return whole.size
        total = 0
        for part in whole.parts:
            value = self.values[part]
            exists = value.producer == ARGUMENT or done >> value.producer & 1
            if exists and (not is_made or value.users & ~done):
                total += value.size
        return total

    def live(self, done: int) -> int:
        """The bytes that are live after the operators in `done`."""
        alone = sum(v.size for v in self.values if v.whole is None and self.is_live(v, done))
        return alone + sum(self.whole_bytes(number, done) for number in range(len(self.wholes)))

    def step(self, index: int, done: int, live: int) -> tuple[int, int]:
        """The most bytes live while an operator runs, and the bytes live after it."""
        operator = self.operators[index]
        after = done | 1 << index
        new = freed = unused = 0
        for number in self.touches[index]:
            value = self.values[number]
            is_dead = not value.users & ~after
            if value.producer == index:
                new += value.size
                unused += value.size * is_dead
            elif is_dead:
                freed += value.size
        for number in self.touches_wholes[index]:
            grown = self.whole_bytes(number, after) - self.whole_bytes(number, done)
            new += max(0, grown)
            freed += max(0, -grown)
        left = live + new - unused - freed
        if operator.copies_operands:
            return max(live, left + unused), left
        saved = max((o.saved for o in operator.overwrites if self._dies(o, done, after)), default=0)
        return live + new - saved + operator.scratch, left

    def _dies(self, overwrite: Overwrite, done: int, after: int) -> bool:
        """Whether the last life of the bytes ends with the operator that is added in `after`."""
        if not overwrite.is_whole:
            value = self.values[overwrite.value]
            if value.whole is None:
                return not value.users & ~after
            number = value.whole
        else:
            number = overwrite.value
        return self.whole_bytes(number, after) + overwrite.saved <= self.whole_bytes(number, done)

    def peak(self, order: Sequence[int]) -> int:
        """The most bytes live at one time if the operators run in this order."""
        done, live = 0, self.live(0)
        most = live
        for index in order:
            used, live = self.step(index, done, live)
            done |= 1 << index
            most = max(most, used)
        return most

    def least(self) -> int:
        """The most bytes that one operator needs alone, or that arguments or results need."""
        most = max(self.live(0), self.live(self.all))
        for operator in self.operators:
            read = sum(self.wholes[number].size for number in operator.reads_wholes)
            read += sum(
                self.values[number].size
                for number in operator.reads
                if self.values[number].whole not in operator.reads_wholes
            )
            made = sum(self.values[number].size for number in operator.makes)
            if operator.copies_operands:
                most = max(most, read, made)
                continue
            saved = max((overwrite.saved for overwrite in operator.overwrites), default=0)
            most = max(most, read + made + operator.scratch - saved)
        return most


def bits(mask: int) -> Iterator[int]:
    """The positions of the ones."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


@dataclass(frozen=True)
class Found:
    """An order, its peak, and a number of bytes below which no order stays."""

    order: list[int]
    peak: int
    bound: int

    @property
    def is_proven(self) -> bool:
        """Whether no order has a lower peak."""
        return self.peak == self.bound


class Search:
    """The states visited so far count against one limit."""

    def __init__(self, graph: Graph, most_states: int = MOST_STATES):
        self.graph = graph
        self.left = most_states
        self.rejected = 0
        """The fewest bytes that a step beyond the limit would have taken."""

    def within(self, limit: int) -> list[int] | None:
        """An order with at most `limit` bytes; None if there is none. Raises TimeoutError."""
        graph = self.graph
        self.rejected = 1 << 62
        done, live, order = 0, graph.live(0), list[int]()
        ready = sum(1 << index for index, op in enumerate(graph.operators) if not op.needs)
        while done != graph.all:
            segment = self._descend(done, live, ready, limit)
            if segment is None:
                return None
            order += segment
            for index in segment:
                live = graph.step(index, done, live)[1]
                done |= 1 << index
                ready = self._ready_after(ready, index, done)
        return order

    def _ready_after(self, ready: int, index: int, after: int) -> int:
        """What may run after an operator; `after` are those that have run, with this one."""
        ready &= ~(1 << index)
        for follower in self.graph.followers[index]:
            if not self.graph.operators[follower].needs & ~after:
                ready |= 1 << follower
        return ready

    def _descend(self, start: int, at_start: int, ready: int, limit: int) -> list[int] | None:
        """Operators from `start` to a state that is as good, or to the end; None if none can be
        reached. Goes through the states by the number of operators that have run.

        at_start: the bytes live in `start`. ready: a bit for each operator that may run there.
        """
        graph = self.graph
        came: dict[int, tuple[int, int]] = {}
        level = {start: (at_start, ready)}
        while level:
            following: dict[int, tuple[int, int]] = {}
            for done, (live, ready) in level.items():
                for index, after, left in self._moves(done, live, ready, limit):
                    if after in following:
                        continue
                    self.left -= 1
                    if self.left < 0:
                        raise TimeoutError
                    came[after] = done, index
                    if left <= at_start or after == graph.all:
                        path = self._path(came, start, after)
                        if (best := self._lowest(path, start, at_start, after, left)) is not None:
                            return best
                    following[after] = left, self._ready_after(ready, index, after)
            level = following
        return None

    def _moves(self, done: int, live: int, ready: int, limit: int) -> list[tuple[int, int, int]]:
        """The operators that may run next, each with the state after it and its live bytes."""
        found = []
        for index in bits(ready):
            used, left = self.graph.step(index, done, live)
            if used > limit:
                self.rejected = min(self.rejected, used)
            elif left <= live:
                return [(index, done | 1 << index, left)]
            else:
                found.append((index, done | 1 << index, left))
        return found

    def _path(self, came: dict[int, tuple[int, int]], start: int, end: int) -> list[int]:
        path = []
        while end != start:
            end, index = came[end]
            path.append(index)
        return path[::-1]

    def _lowest(
        self, path: list[int], start: int, at_start: int, end: int, at_end: int
    ) -> list[int] | None:
        """The part of a path that leads to the state between its ends with the fewest live bytes;
        None if there are too many states to compare."""
        graph = self.graph
        if end == graph.all:
            return path
        best, best_live = end, at_end
        level, seen = {start: at_start}, 0
        while level:
            following: dict[int, int] = {}
            for done, live in level.items():
                for index in path:
                    after = done | 1 << index
                    if after == done or graph.operators[index].needs & ~done or after in following:
                        continue
                    seen += 1
                    if seen > MOST_SUBSETS:
                        return None
                    following[after] = left = graph.step(index, done, live)[1]
                    if left < best_live and after != end:
                        best, best_live = after, left
            level = following
        return [index for index in path if best >> index & 1 and not start >> index & 1]


def find_order(graph: Graph, most_states: int = MOST_STATES) -> Found:
    """The order with the lowest peak, or the best one found within the limit of states.

    `bound` equals `peak` if the order is proven to be the best. The given order is kept if no
    other is better. Deterministic.
    """
    order = list(range(len(graph.operators)))
    peak, bound = graph.peak(order), graph.least()
    search = Search(graph, most_states)
    limit = bound
    try:
        while bound < peak:
            found = search.within(limit)
            if found is None:
                bound = min(max(limit + 1, search.rejected), peak)
            else:
                order, peak = found, graph.peak(found)
            limit = (bound + peak - 1) // 2
    except TimeoutError:
        pass
    return Found(order, peak, bound)
