"""Builds the region of a delegate, op by op."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import BoolAttr, IntegerAttr, IntegerType, TensorType, i8, i32
from xdsl.ir import Operation, SSAValue

from cmopt.arithmetic.lookup_tables import EVERY_INT8
from cmopt.dialects import tosa
from cmopt.dialects.arrays import dequantize, quantize
from cmopt.dialects.constants import constant_of, float_constant_of
from cmopt.dialects.edge import ReshapeOp
from cmopt.dialects.ethos_u import MAX_RANK
from cmopt.dialects.quant import (
    UniformQuantizedType,
    qtype_of,
    quantized_element,
    storage_type,
)
from cmopt.dialects.shapes import broadcast_shape, element_of, shape_of
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.tosa.moves import MovingRegion


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


def _is_allowed(value: SSAValue) -> bool:
    """Whether a value can be an argument of a region."""
    return len(shape_of(value)) <= MAX_RANK and quantized_element(value.type) is not None


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
