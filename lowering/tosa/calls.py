"""PyTorch operators on plain int8, int16 and int32 → 32-bit arithmetic between rescales; all exact.

TOSA leaves the overflow of a sum undefined, and it is not known whether the products of int32 in
Vela's command streams wrap. So sums, differences and products must fit into int32, which is known
from constants, from the types of operands and from the ops before (`plain_integers.range_of`).
Results of int8 and int16 wrap: their high bits are shifted out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import i8, i32
from xdsl.ir import Operation, SSAValue

from cmopt.arithmetic.lookup_tables import EVERY_INT8
from cmopt.dialects import tosa
from cmopt.dialects.constants import constant_of, is_known
from cmopt.dialects.edge import CallOp
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.lowering.plain_integers import (
    COPY,
    Argument,
    arguments_of,
    can_be_read,
    exact_range,
    is_inside,
    is_plain,
    range_of,
    type_range,
    width_of,
)
from cmopt.lowering.rules import Rule, Unsupported
from cmopt.lowering.tosa import integer_shifts
from cmopt.lowering.tosa.builder import RegionBuilder
from cmopt.lowering.tosa.wide_integers import WideIntegers

MAY_OVERFLOW = "its result may overflow int32, and an NPU is not known to wrap"

Ints = NDArray[np.int64]


def call(op: CallOp, b: RegionBuilder) -> SSAValue:
    """A call of an operator of `CALLS` on plain integers; exact."""
    target = op.target.data
    if (rule := CALLS.get(target)) is None:
        raise Unsupported(f"{target} has no lowering to TOSA")
    can_be = is_plain if target == COPY else can_be_read
    wrong = [value for value in (*op.operands_, *op.outputs) if not can_be(value)]
    if wrong:
        kinds = sorted({str(element_of(value)) for value in wrong})
        raise Unsupported(f"{target} has no lowering to TOSA for {', '.join(kinds)}")
    if op.data_format is not None:
        raise Unsupported(f"{target} has no lowering to TOSA in NHWC")
    return rule(op, b)


def copy(op: CallOp, b: RegionBuilder) -> SSAValue:
    """A cast. A wider type keeps the numbers, a narrower one cuts off their high bits."""
    (source,), (output,) = op.operands_, op.outputs
    n = WideIntegers(output, b)
    if element_of(source) == element_of(output):
        return b.value(source)
    if width_of(source) < n.bits:
        return b.rescale(b.value(source), 1.0, to=n.element)
    return n.narrowed(n.of(source), range_of(source))


def _arguments(op: CallOp) -> list[Argument]:
    """The arguments of an operator that gives all its operands the result's type."""
    (output,) = op.outputs
    if (arguments := arguments_of(op)) is None:
        raise Unsupported(f"{op.target.data} takes only integers on an NPU")
    whole = type_range(element_of(output))
    for value in op.operands_:
        is_narrow = width_of(value) <= width_of(output)
        if not is_narrow and not (is_known(value) and is_inside(range_of(value), whole)):
            raise Unsupported(f"{op.target.data} cuts off bits of an operand")
    return [_number(argument) for argument in arguments]


def _number(argument: Argument) -> Argument:
    """A constant without dimensions as the number that it is."""
    if not isinstance(argument, SSAValue) or shape_of(argument):
        return argument
    array = constant_of(argument)
    return argument if array is None else int(array)


def _fits(op: CallOp, numbers: list[Argument]) -> None:
    """Raise Unsupported if a number is not one of the result's type."""
    element = element_of(op.outputs[0])
    for number in numbers:
        if isinstance(number, int) and not is_inside((number, number), type_range(element)):
            raise Unsupported(f"{number} does not fit into {element}")


def _table(
    op: CallOp, arguments: list[Argument], function: Callable[..., Ints], b: RegionBuilder
) -> SSAValue | None:
    """A function of one int8 and of numbers, as a table; None if it is no such function."""
    values = [argument for argument in arguments if isinstance(argument, SSAValue)]
    if [element_of(value) for value in (*values, *op.outputs)] != [i8, i8]:
        return None
    every = EVERY_INT8.astype(np.int64)
    numbers = [every if isinstance(a, SSAValue) else np.int64(a or 0) for a in arguments]
    return b.table(b.value(values[0]), function(*numbers).astype(np.int8))


