"""Give inputs and outputs the memory order that their callers use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from cmopt.dialects.edge import ToDimOrderOp, with_dim_order
from cmopt.dialects.program import (
    border_names,
    functions,
    retype_argument,
    selected,
    terminator,
    update,
)
from cmopt.dialects.shapes import shape_of
from cmopt.lowering.rewrite import pass_through
from cmopt.support.diagnostics import CompileError

LAYOUTS = ("NCHW", "NHWC")
"""Channels behind the batch, or last; of any rank above 2."""


def order_of(layout: str, rank: int) -> tuple[int, ...]:
    """The dimensions from outermost to innermost. Raises ValueError for another layout."""
    if layout not in LAYOUTS:
        raise ValueError(f"unknown layout {layout!r}, expected {' or '.join(LAYOUTS)}")
    dims = tuple(range(rank))
    return dims if layout == "NCHW" else (0, *dims[2:], 1)


def _layouts(
    entries: Sequence[str], kind: str, names: Sequence[str], func: FuncOp
) -> dict[int, str]:
    """The layout of each border value that has one: "x=NHWC", or "NHWC" for all of rank above 2."""
    found = {}
    for entry in entries:
        name, given, layout = entry.rpartition("=")
        if given:
            found[selected([name], kind, names, func)[0]] = layout
        else:
            found |= {index: layout for index in range(len(names)) if index not in found}
    return found


def set_layouts(func: FuncOp, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Change the memory order of some arguments and results. Raises CompileError."""
    input_names, output_names = border_names(func)
    for index, layout in _layouts(inputs, "input", input_names, func).items():
        type = func.body.block.args[index].type
        if (new := _ordered(func, f"input {input_names[index]!r}", type, layout, inputs)) == type:
            continue
        argument = retype_argument(func, index, new)
        uses = list(argument.uses)
        move = ToDimOrderOp([argument], type)
        for use in uses:
            use.operation.operands[use.index] = move.output
        Rewriter.insert_op(move, InsertPoint.at_start(func.body.block))
    end = terminator(func)
    for index, layout in _layouts(outputs, "output", output_names, func).items():
        value = end.operands[index]
        what = f"output {output_names[index]!r}"
        if (new := _ordered(func, what, value.type, layout, outputs)) == value.type:
            continue
        pass_through(end, index, ToDimOrderOp([value], new))
    update(func)


def _ordered(
    func: FuncOp, what: str, type: object, layout: str, entries: Sequence[str]
) -> TensorType:
    assert isinstance(type, TensorType)
    rank = len(shape_of(type))
    if rank < 3:
        if layout in entries and layout in LAYOUTS:
            return type  # It was not named.
        raise CompileError(f"{what} has rank {rank}: it has no layout", op=func)
    try:
        return with_dim_order(type, order_of(layout, rank))
    except ValueError as error:
        raise CompileError(f"{what}: {error}", op=func) from None


@dataclass(frozen=True)
class SetBorderLayoutsPass(ModulePass):
    """Give inputs and outputs the memory order NCHW or NHWC.

    An entry "x=NHWC" is for one input or output, and an entry "NHWC" for all others of rank above
    2. The shapes stay, as for a tensor of PyTorch's memory format `channels_last`.
    """

    name = "set-border-layouts"

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for func in functions(op):
            set_layouts(func, self.inputs, self.outputs)
