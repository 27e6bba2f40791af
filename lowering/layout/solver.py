"""The exact choice of layouts: an integer program over the modes of every op.

Each op works in one of its modes. A value is made in one layout, and copied once into every other
layout that some user takes. The choice moves the fewest bytes. Among equal choices it has the
fewest copying ops, and among these the fewest ops that do not work as written.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from ortools.sat.python import cp_model

from cmopt.support.search import new_solver

Label = Hashable
"""An order of bytes: equal labels of one value need no copy between them."""


LARGEST_COST = 1 << 61


@dataclass(frozen=True)
class Mode:
    """One mode of an op: the orders of bytes it takes and makes, and how many bytes it moves."""

    takes: tuple[tuple[int, Label], ...]
    """Pairs of a value and the order in which the op takes it."""
    makes: tuple[tuple[int, Label], ...]
    moved_bytes: int = 0


@dataclass
class Problem:
    """Ops, each with its modes (the first is the op as written), and values with their bytes."""

    modes: list[Sequence[Mode]] = field(default_factory=list)
    bytes_of: list[int] = field(default_factory=list)


def choose(problem: Problem, effort: float) -> tuple[list[int], bool]:
    """The index of the mode of each op of a problem, and whether this choice is proven the best.

    effort: the limit of the search in the solver's deterministic time, in units of about a second.
        At the limit the result is the best choice found, or else every op as written.
    Deterministic: the same problem always gives the same choice.
    """
    model = cp_model.CpModel()
    chosen = [[model.new_bool_var(f"op{o}_{m}") for m in range(len(modes))]
              for o, modes in enumerate(problem.modes)]  # fmt: skip
    made: dict[tuple[int, Label], list[cp_model.IntVar]] = {}
    for variables, modes in zip(chosen, problem.modes, strict=True):
        model.add_exactly_one(variables)
        for variable, mode in zip(variables, modes, strict=True):
            for key in mode.makes:
                made.setdefault(key, []).append(variable)

    copies: dict[tuple[int, Label], cp_model.IntVar] = {}
    for variables, modes in zip(chosen, problem.modes, strict=True):
        for key in _wanted(modes):
            takers = [v for v, mode in zip(variables, modes, strict=True) if key in mode.takes]
            if key not in copies:
                copies[key] = model.new_bool_var(f"copy{len(copies)}")
            model.add(copies[key] + sum(made.get(key, [])) >= sum(takers))

    tie = len(copies) + len(problem.modes) + 1
    unit = len(problem.modes) + 1
    # The solver counts in 64 bits. Tensors of more bytes fit no core; they all get the same cost.
    terms = len(copies) + sum(map(len, problem.modes))
    largest = LARGEST_COST // (unit * tie * (terms + 1))

    def weight(moved: int, copying: bool) -> int:
        return unit * (tie * min(moved, largest) + copying)

    cost = [(weight(problem.bytes_of[value], True), copy) for (value, _), copy in copies.items()]
    for variables, modes in zip(chosen, problem.modes, strict=True):
        for index, (variable, mode) in enumerate(zip(variables, modes, strict=True)):
            moved = mode.moved_bytes
            cost.append((weight(moved, moved > 0) + (index != 0), variable))
    model.minimize(sum(weight * variable for weight, variable in cost))

    solver = new_solver(effort)
    # All constraints are in the relaxation, so its optimum consists of whole numbers. With fewer
    # constraints the search time doubles with each attention layer.
    solver.parameters.linearization_level = 2
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        assert status == cp_model.UNKNOWN, solver.status_name(status)
        return [0] * len(chosen), False
    picks = [next(m for m, v in enumerate(variables) if solver.value(v)) for variables in chosen]
    return picks, status == cp_model.OPTIMAL


def _wanted(modes: Iterable[Mode]) -> list[tuple[int, Label]]:
    """Every value and order some mode takes, each once."""
    return list(dict.fromkeys(key for mode in modes for key in mode.takes))
