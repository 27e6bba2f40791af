"""ExecuTorch programs of one instruction. A test can observe their whole memory.

The arena is the program's only input and its only output, as one int8 tensor. A test fills it,
runs the program, and sees every byte the operator has changed, inside its output or elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 16
NCHW = (0, 1, 2, 3)
NHWC = (0, 2, 3, 1)

# ExecuTorch's ScalarType
INT8, INT16, INT32, FLOAT32 = 1, 2, 3, 6
SCALAR_TYPES = {"int8": INT8, "int16": INT16, "int32": INT32, "float32": FLOAT32}

Array = NDArray[Any]


@dataclass
class Planned:
    """An operand in the arena: bytes in physical order, with declared sizes and dim order.

    `data` is its initial content. One operand of a program is the output. An operand is at
    `offset`. Operands without an offset do not overlap.
    """

    data: Array
    sizes: Sequence[int] | None = None
    dim_order: Sequence[int] | None = None
    output: bool = False
    offset: int | None = None


@dataclass
class Constant:
    """An operand stored in the file, contiguous."""

    data: Array


def nhwc(data: Array, *, output: bool = False) -> Planned:
    """An NHWC array as the runtime sees it: NCHW sizes with a channels-last dim order."""
    n, h, w, c = data.shape
    return Planned(data, (n, c, h, w), NHWC, output)


def result(shape: Sequence[int], dtype: Any = np.int8) -> Planned:
    """An output whose sizes are its physical shape."""
    return Planned(np.zeros(shape, dtype), output=True)


def nhwc_result(shape: Sequence[int]) -> Planned:
    return nhwc(np.zeros(shape, np.int8), output=True)


def scratch(size: int = 0) -> Planned:
    return Planned(np.zeros(size, np.int8))


@dataclass
class Program:
    """name: the operator without namespace. args: in schema order, the output last.

    An argument is a tensor, int, float, bool, str, None or a list of these.
    returned: how often the output is repeated as the kernel's returned value; 1 is right.
    """

    name: str
    args: Sequence[Any]
    returned: int = 1

    def __post_init__(self) -> None:
        self.planned: list[tuple[Planned, int]] = []
        end = ALIGNMENT
        for arg in self.args:
            if isinstance(arg, Planned):
                offset = end if arg.offset is None else arg.offset
                self.planned.append((arg, offset))
                # At least one alignment unit of untouched bytes behind each operand.
                past = (offset + arg.data.nbytes) // ALIGNMENT * ALIGNMENT + 2 * ALIGNMENT
                end = max(end, past)
        self.arena_size = end

    def arena(self) -> NDArray[np.uint8]:
        """The memory before execution: noise, and the operands' content."""
        memory = np.random.default_rng(1).integers(0, 256, self.arena_size).astype(np.uint8)
        for operand, offset in self.planned:
            if not operand.output:
                view(memory, operand, offset)[...] = operand.data
        return memory

    def output(self, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Array:
        """The output operand's content. Raises AssertionError if any other byte has changed."""
        operand, start = next(place for place in self.planned if place[0].output)
        end = start + operand.data.nbytes
        assert np.array_equal(before[:start], after[:start])
        assert np.array_equal(before[end:], after[end:])
        return view(after, operand, start).copy()

    def serialize(self) -> bytes:
        """The program as a .pte file."""
        from executorch.exir import schema
        from executorch.exir._serialize._program import PTEFile, serialize_pte_binary

        values: list[schema.EValue] = []
        buffers = [schema.Buffer(b"")]

        def add(value: Any) -> int:
            values.append(schema.EValue(value))
            return len(values) - 1

        def tensor(
            data: Array, sizes: Sequence[int], order: Sequence[int], buffer: int, offset: int
        ) -> schema.Tensor:
            place = None if offset < 0 else schema.AllocationDetails(1, offset, 0)
            scalar_type = schema.ScalarType(SCALAR_TYPES[data.dtype.name])
            static = schema.TensorShapeDynamism.STATIC
            return schema.Tensor(
                scalar_type, 0, list(sizes), list(order), False, 0, buffer, place, static
            )

        memory = np.zeros(self.arena_size, np.int8)
        add(tensor(memory, memory.shape, (0,), 0, 0))

        offsets = iter([offset for _, offset in self.planned])

        def argument(arg: Any) -> int:
            if isinstance(arg, Planned):
                sizes = arg.data.shape if arg.sizes is None else arg.sizes
                order = range(len(sizes)) if arg.dim_order is None else arg.dim_order
                return add(tensor(arg.data, sizes, list(order), 0, next(offsets)))
            if isinstance(arg, Constant):
                buffers.append(schema.Buffer(np.ascontiguousarray(arg.data).tobytes()))
                order = range(arg.data.ndim)
                return add(tensor(arg.data, arg.data.shape, list(order), len(buffers) - 1, -1))
            if arg is None:
                return add(schema.Null())
            if isinstance(arg, bool):
                return add(schema.Bool(arg))
            if isinstance(arg, int | np.integer):
                return add(schema.Int(int(arg)))
            if isinstance(arg, float):
                return add(schema.Double(arg))
            if isinstance(arg, str):
                return add(schema.String(arg))
            match arg:
                case [Constant(), *_]:
                    return add(schema.TensorList([argument(item) for item in arg]))
                case [bool(), *_]:
                    return add(schema.BoolList(list(arg)))
                case [float(), *_]:
                    return add(schema.DoubleList(list(arg)))
            return add(schema.IntList([add(schema.Int(int(item))) for item in arg]))

        arguments = [argument(arg) for arg in self.args]
        call = schema.KernelCall(0, [*arguments, *[arguments[-1]] * self.returned])
        plan = schema.ExecutionPlan(
            "forward",
            schema.ContainerMetadata("", ""),
            values,
            [0],
            [0],
            [schema.Chain([], [], [schema.Instruction(call)], None)],
            [schema.Operator(f"cortex_m::{self.name}", "out")],
            [],
            [0, self.arena_size],
        )
        program = schema.Program(0, [plan], buffers, [], [], schema.SubsegmentOffsets(0, []))
        return bytes(serialize_pte_binary(PTEFile(program, mutable_data=None)))


def view(memory: NDArray[np.uint8], operand: Planned, offset: int) -> Array:
    """The operand's bytes in the arena, with the shape and type of its data."""
    flat = memory[offset : offset + operand.data.nbytes].view(operand.data.dtype)
    return flat.reshape(operand.data.shape)
