"""Chooses the shapes of elementwise `tosa` ops, so that few values are read under two shapes.

Vela copies a value each time it is read through a `tosa.reshape` and in another way too: about one
cycle for each element. An elementwise op can compute under any shape that does not split what its
operands broadcast. So adjacent elementwise ops take the shape that leads to the fewest copies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import mul

from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, TensorType
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from cmopt.dialects import tosa
from cmopt.dialects.ethos_u import MAX_RANK, YieldOp
from cmopt.dialects.shapes import element_of, int_of, numel, shape_of

Shape = tuple[int, ...]

_UNARY = (tosa.CastOp, tosa.ClampOp, tosa.ClzOp, tosa.RescaleOp, tosa.TableOp)
_BINARY = (
    *(tosa.AddOp, tosa.SubOp, tosa.MulOp, tosa.MaximumOp, tosa.MinimumOp),
    *(tosa.LogicalLeftShiftOp, tosa.ArithmeticRightShiftOp),
)
_FREE = (tosa.ReshapeOp, tosa.ConstOp, tosa.ConstShapeOp)


def choose_shapes(block: Block) -> None:
    """Give the elementwise ops of a delegate's block the shapes with the fewest copies; exact.

    Ops that read each other get one shape, and each such group gets the best one while the others
    stay. Linear in the number of ops, times the number of shapes around a group.
    """
    groups = _groups(block)
    wanted = _Wanted(groups)
    for group in groups:
        wanted.improve(group)
    if wanted.chosen:
        _rewrite(block, wanted)


def _data(op: Operation) -> Sequence[SSAValue]:
    """The operands that an elementwise op computes from; none of any other op."""
    if isinstance(op, tosa.RescaleOp) and int_of(op.per_channel):
        return ()
    if isinstance(op, _UNARY):
        return op.operands[:1]
    return op.operands[:2] if isinstance(op, _BINARY) else ()


def root_of(value: SSAValue) -> SSAValue:
    """The value that is read through reshapes."""
    while isinstance(value.owner, tosa.ReshapeOp):
        value = value.owner.input1
    return value


def _is_constant(value: SSAValue) -> bool:
    return isinstance(value.owner, tosa.ConstOp)


def _ends(shape: Sequence[int]) -> set[int]:
    """The products of the first dimensions, of none and of all too."""
    return {1, *accumulate(shape, mul)}


def _seams(op: Operation) -> set[int]:
    """The products of first dimensions that a shape of the result must have too.

    They are where an operand begins or ends to be broadcast.
    """
    shape = shape_of(op.results[0])
    return {
        end for value in _data(op) for pair in _broadcast(shape, shape_of(value)) for end in pair
    }


def under(value: SSAValue, old: Shape, new: Shape) -> Shape:
    """The shape of an operand of an op whose result changes from `old` to `new`."""
    broadcast = _broadcast(old, shape_of(value))
    result, before = [], 1
    for size in new:
        inside = (low <= before and before * size <= high for low, high in broadcast)
        result.append(1 if any(inside) else size)
        before *= size
    return tuple(result)


def _broadcast(shape: Shape, own: Shape) -> list[tuple[int, int]]:
    """The products of first dimensions between which an operand is broadcast to `shape`."""
    ranges: list[tuple[int, int]] = []
    before = 1
    for size, own_size in zip(shape, own, strict=True):
        end = before * size
        if size != own_size:
            low = ranges.pop()[0] if ranges and ranges[-1][1] == before else before
            ranges.append((low, end))
        before = end
    return ranges


@dataclass(eq=False)
class Group:
    """Elementwise ops that read each other, and the shapes that all of them can have."""

    ops: list[Operation]
    seams: set[int]

    def admits(self, shape: Shape) -> bool:
        """Whether all ops can compute under a shape of as many elements."""
        return len(shape) <= MAX_RANK and self.seams <= _ends(shape)


def _groups(block: Block) -> list[Group]:
    """The groups of a block, in order."""
    group_of: dict[Operation, Group] = {}
    for op in block.ops:
        data = [value for value in _data(op) if not _is_constant(value)]
        if not data:
            continue
        size = numel(shape_of(op.results[0]))
        group = Group([op], _seams(op))
        group_of[op] = group
        for value in data:
            source = root_of(value).owner
            if isinstance(source, Block) or numel(shape_of(value)) != size:
                continue
            if source not in group_of or group_of[source] is group:
                continue
            other = group_of[source]
            other.ops += group.ops
            other.seams |= group.seams
            group_of.update(dict.fromkeys(group.ops, other))
            group = other
    return list(dict.fromkeys(group_of.values()))


class _Wanted:
    """The shape under which each op reads each operand, for the shapes chosen so far."""

    def __init__(self, groups: Iterable[Group]):
        self.chosen: dict[Operation, Shape] = {}
        self.group_of = {op: group for group in groups for op in group.ops}

    def result(self, value: SSAValue) -> Shape:
        """The shape in which a value is made."""
        owner = value.owner
        chosen = self.chosen.get(owner) if isinstance(owner, Operation) else None
        return shape_of(value) if chosen is None else chosen

    def operand(self, op: Operation, value: SSAValue) -> Shape:
        """The shape under which an op reads an operand."""
        if (chosen := self.chosen.get(op)) is None or value not in _data(op):
            return shape_of(value)
        return under(value, shape_of(op.results[0]), chosen)

    def improve(self, group: Group) -> None:
        """Choose the shape of a group that leads to the fewest copies; stay if none is better."""
        touched = {root_of(v) for op in group.ops for v in _data(op) if not _is_constant(v)}
        touched |= {result for op in group.ops for result in op.results}
        readers = {value: list(readers_of(value)) for value in touched}
        best, least = None, self._copied(readers)
        if least == 0:
            return
        for shape in self._candidates(group, readers):
            self.chosen.update(dict.fromkeys(group.ops, shape))
            if (copied := self._copied(readers)) < least:
                best, least = shape, copied
        for op in group.ops:
            self.chosen.pop(op, None)
        if best is not None:
            self.chosen.update(dict.fromkeys(group.ops, best))

    def _candidates(
        self, group: Group, readers: dict[SSAValue, list[tuple[Operation, SSAValue]]]
    ) -> list[Shape]:
        """The shapes around a group that all of its ops can have."""
        size = numel(shape_of(group.ops[0].results[0]))
        found = [self.result(value) for value in readers]
        found += [self.operand(op, v) for uses in readers.values() for op, v in uses]
        return [
            shape for shape in dict.fromkeys(found) if numel(shape) == size and group.admits(shape)
        ]

    def _copied(self, readers: dict[SSAValue, list[tuple[Operation, SSAValue]]]) -> int:
        """The elements that Vela copies of these values.

        Vela copies a value for each reshape of it, unless the reshape is all that reads the value.
        """
        copied = 0
        for value, uses in readers.items():
            made, others, readings = self.result(value), set(), 0
            for op, v in uses:
                if (shape := self.operand(op, v)) != made:
                    others.add(shape)
                elif not isinstance(op, YieldOp):
                    readings += 1
            if readings + len(others) > 1:
                copied += len(others) * numel(made)
        return copied


def readers_of(value: SSAValue) -> Iterator[tuple[Operation, SSAValue]]:
    """(op, operand) of all readers of a value, also through reshapes."""
    for use in value.uses:
        if isinstance(use.operation, tosa.ReshapeOp):
            yield from readers_of(use.operation.output)
        else:
            yield use.operation, value


def _rewrite(block: Block, wanted: _Wanted) -> None:
    """Make the ops again under their chosen shapes, and all reshapes."""
    computing = [op for op in block.ops if not isinstance(op, tosa.ReshapeOp)]
    shapes = {
        op: [
            wanted.operand(op, value) if isinstance(value.type, TensorType) else None
            for value in op.operands
        ]
        for op in computing
    }
    reshaped: dict[tuple[SSAValue, Shape], SSAValue] = {}
    for op in computing:
        for index, shape in enumerate(shapes[op]):
            if shape is not None:
                op.operands[index] = _as_shape(root_of(op.operands[index]), shape, reshaped)
        if op in wanted.chosen:
            type = TensorType(element_of(op.results[0]), wanted.chosen[op])
            Rewriter.replace_value_with_new_type(op.results[0], type)
    for op in reversed(list(block.ops)):
        if isinstance(op, _FREE) and not op.results[0].uses:
            Rewriter.erase_op(op)


def _as_shape(
    value: SSAValue, shape: Shape, reshaped: dict[tuple[SSAValue, Shape], SSAValue]
) -> SSAValue:
    """`value` under a shape: itself, a constant, or one reshape right after it."""
    if shape_of(value) == shape:
        return value
    if (value, shape) not in reshaped:
        new: list[Operation]
        if isinstance(value.owner, tosa.ConstOp):
            data = value.owner.values
            type = TensorType(data.get_element_type(), shape)
            new = [tosa.ConstOp(DenseIntOrFPElementsAttr(type, data.data))]
        else:
            sizes = tosa.ConstShapeOp.of(shape)
            type = TensorType(element_of(value), shape)
            new = [sizes, tosa.ReshapeOp([value, sizes.output], type)]
        if isinstance(value.owner, Block):
            Rewriter.insert_op(new, InsertPoint.at_start(value.owner))
        else:
            for op in new:
                op.location = value.owner.location
            Rewriter.insert_op(new, InsertPoint.after(value.owner))
        reshaped[value, shape] = new[-1].results[0]
    return reshaped[value, shape]
