"""Which runs of calls to split into how many strips, so that a program fits into a limit."""

from __future__ import annotations

import math
from collections.abc import Set
from dataclasses import dataclass
from functools import cache

from cmopt.codegen.order_model import Model
from cmopt.codegen.row_regions import Region, Regions, Split, split

LONGEST_REGION = 48
"""Calls of a region at most."""
CALL_COST = 2_000
"""Products that a further call counts as much as."""
MOST_STRIPS = 256
"""Strips of a region at most."""


@dataclass(frozen=True)
class Choice:
    """A run of calls, from `first` to before `last`, in strips."""

    first: int
    last: int
    split: Split

    @property
    def cost(self) -> int:
        """Extra products, calls included."""
        return cost_of(self.split)


def cost_of(split: Split) -> int:
    """The extra products of a split and its extra calls, in products."""
    return split.extra_products() + CALL_COST * split.extra_calls()


class Planner:
    """Chooses regions for one function. The order of its calls stays.

    The work is linear in the number of calls: for each call, the regions that end there are
    compared, up to `LONGEST_REGION` calls each, with a logarithmic number of strips.
    """

    def __init__(
        self, model: Model, forbidden: Set[tuple[int, int]] = frozenset(), *, frees: bool = False
    ):
        """forbidden: regions, by their first call and the call after the last, that no kernel can
        compute in strips. frees: count what strips free of what they read as free."""
        self.model = model
        self.frees = frees
        self.forbidden = forbidden
        graph, done = model.graph, 0
        self.live = [graph.live(0)]
        self.used: list[int] = []
        """The most bytes live while a call runs, and those live between two calls."""
        for index in range(len(model.operators)):
            used, live = graph.step(index, done, self.live[-1])
            done |= 1 << index
            self.used.append(used)
            self.live.append(live)
        self.regions = Regions(model.operators)
        self._splits: dict[tuple[int, int, int], tuple[int, Split] | None] = {}
        self.region = cache(self._region)

    def _region(self, first: int, last: int) -> Region | None:
        return None if (first, last) in self.forbidden else self.regions.region(first, last)

    def _split(self, first: int, last: int, strips: int) -> tuple[int, Split] | None:
        """A region in so many strips, and the most bytes live meanwhile."""
        key = first, last, strips
        if key not in self._splits:
            region = self.region(first, last)
            found = None if region is None else split(region, strips)
            at_start = self.live[first]
            self._splits[key] = (
                None if found is None else (at_start + found.peak(frees=self.frees), found)
            )
        return self._splits[key]

    def best_split(self, first: int, last: int, limit: int) -> Choice | None:
        """The fewest strips of a region that stay within a limit; None if no number does."""
        region = self.region(first, last)
        if region is None or region.most_strips < 2:
            return None
        low, high = 1, min(region.most_strips, MOST_STRIPS)
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

    def plan(self, limit: int, margin: int = 0) -> list[Choice] | None:
        """The regions with the least extra work that keep every call within a limit of bytes.

        margin: the bytes that regions stay below it. An empty list if no call exceeds the limit,
        None if no choice was found.
        """
        count = len(self.model.operators)
        costs: list[float] = [0 if self.live[0] <= limit else math.inf, *[math.inf] * count]
        came: list[Choice | None] = [None] * (count + 1)
        for last in range(1, count + 1):
            if self.live[last] > limit:
                continue
            if self.used[last - 1] <= limit:
                costs[last] = costs[last - 1]
            costs[last], came[last] = self._cheapest(last, limit, margin, costs)
        if costs[count] == math.inf:
            return None
        choices, at = list[Choice](), count
        while at > 0:
            choice = came[at]
            at = at - 1 if choice is None else choice.first
            choices += [] if choice is None else [choice]
        return choices[::-1]

    def _cheapest(
        self, last: int, limit: int, margin: int, costs: list[float]
    ) -> tuple[float, Choice | None]:
        """The least cost of the calls before `last`, and the region that ends there if it has one.

        costs: those of fewer calls, and of these calls without a region at the end.
        """
        best, choice = costs[last], None
        before = costs[max(0, last - LONGEST_REGION) : last]
        is_needed = False
        for first in reversed(range(max(0, last - LONGEST_REGION), last)):
            if self.regions.calls[first] is None:
                break
            is_needed |= self.used[first] > limit
            if not is_needed:
                continue
            least = self._split(first, last, 2)
            if least is not None:
                # A longer region costs more, and so do more strips.
                if min(before) + cost_of(least[1]) >= best:
                    break
                if costs[first] + cost_of(least[1]) >= best:
                    continue
            found = None
            if costs[first] < best:
                found = self.best_split(first, last, limit - margin)
            if found is not None and costs[first] + found.cost < best:
                best, choice = costs[first] + found.cost, found
        return best, choice
