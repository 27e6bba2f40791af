"""Which values go to a small fast memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue

from cmopt.codegen.lifetimes import Buffer, Liveness, analyze
from cmopt.codegen.placement import Chain, Placement, chains, live_bytes, place
from cmopt.codegen.row_lifetimes import best_placement
from cmopt.codegen.step_facts import multiplications, steps_of
from cmopt.dialects.cortex_m import ScratchOp, itemsize, nbytes, place_of
from cmopt.dialects.program import region_bytes, terminator
from cmopt.support.search import new_solver

EFFORT = 1.0
"""The limit of a choice in the solver's deterministic time, in units of about a second."""
ATTEMPTS = 8
"""How often values are chosen for a smaller number of live bytes, because gaps are left."""


@dataclass(frozen=True)
class TwoPlacements:
    """The plans of both regions. They have no buffer in common."""

    arena: Placement
    dtcm: Placement


def place_in_both(func: FuncOp, size: int, most_arena: int) -> TwoPlacements:
    """Plans in which at most `size` bytes of the fast memory are used.

    The values with the most traffic (see `traffic_of`) are in the fast memory. If the arena is then
    larger than `most_arena`, those are that make the arena smallest; 0 is no limit. Inputs, outputs
    and state are in the arena, where a DMA controller reaches them.
    """
    liveness = analyze(func)
    best = _placed(func, liveness, size, by_traffic=True)
    if most_arena and best.arena.size > most_arena:
        smallest = _placed(func, liveness, size, by_traffic=False)
        best = min(best, smallest, key=lambda plans: plans.arena.size)
    return best


def _placed(func: FuncOp, liveness: Liveness, size: int, *, by_traffic: bool) -> TwoPlacements:
    of_value, everything = traffic_of(func), chains(liveness, in_place=False)
    traffic = {
        buffer: sum(of_value[value] for value, _ in buffer.values) for buffer in liveness.buffers
    }
    candidates, most = list(_candidates(func, everything)), size
    for _ in range(ATTEMPTS):
        hot = {
            value
            for chain in choose(candidates, everything, traffic, most, by_traffic=by_traffic)
            for buffer in chain.deltas
            for value, _ in buffer.values
        }
        fast = place(liveness.of_values(hot, inside=True))
        if fast.size <= size:
            return TwoPlacements(best_placement(func, hot), fast)
        most -= fast.size - size
    return TwoPlacements(best_placement(func), Placement({}, 0, 0))


def traffic_of(func: FuncOp) -> Counter[SSAValue]:
    """The bytes that calls read and write of each value, those in loops once for each step.

    A kernel that sums up products reads an element for each of them: of its scratch, where it has
    gathered its windows, or of its first operand if it has none. Constants count too.
    """
    traffic: Counter[SSAValue] = Counter()
    for op, times in steps_of(func.body.block):
        for value in (*op.operands, *op.results):
            traffic[value] += times * nbytes(value.type)
        if products := multiplications(op):
            scratch = [v for v in op.operands if isinstance(v.owner, ScratchOp) and nbytes(v.type)]
            source = scratch[0] if scratch else op.operands[0]
            traffic[source] += times * products * itemsize(source.type)
    return traffic


def traffic_in(func: FuncOp, region: str) -> float:
    """The portion of a planned function's traffic that is in a region; constants do not count."""
    if not region_bytes(func, region):
        return 0.0
    total: Counter[str] = Counter()
    for value, size in traffic_of(func).items():
        if (place := place_of(value)) is not None:
            total[place.region] += size
    return total[region] / total.total() if total.total() else 0.0


def _candidates(func: FuncOp, everything: Sequence[Chain]) -> Iterator[Chain]:
    """The chains that may be in the fast memory."""
    border: set[SSAValue] = {*func.body.block.args, *terminator(func).operands}
    for chain in everything:
        values = [value for buffer in chain.deltas for value, _ in buffer.values]
        if chain.size and border.isdisjoint(values):
            yield chain


def choose(
    candidates: Sequence[Chain],
    everything: Sequence[Chain],
    traffic: Mapping[Buffer, int],
    most: int,
    *,
    by_traffic: bool,
) -> list[Chain]:
    """Candidates of which at most `most` bytes are live at one time.

    They have the most traffic. With `by_traffic` false, the fewest bytes of the others of
    `everything` are live at one time; among equal choices they have the most traffic. None, if the
    solver finds nothing within its limit. Deterministic.
    """
    from ortools.sat.python import cp_model

    groups = [chain for chain in candidates if chain.size <= most]
    if not groups:
        return []
    model = cp_model.CpModel()
    chosen = [model.new_bool_var("") for _ in groups]
    at: dict[int, list[cp_model.LinearExpr]] = defaultdict(list)
    for chain, variable in zip(groups, chosen, strict=True):
        for time, live in _live([chain]).items():
            at[time].append(live * variable)
    for terms in at.values():
        model.add(sum(terms) <= most)
    gain = sum(
        sum(traffic[buffer] for buffer in chain.deltas) * variable
        for chain, variable in zip(groups, chosen, strict=True)
    )
    if by_traffic:
        model.maximize(gain)
    else:
        total = _live(everything)
        peak = model.new_int_var(0, max(total.values()), "")
        for time, live in total.items():
            model.add(peak >= live - sum(at.get(time, [])))
        model.maximize(gain - (1 + sum(traffic.values())) * peak)
    solver = new_solver(EFFORT)
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return []
    return [chain for chain, v in zip(groups, chosen, strict=True) if solver.value(v)]


def _live(groups: Sequence[Chain]) -> dict[int, int]:
    """The live bytes of some chains at every time from their first to their last change."""
    changes, live = live_bytes(groups), 0
    return {
        time: (live := changes.get(time, live)) for time in range(min(changes), max(changes) + 1)
    }
