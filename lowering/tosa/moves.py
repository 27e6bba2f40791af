"""Moves data in a delegate's region: with as few operations of the NPU as possible."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr, i32
from xdsl.ir import SSAValue

from cmopt.dialects import tosa
from cmopt.dialects.ethos_u import MAX_AXIS, MAX_SLICED
from cmopt.dialects.permutations import simplest_permute
from cmopt.dialects.shapes import element_of, int_of, ints_of, numel, permuted, shape_of
from cmopt.lowering.tosa.region import Ints, Region, like

FEW_COPIES = 16
"""The most copies that one tile makes: each is an operation of the NPU."""


class MovingRegion(Region):
    """A region with the ops that move data; exact for all element types."""

    def reshape(self, value: SSAValue, shape: Ints) -> SSAValue:
        """`value` under `shape`. A reshape of a reshape becomes one reshape."""
        if isinstance(value.owner, tosa.ReshapeOp):
            value = value.owner.input1
        if shape_of(value) == tuple(shape):
            return value
        return self.add(tosa.ReshapeOp([value, self.sizes(shape)], like(value, shape)))

    def with_rank(self, value: SSAValue, rank: int) -> SSAValue:
        """A value with dimensions of size 1 in front, up to a rank."""
        shape = shape_of(value)
        return self.reshape(value, (1,) * (rank - len(shape)) + shape)

    def rows(self, value: SSAValue, width: int) -> SSAValue:
        """`value` as an image of one row, whose pixels have `width` channels.

        All that computes with rows reads them in this shape, so that values need no copies. More
        pixels than the NPU can count become images.
        """
        count = numel(shape_of(value)) // width
        images, columns = (1, count) if count <= MAX_AXIS else (count, 1)
        return self.reshape(value, (images, 1, columns, width))

    def transpose(self, value: SSAValue, perm: Ints) -> SSAValue:
        """`value` permuted, with as few dimensions as possible; a reshape if none move.

        The NPU transposes three dimensions at once. With more, each transpose moves a dimension
        from or to the innermost place. If an axis would get too long for that, the transpose stays
        one op, and the NPU's constraints decide.
        A matrix is transposed as `rows`. Of a stack of tensors, first the stacked dimension moves:
        that only changes where each tensor is written.
        """
        value, perm = self._woven(value, perm)
        shape = permuted(shape_of(value), perm)
        simple, order = simplest_permute(shape_of(value), tuple(perm), MAX_AXIS)
        if order == tuple(range(len(order))):  # long dimensions are not merged
            return self.reshape(value, shape)
        if (before := self.turned_back(value, perm)) is not None:
            return before
        if len(order) == 2:
            rows = self.reshape(value, (1, 1, *simple))
            return self.reshape(self._transpose(rows, (0, 1, 3, 2)), shape)
        value = self.reshape(value, simple)
        if len(order) > 3 and order not in (steps := _steps(simple, order)):
            for step in steps:
                value = self.transpose(value, step)
        else:
            value = self._transpose(value, order)
        return self.reshape(value, shape)

    def _woven(self, value: SSAValue, perm: Ints) -> tuple[SSAValue, Ints]:
        """A value and a permutation with the same result.

        If the value is a stack of tensors, they are stacked in the dimensions that leave the fewest
        to move. The innermost dimension stays that of the tensors: an operation of the NPU cannot
        write its result with gaps between the elements of a row.
        """
        if (stack := _stack_of(value)) is None:
            return value, perm
        parts, stacked = stack
        shape = shape_of(value)
        orders = [[dim for dim in range(len(shape)) if dim not in stacked]]
        for dim in stacked:
            orders = [[*o[:i], dim, *o[i:]] for o in orders for i in range(len(o) + 1)]
        orders = [order for order in orders if _innermost(order, shape) not in stacked]
        if not orders:
            return value, perm

        def moving(order: Sequence[int]) -> int:
            return _moving([shape[dim] for dim in order], [order.index(dim) for dim in perm])

        order = min(orders, key=moving)
        if moving(order) >= _moving(shape, perm):
            return value, perm
        one = [1 if dim in stacked else shape[dim] for dim in order]
        parts = [self.reshape(part, one) for part in parts]
        for dim in reversed(stacked):
            place, count = order.index(dim), shape[dim]
            parts = [self.concat(parts[i : i + count], place) for i in range(0, len(parts), count)]
        return parts[0], [order.index(dim) for dim in perm]

    def turned_back(self, value: SSAValue, perm: Ints) -> SSAValue | None:
        """`value` permuted, if it is the result of the inverse transpose, else None."""
        shape = permuted(shape_of(value), perm)
        simple, order = simplest_permute(shape_of(value), tuple(perm), MAX_AXIS)
        if len(order) == 2:
            simple, order = (1, 1, *simple), (0, 1, 3, 2)
        while isinstance(value.owner, tosa.ReshapeOp):
            value = value.owner.input1
        owner = value.owner
        if not isinstance(owner, tosa.TransposeOp) or shape_of(value) != tuple(simple):
            return None
        if [ints_of(owner.perms)[d] for d in order] != list(range(len(order))):
            return None
        return self.reshape(owner.input1, shape)

    def _transpose(self, value: SSAValue, perm: Ints) -> SSAValue:
        type = like(value, permuted(shape_of(value), perm))
        return self.add(tosa.TransposeOp([value], type, {"perms": tosa.ints32(perm)}))

    def slice(self, value: SSAValue, start: Ints, size: Ints) -> SSAValue:
        """`size` elements from `start` on; the value itself if that is all of it.

        A slice of a slice becomes one slice. With more than four dimensions, adjacent ones that are
        not cut are merged. With four, dimensions of 1 come first: the NPU copies image by image.
        """
        if shape_of(value) == tuple(size):
            return value
        if isinstance(value.owner, tosa.SliceOp):
            outer = tosa.sizes_of(value.owner.start)
            start = [first + more for first, more in zip(outer, start, strict=True)]
            return self.slice(value.owner.input1, start, size)
        if len(size) > MAX_SLICED and (merged := _merged(shape_of(value), start, size)):
            shape, starts, sizes = zip(*merged, strict=True)
            return self.reshape(self.slice(self.reshape(value, shape), starts, sizes), size)
        if len(size) == MAX_SLICED and shape_of(value)[0] > 1 and 1 in shape_of(value):
            order = sorted(range(MAX_SLICED), key=lambda dim: shape_of(value)[dim] != 1)
            shape, starts, sizes = (
                tuple(numbers[dim] for dim in order) for numbers in (shape_of(value), start, size)
            )
            return self.reshape(self.slice(self.reshape(value, shape), starts, sizes), size)
        operands = [value, self.sizes(start), self.sizes(size)]
        return self.add(tosa.SliceOp(operands, like(value, size)))

    def slice_dim(self, value: SSAValue, dim: int, start: int, size: int) -> SSAValue:
        """`size` elements of one dimension."""
        shape = shape_of(value)
        starts = [start if d == dim else 0 for d in range(len(shape))]
        return self.slice(value, starts, (*shape[:dim], size, *shape[dim + 1 :]))

    def concat(self, parts: Sequence[SSAValue], dim: int) -> SSAValue:
        """The parts one after the other.

        If all are reshapes, their operands are joined where that is the same: what computes them
        then writes to the result, and nothing is copied.
        """
        if len(parts) == 1:
            return parts[0]
        shape = list(shape_of(parts[0]))
        shape[dim] = sum(shape_of(part)[dim] for part in parts)
        if (inner := _without_reshapes(parts, dim)) is not None:
            return self.reshape(self.concat(*inner), shape)
        return self.add(tosa.ConcatOp(parts, IntegerAttr(dim, i32), like(parts[0], shape)))

    def pad(self, value: SSAValue, low: Ints, high: Ints, fill: int) -> SSAValue:
        """`fill` around the value. Dimensions of 1 that stay come first: the NPU copies rows."""
        if not any(low) and not any(high):
            return value
        old = shape_of(value)
        stays = [n == 1 and not a and not b for a, n, b in zip(low, old, high, strict=True)]
        if stays[-1]:
            order = sorted(range(len(old)), key=lambda dim: not stays[dim])
            before, lows, highs = ([ns[dim] for dim in order] for ns in (old, low, high))
            padded = self.pad(self.reshape(value, before), lows, highs, fill)
            sizes = [a + n + b for a, n, b in zip(low, old, high, strict=True)]
            return self.reshape(padded, sizes)
        shape = [a + n + b for a, n, b in zip(low, shape_of(value), high, strict=True)]
        padding = [n for pair in zip(low, high, strict=True) for n in pair]
        operands = [value, self.sizes(padding), self.number(fill, element_of(value))]
        return self.add(tosa.PadOp(operands, like(value, shape)))

    def tile(self, value: SSAValue, multiples: Ints) -> SSAValue:
        """The value repeated along each dimension."""
        if numel(multiples) <= FEW_COPIES:
            return self._tile(value, multiples)
        for dim, times in enumerate(multiples):
            value = self._repeated(value, dim, times)
        return value

    def _tile(self, value: SSAValue, multiples: Ints) -> SSAValue:
        if all(m == 1 for m in multiples):
            return value
        shape = [n * m for n, m in zip(shape_of(value), multiples, strict=True)]
        return self.add(tosa.TileOp([value, self.sizes(multiples)], like(value, shape)))

    def _repeated(self, value: SSAValue, dim: int, times: int) -> SSAValue:
        """Repeats the value along a dimension, by copies of copies: the NPU makes one at a time.

        256 are 2 · 16 operations, and for 65536 Vela takes seconds instead of minutes.
        """
        if times <= FEW_COPIES:
            rank = len(shape_of(value))
            return self._tile(value, [times if d == dim else 1 for d in range(rank)])
        root = math.isqrt(times)
        block = self._repeated(value, dim, root)
        whole = self._repeated(block, dim, times // root)
        if (rest := times % root) == 0:
            return whole
        return self.concat([whole, self.slice_dim(block, dim, 0, rest * shape_of(value)[dim])], dim)

    def resize_nearest(self, value: SSAValue, rows: int, columns: int) -> SSAValue:
        """Each pixel of an NHWC image `rows` × `columns` times: centres aligned, in half pixels."""
        n, h, w, c = shape_of(value)
        operands = [
            value,
            self.sizes((2 * rows, 2, 2 * columns, 2)),
            self.sizes((1 - rows, 1 - columns)),
            self.sizes((rows - 1, columns - 1)),
        ]
        mode = {"mode": tosa.ResizeModeAttr(tosa.ResizeMode.NEAREST_NEIGHBOR)}
        return self.add(tosa.ResizeOp(operands, like(value, (n, h * rows, w * columns, c)), mode))

    def reverse(self, value: SSAValue, axis: int) -> SSAValue:
        """The elements along `axis` from the last to the first."""
        return self.add(tosa.ReverseOp([value], value.type, {"axis": IntegerAttr(axis, i32)}))


def _moving(shape: Ints, perm: Ints) -> int:
    """The number of dimensions that a permutation moves, after adjacent ones are merged."""
    order = simplest_permute(tuple(shape), tuple(perm), MAX_AXIS)[1]
    return 0 if order == tuple(range(len(order))) else len(order)


def _innermost(order: Ints, shape: Ints) -> int:
    """The last of some dimensions that has more than one element, or the last of all."""
    return next((dim for dim in reversed(order) if shape[dim] > 1), order[-1])


def _stack_of(value: SSAValue) -> tuple[list[SSAValue], range] | None:
    """The equally large tensors that a value has along some of its dimensions, and the dimensions,
    also if the value was reshaped; None if it is no such stack."""
    joined = value.owner.input1 if isinstance(value.owner, tosa.ReshapeOp) else value
    if not isinstance(concat := joined.owner, tosa.ConcatOp):
        return None
    parts, shape = list(concat.input1), shape_of(value)
    before = numel(shape_of(parts[0])[: int_of(concat.axis)])
    if len({shape_of(part) for part in parts}) > 1:
        return None
    for first in range(len(shape)):
        for end in range(first + 1, len(shape) + 1):
            if numel(shape[:first]) == before and numel(shape[first:end]) == len(parts):
                return parts, range(first, end)
    return None


def _without_reshapes(parts: Sequence[SSAValue], dim: int) -> tuple[list[SSAValue], int] | None:
    """The operands of reshapes and the dimension to join them in, if the result has the same
    elements in the same order as `parts` joined in `dim`; None if there is none."""
    values = [part.owner.input1 for part in parts if isinstance(part.owner, tosa.ReshapeOp)]
    shapes = [shape_of(value) for value in values]
    if len(values) != len(parts) or len(set(map(len, shapes))) != 1:
        return None
    before = numel(shape_of(parts[0])[:dim])
    for axis, size in enumerate(shapes[0]):
        same = {(shape[:axis], shape[axis + 1 :]) for shape in shapes}
        if numel(shapes[0][:axis]) == before and size != 1 and len(same) == 1:
            return values, axis
    return None


def _steps(shape: Ints, perm: Ints) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two permutations that compose to `perm`, or `perm` itself and the identity in any order."""
    if tuple(perm) == (0, 2, 1, 3):
        return swapped_apart(shape)
    stays = perm[-1] == len(perm) - 1
    return first_apart(perm) if stays else innermost_apart(shape, perm)


