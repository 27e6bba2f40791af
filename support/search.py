"""How OR-tools' solver is set up: the same model always gives the same answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ortools.sat.python import cp_model


def new_solver(effort: float) -> cp_model.CpSolver:
    """A CP-SAT solver. effort: its limit in deterministic time, in units of about a second."""
    from ortools.sat.python import cp_model

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1  # With several, timing would decide between equal answers.
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = effort
    # Otherwise OR-tools would keep its handler, and a later Ctrl-C would end the user's process.
    solver.parameters.catch_sigint_signal = False
    return solver
