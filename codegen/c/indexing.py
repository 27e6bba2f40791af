"""The C of portable operators that pick or write elements by computed indices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from xdsl.ir import SSAValue

from cmopt.codegen.arguments import plain
from cmopt.codegen.c.step import Step
from cmopt.codegen.c.text import fields
from cmopt.dialects.arrays import numpy_dtype
from cmopt.dialects.cortex_m import itemsize, nbytes
from cmopt.dialects.edge import CallOp
from cmopt.dialects.shapes import element_of, numel, shape_of
from cmopt.support.diagnostics import CompileError

INDEXED = frozenset(
    {
        "aten.embedding.default",
        "aten.index.Tensor",
        "aten.index_put.default",
        "aten.index_select.default",
    }
)
"""Operators with a C form if they have one tensor of indices, of int64, along one dimension."""


def emit_indexed(op: CallOp, step: Step) -> None:
    """Add the call for an operator in `INDEXED`. Raises CompileError if it has no C form.

    The kernel checks indices: the step returns another number than 0 if one is outside.
    """
    arguments: list[Any] = [plain(argument, op.operands_) for argument in op.arguments.data]
    data, dim, index = _parts(op.target.data, arguments)
    if index is None or numpy_dtype(element_of(index)) != np.int64:
        raise CompileError(f"{op.target.data} has no C form for these arguments", op=op)
    shape, result = shape_of(data), op.results[0]
    axis = fields(
        outer=math.prod(shape[:dim]),
        along=shape[dim],
        inner_bytes=math.prod(shape[dim + 1 :]) * itemsize(data.type),
    )
    place = step.declare("cmopt_axis", "axis", axis)
    indices, count = step.pointer(index, "indices"), str(numel(shape_of(index)))
    if op.target.data != "aten.index_put.default":
        input = step.pointer(data, "input")
        step.call("cmopt_take", input, place, indices, count, step.pointer(result))
        return
    values = arguments[2]
    written = shape[:dim] + shape_of(index) + shape[dim + 1 :]
    if arguments[3] or shape_of(values) != written:  # it adds, or the values are broadcast
        raise CompileError(f"{op.target.data} has no C form for these arguments", op=op)
    target, source = step.pointer(result), step.pointer(data, "input")
    step.lines.append(f"memcpy({target}, {source}, {nbytes(data.type)});")
    step.call("cmopt_put", step.pointer(values, "values"), place, indices, count, target)


def _parts(target: str, arguments: list[Any]) -> tuple[SSAValue, int, SSAValue | None]:
    """The data, the dimension that is indexed, and the indices; None if there are several."""
    if target == "aten.embedding.default":
        return arguments[0], 0, arguments[1]
    if target == "aten.index_select.default":
        return arguments[0], arguments[1] % max(len(shape_of(arguments[0])), 1), arguments[2]
    dims = [dim for dim, index in enumerate(arguments[1]) if index is not None]
    if len(dims) != 1:
        return arguments[0], 0, None
    return arguments[0], dims[0], arguments[1][dims[0]]