def swapped_apart(shape: Ints) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two permutations that compose to (0, 2, 1, 3), each of three dimensions after merging.

    Slices of the middle dimensions, joined again, take 2 to 10 times the cycles, and one transpose
    of four dimensions 2 to 4 times (measured on a U55-128, 16 shapes, int8 and int16). The larger
    of the two dimensions is innermost between the steps. If an axis would get too long, the result
    is (0, 2, 1, 3) itself and the identity.
    """
    a, b, c, d = shape
    ways = [
        (b, max(a * c, c * d), ((0, 2, 3, 1), (0, 1, 3, 2))),
        (c, max(a * b, b * d), ((0, 1, 3, 2), (0, 3, 1, 2))),
    ]
    short = [(inner, way) for inner, longest, way in ways if longest <= MAX_AXIS]
    return max(short)[1] if short else ((0, 2, 1, 3), (0, 1, 2, 3))


def innermost_apart(shape: Ints, perm: Ints) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two permutations that compose to `perm`: one leaves the innermost dimension in place, the
    other moves only one dimension from or to the innermost place.

    One of them is `perm` itself if only that dimension moves, or if the innermost one stays. The
    larger of the innermost dimensions before and after is the one that stays in place.
    """
    last, new = len(perm) - 1, perm[-1]
    if shape[last] >= shape[new]:
        kept = [p for p in perm if p != last]
        place = list(perm).index(last)
        back = [*range(place), last, *range(place, last)]
        return (*kept, last), tuple(back)
    forward = [d for d in range(len(perm)) if d != new] + [new]
    return tuple(forward), tuple(forward.index(p) for p in perm)


def first_apart(perm: Ints) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two permutations that compose to `perm`: one moves the first dimension that changes its place
    to it, the other moves those behind."""
    place = next(d for d, p in enumerate(perm) if d != p)
    rest = [d for d in range(place, len(perm)) if d != perm[place]]
    step = (*range(place), perm[place], *rest)
    return step, tuple(step.index(p) for p in perm)


def _merged(shape: Ints, start: Ints, size: Ints) -> list[tuple[int, int, int]] | None:
    """(shape, start, size) of each dimension after adjacent whole ones are merged; None if none.

    No merged dimension is longer than MAX_AXIS.
    """
    merged: list[tuple[int, int, int]] = []
    for n, first, count in zip(shape, start, size, strict=True):
        is_whole = bool(merged) and merged[-1][0] == merged[-1][2] and n == count
        if is_whole and merged[-1][0] * n <= MAX_AXIS:
            merged[-1] = (merged[-1][0] * n, 0, merged[-1][0] * n)
        else:
            merged.append((n, first, count))
    return merged if len(merged) < len(shape) else None
