"""A planned function as C: its constants, and one row for each kernel call.

`bare_metal/program.h` defines the rows. A row has the C function of its op, and the operands, the
result and the properties under their names in the dialect. Therefore this module does not depend
on any op.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import (
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IntegerAttr,
    ModuleOp,
)
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Attribute, SSAValue

from cmopt.codegen.stock_calls import kernel_schema
from cmopt.dialects.arrays import dense_array
from cmopt.dialects.cortex_m import (
    KernelOp,
    ScratchOp,
    ViewOp,
    nbytes,
    place_of,
)
from cmopt.dialects.program import ARENA_BYTES, main_function, terminator
from cmopt.dialects.shapes import ints_of, shape_of

FIELDS = {
    "requantize_multipliers": "requantize_multiplier",
    "requantize_shifts": "requantize_shift",
}
"""Properties with another name here: lists of one number. A convolution has tensors so named."""


class ProgramTable:
    """Collects rows and constants. Equal constants are stored once."""

    def __init__(self) -> None:
        self.constants: dict[bytes, str] = {}
        self.rows: list[str] = []
        self.most_outputs = 1

    def tensor(self, value: SSAValue) -> str:
        """The `struct tensor` of a value that has a place or is a constant."""
        shape = shape_of(value)
        sizes = [1] * (4 - len(shape)) + list(shape)
        sizes = [math.prod(sizes[:-3]), *sizes[-3:]]
        fields = [f".bytes = {nbytes(value.type)}", f".rank = {len(shape)}"]
        fields.append(f".dims = {_list(sizes)}")
        if isinstance(value.owner, ConstantOp):
            fields.append(f".constant = {self.constant(value.owner)}")
        else:
            offset = place_of(value)
            if offset is None:
                raise ValueError(f"{value} has no place: plan the module first")
            fields.append(f".offset = {offset}")
        return f"{{{', '.join(fields)}}}"

    def constant(self, op: ConstantOp) -> str:
        """The name of a constant's bytes."""
        assert isinstance(op.value, DenseIntOrFPElementsAttr)
        data = np.ascontiguousarray(dense_array(op.value)).tobytes()
        return self.constants.setdefault(data, f"constant_{len(self.constants)}")

    def call(self, op: KernelOp) -> None:
        """The row of one kernel call."""
        function = op.name.partition(".")[2]
        fields = [f".run = {function}", f'.name = "{function}"']
        for argument in kernel_schema(op).inputs:
            if argument.type == "ScalarType":  # follows from the number of bytes
                continue
            value = op.argument(argument.name)
            name = "input" if argument.name == "self" else argument.name
            if isinstance(value, SSAValue):
                fields.append(f".{name} = {self.tensor(value)}")
            elif value is not None:
                fields.append(f".{FIELDS.get(name, name)} = {_literal(value)}")
            if name == "weights" and isinstance(value, SSAValue):
                self.most_outputs = max(self.most_outputs, shape_of(value)[0])
        fields.append(f".output = {self.tensor(op.results[0])}")
        self.rows.append(f"{{{', '.join(fields)}}}")


def _list(values: Sequence[int]) -> str:
    return f"{{{', '.join(map(str, values))}}}"


def _literal(value: Attribute) -> str:
    """A property in C. Floats are rounded to float32 and written exactly."""
    if isinstance(value, IntegerAttr):
        return str(abs(value.value.data) if value.type.width.data == 1 else value.value.data)
    if isinstance(value, FloatAttr):
        return f"{float(np.float32(value.value.data)).hex()}f"
    assert isinstance(value, DenseArrayBase)
    return _list(ints_of(value))


def program_source(module: ModuleOp, name: str = "forward") -> str:
    """The C source of one planned function, to be linked with `bare_metal/`.

    Raises ValueError if the function is not planned or has an op that is not a kernel call.
    """
    func = main_function(module, name)
    size = func.attributes.get(ARENA_BYTES)
    if not isinstance(size, IntegerAttr):
        raise ValueError(f"@{name} is not planned")
    table = ProgramTable()
    for op in func.body.block.ops:
        if isinstance(op, KernelOp):
            table.call(op)
        elif not isinstance(op, ConstantOp | ScratchOp | ViewOp | ReturnOp):
            raise ValueError(f"{op.name} is no kernel call")
    inputs = [table.tensor(argument) for argument in func.body.block.args]
    outputs = [table.tensor(value) for value in terminator(func).operands]
    arena = size.value.data
    lines = ['#include "program.h"', "#define BYTES __attribute__((aligned(16))) uint8_t"]
    lines += [
        f"static const BYTES {constant}[] = {_list(list(data) or [0])};"
        for data, constant in table.constants.items()
    ]
    lines += [
        f"BYTES program_memory[{arena} + 2 * GUARD_BYTES];",
        f"const uint32_t program_arena_bytes = {arena};",
        f"int32_t program_bias[{table.most_outputs}];",
        *_table("struct op", "program_op", table.rows),
        *_table("struct tensor", "program_input", inputs),
        *_table("struct tensor", "program_output", outputs),
    ]
    return "\n".join(lines) + "\n"


def _table(type: str, name: str, rows: list[str]) -> list[str]:
    body = ",\n    ".join(rows or ["{0}"])
    return [
        f"const {type} {name}s[] = {{\n    {body}\n}};",
        f"const int32_t {name}_count = {len(rows)};",
    ]
