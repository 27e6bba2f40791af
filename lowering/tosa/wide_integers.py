"""Plain integers of a delegate in 32 bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import BoolAttr, IntegerType, i32
from xdsl.ir import Operation, SSAValue

from cmopt.dialects import tosa
from cmopt.dialects.constants import constant_of
from cmopt.dialects.shapes import broadcast_shape, element_of, shape_of
from cmopt.lowering.plain_integers import Argument, Range, is_inside, type_range, width_of
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.tosa.builder import RegionBuilder
from cmopt.lowering.tosa.region import like


class WideIntegers:
    """Computes with int32 tensors of one rank. The result has a plain type."""

    def __init__(self, result: SSAValue, b: RegionBuilder) -> None:
        self.b = b
        self.rank = len(shape_of(result))
        element = element_of(result)
        assert isinstance(element, IntegerType)
        self.element, self.bits = element, width_of(result)

    def of(self, argument: Argument) -> SSAValue:
        """A tensor or a number in int32."""
        if (known := self.known(argument)) is not None:
            return self.constant(known)
        assert isinstance(argument, SSAValue)
        value = self.b.with_rank(self.b.value(argument), self.rank)
        return value if element_of(value) == i32 else self.b.rescale(value, 1.0, to=i32)

    def known(self, argument: Argument) -> NDArray[np.int64] | None:
        """The elements of a number or of a constant, of the result's rank; None of other values."""
        assert argument is not None
        if isinstance(argument, int):
            return np.full((1,) * self.rank, argument, np.int64)
        if (array := constant_of(argument)) is None:
            return None
        return array.astype(np.int64).reshape((1,) * (self.rank - array.ndim) + array.shape)

    def constant(self, array: NDArray[np.int64]) -> SSAValue:
        """A constant in int32. Raises Unsupported if a number does not fit."""
        if array.size and not is_inside((int(array.min()), int(array.max())), type_range(i32)):
            raise Unsupported("a number does not fit into int32")
        return self.b.constant(array.astype(np.int32))

    def number(self, number: int) -> SSAValue:
        """A number in int32, which is broadcast."""
        return self.of(number)

    def with_number(
        self, kind: type[Operation], value: SSAValue, number: int, *more: SSAValue
    ) -> SSAValue:
        """An op with an int32 result on a value and a number."""
        return self.b.arithmetic(kind, value, self.number(number), *more)

    def rounding_shift(self, value: SSAValue, places: SSAValue) -> SSAValue:
        """`value >> places`, rounded half up: the shift to the right that every NPU has."""
        shape = broadcast_shape(shape_of(value), shape_of(places))
        assert shape is not None
        yes = {"round": BoolAttr.from_bool(True)}
        return self.b.add(
            tosa.ArithmeticRightShiftOp([value, places], like(value, shape), properties=yes)
        )

    def narrowed(self, value: SSAValue, range: Range) -> SSAValue:
        """An int32, whose numbers are in `range`, in the result's type. If they do not fit, the
        high bits are cut off: shifted out to the left, so that nothing is rounded on the way back.
        """
        if self.element == i32:
            return value
        if not is_inside(range, type_range(self.element)):
            above = 32 - self.bits
            value = self.with_number(tosa.LogicalLeftShiftOp, value, above)
            value = self.rounding_shift(value, self.number(above))
        return self.b.rescale(value, 1.0, to=self.element)
