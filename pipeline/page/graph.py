"""The operators of one stage and the values between them, as data of the page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import StringIO
from typing import Any

from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import ModuleOp, StringAttr, TensorType
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Block, Operation, SSAValue

from cmopt.dialects.arrays import numpy_dtype
from cmopt.dialects.cortex_m import KernelOp, ScratchOp, nbytes, place_of
from cmopt.dialects.edge import CallOp, MapOp, ScanOp, YieldOp
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.ethos_u import YieldOp as DelegateYieldOp
from cmopt.dialects.program import (
    NAME,
    NPU_REASON,
    REASON,
    State,
    border_attributes,
    border_names,
    main_function,
    states,
)
from cmopt.dialects.quant import quantized_element, storage_type
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.pipeline.op_kinds import kind_of
from cmopt.support.locations import render
from cmopt.support.printing import IRPrinter

MOST_ELEMENTS = 8
"""Constants of more elements are printed without their values."""
MOST_SCALES = 4
"""Quantized types of more scales are printed without most of them."""
MOST_TEXT = 4_000
"""The most characters of an op's text."""

_ENDS = ReturnOp | YieldOp | DelegateYieldOp
_SCALES = re.compile(r"(!quant\.uniform<[^{}]*?, \{)([^{}]*)\}")


class StageGraph:
    """The ops and values of the main function of a stage, in order of execution.

    Each op and each value is a dictionary of the page, in which absent entries are empty. Constants
    and scratch memory are values without an op. A value of a region has an entry `same`: the number
    of the value outside that it is. `numbers` and `value_numbers` give the number of each.

    An op: `name`, `kind`, `text` (its IR), `in` and `out` (numbers of values), `parent` (the number
    of the op whose region it is in), `where`, and the reasons why it
    is on a portable kernel (`reason`) or not on the NPU (`outside`).
    A value: `name`, `type`, `from` (the number of its op), `bytes`, `quant`, `region` and `place`,
    `what`.
    """

    def __init__(self, module: ModuleOp, stage: str):
        self.ops: list[dict[str, Any]] = []
        self.values: list[dict[str, Any]] = []
        self.numbers: dict[Operation, int] = {}
        self.value_numbers: dict[SSAValue, int] = {}
        self._stage = stage
        self._constant: set[SSAValue] = set()
        self._stream = StringIO()
        self._printer = IRPrinter(self._stream, elide_larger_than=MOST_ELEMENTS)
        func = main_function(module)
        block = func.body.block
        kept = [f"state {_state_name(state)}" for state in states(func)]
        names, results = border_names(func)
        for argument, name in zip(block.args, [*(f"input {n}" for n in names), *kept], strict=True):
            self._op(name, "border", [], [argument], None)
        self._block(block, None)
        end = block.last_op
        assert end is not None
        for value, name in zip(
            end.operands, [*(f"output {n}" for n in results), *kept], strict=True
        ):
            self._op(name, "border", [value], [], None)

    def data(self) -> dict[str, Any]:
        """The stage as an object of the page."""
        return {"name": self._stage, "ops": self.ops, "values": self.values}

    def _block(self, block: Block, parent: int | None) -> None:
        for op in block.ops:
            if isinstance(op, _ENDS):
                continue
            text = self._text(op)
            if self._is_hidden(op):
                for result in op.results:
                    self._value(result, None)
                continue
            kind = kind_of(op, self._stage)
            number = self._op(_name(op), kind, op.operands, op.results, parent, op, text)
            if isinstance(op, DelegateOp | ScanOp):
                self._region(op, number)

    def _region(self, op: DelegateOp | ScanOp, number: int) -> None:
        """The ops in a delegate or a loop. Both number operands and results as the block does."""
        block = op.body.block
        self._printer.enter_scope()
        for argument, operand in zip(block.args, op.operands, strict=True):
            self._value(argument, None)["same"] = self._number(operand)
        self._block(block, number)
        for result, value in zip(op.results, op.end.operands, strict=True):
            self.values[self._number(result)]["same"] = self._number(value)
        self._printer.exit_scope()

    def _is_hidden(self, op: Operation) -> bool:
        """Whether an op is scratch memory, a constant, or part of one: what is done to weights.

        A kernel call is shown, also one that copies a constant.
        """
        if isinstance(op, ScratchOp):
            return True
        constant = isinstance(op, ConstantOp) or op.name in ("tosa.const", "tosa.const_shape")
        is_call = isinstance(op, KernelOp | CallOp)
        of_constants = op.operands and all(value in self._constant for value in op.operands)
        if constant or (of_constants and not is_call):
            self._constant.update(op.results)
            return True
        return False

    def _op(self, name: str, kind: str, operands: Sequence[SSAValue], results: Sequence[SSAValue],
            parent: int | None, op: Operation | None = None, text: str = "") -> int:  # fmt: skip
        number = len(self.ops)
        entry: dict[str, Any] = {"name": name, "kind": kind}
        entry["in"] = [self._number(value) for value in operands]
        self.ops.append(entry)
        for value in results:
            self._value(value, number)
        entry["out"] = [self._number(value) for value in results]
        found: dict[str, Any] = {"text": text}
        if parent is not None:
            found["parent"] = parent
        if op is not None:
            self.numbers[op] = number
            found["where"] = render(op.location)
            found["reason"] = op.reason if isinstance(op, CallOp) else op.attributes.get(REASON)
            found["outside"] = op.attributes.get(NPU_REASON)
        for key, value in found.items():
            plain = value.data if isinstance(value, StringAttr) else value
            if plain not in (None, ""):
                entry[key] = plain
        return number

    def _number(self, value: SSAValue) -> int:
        if value not in self.value_numbers:
            self._value(value, None)
        return self.value_numbers[value]

    def _value(self, value: SSAValue, maker: int | None) -> dict[str, Any]:
        entry: dict[str, Any] = {"name": self._name_of(value), "type": _type(value)}
        if isinstance(value.type, TensorType):
            entry["bytes"] = nbytes(storage_type(value.type))
        if maker is not None:
            entry["from"] = maker
        if (quantization := _quantization(value)) is not None:
            entry["quant"] = quantization
        if (place := place_of(value)) is not None:
            entry |= {"region": place.region, "place": place.offset}
        if value in self._constant:
            entry["what"] = "constant"
        elif isinstance(value.owner, ScratchOp):
            entry["what"] = "scratch"
        self.value_numbers[value] = len(self.values)
        self.values.append(entry)
        return entry

    def _printed(self) -> str:
        text = self._stream.getvalue()
        self._stream.seek(0)
        self._stream.truncate()
        return text

    def _name_of(self, value: SSAValue) -> str:
        self._printer.print_ssa_value(value)
        return self._printed()

    def _text(self, op: Operation) -> str:
        """The op as it is printed, without most values of constants and without a long region."""
        self._printer.print_op(op)
        text = _SCALES.sub(_shortened, self._printed())
        lines = text.splitlines()
        if isinstance(op, DelegateOp | ScanOp) and len(lines) > 2:
            text = "\n".join([lines[0], "  …", lines[-1]])
        return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + " …"


