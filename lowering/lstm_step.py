"""The kernels of one step of an LSTM, found from the hidden state that they make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Operation, SSAValue

from cmopt.dialects.cmopt import LstmLayer, LstmProduct, LstmSum
from cmopt.dialects.constants import constant_of, is_known
from cmopt.dialects.cortex_m import (
    QuantizedActivationOp,
    QuantizedAddOp,
    QuantizedLinearOp,
    QuantizedMulOp,
    SubviewOp,
    ViewOp,
)
from cmopt.dialects.edge import CallOp
from cmopt.dialects.shapes import int_of, ints_of, numel, shape_of
from cmopt.lowering.rules import Unsupported

Kind = TypeVar("Kind", bound=Operation)


@dataclass(frozen=True)
class Layer:
    """Rows of a linear layer that give one gate: their weights, their sums with what the zero point
    of the operand gives, and how the sums are requantized."""

    weights: NDArray[np.int8]
    sums: NDArray[np.int32]
    scale: LstmLayer


@dataclass(frozen=True)
class Gate:
    """A gate: the layers of the input and of the hidden state, their sum, and its function.

    whole: the addition, which may be that of other gates too.
    """

    input: Layer
    hidden: Layer
    sum: LstmSum
    table: NDArray[np.int8]
    whole: QuantizedAddOp


@dataclass(frozen=True)
class Step:
    """One step: what it reads, what it makes, its numbers, and all its kernel calls.

    gates: input, forget, cell, output. The products and `cell_sum` are as in `cmopt.lstm`.
    """

    input: SSAValue
    hidden: SSAValue
    cell: SSAValue
    new_hidden: SSAValue
    new_cell: SSAValue
    gates: Sequence[Gate]
    cell_table: NDArray[np.int8]
    forget_product: LstmProduct
    input_product: LstmProduct
    cell_sum: LstmSum
    output_product: LstmProduct

    @property
    def units(self) -> int:
        """The size of the hidden and the cell state."""
        return len(self.gates[0].input.sums)

    def swapped(self) -> Step:
        """The same step, with the input as the hidden state and the other way round."""
        gates = [
            replace(gate, input=gate.hidden, hidden=gate.input, sum=gate.sum.swapped())
            for gate in self.gates
        ]
        return replace(self, input=self.hidden, hidden=self.input, gates=gates)

    def ops(self) -> set[Operation]:
        """The ops from what the step reads to what it makes, without constants, and without views
        of what it reads."""
        ends, found = {self.input, self.hidden, self.cell}, set[Operation]()
        open = [self.new_hidden]
        while open:
            value = open.pop()
            owner = value.owner
            if seen_through_views(value) in ends or is_known(value):
                continue
            if isinstance(owner, Operation) and owner not in found:
                found.add(owner)
                open.extend(owner.operands)
        return found


def step_of(op: QuantizedMulOp) -> Step:
    """The step whose new hidden state this product is; the operands may be in any order.

    Raises Unsupported, with what is different, if it is the product of something else.
    """
    o, shown, output_product = _product(op, _is_gate)
    new_cell, cell_table = _lookup(shown)
    total = _maker(new_cell, QuantizedAddOp)
    kept, added, cell_sum = _sum(total, lambda value: not _is_product_of_gates(value))
    forget, new = _maker(kept, QuantizedMulOp), _maker(added, QuantizedMulOp)
    f, cell, forget_product = _product(forget, _is_gate)
    i, g, input_product = _product(new, _is_gate)
    given = forget_product.zero_point, input_product.zero_point
    _require(_zero_points(total, kept) == given, "the cell state is the sum of other types")
    gates = [_part(value) for value in (i, f, g, o)]
    units = gates[0].size
    _require(all(gate.size == units for gate in gates), "the gates have different sizes")
    input, hidden = _roles(gates[0].whole, units)
    step = Step(
        input, hidden, seen_through_views(cell), op.output, total.output,
        [_gate(gate, input, hidden) for gate in gates], cell_table,
        forget_product, input_product, cell_sum, output_product,
    )  # fmt: skip
    ops = step.ops()
    hidden_parts = {result for inner in ops for result in inner.results} - {op.output, total.output}
    read = {use.operation for value in hidden_parts for use in value.uses}
    _require(read <= ops, "a part of the step has other readers")
    return step


def seen_through_views(value: SSAValue) -> SSAValue:
    """The value that a chain of views starts from."""
    while isinstance(value.owner, ViewOp):
        value = value.owner.input
    return value


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise Unsupported(reason)


def _maker(value: SSAValue, kind: type[Kind]) -> Kind:
    """The op of this kind that makes a value."""
    owner = seen_through_views(value).owner
    if not isinstance(owner, kind):
        raise Unsupported(f"a value is not made by {kind.name}")
    return owner


def _holds(test: Callable[[SSAValue], object], value: SSAValue) -> bool:
    try:
        test(value)
    except Unsupported:
        return False
    return True


# --- Sums and products, whose operands may be in any order ----------------------------------------


def _is_swapped(op: QuantizedMulOp | QuantizedAddOp, is_first: Callable[[SSAValue], bool]) -> bool:
    """Whether the second operand is the one that `is_first` describes."""
    _require(numel(shape_of(op.input)) == numel(shape_of(op.other)), "an operand is broadcast")
    if is_first(op.input):
        return False
    _require(is_first(op.other), "a sum or product has other operands")
    return True


def _product(
    op: QuantizedMulOp, is_first: Callable[[SSAValue], bool]
) -> tuple[SSAValue, SSAValue, LstmProduct]:
    """The operands of a product, the one that `is_first` describes first, and its numbers."""
    sides = [(op.input, int_of(op.self_zero_point)), (op.other, int_of(op.other_zero_point))]
    (first, a), (second, b) = sides[::-1] if _is_swapped(op, is_first) else sides
    scale = int_of(op.output_multiplier), int_of(op.output_shift)
    return first, second, LstmProduct(a, b, *scale, int_of(op.output_zero_point))


def _sum(
    op: QuantizedAddOp, is_first: Callable[[SSAValue], bool]
) -> tuple[SSAValue, SSAValue, LstmSum]:
    """The operands of a sum, the one that `is_first` describes first, and its numbers."""
    _require(_is_unclamped(op), "a sum is clamped")
    sides = [
        (op.input, (int_of(op.self_multiplier), int_of(op.self_shift))),
        (op.other, (int_of(op.other_multiplier), int_of(op.other_shift))),
    ]
    (first, a), (second, b) = sides[::-1] if _is_swapped(op, is_first) else sides
    scale = int_of(op.output_multiplier), int_of(op.output_shift)
    return first, second, LstmSum(*a, *b, *scale, int_of(op.output_zero_point))


def _zero_points(op: QuantizedAddOp, first: SSAValue) -> tuple[int, int]:
    """The zero points that a sum takes of its operands, that of `first` first."""
    a, b = int_of(op.self_zero_point), int_of(op.other_zero_point)
    return (a, b) if op.input is first else (b, a)


def _is_unclamped(op: QuantizedAddOp | QuantizedLinearOp) -> bool:
    return (int_of(op.activation_min), int_of(op.activation_max)) == (-128, 127)


# --- Gates ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Part:
    """`size` elements of each row of a sum, from `start` on, and the function of them."""

    whole: QuantizedAddOp
    start: int
    size: int
    table: NDArray[np.int8]


def _lookup(value: SSAValue) -> tuple[SSAValue, NDArray[np.int8]]:
    """What a table is applied to, and the table."""
    op = _maker(value, QuantizedActivationOp)
    table = constant_of(op.lut)
    if table is None:
        raise Unsupported("a table is not a constant")
    return seen_through_views(op.input), np.asarray(table, np.int8)


def _part(value: SSAValue) -> _Part:
    """The part of a sum of two linear layers whose function a value is."""
    source, table = _lookup(value)
    owner, start, size = source.owner, 0, shape_of(source)[-1]
    if isinstance(owner, SubviewOp):
        is_row = numel(shape_of(owner.input)) == shape_of(owner.input)[-1]
        _require(is_row, "a gate is not a part of each row")
        source, start, size = owner.input, int_of(owner.offset), numel(shape_of(source))
    elif isinstance(owner, CallOp):
        source, start = owner.operands_[0], _slice_start(owner)
    whole = _maker(source, QuantizedAddOp)
    for layer in (whole.input, whole.other):
        _maker(layer, QuantizedLinearOp)
    return _Part(whole, start, size, table)


def _is_gate(value: SSAValue) -> bool:
    return _holds(_part, value)


def _is_product_of_gates(value: SSAValue) -> bool:
    owner = seen_through_views(value).owner
    return isinstance(owner, QuantizedMulOp) and all(map(_is_gate, owner.operands))


def _slice_start(op: CallOp) -> int:
    """Where the part of the last dimension begins that a call takes."""
    _require(op.target.data == "aten.slice_copy.Tensor", "a gate is not a slice")
    _, dim, start, _, step = (
        argument.value.data if isinstance(argument, IntegerAttr) else None
        for argument in op.arguments.data
    )
    last = len(shape_of(op.operands_[0])) - 1
    if start is None or (dim, step) != (last, 1):
        raise Unsupported("a gate is not a part of each row")
    return start


def _roles(whole: QuantizedAddOp, units: int) -> tuple[SSAValue, SSAValue]:
    """The input and the hidden state: what the two layers of a gate read.

    A step is symmetric in them. The hidden state is the one with as many elements in a row as the
    cell state; if both have, the second one.
    """
    layers = [_maker(value, QuantizedLinearOp) for value in (whole.input, whole.other)]
    first, second = (seen_through_views(layer.input) for layer in layers)
    sizes = [shape_of(layer.weights)[1] for layer in layers]
    return (second, first) if sizes[0] == units != sizes[1] else (first, second)


def _gate(part: _Part, input: SSAValue, hidden: SSAValue) -> Gate:
    """A gate as the sum of layers of these two values."""

    def reads(value: SSAValue) -> bool:
        return seen_through_views(_maker(value, QuantizedLinearOp).input) is input

    first, second, total = _sum(part.whole, reads)
    of_input, of_hidden = (_maker(value, QuantizedLinearOp) for value in (first, second))
    is_hidden = seen_through_views(of_hidden.input) is hidden
    _require(is_hidden, "the gates read different values")
    rows = slice(part.start, part.start + part.size)
    layers = _rows(of_input, rows), _rows(of_hidden, rows)
    given = layers[0].scale.zero_point, layers[1].scale.zero_point
    _require(_zero_points(part.whole, first) == given, "a gate is the sum of other types")
    return Gate(*layers, total, part.table, part.whole)


def _rows(op: QuantizedLinearOp, rows: slice) -> Layer:
    """Rows of a layer with constant weights, zero point 0, and no clamp."""
    weights, is_summed = constant_of(op.weights), op.kernel_sum is not None
    given = op.kernel_sum if is_summed else op.bias
    stored = np.zeros(shape_of(op.weights)[0]) if given is None else constant_of(given)
    if weights is None or stored is None:
        raise Unsupported("a layer's weights are not constant")
    _require(int_of(op.filter_offset) == 0, "a layer's weights have a zero point")
    _require(_is_unclamped(op), "a layer is clamped")
    sums = stored.astype(np.int64)
    if not is_summed:
        sums += int_of(op.input_offset) * weights.astype(np.int64).sum(axis=1)
    _require(bool(np.all(np.abs(sums) < 1 << 31)), "a layer's sums have more than 32 bits")
    (multiplier,), (shift,) = ints_of(op.requantize_multipliers), ints_of(op.requantize_shifts)
    scale = LstmLayer(multiplier, shift, int_of(op.output_offset))
    return Layer(np.asarray(weights, np.int8)[rows], sums.astype(np.int32)[rows], scale)
