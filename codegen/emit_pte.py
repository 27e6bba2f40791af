"""Write a planned module as an ExecuTorch program (`.pte`), directly from the IR.

A value is bytes; an EValue is a view of them. Equal EValues are shared: a planned tensor is made
once for each (place, element type, sizes, dim order), and every instruction reuses it like a
register. Only constants that an instruction reads are written. The format is ExecuTorch's; see
`program_schema` and `program_file`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    IntegerAttr,
    ModuleOp,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, SSAValue

from cmopt.codegen.arguments import ArgumentEmitter, plain
from cmopt.codegen.lifetimes import ALIGNMENT
from cmopt.codegen.operator_schemas import Schema
from cmopt.codegen.program_schema import program_schema
from cmopt.codegen.runtime_memory import HOST, method_allocator_bytes, temp_allocator_bytes
from cmopt.codegen.stock_calls import kernel_schema
from cmopt.dialects.arrays import dense_array, numpy_dtype
from cmopt.dialects.cortex_m import (
    JoinOp,
    KernelOp,
    ScratchOp,
    ShiftOp,
    SubviewOp,
    View,
    ViewOp,
    itemsize,
    place_of,
)
from cmopt.dialects.edge import CallOp, ScanOp, YieldOp
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.program import ARENA_BYTES, DIM_ORDER, functions, sides, states
from cmopt.dialects.shapes import (
    NCHW_TO_NHWC,
    NHWC_TO_NCHW,
    element_of,
    ints_of,
    inverse,
    numel,
    permuted,
    shape_of,
)
from cmopt.support.diagnostics import CompileError

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


_WITHOUT_INSTRUCTIONS = ConstantOp | JoinOp | ScratchOp | SubviewOp | ViewOp | ReturnOp | YieldOp


@dataclass(frozen=True)
class EmittedProgram:
    """A program file, the operators it calls as selective build names them, and its memory needs.

    The runtime's own tables are in the method allocator. The scratch of the NPU and of portable
    kernels is in the temp allocator; see `runtime_memory`. Both sizes are those on a core; the
    `host_` ones are for pointers of eight bytes. `delegates` has an entry for each call of the NPU.
    """

    pte: bytes
    operators: tuple[str, ...]
    method_allocator_bytes: int
    temp_allocator_bytes: int
    host_method_allocator_bytes: int
    host_temp_allocator_bytes: int
    delegates: tuple[EmittedDelegate, ...] = ()


@dataclass(frozen=True)
class TensorView:
    """How an EValue describes its bytes: element type, sizes, dim order."""

    dtype: str
    sizes: tuple[int, ...]
    order: tuple[int, ...]


def scalar_type(dtype: np.dtype[Any]) -> Any:
    """ExecuTorch's number for a numpy dtype."""
    return program_schema().classes.ScalarType[_SCALAR_TYPES[dtype.name]]


def view_of(value: SSAValue | Attribute, view: View) -> TensorView:
    """How a row-major tensor is shown to a kernel; only rank 4 can be channels-last."""
    type = value.type if isinstance(value, SSAValue) else value
    shape = shape_of(type)
    dtype = numpy_dtype(element_of(type)).name
    if view is View.CHANNELS_LAST and len(shape) == 4:
        return TensorView(dtype, permuted(shape, NHWC_TO_NCHW), NCHW_TO_NHWC)
    return TensorView(dtype, tuple(shape), tuple(range(len(shape))))


