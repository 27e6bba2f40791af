"""The C of portable operators that only move elements: copies with strides, or by a table.

Where an element of the result comes from is not written down here for each operator. PyTorch's
operator itself runs on the numbers of the elements, so that there is one truth for its meaning.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.arith import ConstantOp
from xdsl.ir import SSAValue

from cmopt.codegen.arguments import plain
from cmopt.codegen.c.step import Step, constant_of
from cmopt.codegen.c.text import C_TYPES, fields, integer, items, real
from cmopt.dialects.arrays import numpy_dtype
from cmopt.dialects.cortex_m import itemsize
from cmopt.dialects.edge import CallOp
from cmopt.dialects.shapes import element_of, numel, shape_of
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
    "aten.index_put.default": (0, -1),
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
    "aten.scatter.src": (0, 2),
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
"""Operators that only move elements, and the places of the operands that have them, from the end if
negative; None is all. The others, such as indices, must be constants."""


PLAN_BYTES = 68
"""The size of a `cmopt_copy_plan` on a core."""


@dataclass(frozen=True)
class Loop:
    """`count` steps; each goes on by so many elements in the input and in the output."""

    count: int
    input: int
    output: int


@dataclass(frozen=True)
class Piece:
    """A part of a result: where it begins in the input and in the output, and its loops."""

    input: int
    output: int
    loops: tuple[Loop, ...]


Part = tuple[int, list[tuple[int, int]]]
"""A range of a function of 0 … n − 1: where it begins, and its loops (count, step), outer first."""


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


def parts_of(values: Indices) -> list[Part]:
    """A function of 0 … n − 1 in as few ranges as possible, each of one or two loops."""
    if (whole := digits(values)) is not None:
        return [(0, whole)]
    found: list[Part] = []
    begin = 0
    while begin < len(values):
        end = begin + 1
        step = int(values[end] - values[begin]) if end < len(values) else 0
        while end < len(values) and values[end] - values[end - 1] == step:
            end += 1
        found.append((begin, [(end - begin, step)]))
        begin = end
    return found


def pieces(source: Indices, strides: Sequence[int]) -> list[Piece] | None:
    """Loops that visit every element of `source`; None if its numbers are not so regular.

    source: for each element of a block of the result, the number of the element that it copies.
    strides: those of the block in the result, in elements.
    """
    first = int(source.reshape(-1)[0])
    rebuilt: Indices = np.full((), first)
    axes: list[list[tuple[int, int, list[Loop]]]] = []
    for axis, stride in enumerate(strides):
        line = source[tuple(slice(None) if a == axis else 0 for a in range(source.ndim))] - first
        axes.append(
            [
                (int(line[begin]), stride * begin, _nest(part, stride))
                for begin, part in parts_of(line)
            ]
        )
        rebuilt = np.add.outer(rebuilt, line)
    if not np.array_equal(rebuilt, source):
        return None
    return [
        Piece(
            first + sum(input for input, _, _ in choice),
            sum(output for _, output, _ in choice),
            tuple(merged([loop for _, _, nest in choice for loop in nest])),
        )
        for choice in itertools.product(*axes)
    ]


def _nest(part: Sequence[tuple[int, int]], stride: int) -> list[Loop]:
    """Loops with their steps in the output too: elements of the part are `stride` apart there."""
    nest = []
    inner = math.prod(count for count, _ in part)
    for count, step in part:
        inner //= count
        nest.append(Loop(count, step, stride * inner))
    return nest


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


def all_indices_known(op: CallOp) -> bool:
    """Whether all operands of an operator in `MOVING` that are not moved are constants."""
    return all(
        place in moved_places(op) or isinstance(operand.owner, ConstantOp)
        for place, operand in enumerate(op.operands_)
    )


def moved_places(op: CallOp) -> list[int]:
    """The places of the operands of an operator in `MOVING` whose elements are moved."""
    count, places = len(op.operands_), MOVING[op.target.data]
    return list(range(count)) if places is None else [place % count for place in places]


def movement(op: CallOp) -> list[tuple[Indices, list[int]]]:
    """For each result: from which element each of its elements comes, and where operands begin.

    The elements of all moved operands have numbers, one operand after the other. An operand that is
    not moved has no numbers: it begins at −1. Raises CompileError if it is not a constant.
    """
    import torch

    places = moved_places(op)
    starts, numbered, total = [], [], 0
    for place, operand in enumerate(op.operands_):
        if place in places:
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
    arguments: list[Any] = [plain(argument, numbered) for argument in op.arguments.data]
    if op.target.data == "aten.constant_pad_nd.default":
        arguments[2] = FILLED
    if op.target.data == "aten.upsample_nearest2d.vec":  # has no kernel for integers
        arguments[0] = arguments[0].double()
    named = [a.name for a in function._schema.arguments if a.kwarg_only]
    positional = len(arguments) - len(named)
    outputs = function(
        *arguments[:positional], **dict(zip(named, arguments[positional:], strict=True))
    )
    results = outputs if isinstance(outputs, tuple | list) else [outputs]
    return [(result.long().numpy(), starts) for result in results]


def emit_movement(op: CallOp, step: Step) -> None:
    """Add the copies of an operator in `MOVING`. Raises CompileError if they have no C form."""
    for result, (source, starts) in zip(op.results, movement(op), strict=True):
        if (source == FILLED).any():
            _fill(op, step, result)
        for operand, start in zip(op.operands_, starts, strict=True):
            if start >= 0:
                _copies(step, operand, result, source - start)
    step.lines.append("return 0;")


def _copies(step: Step, operand: SSAValue, result: SSAValue, source: Indices) -> None:
    """Copy the elements that a result has of one operand, with as little code and data as possible.

    source: for each element of the result, the number of the operand's element; others are outside.
    What is copied for later operands may be overwritten here, so they come in order.
    """
    size = numel(shape_of(operand))
    mask = (source >= 0) & (source < size)
    if not mask.any():
        return
    box = tuple(slice(int(a.min()), int(a.max()) + 1) for a in np.nonzero(mask))
    if size == source.size and np.array_equal(source[mask], np.flatnonzero(mask)):
        _copy(step, operand, result, Piece(0, 0, (Loop(size, 1, 1),)))
        return
    found = None
    if mask[box].all():
        strides = [math.prod(source.shape[axis + 1 :]) for axis in range(source.ndim)]
        offset = sum(s.start * stride for s, stride in zip(box, strides, strict=True))
        found = pieces(source[box], strides)
    if found is None or any(len(piece.loops) > LOOPS + 1 for piece in found):
        _move(step, operand, result, source, mask)
    elif len(found) == 1 or len(found) * PLAN_BYTES <= 2 * int(mask.sum()):
        for piece in found:
            _copy(step, operand, result, replace(piece, output=piece.output + offset))
    else:
        _move(step, operand, result, source, mask)


def _fill(op: CallOp, step: Step, result: SSAValue) -> None:
    """Fill a whole result with the operator's value."""
    value = plain(op.arguments.data[2])
    assert isinstance(value, int | float)
    dtype = numpy_dtype(element_of(result))
    number = real(value) if dtype.kind == "f" else integer(int(value))
    step.lines += [
        f"static const {C_TYPES[dtype.name]} value = {number};",
        f"cmopt_fill(&value, {numel(shape_of(result))}, {dtype.itemsize}, {step.pointer(result)});",
    ]