def _name(op: Operation) -> str:
    """An operator's name; that of a map has the functions in it."""
    if isinstance(op, CallOp):
        return op.target.data
    if isinstance(op, MapOp):
        inner = [o.name.removeprefix("edge.") for o in op.body.block.ops if o.operands]
        return f"{op.name} ({', '.join(name for name in inner if name != 'yield')})"
    return f"{op.name} × {op.count}" if isinstance(op, ScanOp) else op.name


def _shortened(match: re.Match[str]) -> str:
    scales = match[2].split(", ")
    if len(scales) <= MOST_SCALES:
        return match[0]
    return f"{match[1]}{', '.join(scales[:2])}, … {len(scales)} scales}}"


def _state_name(state: State) -> str:
    """The name of a state, or its number."""
    name = border_attributes(state.func.arg_attrs, state.index + 1)[state.index].get(NAME)
    return name.data if isinstance(name, StringAttr) else str(state.index)


def _type(value: SSAValue) -> str:
    """The element type and the sizes, as "int8 1×8×8×16"."""
    if not isinstance(value.type, TensorType):
        return str(value.type)
    element = element_of(storage_type(value.type))
    try:
        name = numpy_dtype(element).name
    except ValueError:  # such as the i48 of TOSA
        name = str(element)
    return f"{name} {'×'.join(map(str, shape_of(value))) or 'scalar'}"


def _quantization(value: SSAValue) -> str | None:
    """What the integers mean: the scale and the zero point, or the range of scales."""
    element = quantized_element(value.type)
    if element is None:
        return None
    if not element.is_per_axis:
        return f"scale {element.scale:.6g}, zero point {element.zero_point}"
    scales = element.params.scales
    return (
        f"{len(scales)} scales along axis {element.axis.data}, {scales.min():.6g} … "
        f"{scales.max():.6g}"
    )
