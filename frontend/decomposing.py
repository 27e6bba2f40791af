"""PyTorch's decomposition of exported programs."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from torch._ops import OpOverload
from torch.export import ExportedProgram

from cmopt.frontend.locations import location_in_trace
from cmopt.support.diagnostics import CompileError


def decomposed(
    program: ExportedProgram, table: Mapping[OpOverload, Callable[..., Any]]
) -> ExportedProgram:
    """A functional program in which the operators of a table are decomposed; the given one stays.

    PyTorch warns of its own deprecated code in here, which a user cannot change. Its check of
    the inputs fails if the example of the export had a view of another input. Raises CompileError
    if a shape depends on the inputs' values.
    """
    from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

    program = _without_guards_of_views(program)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        try:
            result: ExportedProgram = program.run_decompositions(dict(table))
        except GuardOnDataDependentSymNode as error:
            raise depends_on_values(error) from error
    return result


def _without_guards_of_views(program: ExportedProgram) -> ExportedProgram:
    """`program` without the guards that ask for the tensor that an input was a view of."""
    guards: list[str] = getattr(program, "_guards_code", [])
    kept = [guard for guard in guards if "._base." not in guard]
    if len(kept) < len(guards):
        program = copy.copy(program)
        program._guards_code = kept
    return program


def depends_on_values(error: Exception) -> CompileError:
    """What a user is told if PyTorch cannot trace a model because of its inputs' values."""
    return CompileError(
        "a shape or a branch of the model depends on the values of its inputs",
        location=location_in_trace(str(error)),
        hint="make it a constant: give F.one_hot its num_classes, use torch.where for an if",
    )
