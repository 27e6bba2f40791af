"""The C of portable operators that find the largest or smallest element along a dimension."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from xdsl.ir import SSAValue

from cmopt.codegen.arguments import plain
from cmopt.codegen.c.step import SUFFIXES, Step
from cmopt.dialects.arrays import numpy_dtype
from cmopt.dialects.edge import CallOp
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.support.diagnostics import CompileError

Results = Callable[[CallOp], tuple[SSAValue | None, SSAValue | None]]
"""The results of an operator that have the elements, and their places."""

EXTREMA: dict[str, tuple[bool, Results]] = {
    "aten.amax.default": (True, lambda op: (op.results[0], None)),
    "aten.amin.default": (False, lambda op: (op.results[0], None)),
    "aten.argmax.default": (True, lambda op: (None, op.results[0])),
    "aten.argmin.default": (False, lambda op: (None, op.results[0])),
    "aten.max.dim": (True, lambda op: (op.results[0], op.results[1])),
    "aten.min.dim": (False, lambda op: (op.results[0], op.results[1])),
}
"""By operator: whether it finds the largest element, and what its results are."""


def emit_extremum(op: CallOp, step: Step) -> None:
    """Add the call for an operator in `EXTREMA`. Raises CompileError if it has no C form."""
    input, (largest, results) = op.operands_[0], EXTREMA[op.target.data]
    suffix = SUFFIXES.get(numpy_dtype(element_of(input)).name)
    dims = _adjacent(plain(op.arguments.data[1]), len(shape_of(input)))
    if suffix is None or dims is None:
        raise CompileError(f"{op.target.data} has no C form for these arguments", op=op)
    shape = shape_of(input)
    outer, along = math.prod(shape[: dims[0]]), math.prod(shape[dims[0] : dims[-1] + 1])
    inner = math.prod(shape[dims[-1] + 1 :])
    values, places = results(op)
    step.call_without_result(
        f"cmopt_extremum_{suffix}",
        step.pointer(input, "input"),
        *(str(outer), str(along), str(inner), "true" if largest else "false"),
        step.pointer(values),
        step.pointer(places),
    )


def _adjacent(dims: Any, rank: int) -> list[int] | None:
    """Dimensions in order, all of them for None or an empty list; None if they are not neighbours
    or there are none."""
    given = [] if dims is None else dims if isinstance(dims, list) else [dims]
    found = sorted({dim % rank for dim in given}) if rank else []
    found = found or list(range(rank))
    is_one = bool(found) and found == list(range(found[0], found[-1] + 1))
    return found if is_one else None
