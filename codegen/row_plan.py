"""Which runs of calls to split into how many strips, so that a program fits into a limit."""

from __future__ import annotations

import math
from collections.abc import Set
from dataclasses import dataclass
from functools import cache

from xdsl.ir import Operation, SSAValue

from cmopt.codegen.order_model import Model
from cmopt.codegen.row_regions import Region, Split, region_of, split
from cmopt.codegen.row_rules import row_uses

LONGEST_REGION = 48
"""Calls of a region at most."""
CALL_COST = 200
"""Products that a further call counts as much as."""
MOST_SPLITS = 20_000
"""Splits that one search computes at most."""


@dataclass(frozen=True)
class Choice:
    """A run of calls, from `first` to before `last`, in strips."""

    first: int
    last: int
    split: Split

    @property
    def cost(self) -> int:
        """Extra products, calls included."""
        return self.split.extra_products() + CALL_COST * self.split.extra_calls()


class Planner:
    """Chooses regions for one function. The order of its calls stays."""

    def __init__(self, model: Model, forbidden: Set[tuple[int, int]] = frozenset()):
        """forbidden: regions, by their first call and the call after the last, that no kernel can
        compute in strips."""
        self.model = model
        self.forbidden = forbidden
        self.left = MOST_SPLITS
        graph, done = model.graph, 0
        self.live = [graph.live(0)]
        self.used: list[int] = []
        """The most bytes live while a call runs, and those live between two calls."""
        for index in range(len(model.operators)):
            used, live = graph.step(index, done, self.live[-1])
            done |= 1 << index
            self.used.append(used)
            self.live.append(live)
        self.has_rule = [row_uses(op) is not None for op in model.operators]
        self.position = {op: index for index, op in enumerate(model.operators)}
        self._splits: dict[tuple[int, int, int], tuple[int, Split] | None] = {}
        self.region = cache(self._region)

    @property
    def ended(self) -> bool:
        """Whether the search ended at its limit."""
        return self.left < 0

    def _region(self, first: int, last: int) -> Region | None:
        region = region_of(self.model.operators[first:last])
        if region is None or (first, last) in self.forbidden:
            return None
        if any(self._is_joined(output) for output in region.outputs):
            return None
        return region

    def _is_joined(self, value: SSAValue) -> bool:
        """Whether a value is a part of a joined value: its own parts cannot be parts of that."""
        assert isinstance(value.owner, Operation)
        graph = self.model.graph
        made = graph.operators[self.position[value.owner]].makes
        return any(graph.values[number].whole is not None for number in made)

    def _split(self, first: int, last: int, strips: int) -> tuple[int, Split] | None:
        """A region in so many strips, and the most bytes live meanwhile."""
        key = first, last, strips
        if key not in self._splits:
            self.left -= 1
            region = self.region(first, last)
            found = None if region is None or self.left < 0 else split(region, strips)
            at_start = self.live[first]
            self._splits[key] = None if found is None else (at_start + found.peak(), found)
        return self._splits[key]

    def best_split(self, first: int, last: int, limit: int) -> Choice | None:
        """The fewest strips of a region that stay within a limit; None if no number does."""
        region = self.region(first, last)
        if region is None or region.most_strips < 2:
            return None
        low, high = 1, region.most_strips
        # The narrowest strips first: if these are too large, all are.
        found = self._split(first, last, high)
        if found is None or found[0] > limit:
            return None
        while high - low > 1:
            middle = (low + high) // 2
            candidate = self._split(first, last, middle)
            if candidate is not None and candidate[0] <= limit:
                high, found = middle, candidate
            else:
                low = middle
        return Choice(first, last, found[1])

    def plan(self, limit: int) -> list[Choice] | None:
        """The regions with the least extra work that keep every call within a limit of bytes.

        An empty list if no call exceeds it, None if no choice was found.
        """
        count = len(self.model.operators)
        beyond = [used > limit for used in self.used]
        if self.live[0] > limit:
            return None
        costs: list[float] = [0, *[math.inf] * count]
        came: list[Choice | None] = [None] * (count + 1)
        for first in range(count):
            so_far = costs[first]
            if so_far == math.inf or self.live[first] > limit:
                continue
            if not beyond[first] and so_far < costs[first + 1]:
                costs[first + 1], came[first + 1] = so_far, None
            for last in range(first + 1, min(count, first + LONGEST_REGION) + 1):
                if not self.has_rule[last - 1]:
                    break
                if not any(beyond[first:last]) or self.live[last] > limit:
                    continue
                choice = self.best_split(first, last, limit)
                if choice is None:
                    continue
                cost = so_far + choice.cost
                if cost < costs[last]:
                    costs[last], came[last] = cost, choice
        if costs[count] == math.inf:
            return None
        choices, at = list[Choice](), count
        while at > 0:
            choice = came[at]
            at = at - 1 if choice is None else choice.first
            choices += [] if choice is None else [choice]
        return choices[::-1]
