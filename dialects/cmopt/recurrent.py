"""Recurrent layers of int8."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

from xdsl.dialects.builtin import BoolAttr, DenseArrayBase, TensorType
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, prop_def, result_def

from cmopt.dialects.cortex_m.base import KernelOp, Properties, property_attr
from cmopt.dialects.cortex_m.limits import LARGEST_MULTIPLIER, LONGEST_SHIFT
from cmopt.dialects.shapes import ints_of, shape_of

GATES = 4
"""Gates of an LSTM: input, forget, cell, output, in this order."""

TABLES = 5
"""Functions of an LSTM: that of each gate, and that of the new cell state."""


class LstmLayer(NamedTuple):
    """How the sums of a linear layer are requantized."""

    multiplier: int
    shift: int
    zero_point: int


class LstmSum(NamedTuple):
    """An addition, as `cortex_m.quantized_add` does it. The operands know their zero points."""

    first_multiplier: int
    first_shift: int
    second_multiplier: int
    second_shift: int
    multiplier: int
    shift: int
    zero_point: int

    def swapped(self) -> LstmSum:
        """The same addition with the operands in the other order."""
        return LstmSum(*self[2:4], *self[:2], *self[4:])


class LstmProduct(NamedTuple):
    """A product, as `cortex_m.quantized_mul` computes it."""

    first_zero_point: int
    second_zero_point: int
    multiplier: int
    shift: int
    zero_point: int


def flat(numbers: Iterable[Sequence[int]]) -> tuple[int, ...]:
    """The property of an op that lists these numbers."""
    return tuple(number for entry in numbers for number in entry)


def scratch_bytes(units: int, groups: int) -> int:
    """Working memory of `cmopt.lstm`: the gates of a row, and what is added to a group of them."""
    return (GATES + GATES // groups) * units


@irdl_op_definition
class LstmOp(KernelOp):
    """All steps of an LSTM on int8: each is what these kernels compute, bit for bit.

    With gates i, f, g, o, functions `table` and rows of the weights in the order of the gates:

        i, f, g, o = add(linear(input, input_weights), linear(hidden, hidden_weights))
        cell = add(mul(table[1](f), cell), mul(table[0](i), table[2](g)))
        hidden = mul(table[3](o), table[4](cell))

    `linear` is `arm_fully_connected_s8`, of weights with zero point 0, `add` is
    `arm_elementwise_add_s8` with left shift `ADD_LEFT_SHIFT`, and `mul` is
    `arm_elementwise_mul_s8`. All clamp to int8. A table has an entry for each of −128 … 127. The
    sums are the biases plus what the zero points of the operands give: `bias - zero_point · Σw`.

    input [T,N,I], initial_hidden [N,S], initial_cell [N,U], input_weights [4U,I], hidden_weights
    [4U,S], tables [5,256]. `output` is [T,N,U] with the hidden state of each step, or [N,U] with
    that of the last one. `cell` is the last cell state. S is U if there is more than one step. With
    `reverse`, the last slice of the input comes first; slice t of the output is that of slice t.

    Each row of the batch is computed by itself, so both results may overwrite both initial states.

    The three properties of the gates have one entry for all gates, or one for each. In
    `forget_product` the first operand is the gate f, in `input_product` the gate i, in
    `output_product` the gate o; in `cell_sum` it is the product of f.
    """

    name = "cmopt.lstm"
    INPLACE: ClassVar[tuple[str, ...]] = ("initial_hidden", "initial_cell")

    input = operand_def(TensorType)
    initial_hidden = operand_def(TensorType)
    initial_cell = operand_def(TensorType)
    input_weights = operand_def(TensorType)
    input_sums = operand_def(TensorType)
    hidden_weights = operand_def(TensorType)
    hidden_sums = operand_def(TensorType)
    tables = operand_def(TensorType)
    scratch = operand_def(TensorType)
    input_layers = prop_def(DenseArrayBase)
    hidden_layers = prop_def(DenseArrayBase)
    gate_sums = prop_def(DenseArrayBase)
    forget_product = prop_def(DenseArrayBase)
    input_product = prop_def(DenseArrayBase)
    cell_sum = prop_def(DenseArrayBase)
    output_product = prop_def(DenseArrayBase)
    reverse = prop_def(BoolAttr)
    output = result_def(TensorType)
    cell = result_def(TensorType)

    assembly_format = (
        "$input `from` $initial_hidden `,` $initial_cell "
        "`weights` $input_weights `,` $hidden_weights `sums` $input_sums `,` $hidden_sums "
        "`tables` $tables `scratch` $scratch attr-dict `:` functional-type(operands, results)"
    )

    def __init__(
        self,
        operands: Sequence[SSAValue],
        output_type: Attribute,
        cell_type: Attribute,
        properties: Properties,
    ):
        IRDLOperation.__init__(
            self,
            operands=operands,
            result_types=[output_type, cell_type],
            properties={name: property_attr(value) for name, value in properties.items()},
        )

    def result_over(self, name: str) -> SSAValue:
        return self.output if name == "initial_hidden" else self.cell

    @property
    def units(self) -> int:
        """The size U of the hidden and the cell state."""
        return shape_of(self.cell)[-1]

    @property
    def groups(self) -> int:
        """In how many groups the gates are requantized: 1 or 4."""
        return len(self.layers("input_layers"))

    @property
    def keeps_all(self) -> bool:
        """Whether the output has the hidden state of each step."""
        return len(shape_of(self.output)) == 3

    def layers(self, name: str) -> list[LstmLayer]:
        """The entries of `input_layers` or `hidden_layers`."""
        return self._entries(name, LstmLayer)

    def sums(self, name: str) -> list[LstmSum]:
        """The entries of `gate_sums` or `cell_sum`."""
        return self._entries(name, LstmSum)

    def product(self, name: str) -> LstmProduct:
        """The numbers of a product."""
        return LstmProduct(*ints_of(self.properties[name]))

    def _entries(self, name: str, kind: type[Any]) -> list[Any]:
        numbers, size = ints_of(self.properties[name]), len(kind._fields)
        return [kind(*numbers[i : i + size]) for i in range(0, len(numbers), size)]

    def verify_(self) -> None:
        self.require_int8(
            "input", "initial_hidden", "initial_cell", "input_weights", "hidden_weights",
            "tables", "scratch", "output", "cell",
        )  # fmt: skip
        self.require_integers(32, "input_sums", "hidden_sums")
        self._verify_shapes()
        counts = (
            ("input_layers", LstmLayer, (1, GATES)), ("hidden_layers", LstmLayer, (1, GATES)),
            ("gate_sums", LstmSum, (1, GATES)), ("forget_product", LstmProduct, (1,)),
            ("input_product", LstmProduct, (1,)), ("cell_sum", LstmSum, (1,)),
            ("output_product", LstmProduct, (1,)),
        )  # fmt: skip
        for name, kind, allowed in counts:
            self._verify_numbers(name, kind, allowed)
        if not self.groups == len(self.layers("hidden_layers")) == len(self.sums("gate_sums")):
            raise self.error("input_layers, hidden_layers and gate_sums must have equal lengths")
        needed = scratch_bytes(self.units, self.groups)
        if shape_of(self.scratch) != (needed,):
            raise self.error(f"scratch must have {needed} bytes, got {self.scratch.type}")

    def _verify_shapes(self) -> None:
        self.require_rank(3, "input")
        self.require_rank(2, "initial_hidden", "initial_cell")
        steps, batch, inputs = shape_of(self.input)
        units, state = shape_of(self.initial_cell)[1], shape_of(self.initial_hidden)[1]
        if min(steps, batch, inputs, units, state) < 1:
            raise self.error("steps, batch, inputs, units and state must be 1 at least")
        self.require_shape("initial_hidden", (batch, state))
        self.require_shape("initial_cell", (batch, units))
        if steps > 1 and state != units:
            raise self.error(f"a hidden state of {state} does not fit the next step of {units}")
        self.require_shape("input_weights", (GATES * units, inputs))
        self.require_shape("hidden_weights", (GATES * units, state))
        self.require_shape("input_sums", (GATES * units,))
        self.require_shape("hidden_sums", (GATES * units,))
        self.require_shape("tables", (TABLES, 256))
        self.require_shape("cell", (batch, units))
        self.require_shape("output", ((steps,) if self.keeps_all else ()) + (batch, units))

    def _verify_numbers(self, name: str, kind: type[Any], allowed: tuple[int, ...]) -> None:
        fields, numbers = kind._fields, ints_of(self.properties[name])
        counts = [len(fields) * entries for entries in allowed]
        if len(numbers) not in counts:
            wanted = " or ".join(map(str, counts))
            raise self.error(f"{name} must have {wanted} numbers, got {len(numbers)}")
        for entry in self._entries(name, kind):
            for field, number in zip(fields, entry, strict=True):
                low, high = _limits(field)
                if not low <= number <= high:
                    raise self.error(f"the {field} of {name} must be in {low}..{high}: {number}")


def _limits(field: str) -> tuple[int, int]:
    """The least and the greatest value of a number of this name."""
    if field.endswith("multiplier"):
        return -LARGEST_MULTIPLIER, LARGEST_MULTIPLIER
    return (-LONGEST_SHIFT, LONGEST_SHIFT) if field.endswith("shift") else (-128, 127)


__all__ = [
    "GATES", "TABLES", "LstmLayer", "LstmOp", "LstmProduct", "LstmSum", "flat", "scratch_bytes",
]  # fmt: skip