def _sum(kind: type[Operation], function: Callable[..., Ints]) -> Rule:
    """The rule of a sum, a difference or a product."""

    def rule(op: CallOp, b: RegionBuilder) -> SSAValue:
        arguments = _arguments(op)
        if arguments[2:] not in ([], [1]):
            raise Unsupported(f"{op.target.data} has no lowering to TOSA with alpha")
        if (found := _table(op, arguments[:2], function, b)) is not None:
            return found
        exact = exact_range(op)
        if exact is None or not is_inside(exact, type_range(i32)):
            raise Unsupported(MAY_OVERFLOW)
        n = WideIntegers(op.outputs[0], b)
        more = [b.number(0)] if kind is tosa.MulOp else []
        operands = [n.of(argument) for argument in arguments[:2]]
        return n.narrowed(b.arithmetic(kind, *operands, *more), exact)

    return rule


def clamp(op: CallOp, b: RegionBuilder) -> SSAValue:
    """A maximum and a minimum, in this order, or one clamp of int8 and int16 to numbers."""
    value, low, high = _arguments(op)
    return _clamped(op, value, low, high, b)


def _clamped(
    op: CallOp, value: Argument, low: Argument, high: Argument, b: RegionBuilder
) -> SSAValue:
    (output,) = op.outputs
    _fits(op, [low, high])
    whole = type_range(element_of(output))
    if isinstance(value, SSAValue) and element_of(value) == element_of(output) != i32:
        below, above = (
            end if bound is None else bound for end, bound in zip(whole, (low, high), strict=True)
        )
        # The builder's clamp does nothing for the symmetric range of int16.
        if isinstance(below, int) and isinstance(above, int) and (below, above) != (-32767, 32767):
            return b.clamp(b.value(value), min(below, above), above)
    n = WideIntegers(output, b)
    wide = n.of(value)
    if low is not None:
        wide = b.arithmetic(tosa.MaximumOp, wide, n.of(low))
    if high is not None:
        wide = b.arithmetic(tosa.MinimumOp, wide, n.of(high))
    return n.narrowed(wide, whole)


def relu(op: CallOp, b: RegionBuilder) -> SSAValue:
    """A clamp from 0 on."""
    (value,) = _arguments(op)
    return _clamped(op, value, 0, None, b)


def maximum(op: CallOp, b: RegionBuilder) -> SSAValue:
    """The larger integer."""
    lhs, rhs = _arguments(op)
    return _clamped(op, lhs, rhs, None, b)


def minimum(op: CallOp, b: RegionBuilder) -> SSAValue:
    """The smaller integer."""
    lhs, rhs = _arguments(op)
    return _clamped(op, lhs, None, rhs, b)


def shift_left(op: CallOp, b: RegionBuilder) -> SSAValue:
    """A shift to the left; bits beyond the type are lost."""
    value, places = _shifted(op)
    n = WideIntegers(op.outputs[0], b)

    def function(x: Ints, count: Ints) -> Ints:
        return integer_shifts.left(x, count, n.bits)

    if (found := _table(op, [value, places], function, b)) is not None:
        return found
    wide = integer_shifts.shift_left(n, value, places)
    if n.bits < 32:
        wide = n.rounding_shift(wide, n.number(32 - n.bits))  # its lowest bits are 0
    return n.narrowed(wide, type_range(n.element))


def shift_right(op: CallOp, b: RegionBuilder) -> SSAValue:
    """A shift to the right that keeps the sign."""
    value, places = _shifted(op)
    n = WideIntegers(op.outputs[0], b)

    def function(x: Ints, count: Ints) -> Ints:
        return integer_shifts.right(x, count, n.bits)

    if (found := _table(op, [value, places], function, b)) is not None:
        return found
    return n.narrowed(integer_shifts.shift_right(n, value, places), type_range(n.element))


def _shifted(op: CallOp) -> list[Argument]:
    """The value and the count."""
    arguments = _arguments(op)
    _fits(op, arguments)
    return arguments


CALLS: dict[str, Rule] = {
    COPY: copy,
    "aten.add.Tensor": _sum(tosa.AddOp, np.add),
    "aten.bitwise_left_shift.Tensor": shift_left,
    "aten.bitwise_left_shift.Tensor_Scalar": shift_left,
    "aten.bitwise_right_shift.Tensor": shift_right,
    "aten.bitwise_right_shift.Tensor_Scalar": shift_right,
    "aten.clamp.Tensor": clamp,
    "aten.clamp.default": clamp,
    "aten.maximum.default": maximum,
    "aten.minimum.default": minimum,
    "aten.mul.Tensor": _sum(tosa.MulOp, np.multiply),
    "aten.relu.default": relu,
    "aten.sub.Tensor": _sum(tosa.SubOp, np.subtract),
}
"""The rule of each operator, by its overload name."""
