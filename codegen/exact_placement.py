"""Offsets for the buffers of a small program: the smallest arena of all plans for its order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cmopt.codegen.lifetimes import ALIGNMENT, Buffer, Liveness, TakeOver, align
from cmopt.support.search import new_solver

MOST_PAIRS = 2_000
"""Pairs of buffers that are live at the same time, at most."""
EFFORT = 1.0
"""The limit of the search in the solver's deterministic time, in units of about a second."""


@dataclass(frozen=True)
class ExactPlacement:
    """Offsets, the bytes that they need, and a number below which no plan of this order stays."""

    offsets: dict[Buffer, int]
    size: int
    bound: int


def exact_placement(
    liveness: Liveness, given: Mapping[Buffer, int], size: int, bound: int
) -> ExactPlacement | None:
    """The smallest plan, or the best one found within the limit; None if there are too many pairs.

    A result may take the bytes of an operand or not, for each alone. given: the offsets of a plan
    of `size` bytes, which is kept if no other is smaller. bound: a number of bytes below which no
    plan stays. Deterministic.
    """
    pairs = [(a, b) for a, others in liveness.neighbours.items() for b in others]
    if len(pairs) > 2 * MOST_PAIRS:
        return None
    from ortools.sat.python import cp_model

    base, delta, members = _tied(liveness)
    model = cp_model.CpModel()
    highest = max(size, ALIGNMENT)
    place = {b: model.new_int_var(0, highest, f"p{i}") for i, b in enumerate(members)}
    top = model.new_int_var(min(bound, size), size, "top")
    taken: dict[Buffer, list[cp_model.IntVar]] = {b: [] for b in members}
    number = {buffer: index for index, buffer in enumerate(liveness.buffers)}
    overs = {(t.buffer, t.successor): t for t in liveness.take_overs}
    for a, b in pairs:
        if number[a] > number[b] or base[a] is base[b]:
            continue
        at_a, at_b = place[base[a]] + delta[a], place[base[b]] + delta[b]
        above, below = model.new_bool_var(""), model.new_bool_var("")
        model.add(at_a + align(a.size) <= at_b).only_enforce_if(above)
        model.add(at_b + align(b.size) <= at_a).only_enforce_if(below)
        choices = [above, below]
        for over in filter(None, (overs.get((a, b)), overs.get((b, a)))):
            literal = model.new_bool_var("")
            at, after = (at_a, at_b) if over.buffer is a else (at_b, at_a)
            model.add(after == at + over.delta).only_enforce_if(literal)
            choices.append(literal)
            if _may_be_anywhere(over, members[base[over.successor]]):
                taken[base[over.successor]].append(literal)
        model.add_bool_or(choices)
    for first, chain in members.items():
        for buffer in chain:
            model.add(place[first] + delta[buffer] + align(buffer.size) <= top)
        unit = model.new_int_var(0, highest // ALIGNMENT, "")
        aligned = model.new_bool_var("")
        model.add(place[first] == ALIGNMENT * unit).only_enforce_if(aligned)
        model.add_bool_or([aligned, *taken[first]])
        model.add_hint(place[first], given[first] - delta[first])
        if not liveness.kept or not any(buffer in liveness.kept for buffer in chain):
            continue
        model.add(place[first] == given[first] - delta[first])
    model.minimize(top)
    solver = new_solver(EFFORT)
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return ExactPlacement(dict(given), size, bound)
    offsets = {b: solver.value(place[base[b]]) + delta[b] for b in liveness.buffers}
    least = round(solver.objective_value) if status == cp_model.OPTIMAL else bound
    return ExactPlacement(offsets, round(solver.objective_value), max(bound, least))


def _may_be_anywhere(over: TakeOver, chain: list[Buffer]) -> bool:
    """Whether all elements of a chain are bytes, so that an address needs no alignment."""
    return over.buffer.alignment == 1 and all(buffer.alignment == 1 for buffer in chain)


def _tied(
    liveness: Liveness,
) -> tuple[dict[Buffer, Buffer], dict[Buffer, int], dict[Buffer, list[Buffer]]]:
    """For each buffer a first one of those at fixed distances, and the distance from this one; for
    each first one, all of them. No distance is negative."""
    base = {buffer: buffer for buffer in liveness.buffers}
    delta = dict.fromkeys(liveness.buffers, 0)
    members = {buffer: [buffer] for buffer in liveness.buffers}
    for inside in liveness.insides:
        first, other = base[inside.whole], base[inside.part]
        if first is other:
            continue
        distance = delta[inside.whole] + inside.delta - delta[inside.part]
        for buffer in members.pop(other):
            base[buffer], delta[buffer] = first, delta[buffer] + distance
            members[first].append(buffer)
    for chain in members.values():
        lowest = min(delta[buffer] for buffer in chain)
        for buffer in chain:
            delta[buffer] -= lowest
    return base, delta, members