def logical_view(value: SSAValue, order: Attribute | None) -> TensorView:
    """How a caller sees an argument or a result whose bytes are in memory order `order`."""
    view = view_of(value, View.CONTIGUOUS)
    if order is None:
        return view
    dims = ints_of(order)
    return TensorView(view.dtype, permuted(view.sizes, inverse(dims)), dims)


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
        return self.tensor(TensorView(dtype.name, (), ()), offset=None, data=data)

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
        self, view: TensorView, *, offset: int | None, data: int = 0, grows: bool = False
    ) -> int:
        """A tensor at an arena offset, or over constant `data`.

        grows: whether instructions change its sizes, up to those of `view`.
        """
        return self._shared(
            (view, offset, data, grows),
            lambda: self.schema.Tensor(
                shape_dynamism=int(self.schema.TensorShapeDynamism.DYNAMIC_BOUND) * grows,
                scalar_type=scalar_type(np.dtype(view.dtype)),
                sizes=list(view.sizes),
                dim_order=list(view.order),
                data_buffer_idx=data,
                allocation_info=None
                if offset is None
                else self.schema.AllocationDetails(1, offset),
            ),
        )

    def state(self, view: TensorView, offset: int, initial: bytes) -> int:
        """A tensor at an arena offset that has a value when the method is loaded."""
        self.initial_values.append(initial)
        number = len(self.initial_values)
        allocation = self.schema.AllocationDetails(1, offset)
        return self._shared(
            ("state", view, offset),
            lambda: self.schema.Tensor(
                scalar_type=scalar_type(np.dtype(view.dtype)),
                sizes=list(view.sizes),
                dim_order=list(view.order),
                data_buffer_idx=number,
                allocation_info=allocation,
            ),
        )

    def knows(self, view: TensorView, offset: int | None) -> bool:
        """Whether there is an EValue for this view of planned bytes already."""
        return (view, offset, 0, False) in self._index

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


class FunctionEmitter:
    """Turns one planned function into a method of the program."""

    def __init__(self, func: FuncOp, builder: ProgramBuilder):
        self.func = func
        self.builder = builder

    def value(self, value: SSAValue, view: View) -> int:
        """The EValue that shows `value` as `view`."""
        return self.tensor(value, view_of(value, view))

    def tensor(self, value: SSAValue, view: TensorView) -> int:
        """The EValue for a planned or constant value under a view."""
        if isinstance(value.owner, ConstantOp):
            attr = value.owner.value
            assert isinstance(attr, DenseIntOrFPElementsAttr)
            data = self.builder.buffer(np.asarray(dense_array(attr), order="C").tobytes())
            return self.builder.tensor(view, offset=None, data=data)
        return self.builder.tensor(view, offset=place_of(value))

    def emit(self) -> tuple[list[int], list[int]]:
        """Emit every op; returns the EValues of inputs and outputs."""
        (_, arguments, given), (_, results, taken) = sides(self.func)
        inputs = [
            self.tensor(argument, logical_view(argument, entry.get(DIM_ORDER)))
            for argument, entry in zip(arguments, given, strict=True)
        ]
        for state in states(self.func):
            place = place_of(state.argument)
            assert place is not None
            data = np.asarray(dense_array(state.initial), order="C").tobytes()
            if data:
                self.builder.state(view_of(state.argument, View.CONTIGUOUS), place, data)
        self.block(self.func.body.block)
        outputs = [
            self.tensor(value, logical_view(value, entry.get(DIM_ORDER)))
            for value, entry in zip(results, taken, strict=True)
        ]
        return inputs, outputs

    def block(self, block: Block) -> None:
        """The ops of a function or a loop."""
        for op in block.ops:
            if isinstance(op, ShiftOp):
                self.shift(op)
            elif isinstance(op, KernelOp):
                self.kernel(op)
            elif isinstance(op, CallOp):
                from cmopt.codegen.emit_portable import emit_call

                emit_call(op, self)
            elif isinstance(op, DelegateOp):
                from cmopt.codegen.emit_delegate import emit_delegate

                emit_delegate(op, self)
            elif isinstance(op, ScanOp):
                from cmopt.codegen.emit_scan import emit_scan

                emit_scan(op, self)
            elif not isinstance(op, _WITHOUT_INSTRUCTIONS):
                raise CompileError("cannot be emitted", op=op, hint="lower it to cortex_m first")

    def kernel(self, op: KernelOp) -> None:
        """One kernel call, in the form of the operator's schema."""
        schema = kernel_schema(op)
        any_view = self.any_view(op)

        def view(name: str) -> View:
            asked = op.view(name)
            return any_view if asked is View.ANY else asked

        arguments = []
        for argument in schema.inputs:
            name = "input" if argument.name == "self" else argument.name
            emitter = ArgumentEmitter(self.builder, partial(self.value, view=view(name)))
            is_dtype = argument.type == "ScalarType"
            value = narrower(op) if is_dtype else plain(op.argument(argument.name))
            try:
                arguments.append(emitter.emit(argument.type, value))
            except ValueError as error:
                raise CompileError(f"argument {argument.name}: {error}", op=op) from error
        out = self.value(op.results[0], view("output"))
        self.builder.call(schema, [*arguments, out], returned=out)

    def shift(self, op: ShiftOp) -> None:
        """A cat of the rows of a ring buffer and of what is appended, all flat."""
        dtype, step = numpy_dtype(element_of(op.output)).name, op.step
        size, item = numel(shape_of(op.buffer)), itemsize(op.buffer.type)
        place = place_of(op.buffer)
        assert place is not None
        rows = [
            self.builder.tensor(
                TensorView(dtype, (min(step, size - start),), (0,)), offset=place + start * item
            )
            for start in range(step, size, step)
        ]
        parts = [self.tensor(v, TensorView(dtype, (numel(shape_of(v)),), (0,))) for v in op.parts]
        out = self.tensor(op.output, TensorView(dtype, (size,), (0,)))
        tensors = self.builder.add_tensor_list([*rows, *parts])
        self.builder.call(kernel_schema(op), [tensors, self.builder.add_int(0), out], returned=out)

    def any_view(self, op: KernelOp) -> View:
        """The view for an op that takes any: the one in which most of its tensors exist already."""
        tensors = [v for v in (*op.operands, *op.results) if place_of(v) is not None]

        def known(view: View) -> int:
            return sum(self.builder.knows(view_of(v, view), place_of(v)) for v in tensors)

        contiguous, channels_last = known(View.CONTIGUOUS), known(View.CHANNELS_LAST)
        return View.CONTIGUOUS if contiguous > channels_last else View.CHANNELS_LAST