def _copy(step: Step, source: SSAValue, result: SSAValue, piece: Piece) -> None:
    """One call that copies a piece. A last loop over adjacent elements is a run of bytes."""
    size = itemsize(result.type)
    run, outer = size, list(piece.loops)
    if outer and (outer[-1].input, outer[-1].output) == (1, 1):
        run *= outer.pop().count
    target = step.pointer(result, element=piece.output)
    origin = step.pointer(source, "input", piece.input)
    if not outer:
        step.lines.append(f"memcpy({target}, {origin}, {run});")
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
    step.lines.append(f"cmopt_copy({origin}, {address}, {target});")


def _move(step: Step, source: SSAValue, result: SSAValue, numbers: Indices, mask: Any) -> None:
    """One call that copies element by element, from a table of places; one for both sides if the
    result is not written as a whole."""
    from_, to = numbers[mask], np.flatnonzero(mask)
    fits = max(int(from_.max()), int(to.max())) < 1 << 16
    dtype, suffix = (np.uint16, "u16") if fits else (np.int32, "s32")
    tables = [step.constants.name(from_.astype(dtype), f"{step.name}_places")]
    if not mask.all():
        tables.append(step.constants.name(to.astype(dtype), f"{step.name}_targets"))
    verb = "gather" if mask.all() else "move"
    step.lines.append(
        f"cmopt_{verb}_{suffix}({step.pointer(source, 'input')}, {', '.join(tables)}, "
        f"{from_.size}, {itemsize(result.type)}, {step.pointer(result)});"
    )
