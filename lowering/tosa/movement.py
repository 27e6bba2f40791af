"""`edge` ops that move data → TOSA's; exact for all element types."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue

from cmopt.dialects.edge import (
    CatOp,
    ExpandOp,
    PadOp,
    PermuteOp,
    ReshapeOp,
    SliceOp,
    TakeOp,
)
from cmopt.dialects.edge.canonicalization.take_and_pad import stored_value
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import int_of, ints_of, numel, shape_of
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.tosa.builder import RegionBuilder
from cmopt.lowering.tosa.moves import FEW_COPIES

NEAREST_FACTORS = (2, 4, 8)
"""The factors by which a U55 resizes."""

MOST_RUNS = 4096
"""The most pieces that one tensor is joined from. Vela takes seconds for that many."""


def reshape(op: ReshapeOp, b: RegionBuilder) -> SSAValue:
    """Another shape."""
    return b.reshape(b.value(op.input), shape_of(op.output))


def permute(op: PermuteOp, b: RegionBuilder) -> SSAValue:
    """A transpose of as few dimensions as possible."""
    return b.transpose(b.value(op.input), ints_of(op.perm))


def slice(op: SliceOp, b: RegionBuilder) -> SSAValue:
    """A part of one dimension."""
    dim = int_of(op.dim)
    return b.slice_dim(b.value(op.input), dim, int_of(op.start), shape_of(op.output)[dim])


def cat(op: CatOp, b: RegionBuilder) -> SSAValue:
    """The operands one after the other, each first requantized by a table; exact."""
    parts = [_part(value, op, b) for value in op.inputs if numel(shape_of(value))]
    if not parts:
        raise Unsupported("all operands are empty")
    return b.concat(parts, int_of(op.dim))


def _part(value: SSAValue, op: CatOp, b: RegionBuilder) -> SSAValue:
    target = quantized_element(op.output.type)
    return b.value(value) if target is None else b.value_as(value, target)


def expand(op: ExpandOp, b: RegionBuilder) -> SSAValue:
    """A tile of each dimension that was 1."""
    target = shape_of(op.output)
    value = b.with_rank(b.value(op.input), len(target))
    return b.tile(value, [t // s for s, t in zip(shape_of(value), target, strict=True)])


def pad(op: PadOp, b: RegionBuilder) -> SSAValue:
    """The input, padded with the value as the result's type stores it."""
    return b.pad(b.value(op.input), ints_of(op.low), ints_of(op.high), int(stored_value(op)))


def take(op: TakeOp, b: RegionBuilder) -> SSAValue:
    """A tile, a strided slice, or runs of adjacent elements (forward or backward), joined."""
    shape, dim, indices = shape_of(op.input), int_of(op.dim), ints_of(op.indices)
    if not indices:
        raise Unsupported("the result is empty")
    if (factors := _upsampling(op)) is not None:
        assert isinstance(op.input.owner, TakeOp)
        return b.resize_nearest(b.value(op.input.owner.input), *factors)
    rows, size, width = numel(shape[:dim]), shape[dim], numel(shape[dim + 1 :])
    value = b.reshape(b.value(op.input), (rows, size, width))
    every = tuple(range(size))
    if len(indices) % size == 0 and indices == every * (len(indices) // size):
        value = b.tile(value, (1, len(indices) // size, 1))
    elif len(indices) % size == 0 and indices == _each(every, len(indices) // size):
        value = _repeated(value, len(indices) // size, b)
    elif (steps := op.steps()) is not None:
        value = _strided(value, *steps, b)
    elif len(pieces := runs(indices)) <= MOST_RUNS:
        value = b.concat([part for run in pieces for part in _run(value, run, b)], 1)
    else:
        raise Unsupported(f"takes {len(pieces)} pieces, more than {MOST_RUNS}")
    return b.reshape(value, shape_of(op.output))


def _upsampling(op: TakeOp) -> tuple[int, int] | None:
    """(row, column) factors if a take of a take is nearest upsampling of an NHWC image, or None."""
    inner = op.input.owner
    if not isinstance(inner, TakeOp) or len(shape := shape_of(inner.input)) != 4 or shape[0] != 1:
        return None
    factors = {}
    for take in (inner, op):
        size, indices = shape[int_of(take.dim)], ints_of(take.indices)
        factor = len(indices) // size
        if factor not in NEAREST_FACTORS or indices != _each(range(size), factor):
            return None
        factors[int_of(take.dim)] = factor
    return (factors[1], factors[2]) if sorted(factors) == [1, 2] else None


def _each(values: Sequence[int], times: int) -> tuple[int, ...]:
    return tuple(v for v in values for _ in range(times))


def _repeated(value: SSAValue, times: int, b: RegionBuilder) -> SSAValue:
    """Each element of the middle dimension `times` times."""
    rows, size, width = shape_of(value)
    tiled = b.tile(b.reshape(value, (rows, size, 1, width)), (1, 1, times, 1))
    return b.reshape(tiled, (rows, size * times, width))


def _strided(value: SSAValue, start: int, end: int, step: int, b: RegionBuilder) -> SSAValue:
    """Elements start, start + step, … of the middle dimension."""
    rows, size, width = shape_of(value)
    count = -(-(end - start) // step)
    missing = max(0, start + count * step - size)
    value = b.pad(value, (0, 0, 0), (0, missing, 0), 0)  # never taken
    value = b.slice_dim(value, 1, start, count * step)
    groups = b.reshape(value, (rows, count, step, width))
    return b.reshape(b.slice_dim(groups, 2, 0, 1), (rows, count, width))


def runs(indices: Sequence[int]) -> list[tuple[int, int, int]]:
    """(first, length, step) of runs of adjacent indices. Step is 1, -1, or 0 (a repeated index).

    The last of a repeated index, and of indices that go back, belongs to the run behind, if that
    goes on from there: padding by copies or reflections leaves the input whole.
    """
    result: list[tuple[int, int, int]] = []
    for index in indices:
        if result:
            first, length, step = result[-1]
            last = first + (length - 1) * step
            if index - last in (1, 0, -1) and (length == 1 or index - last == step):
                result[-1] = first, length + 1, index - last
                continue
        result.append((index, 1, 1))
    for place in range(1, len(result)):
        (start, times, back), (first, length, step) = result[place - 1 : place + 1]
        last = start + (times - 1) * back
        goes_on = length > 1 and step != 0 and first - last == step
        if goes_on and times > 1 and (back == 0 or (back, step) == (-1, 1)):
            left = (start, times - 1, back if times > 2 else 1)
            result[place - 1 : place + 1] = left, (last, length + 1, step)
    return result


def _run(value: SSAValue, run: tuple[int, int, int], b: RegionBuilder) -> list[SSAValue]:
    """The parts that make up a run."""
    first, length, step = run
    if step == 0:
        element = b.slice_dim(value, 1, first, 1)
        # The operands of a concat are copied once, a tile twice.
        return [element] * length if length <= FEW_COPIES else [b.tile(element, (1, length, 1))]
    start = first if step == 1 else first - length + 1
    part = b.slice_dim(value, 1, start, length)
    # The middle one of three dimensions is the width, which an NPU can reverse.
    return [part if step == 1 else b.reverse(part, 1)]
