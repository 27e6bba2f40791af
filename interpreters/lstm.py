"""What `cmopt.lstm` computes: the kernels of each step of an LSTM, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cmopt.dialects import cmopt as own
from cmopt.dialects.cortex_m import ADD_LEFT_SHIFT
from cmopt.dialects.shapes import int_of
from cmopt.interpreters import cmsis_nn
from cmopt.interpreters.cmsis_nn.fixed_point import Int8Array, Int32Array

_WHOLE = {"activation_min": -128, "activation_max": 127}


def lstm_s8(
    op: own.LstmOp,
    input: Int8Array,
    hidden: Int8Array,
    cell: Int8Array,
    input_weights: Int8Array,
    input_sums: Int32Array,
    hidden_weights: Int8Array,
    hidden_sums: Int32Array,
    tables: Int8Array,
) -> tuple[Int8Array, Int8Array]:
    """The output and the last cell state. The arguments are those of the op, without scratch."""
    forget, added, shown = map(op.product, ("forget_product", "input_product", "output_product"))
    (cell_sum,) = op.sums("cell_sum")
    outputs = []
    is_reversed = bool(int_of(op.reverse))
    for slice in input[::-1] if is_reversed else input:
        of_input = _linear(slice, input_weights, input_sums, op.layers("input_layers"))
        of_hidden = _linear(hidden, hidden_weights, hidden_sums, op.layers("hidden_layers"))
        gates = _gates(op, of_input, of_hidden)
        i, f, g, o = (cmsis_nn.lookup_s8(gates[k], tables[k]) for k in range(own.GATES))
        kept, new = _product(f, cell, forget), _product(i, g, added)
        cell = _sum(kept, new, forget.zero_point, added.zero_point, cell_sum)
        hidden = _product(o, cmsis_nn.lookup_s8(cell, tables[own.GATES]), shown)
        outputs.append(hidden)
    if not op.keeps_all:
        return hidden, cell
    return np.stack(outputs[::-1] if is_reversed else outputs), cell


def _linear(
    x: Int8Array, weights: Int8Array, sums: Int32Array, layers: Sequence[own.LstmLayer]
) -> list[Int8Array]:
    """The layer of each group of gates. The sums have the biases, and what the zero point gives."""
    parts = zip(layers, np.split(weights, len(layers)), np.split(sums, len(layers)), strict=True)
    return [
        cmsis_nn.fully_connected_s8(
            x, rows, bias, input_offset=0, filter_offset=0, output_offset=layer.zero_point,
            multiplier=layer.multiplier, shift=layer.shift, **_WHOLE,
        )
        for layer, rows, bias in parts
    ]  # fmt: skip


def _gates(
    op: own.LstmOp, of_input: Sequence[Int8Array], of_hidden: Sequence[Int8Array]
) -> list[Int8Array]:
    """The sums of each gate, before its function."""
    zero_points = (
        [layer.zero_point for layer in op.layers(name)]
        for name in ("input_layers", "hidden_layers")
    )
    added = map(_sum, of_input, of_hidden, *zero_points, op.sums("gate_sums"))
    return np.split(np.concatenate(list(added), axis=-1), own.GATES, axis=-1)


def _sum(
    a: Int8Array, b: Int8Array, a_zero_point: int, b_zero_point: int, to: own.LstmSum
) -> Int8Array:
    return cmsis_nn.elementwise_add_s8(
        a,
        b,
        self_offset=-a_zero_point,
        self_multiplier=to.first_multiplier,
        self_shift=to.first_shift,
        other_offset=-b_zero_point,
        other_multiplier=to.second_multiplier,
        other_shift=to.second_shift,
        left_shift=ADD_LEFT_SHIFT,
        output_offset=to.zero_point,
        output_multiplier=to.multiplier,
        output_shift=to.shift,
        **_WHOLE,
    )


def _product(a: Int8Array, b: Int8Array, to: own.LstmProduct) -> Int8Array:
    return cmsis_nn.elementwise_mul_s8(
        a,
        b,
        self_offset=-to.first_zero_point,
        other_offset=-to.second_zero_point,
        output_offset=to.zero_point,
        output_multiplier=to.multiplier,
        output_shift=to.shift,
        **_WHOLE,
    )
