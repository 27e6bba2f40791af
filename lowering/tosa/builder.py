"""Builds the region of a delegate, op by op."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import (
    BoolAttr,
    BytesAttr,
    DenseIntOrFPElementsAttr,
    IntegerAttr,
    IntegerType,
    TensorType,
    i8,
    i32,
)
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.rewriter import Rewriter

from cmopt.arithmetic.lookup_tables import EVERY_INT8
from cmopt.dialects import tosa
from cmopt.dialects.arrays import dequantize, quantize
from cmopt.dialects.constants import constant_of, float_constant_of
from cmopt.dialects.edge import ReshapeOp
from cmopt.dialects.ethos_u import MAX_AXIS, MAX_RANK, MAX_SLICED, YieldOp
from cmopt.dialects.permutations import simplest_permute
from cmopt.dialects.quant import (
    UniformQuantizedType,
    qtype_of,
    quantized_element,
    storage_type,
)
from cmopt.dialects.shapes import broadcast_shape, element_of, ints_of, numel, permuted, shape_of
from cmopt.lowering.rules import Unsupported

Ints = Sequence[int]


COPY = "tosa.copy"
"""The attribute with the number of an op that is equal to another one on purpose."""

FEW_SLICES = 8
"""The most slices that a transpose of four dimensions becomes."""

FEW_COPIES = 16
"""The most copies that one tile makes: each is an operation of the NPU."""


class RegionBuilder:
    """Appends `tosa` ops to a block. Equal ops and constants are made only once, except rescales
    that widen.

    `values` maps values outside, of quantized types, to their stored integers inside. A value that
    is not in it becomes a constant or a block argument. `inputs` lists the arguments in order.
    """

    def __init__(self) -> None:
        self.block = Block()
        self.values: dict[SSAValue, SSAValue] = {}
        self.inputs: list[SSAValue] = []
        self.source: Operation | None = None
        self._ops: dict[tuple[object, ...], SSAValue] = {}
        self._copies = 0

    def lower(self, op: Operation, rule: Callable[[Operation, RegionBuilder], SSAValue]) -> None:
        """Add the ops that `rule` makes of `op`; each gets the location of `op`."""
        self.source = op
        result = rule(op, self)
        result.name_hint = result.name_hint or op.results[0].name_hint
        self.values[op.results[0]] = result

    def value(self, outside: SSAValue) -> SSAValue:
        """The stored integers of a value outside the region.

        A reshape outside is made inside: Vela then knows the shape that the bytes had before.
        """
        if outside not in self.values:
            if isinstance(outside.owner, ReshapeOp) and constant_of(outside) is None:
                before, shape = outside.owner.input, shape_of(outside)
                if element_of(before) == element_of(outside) and _is_allowed(before):
                    return self.values.setdefault(outside, self.reshape(self.value(before), shape))
            if (array := constant_of(outside)) is not None:
                return self.constant(array, outside.name_hint)
            argument = self.block.insert_arg(storage_type(outside.type), len(self.block.args))
            argument.name_hint = outside.name_hint
            self.values[outside] = argument
            self.inputs.append(outside)
        return self.values[outside]

    def value_as(self, outside: SSAValue, target: UniformQuantizedType) -> SSAValue:
        """The stored integers of a value, requantized to another int8 type: a constant's at compile
        time, else by a table; exact."""
        if (real := float_constant_of(outside)) is not None:
            return self.constant(quantize(real, target), outside.name_hint)
        if (source := qtype_of(outside)) == target:
            return self.value(outside)
        return self.table(self.value(outside), quantize(dequantize(EVERY_INT8, source), target))

    def finish(self, results: Sequence[SSAValue]) -> None:
        """End the region with its results. Unused ops and arguments are dropped."""
        self.block.add_op(YieldOp(results))
        for op in reversed(self.block.ops):
            if op.results and not any(value.uses for value in op.results):
                Rewriter.erase_op(op)
        for argument, outside in zip(list(self.block.args), list(self.inputs), strict=True):
            if not argument.uses:
                self.block.erase_arg(argument)
                self.inputs.remove(outside)

    def add(self, op: Operation, *, shared: bool = True) -> SSAValue:
        """Append an op, if it is not `shared` or no equal one exists; returns its first result.

        Equal ops that are not shared are numbered, so that `cse` keeps them apart.
        """
        properties = sorted(op.properties.items(), key=lambda entry: entry[0])
        key = (type(op), *op.operands, *op.result_types, *properties)
        if shared and key in self._ops:
            op.erase()
            return self._ops[key]
        if key in self._ops:
            self._copies += 1
            op.attributes[COPY] = IntegerAttr(self._copies, i32)
        if self.source is not None:
            op.location = self.source.location
        self.block.add_op(op)
        self._ops[key] = op.results[0]
        return op.results[0]

    def constant(self, array: NDArray[np.generic], hint: str | None = None) -> SSAValue:
        """A `tosa.const` of int8, int16 or int32."""
        constant = self.add(constant_op(array))
        constant.name_hint = constant.name_hint or hint
        return constant

    def number(self, value: int, type: Attribute = i8) -> SSAValue:
        """A constant of one element: a zero point, a shift."""
        assert isinstance(type, IntegerType)
        return self.constant(np.array([value], f"<i{type.width.data // 8}"))

    def sizes(self, values: Ints) -> SSAValue:
        """A `tosa.const_shape`."""
        return self.add(tosa.ConstShapeOp.of(values))

    def rescale(
        self,
        value: SSAValue,
        factors: float | Sequence[float],
        *,
        to: IntegerType = i8,
        input_zp: int = 0,
        output_zp: int = 0,
    ) -> SSAValue:
        """`(value - input_zp) · factor + output_zp`, rounded once, saturated to `to`.

        factors: one for the whole tensor, or one for each slice of the last dimension. A rescale to
        int32 is made again for each reader: Vela computes it as part of its reader, but only if it
        has one.
        """
        one = isinstance(factors, float)
        listed = [factors] if isinstance(factors, float) else factors
        multipliers, shifts = zip(*map(tosa_scale, listed), strict=True)
        operands = [
            value,
            self.constant(np.array(multipliers, np.int32)),
            self.constant(np.array(shifts, np.int8)),
            self.number(input_zp, element_of(value)),
            self.number(output_zp, to),
        ]
        no, yes = BoolAttr.from_bool(False), BoolAttr.from_bool(True)
        return self.add(
            tosa.RescaleOp.create(
                operands=operands,
                result_types=[TensorType(to, shape_of(value))],
                properties={
                    "scale32": yes,
                    "rounding_mode": tosa.RoundingModeAttr(tosa.RoundingMode.SINGLE_ROUND),
                    "per_channel": no if one else yes,
                    "input_unsigned": no,
                    "output_unsigned": no,
                },
            ),
            shared=to != i32,
        )

    def arithmetic(
        self, kind: type[Operation], lhs: SSAValue, rhs: SSAValue, *more: SSAValue
    ) -> SSAValue:
        """An op with an int32 result on two tensors of the same rank, broadcast to each other."""
        shape = broadcast_shape(shape_of(lhs), shape_of(rhs))
        assert shape is not None
        type = TensorType(i32, shape)
        return self.add(kind.create(operands=[lhs, rhs, *more], result_types=[type]))

    def multiply(self, lhs: SSAValue, rhs: SSAValue, shift: int = 0) -> SSAValue:
        """`lhs · rhs / 2^shift` of two int32 tensors, rounded, computed in 64 bits; of two int8 or
        int16 tensors, their product in int32."""
        return self.arithmetic(tosa.MulOp, lhs, rhs, self.number(shift))

    def clamp(self, value: SSAValue, low: int, high: int) -> SSAValue:
        """Clamp int8. Returns the value itself if nothing is cut."""
        if (low, high) == (-128, 127):
            return value
        bounds = {"min_val": IntegerAttr(low, i8), "max_val": IntegerAttr(high, i8)}
        return self.add(
            tosa.ClampOp.create(operands=[value], result_types=[value.type], properties=bounds)
        )

    def table(self, value: SSAValue, entries: NDArray[np.generic]) -> SSAValue:
        """`entries[value + 128]`; the value itself if that is each entry."""
        if np.array_equal(entries, EVERY_INT8):
            return value
        return self.add(tosa.TableOp([value, self.constant(entries, "table")], value.type))

    def reshape(self, value: SSAValue, shape: Ints) -> SSAValue:
        """`value` under `shape`. A reshape of a reshape becomes one reshape."""
        if isinstance(value.owner, tosa.ReshapeOp):
            value = value.owner.input1
        if shape_of(value) == tuple(shape):
            return value
        return self.add(tosa.ReshapeOp([value, self.sizes(shape)], like(value, shape)))

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

        The NPU transposes three dimensions at once. With more, one transpose moves a dimension
        from or to the innermost place, and another moves the others as slices. If an axis would
        get too long for that, the transpose stays one op, and the NPU's constraints decide. A
        matrix is transposed as `rows`.
        """
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
        if order == (0, 2, 1, 3) and min(simple[1:3]) <= FEW_SLICES:
            value = self._interleave(value)
        elif len(order) > 3 and order not in (steps := innermost_apart(simple, order)):
            for step in steps:
                value = self.transpose(value, step)
        else:
            value = self._transpose(value, order)
        return self.reshape(value, shape)

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

    def _interleave(self, value: SSAValue) -> SSAValue:
        """[A,B,C,D] → [A,C,B,D] by slices of the shorter of B and C, joined again.

        The slices are matrices, because the NPU then copies each at once.
        """
        a, b, c, d = shape_of(value)
        before, parts, width = (a, b, c * d) if b <= c else (a * b, c, d)
        value = self.reshape(value, (before, parts * width))
        slices = [self.slice_dim(value, 1, i * width, width) for i in range(parts)]
        rows = a * c if b <= c else a
        joined = self.concat(
            [self.reshape(part, (rows, before * width // rows)) for part in slices], 1
        )
        return self.reshape(joined, (a, c, b, d))

    def slice(self, value: SSAValue, start: Ints, size: Ints) -> SSAValue:
        """`size` elements from `start` on; the value itself if that is all of it.

        With more than four dimensions, adjacent ones that are not cut are merged.
        """
        if shape_of(value) == tuple(size):
            return value
        if len(size) > MAX_SLICED and (merged := _merged(shape_of(value), start, size)):
            shape, starts, sizes = zip(*merged, strict=True)
            return self.reshape(self.slice(self.reshape(value, shape), starts, sizes), size)
        operands = [value, self.sizes(start), self.sizes(size)]
        return self.add(tosa.SliceOp(operands, like(value, size)))

    def slice_dim(self, value: SSAValue, dim: int, start: int, size: int) -> SSAValue:
        """`size` elements of one dimension."""
        shape = shape_of(value)
        starts = [start if d == dim else 0 for d in range(len(shape))]
        return self.slice(value, starts, (*shape[:dim], size, *shape[dim + 1 :]))

    def concat(self, parts: Sequence[SSAValue], dim: int) -> SSAValue:
        """The parts one after the other."""
        if len(parts) == 1:
            return parts[0]
        shape = list(shape_of(parts[0]))
        shape[dim] = sum(shape_of(part)[dim] for part in parts)
        return self.add(tosa.ConcatOp(parts, IntegerAttr(dim, i32), like(parts[0], shape)))

    def pad(self, value: SSAValue, low: Ints, high: Ints, fill: int) -> SSAValue:
        """`fill` around the value."""
        if not any(low) and not any(high):
            return value
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


def constant_op(array: NDArray[np.generic]) -> tosa.ConstOp:
    """A `tosa.const` of integers."""
    type = TensorType(IntegerType(array.dtype.itemsize * 8), array.shape)
    data = BytesAttr(np.asarray(array, order="C").tobytes())
    return tosa.ConstOp(DenseIntOrFPElementsAttr(type, data))


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


def _is_allowed(value: SSAValue) -> bool:
    """Whether a value can be an argument of a region."""
    return len(shape_of(value)) <= MAX_RANK and quantized_element(value.type) is not None


def like(value: SSAValue, shape: Ints) -> TensorType:
    """The tensor type with a value's element type and `shape`."""
    return TensorType(element_of(value), shape)


def tosa_scale(real: float) -> tuple[int, int]:
    """A positive real as (multiplier, shift): `multiplier · 2^-shift`, as RESCALE takes them.

    A multiplier has 31 bits, and a shift is in 2…62 (TOSA 1.0, RESCALE). A real too small for
    that loses bits of the multiplier. Raises Unsupported if it is too large.
    """
    mantissa, exponent = math.frexp(real)
    multiplier, shift = round(mantissa * (1 << 31)), 31 - exponent
    if multiplier == 1 << 31:
        multiplier, shift = multiplier // 2, shift - 1
    if shift < 2:
        raise Unsupported(f"a scale of {real:g} is larger than a rescale can apply")
    if shift > 62:
        multiplier, shift = multiplier >> min(31, shift - 62), 62
    return multiplier, shift


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
