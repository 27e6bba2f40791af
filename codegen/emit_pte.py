"""Write a planned module as an ExecuTorch program (`.pte`), directly from the IR.

A value is bytes; an EValue is a view of them. Equal EValues are shared: a planned tensor is made
once for each (place, element type, sizes, dim order), and every instruction reuses it like a
register. Only constants that an instruction reads are written. The format is ExecuTorch's; see
`program_schema` and `program_file`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    ModuleOp,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, SSAValue

from cmopt.codegen.arguments import ArgumentEmitter, plain
from cmopt.codegen.lifetimes import ALIGNMENT
from cmopt.codegen.program_builder import ProgramBuilder, TensorView
from cmopt.codegen.program_schema import program_schema
from cmopt.codegen.runtime_memory import HOST, method_allocator_bytes, temp_allocator_bytes
from cmopt.codegen.stock_calls import kernel_schema
from cmopt.dialects.arrays import dense_array, numpy_dtype
from cmopt.dialects.cortex_m import (
    REGIONS,
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
from cmopt.dialects.program import (
    ARENA_BYTES,
    DIM_ORDER,
    functions,
    region_bytes,
    sides,
    states,
)
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
            return self.builder.tensor(view, place=None, data=data)
        return self.builder.tensor(view, place=place_of(value))

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
        outs = [self.value(result, view("output")) for result in op.results]
        returned = outs[0] if len(outs) == 1 else self.builder.add_tensor_list(outs)
        self.builder.call(schema, [*arguments, *outs], returned=returned)

    def shift(self, op: ShiftOp) -> None:
        """A cat of the rows of a ring buffer and of what is appended, all flat."""
        dtype, step = numpy_dtype(element_of(op.output)).name, op.step
        size, item = numel(shape_of(op.buffer)), itemsize(op.buffer.type)
        place = place_of(op.buffer)
        assert place is not None
        rows = [
            self.builder.tensor(
                TensorView(dtype, (min(step, size - start),), (0,)), place=place + start * item
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
                _planned_bytes(func),
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


def _planned_bytes(func: FuncOp) -> list[int]:
    """The bytes of each region of planned memory. The runtime's regions begin with number 1."""
    if ARENA_BYTES not in func.attributes:
        raise CompileError("is not planned", op=func, hint="run plan-memory first")
    sizes = [region_bytes(func, region) for region in REGIONS]
    return [0, *sizes] if sizes[-1] else [0, *sizes[:-1]]
