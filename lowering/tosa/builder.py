"""Builds the region of a delegate, op by op."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import BoolAttr, IntegerAttr, IntegerType, TensorType, i8, i32
from xdsl.ir import Operation, SSAValue

from cmopt.arithmetic.activation_ranges import clamp_range
from cmopt.arithmetic.lookup_tables import EVERY_INT8, requantization_table
from cmopt.dialects import tosa
from cmopt.dialects.arrays import quantize
from cmopt.dialects.constants import constant_of, float_constant_of, is_known
from cmopt.dialects.edge import ReshapeOp
from cmopt.dialects.ethos_u import MAX_RANK
from cmopt.dialects.quant import (
    UniformQuantizedType,
    default_storage_range,
    is_int8,
    qtype_of,
    quantized_element,
    storage_type,
)
from cmopt.dialects.shapes import broadcast_shape, element_of, shape_of
from cmopt.dialects.tosa.constants import dtype_of
from cmopt.lowering.plain_integers import is_plain
from cmopt.lowering.tosa.moves import MovingRegion
from cmopt.lowering.tosa.scales import MOST_BITS, WIDE_BITS, tosa_scale

i16 = IntegerType(16)
i48 = IntegerType(48)
"""The type of sums of products of int16 and int8."""


class RegionBuilder(MovingRegion):
    """Makes a region from values outside, with arithmetic. Rescales that widen are not shared.

    `values` maps values outside, of quantized types, to their stored integers inside. A value that
    is not in it becomes a constant or a block argument.
    """

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[SSAValue, SSAValue] = {}

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
            if isinstance(outside.owner, ReshapeOp) and not is_known(outside):
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
        """The stored integers of a value, requantized to another type: a constant's at compile
        time, exact; else as by `requantize`."""
        if (real := float_constant_of(outside)) is not None:
            return self.constant(quantize(real, target), outside.name_hint)
        return self.requantize(self.value(outside), qtype_of(outside), target)

    def requantize(
        self,
        value: SSAValue,
        source: UniformQuantizedType,
        target: UniformQuantizedType,
        bounds: tuple[float | None, float | None] = (None, None),
    ) -> SSAValue:
        """A value of type `source`, clamped to `bounds`, in type `target`.

        From int8 to int8 it is a table, exact. Else it is one rescale, ≤ 1 step: exact except for
        the rounding of float32, and, if one step saturates, for the lowest value.
        """
        low, high = clamp_range(bounds, target)
        if is_int8(source) and is_int8(target):
            return self.table(value, requantization_table(source, target, bounds))
        if source.params != target.params or source.storage != target.storage:
            factor = min(source.scale / target.scale, 255.0 if is_int8(target) else 32767.0)
            value = self.scaled(
                value, factor, to=target.storage,
                input_zp=source.zero_point, output_zp=target.zero_point,
            )  # fmt: skip
        elif source.storage_range[0] >= low and source.storage_range[1] <= high:
            return value
        return self.clamp(value, low, high)

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

        factors: one for the whole tensor, or one for each slice of the last dimension. They are
        exact to 31 bits, and to 15 bits for a value of 48. A rescale to int32 is made again for
        each reader: Vela computes it as part of its reader, but only if it has one.
        """
        one = isinstance(factors, float)
        listed = [factors] if isinstance(factors, float) else factors
        is_wide = element_of(value) == i48
        bits = WIDE_BITS if is_wide else MOST_BITS
        multipliers, shifts = zip(*(tosa_scale(factor, bits) for factor in listed), strict=True)
        operands = [
            value,
            self.constant(np.array(multipliers, np.int16 if is_wide else np.int32)),
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
                    "scale32": no if is_wide else yes,
                    "rounding_mode": tosa.RoundingModeAttr(tosa.RoundingMode.SINGLE_ROUND),
                    "per_channel": no if one else yes,
                    "input_unsigned": no,
                    "output_unsigned": no,
                },
            ),
            shared=to != i32,
        )

    def scaled(
        self, value: SSAValue, factor: float, *, to: IntegerType, input_zp: int = 0,
        output_zp: int = 0,
    ) -> SSAValue:  # fmt: skip
        """As `rescale`, of an int8 or int16 value times 1, or times -1 if the factor is negative.

        That takes a third of the time of a rescale alone, and a table can be part of it: so the
        product is not shared.
        """
        sign = math.copysign(1, factor)
        shape, dtype = (1,) * len(shape_of(value)), dtype_of(element_of(value))
        one = self.constant(np.full(shape, sign, dtype))
        if input_zp:
            value = self.rescale(value, 1.0, to=i32, input_zp=input_zp)
            one = self.rescale(one, 1.0, to=i32)
        type = TensorType(i32, shape_of(value))
        product = self.add(tosa.MulOp([value, one, self.number(0)], type), shared=False)
        return self.rescale(product, abs(factor), to=to, output_zp=output_zp)

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
        """Clamp int8 or int16. Returns the value itself if nothing is cut.

        A clamp that would only keep -32768 out is left out too: a result that saturates is then off
        by 1 step. It would be an operation of its own where Vela splits the one before.
        """
        element = element_of(value)
        assert isinstance(element, IntegerType)
        if (low, high) in (default_storage_range(element), (-32767, 32767)):
            return value
        bounds = {"min_val": IntegerAttr(low, element), "max_val": IntegerAttr(high, element)}
        return self.add(
            tosa.ClampOp.create(operands=[value], result_types=[value.type], properties=bounds)
        )

    def table(self, value: SSAValue, entries: NDArray[np.generic]) -> SSAValue:
        """`entries[value + 128]`; the value itself if that is each entry."""
        if np.array_equal(entries, EVERY_INT8):
            return value
        return self.add(tosa.TableOp([value, self.constant(entries, "table")], value.type))


def _is_allowed(value: SSAValue) -> bool:
    """Whether a value can be an argument of a region."""
    is_integer = quantized_element(value.type) is not None or is_plain(value)
    return len(shape_of(value)) <= MAX_RANK and is_integer