def narrower(op: KernelOp) -> str:
    """The dtype of the integer side of a quantize or dequantize, which is the narrower side."""
    integer = min((op.operands[0], op.results[0]), key=lambda value: itemsize(value.type))
    return numpy_dtype(element_of(integer)).name


def emit_pte(module: ModuleOp) -> EmittedProgram:
    """Write a planned module with one function. Raises CompileError for an op without a kernel."""
    from cmopt.codegen.emit_delegate import smallest_file

    schema = program_schema().classes
    plans, builder = [], ProgramBuilder()
    for func in functions(module):
        inputs, outputs = FunctionEmitter(func, builder).emit()
        plans.append(
            schema.ExecutionPlan(
                func.sym_name.data,
                schema.ContainerMetadata("", ""),
                builder.values,
                inputs,
                outputs,
                [schema.Chain([], [], builder.instructions)],
                builder.operators,
                builder.delegates,
                [0, _arena_bytes(func)],
            )
        )
    if len(plans) != 1:
        raise CompileError(f"a program has one function, this module has {len(plans)}")
    program = schema.Program(0, plans, builder.buffers, builder.delegate_data)
    names = sorted(
        f"{op.name}.{op.overload}"
        for op in builder.operators
        if not op.name.startswith("executorch_prim::")  # the runtime has these
    )
    scratch = max([builder.temp_bytes, *(call.scratch_bytes for call in builder.npu_calls)])
    return EmittedProgram(
        smallest_file(program, ALIGNMENT, builder.initial_values),
        tuple(names),
        method_allocator_bytes(plans[0]),
        temp_allocator_bytes(plans[0], scratch),
        method_allocator_bytes(plans[0], HOST),
        temp_allocator_bytes(plans[0], scratch, HOST),
        tuple(builder.npu_calls),
    )


def _arena_bytes(func: Operation) -> int:
    size = func.attributes.get(ARENA_BYTES)
    if not isinstance(size, IntegerAttr):
        raise CompileError("is not planned", op=func, hint="run plan-memory first")
    return size.value.data
