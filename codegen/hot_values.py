"""Which values go to a small fast memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue

from cmopt.codegen.lifetimes import Buffer, Liveness, analyze
from cmopt.codegen.placement import Chain, Placement, chains, place
from cmopt.codegen.row_lifetimes import best_placement
from cmopt.codegen.step_facts import multiplications, steps_of
from cmopt.dialects.cortex_m import ScratchOp, itemsize, nbytes, place_of
from cmopt.dialects.program import terminator
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
    best: TwoPlacements | None = None
    for by_traffic in (True, False):
        plans = _placed(func, size, by_traffic)
        if best is None or plans.arena.size < best.arena.size:
            best = plans
        if not most_arena or best.arena.size <= most_arena:
            break
    assert best is not None
    return best


def _placed(func: FuncOp, size: int, by_traffic: bool) -> TwoPlacements:
    most = size
    for _ in range(ATTEMPTS):
        liveness = analyze(func)
        hot = {
            value
            for chain in _chosen(func, liveness, most, by_traffic)
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
    total: Counter[str] = Counter()
    for value, size in traffic_of(func).items():
        if (place := place_of(value)) is not None:
            total[place.region] += size
    return total[region] / total.total() if total.total() else 0.0


def _candidates(func: FuncOp, liveness: Liveness) -> Iterator[Chain]:
    """The chains that may be in the fast memory."""
    border: set[SSAValue] = {*func.body.block.args, *terminator(func).operands}
    for chain in chains(liveness, in_place=False):
        values = [value for buffer in chain.deltas for value, _ in buffer.values]
        if chain.size and border.isdisjoint(values):
            yield chain


def _chosen(func: FuncOp, liveness: Liveness, most: int, by_traffic: bool) -> Sequence[Chain]:
    of_value = traffic_of(func)
    traffic = {
        buffer: sum(of_value[value] for value, _ in buffer.values) for buffer in liveness.buffers
    }
    candidates, everything = list(_candidates(func, liveness)), chains(liveness, in_place=False)
    return choose(candidates, everything, traffic, most, by_traffic=by_traffic)


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
    """The live bytes of some chains at each time at which there are any, without take-overs."""
    changes: Counter[int] = Counter()
    for chain in groups:
        for time, more in chain.changes():
            changes[time] += more
    times = range(min(changes), max(changes) + 1) if changes else range(0)
    return dict(zip(times, accumulate(changes[time] for time in times), strict=True))
