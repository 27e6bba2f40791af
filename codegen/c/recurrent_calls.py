"""The C of recurrent layers: each `cmopt` op as its call of `kernels/recurrent`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cmopt.codegen.c.step import Rules, Step
from cmopt.codegen.c.text import fields, items
from cmopt.dialects import cmopt as own
from cmopt.dialects.constants import is_constant
from cmopt.dialects.shapes import int_of, shape_of
from cmopt.support.diagnostics import CompileError

RECURRENT = Rules()
"""By op."""


@RECURRENT.of(own.LstmOp)
def _lstm(op: own.LstmOp, step: Step) -> None:
    names = ("input_weights", "input_sums", "hidden_weights", "hidden_sums", "tables")
    if not all(is_constant(getattr(op, name)) for name in names):
        raise CompileError("has no C form if its weights and tables are not constants", op=op)
    steps, batch, inputs = shape_of(op.input)
    (cell_sum,) = op.sums("cell_sum")
    lstm = fields(
        steps=steps,
        batch=batch,
        inputs=inputs,
        state=shape_of(op.initial_hidden)[1],
        units=op.units,
        keeps_all="true" if op.keeps_all else "false",
        reverse="true" if int_of(op.reverse) else "false",
        groups=op.groups,
        **{name: step.pointer(getattr(op, name), name) for name in names},
        input_layers=_entries(op.layers("input_layers")),
        hidden_layers=_entries(op.layers("hidden_layers")),
        gate_sums=_entries(op.sums("gate_sums")),
        forget_product=items(op.product("forget_product")),
        input_product=items(op.product("input_product")),
        cell_sum=items(cell_sum),
        output_product=items(op.product("output_product")),
    )
    context = step.scratch(op.scratch)
    address = step.declare("cmopt_lstm", "lstm", lstm)
    step.check(f"cmopt_lstm_s8_get_buffer_size({address})")
    step.call(
        "cmopt_lstm_s8",
        context,
        address,
        step.pointer(op.input, "input"),
        step.pointer(op.initial_hidden, "hidden"),
        step.pointer(op.initial_cell, "cell"),
        step.pointer(op.output),
        step.pointer(op.cell),
    )


def _entries(numbers: Iterable[Sequence[int]]) -> str:
    """The initializer of an array of structs."""
    return f"{{{', '.join(map(items, numbers))}}}"
