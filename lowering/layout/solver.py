"""The exact choice of layouts: an integer program over the modes of every op.

Each op works in one of its modes. A value is made in one layout, and copied once into every other
layout that some user wants. The choice moves the fewest bytes; among those of as few bytes the
fewest copying ops; among those the fewest ops that work otherwise than written.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from ortools.sat.python import cp_model

Label = Hashable
"""An order of bytes: equal labels of one value need no copy between them."""


LARGEST_COST = 1 << 61


@dataclass(frozen=True)
class Mode:
    """One way for an op to work: the orders of bytes it takes and makes, and what it moves."""

    takes: tuple[tuple[int, Label], ...]
    """Pairs of a value and the order it is wanted in."""
    makes: tuple[tuple[int, Label], ...]
    moved_bytes: int = 0


@dataclass
class Problem:
    """Ops, each with its modes (the first is the op as written), and values with their bytes."""

    modes: list[Sequence[Mode]] = field(default_factory=list)
    bytes_of: list[int] = field(default_factory=list)


def choose(problem: Problem, effort: float) -> tuple[list[int], bool]:
    """For each op of a problem the index of its mode, and whether that is proven to be the best.

    effort: where the search ends, in the solver's deterministic time, about a second each. It ends
        with the best choice found, or with every op as written.
    The same for the same problem, always.
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
    # The solver counts in 64 bits. Tensors beyond this are too large for any core, and all alike.
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

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1  # Several would race for which of equals is found.
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = effort
    # All constraints are in the relaxation, which then has whole numbers for its optimum. With
    # fewer of them the search doubles with every attention in a row.
    solver.parameters.linearization_level = 2
    # Else OR-tools takes Ctrl-C over for good, and a later one ends the user's process.
    solver.parameters.catch_sigint_signal = False
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        assert status == cp_model.UNKNOWN, solver.status_name(status)
        return [0] * len(chosen), False
    picks = [next(m for m, v in enumerate(variables) if solver.value(v)) for variables in chosen]
    return picks, status == cp_model.OPTIMAL


def _wanted(modes: Iterable[Mode]) -> list[tuple[int, Label]]:
    """Every value and order some mode takes, each once."""
    return list(dict.fromkeys(key for mode in modes for key in mode.takes))
