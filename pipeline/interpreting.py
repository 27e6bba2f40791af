"""Run IR of any stage on the inputs that its callers have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

from cmopt.dialects.arrays import Array
from cmopt.dialects.program import DIM_ORDER, border_attributes, main_function
from cmopt.dialects.shapes import ints_of, inverse
from cmopt.interpreters.run import Session
from cmopt.support.diagnostics import CompileError


def as_arrays(inputs: Sequence[Any]) -> list[Array]:
    """Torch tensors or numpy arrays as numpy arrays. Raises CompileError for anything else."""
    import torch

    arrays = []
    for index, value in enumerate(inputs):
        try:
            arrays.append(torch.as_tensor(value).detach().numpy())
        except (TypeError, ValueError, RuntimeError) as error:
            kind = type(value).__name__
            raise CompileError(f"input {index} must be a tensor, got {kind}") from error
    return arrays


def interpret(
    module: ModuleOp,
    inputs: Sequence[Array],
    name: str = "forward",
    session: Session | None = None,
) -> list[Array]:
    """Run a module of any stage. Inputs and outputs have logical shapes, as its callers see them.

    session: of this function, with its state; by default a new one, in which all state has its
    initial value. Raises CompileError if inputs do not fit, or if an operator fails on them.
    """
    func = main_function(module, name)
    entries = border_attributes(func.arg_attrs, len(func.body.block.args))
    physical = []
    for index, value in enumerate(inputs):
        order = entries[index].get(DIM_ORDER) if index < len(entries) else None
        fits = order is not None and value.ndim == len(ints_of(order))
        moved = np.transpose(value, ints_of(order)) if fits and order is not None else value
        physical.append(np.asarray(moved, order="C"))
    try:
        outputs = (session or Session(module, name)).run(physical)
    except (ValueError, RuntimeError) as error:  # torch raises RuntimeError if an operator fails
        raise CompileError(str(error)) from error
    return _logical(func, outputs)


def _logical(func: FuncOp, outputs: Sequence[Array]) -> list[Array]:
    entries = border_attributes(func.res_attrs, len(outputs))
    result = []
    for value, entry in zip(outputs, entries, strict=False):
        order = entry.get(DIM_ORDER)
        moved = value if order is None else np.transpose(value, inverse(ints_of(order)))
        result.append(np.asarray(moved, order="C"))
    return result
