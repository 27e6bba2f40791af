"""PyTorch's decomposition of exported programs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

from torch._ops import OpOverload
from torch.export import ExportedProgram


def decomposed(
    program: ExportedProgram, table: Mapping[OpOverload, Callable[..., Any]]
) -> ExportedProgram:
    """A functional program in which the operators of a table are decomposed; the given one stays.

    PyTorch warns of its own deprecated code in here, which a user cannot change.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        result: ExportedProgram = program.run_decompositions(dict(table))
    return result
