"""The C of portable operators that only move elements: copies with strides, or by a table.

Where an element of the result comes from is not written down here for each operator. PyTorch's
operator itself runs on the numbers of the elements, so that there is one truth for its meaning.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.arith import ConstantOp
from xdsl.ir import SSAValue

from cmopt.codegen.arguments import plain
from cmopt.codegen.c.calls import Step, constant_of
from cmopt.codegen.c.text import fields, items
from cmopt.dialects.cortex_m import itemsize
from cmopt.dialects.edge import CallOp
from cmopt.dialects.shapes import numel, shape_of
from cmopt.support.diagnostics import CompileError

Indices = NDArray[np.int64]

LOOPS = 5
"""`CMOPT_COPY_RANK` of `cmopt_tensor_ops.h`."""

FILLED = -1
"""The number of an element that comes from no operand, but is the operator's fill value."""

MOVING: dict[str, tuple[int, ...] | None] = {
    "aten.alias_copy.default": None,
    "aten.as_strided_copy.default": None,
    "aten.cat.default": None,
    "aten.clone.default": None,
    "aten.constant_pad_nd.default": None,
    "aten.diagonal_copy.default": None,
    "aten.embedding.default": (0,),
    "aten.expand_copy.default": None,
    "aten.flip.default": None,
    "aten.gather.default": (0,),
    "aten.index.Tensor": (0,),
    "aten.index_select.default": (0,),
    "aten.permute_copy.default": None,
    "aten.pixel_shuffle.default": None,
    "aten.pixel_unshuffle.default": None,
    "aten.reflection_pad1d.default": None,
    "aten.reflection_pad2d.default": None,
    "aten.repeat.default": None,
    "aten.replication_pad1d.default": None,
    "aten.replication_pad2d.default": None,
    "aten.roll.default": None,
    "aten.select_copy.int": None,
    "aten.select_scatter.default": None,
    "aten.slice_copy.Tensor": None,
    "aten.slice_scatter.default": None,
    "aten.split_with_sizes_copy.default": None,
    "aten.stack.default": None,
    "aten.transpose_copy.int": None,
    "aten.unbind_copy.int": None,
    "aten.unfold_copy.default": None,
    "aten.upsample_nearest2d.vec": None,
    "aten.view_copy.default": None,
}
"""Operators that only move elements, and the places of the operands that have them; None is all.
The others, such as indices, must be constants."""


@dataclass(frozen=True)
class Loop:
    """`count` steps; each goes on by so many elements in the input and in the output."""

    count: int
    input: int
    output: int


