"""Collects what a method of an ExecuTorch program consists of: values, constants, instructions."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cmopt.codegen.operator_schemas import Schema
from cmopt.codegen.program_schema import program_schema
from cmopt.dialects.cortex_m import REGIONS, Place

if TYPE_CHECKING:
    from cmopt.codegen.emit_delegate import EmittedDelegate

_SCALAR_TYPES = {
    "uint8": "BYTE",
    "int8": "CHAR",
    "int16": "SHORT",
    "int32": "INT",
    "int64": "LONG",
    "float16": "HALF",
    "float32": "FLOAT",
    "float64": "DOUBLE",
    "bool": "BOOL",
}


@dataclass(frozen=True)
class TensorView:
    """How an EValue describes its bytes: element type, sizes, dim order."""

    dtype: str
    sizes: tuple[int, ...]
    order: tuple[int, ...]


def scalar_type(dtype: np.dtype[Any]) -> Any:
    """ExecuTorch's number for a numpy dtype."""
    return program_schema().classes.ScalarType[_SCALAR_TYPES[dtype.name]]


class ProgramBuilder:
    """Collects the EValues, constants, operators and instructions of one method."""

    def __init__(self) -> None:
        self.schema = schema = program_schema().classes
        self.values: list[Any] = []
        self.buffers: list[Any] = [schema.Buffer(b"")]
        self.initial_values: list[bytes] = []
        self.operators: list[Any] = []
        self.instructions: list[Any] = []
        self.delegates: list[Any] = []
        self.delegate_data: list[Any] = []
        self.npu_calls: list[EmittedDelegate] = []
        self.temp_bytes = 0
        self._index: dict[Hashable, int] = {}
        self._buffer_index: dict[bytes, int] = {}

    def _shared(self, key: Hashable, make: Any) -> int:
        """The index of the EValue for `key`, made on first use."""
        if key not in self._index:
            self._index[key] = len(self.values)
            self.values.append(self.schema.EValue(make()))
        return self._index[key]

    def add_int(self, value: int) -> int:
        """An Int."""
        return self._shared(("int", value), lambda: self.schema.Int(value))

    def add_double(self, value: float) -> int:
        """A Double."""
        return self._shared(("double", value), lambda: self.schema.Double(value))

    def add_bool(self, value: bool) -> int:
        """A Bool."""
        return self._shared(("bool", value), lambda: self.schema.Bool(value))

    def add_string(self, value: str) -> int:
        """A String."""
        return self._shared(("string", value), lambda: self.schema.String(value))

    def add_null(self) -> int:
        """None, for an absent optional argument."""
        return self._shared("null", self.schema.Null)

    def add_int_list(self, values: Sequence[int]) -> int:
        """An IntList, whose items are the indices of Ints."""
        key = ("ints", tuple(values))
        if key not in self._index:
            items = [self.add_int(v) for v in values]
            return self._shared(key, lambda: self.schema.IntList(items))
        return self._index[key]

    def add_dtype(self, dtype: np.dtype[Any]) -> int:
        """A ScalarType, which is an Int."""
        return self.add_int(int(scalar_type(dtype)))

    def add_number(self, value: bool | int | float, dtype: np.dtype[Any]) -> int:
        """A constant tensor of no dimensions."""
        data = self.buffer(np.array(value, dtype).tobytes())
        return self.tensor(TensorView(dtype.name, (), ()), place=None, data=data)

    def add_tensor_list(self, items: Sequence[int]) -> int:
        """A TensorList; items: the indices of the tensors."""
        return self._shared(("tensors", *items), lambda: self.schema.TensorList(list(items)))

    def add_optional_tensor_list(self, items: Sequence[int | None]) -> int:
        """An OptionalTensorList; items: the indices of the tensors, None where there is none."""
        indices = [-1 if item is None else item for item in items]
        key = ("optional tensors", *indices)
        return self._shared(key, lambda: self.schema.OptionalTensorList(indices))

    def add_scalars(self, kind: str, items: Sequence[Any]) -> int:
        """A `DoubleList` or `BoolList`, which hold their items themselves."""
        make = getattr(self.schema, kind)
        return self._shared((kind, tuple(items)), lambda: make(list(items)))

    def buffer(self, data: bytes) -> int:
        """The index of a constant's bytes."""
        if data not in self._buffer_index:
            self._buffer_index[data] = len(self.buffers)
            self.buffers.append(self.schema.Buffer(data))
        return self._buffer_index[data]

    def tensor(
        self, view: TensorView, *, place: Place | None, data: int = 0, grows: bool = False
    ) -> int:
        """A tensor at a place, or over constant `data`; with both, it has an initial value.

        grows: whether instructions change its sizes, up to those of `view`.
        """
        return self._shared(
            (view, place, data, grows),
            lambda: self.schema.Tensor(
                shape_dynamism=int(self.schema.TensorShapeDynamism.DYNAMIC_BOUND) * grows,
                scalar_type=scalar_type(np.dtype(view.dtype)),
                sizes=list(view.sizes),
                dim_order=list(view.order),
                data_buffer_idx=data,
                allocation_info=None
                if place is None
                else self.schema.AllocationDetails(1 + REGIONS.index(place.region), place.offset),
            ),
        )

    def state(self, view: TensorView, place: Place, initial: bytes) -> int:
        """A tensor at a place that has a value when the method is loaded."""
        self.initial_values.append(initial)
        return self.tensor(view, place=place, data=len(self.initial_values))

    def knows(self, view: TensorView, place: Place | None) -> bool:
        """Whether there is an EValue for this view of planned bytes already."""
        return (view, place, 0, False) in self._index

    def operator(self, schema: Schema) -> int:
        """The index of an operator."""
        operator = self.schema.Operator(schema.name, schema.overload)
        if operator not in self.operators:
            self.operators.append(operator)
        return self.operators.index(operator)

    def call(self, schema: Schema, arguments: Sequence[int], *, returned: int) -> None:
        """Append a kernel call: an EValue for each argument, and the returned value."""
        assert len(arguments) + 1 == schema.call_length, (schema, arguments)
        call = self.schema.KernelCall(self.operator(schema), [*arguments, returned])
        self.instructions.append(self.schema.Instruction(call))

    def delegate(self, backend: str, data: bytes, specs: Sequence[tuple[str, bytes]]) -> int:
        """The index of a delegate; calls with equal delegates share one."""
        schema = self.schema
        for index, inline in enumerate(self.delegate_data):
            if inline.data == data and self.delegates[index].id == backend:
                return index
        self.delegate_data.append(schema.BackendDelegateInlineData(data))
        where = schema.BackendDelegateDataReference(schema.DataLocation.INLINE, len(self.delegates))
        entries = [schema.CompileSpec(key, value) for key, value in specs]
        self.delegates.append(schema.BackendDelegate(backend, where, entries))
        return len(self.delegates) - 1

    def variable(self, kind: str, number: int) -> int:
        """The index of an `Int` or a `Bool` that instructions change."""
        value = self.schema.Int(0) if kind == "Int" else self.schema.Bool(False)
        return self._shared(("variable", kind, number), lambda: value)

    def primitive(self, name: str, overload: str, arguments: Sequence[int]) -> None:
        """Append a call of an operator that the runtime itself has."""
        operator = self.operator(Schema(f"executorch_prim::{name}", overload, ()))
        call = self.schema.KernelCall(operator, list(arguments))
        self.instructions.append(self.schema.Instruction(call))

    def jump_unless(self, condition: int, destination: int) -> None:
        """Append a jump to an instruction that is taken if a Bool is false."""
        jump = self.schema.JumpFalseCall(condition, destination)
        self.instructions.append(self.schema.Instruction(jump))

    def call_delegate(self, delegate: int, arguments: Sequence[int]) -> None:
        """Append a call of a delegate: inputs, then outputs."""
        call = self.schema.DelegateCall(delegate, list(arguments))
        self.instructions.append(self.schema.Instruction(call))