def digits(values: Indices) -> list[tuple[int, int]] | None:
    """A function of 0 … n − 1 as one or two loops: (count, step), the outer one first.

    values: the function; its first value is 0. None if it is not of that form.
    """
    n = len(values)
    for inner in (n, *(d for d in range(n - 1, 1, -1) if n % d == 0)):
        step = int(values[1]) if inner > 1 else 0
        outer = int(values[inner]) if inner < n else 0
        i = np.arange(n)
        if np.array_equal(values, i // inner * outer + i % inner * step):
            return [(n // inner, outer), (inner, step)] if inner < n else [(n, step)]
    return None


def loops(source: Indices, strides: Sequence[int]) -> list[Loop] | None:
    """Loops that visit every element of `source`; None if its numbers are not so regular.

    source: for each element of a block of the result, the number of the element that it copies,
        less that of the first. strides: those of the block in the result, in elements.
    """
    found: list[Loop] = []
    rebuilt: Indices = np.zeros((), np.int64)
    for axis, stride in enumerate(strides):
        values = source[tuple(slice(None) if a == axis else 0 for a in range(source.ndim))]
        parts = digits(values)
        if parts is None:
            return None
        inner = math.prod(count for count, _ in parts)
        for count, step in parts:
            inner //= count
            found.append(Loop(count, step, stride * inner))
        rebuilt = np.add.outer(rebuilt, values)
    return merged(found) if np.array_equal(rebuilt, source) else None


def merged(nest: Sequence[Loop]) -> list[Loop]:
    """Loops of one step left out, and neighbours joined where they are one longer loop."""
    result: list[Loop] = []
    for loop in nest:
        if loop.count == 1:
            continue
        last = result[-1] if result else None
        if last and (last.input, last.output) == (
            loop.input * loop.count,
            loop.output * loop.count,
        ):
            result[-1] = Loop(last.count * loop.count, loop.input, loop.output)
        else:
            result.append(loop)
    return result


def movement(op: CallOp) -> list[tuple[Indices, list[int]]]:
    """For each result: from which element each of its elements comes, and where operands begin.

    The elements of all moved operands have numbers, one operand after the other. An operand that is
    not moved has no numbers: it begins at −1. Raises CompileError if it is not a constant.
    """
    import torch

    places = MOVING[op.target.data]
    starts, numbered, total = [], [], 0
    for place, operand in enumerate(op.operands_):
        if places is None or place in places:
            size = numel(shape_of(operand))
            numbers = torch.arange(total, total + size).reshape(shape_of(operand))
            starts.append(total)
            total += size
        elif isinstance(operand.owner, ConstantOp):
            numbers = torch.from_numpy(constant_of(operand).copy())
            starts.append(-1)
        else:
            message = f"{op.target.data} has no C form if operand {place} is not a constant"
            raise CompileError(message, op=op)
        numbered.append(numbers)
    packet, overload = op.target.data.split(".")[1:]
    function = getattr(getattr(torch.ops.aten, packet), overload)
    tensors = dict(zip(op.operands_, numbered, strict=True))
    arguments = [_with_tensors(plain(a, op.operands_), tensors) for a in op.arguments.data]
    if op.target.data == "aten.constant_pad_nd.default":
        arguments[2] = FILLED
    if op.target.data == "aten.upsample_nearest2d.vec":  # has no kernel for integers
        arguments[0] = arguments[0].double()
    outputs = function(*arguments)
    results = outputs if isinstance(outputs, tuple | list) else [outputs]
    return [(result.long().numpy(), starts) for result in results]


def _with_tensors(argument: Any, tensors: dict[SSAValue, Any]) -> Any:
    if isinstance(argument, list):
        return [_with_tensors(item, tensors) for item in argument]
    return tensors[argument] if isinstance(argument, SSAValue) else argument


def boxes(op: CallOp, source: Indices, starts: Sequence[int]
          ) -> Iterator[tuple[SSAValue, int, Indices, tuple[slice, ...]]]:  # fmt: skip
    """The blocks of a result that come from one operand: operand, its first number, the numbers,
    and where the block is. Raises CompileError if an operand's elements are not one block."""
    for operand, start in zip(op.operands_, starts, strict=True):
        if start < 0:
            continue
        mask = (source >= start) & (source < start + numel(shape_of(operand)))
        if not mask.any():
            continue
        box = tuple(slice(int(a.min()), int(a.max()) + 1) for a in np.nonzero(mask))
        if not mask[box].all():
            raise CompileError(f"{op.target.data} has no C form for these arguments", op=op)
        yield operand, start, source[box], box


def emit_movement(op: CallOp, step: Step) -> None:
    """Add the copies of an operator in `MOVING`. Raises CompileError if they have no C form."""
    step.lines.append(f"/* {op.target.data} */")
    for result, (source, starts) in zip(op.results, movement(op), strict=True):
        if (source == FILLED).any():
            _fill(op, step, result)
        strides = [math.prod(source.shape[axis + 1 :]) for axis in range(source.ndim)]
        for operand, start, numbers, box in boxes(op, source, starts):
            offset = sum(s.start * stride for s, stride in zip(box, strides, strict=True))
            first = int(numbers.reshape(-1)[0])
            nest = loops(numbers - first, strides)
            if nest is not None and len(nest) <= LOOPS + 1:
                _copy(step, (operand, first - start), (result, offset), nest)
            elif numbers.size == source.size:
                _gather(step, operand, result, source - start)
            else:
                raise CompileError(f"{op.target.data} has no C form for these arguments", op=op)
    step.lines.append("return 0;")


def _fill(op: CallOp, step: Step, result: SSAValue) -> None:
    """Fill a whole result with the operator's value. Every byte of an element must be equal."""
    value = plain(op.arguments.data[2])
    assert isinstance(value, int | float)
    if itemsize(result.type) > 1 and value != 0:
        raise CompileError(f"{op.target.data} has a C form for a fill value of 0 only", op=op)
    size = numel(shape_of(result)) * itemsize(result.type)
    step.lines.append(f"memset({step.pointer(result)}, {int(value)}, {size});")


def _address(step: Step, value: SSAValue, elements: int) -> str:
    pointer = step.pointer(value, "input")
    return f"{pointer} + {elements}" if elements else pointer


def _copy(step: Step, source: tuple[SSAValue, int], target: tuple[SSAValue, int],
          nest: Sequence[Loop]) -> None:  # fmt: skip
    """One call that copies a block. A last loop over adjacent elements is a run of bytes."""
    size = itemsize(target[0].type)
    run, outer = size, list(nest)
    if outer and (outer[-1].input, outer[-1].output) == (1, 1):
        run *= outer.pop().count
    addresses = _address(step, *target), _address(step, *source)
    if not outer:
        step.lines.append(f"memcpy({addresses[0]}, {addresses[1]}, {run});")
        return
    padded = [*[Loop(1, 0, 0)] * (LOOPS - len(outer)), *outer]
    plan = fields(
        run=run,
        count=items([loop.count for loop in padded]),
        in_step=items([loop.input * size for loop in padded]),
        out_step=items([loop.output * size for loop in padded]),
    )
    name = f"plan_{sum(line.startswith('static const cmopt_copy_plan') for line in step.lines)}"
    address = step.declare("cmopt_copy_plan", name, plan)
    step.lines.append(f"cmopt_copy({addresses[1]}, {address}, {addresses[0]});")


def _gather(step: Step, source: SSAValue, result: SSAValue, numbers: Indices) -> None:
    """One call that copies element by element, from a table of places."""
    fits = int(numbers.max()) < 1 << 16
    table = numbers.reshape(-1).astype(np.uint16 if fits else np.int32)
    name = step.constants.name(table, f"{step.name}_places")
    step.lines.append(
        f"cmopt_gather_{'u16' if fits else 's32'}({step.pointer(source, 'input')}, {name}, "
        f"{numbers.size}, {itemsize(result.type)}, {step.pointer(result)});"
    )
