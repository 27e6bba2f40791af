"""Integers that are not quantized: the types that an NPU has, operators' arguments, and ranges."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from xdsl.dialects.builtin import IntegerAttr, IntegerType, NoneType, i8, i32, i64
from xdsl.ir import Attribute, SSAValue

from cmopt.dialects.constants import constant_of
from cmopt.dialects.edge import (
    CallOp,
    ExpandOp,
    OperandAttr,
    PermuteOp,
    ReshapeOp,
    SliceOp,
    TakeOp,
)
from cmopt.dialects.quant import default_storage_range
from cmopt.dialects.shapes import element_of, numel, shape_of

PLAIN: tuple[Attribute, ...] = (i8, IntegerType(16), i32)
"""The element types that an NPU computes with."""

MOST_STEPS = 16
"""How many ops before a value are looked at for its range."""

Range: TypeAlias = tuple[int, int]
"""The smallest and the largest number that a value may hold."""

Argument: TypeAlias = SSAValue | int | None

_SAME_NUMBERS = (ExpandOp, PermuteOp, ReshapeOp, SliceOp, TakeOp)


def is_plain(value: SSAValue) -> bool:
    """Whether a value is int8, int16 or int32, and not quantized."""
    return element_of(value) in PLAIN


def width_of(value: SSAValue) -> int:
    """The bits of an element of a plain value."""
    element = element_of(value)
    assert isinstance(element, IntegerType)
    return int(element.width.data)


def can_be_read(value: SSAValue) -> bool:
    """Whether a value is plain, or a constant of int64 whose numbers are those of an int32."""
    if is_plain(value) or element_of(value) != i64:
        return is_plain(value)
    return constant_of(value) is not None and is_inside(range_of(value), type_range(i32))


def type_range(element: Attribute) -> Range:
    """All numbers of a plain type."""
    assert isinstance(element, IntegerType)
    return default_storage_range(element)


def arguments_of(op: CallOp) -> list[Argument] | None:
    """The arguments of a call: tensors, integers, None. None if one is anything else."""
    result: list[Argument] = []
    for argument in op.arguments.data:
        match argument:
            case OperandAttr():
                result.append(op.operands_[argument.index.value.data])
            case IntegerAttr():
                result.append(argument.value.data)
            case NoneType():
                result.append(None)
            case _:
                return None
    return result


def range_of(value: SSAValue, steps: int = MOST_STEPS) -> Range:
    """A range that holds every element of a value of integers.

    It is found from constants, from types, and from up to `steps` ops before the value.
    """
    return _Ranges().of(value, steps)


def exact_range(op: CallOp) -> Range | None:
    """The range of what a call computes before the result wraps in its type.

    It depends on the `range_of` each operand alone. None if the call has no rule, or other
    arguments than integers.
    """
    return _exact(op, range_of)


def is_inside(inner: Range, outer: Range) -> bool:
    """Whether one range is a part of another."""
    return outer[0] <= inner[0] and inner[1] <= outer[1]


class _Ranges:
    """Ranges of values, each found once."""

    def __init__(self) -> None:
        self.known: dict[SSAValue, Range] = {}

    def of(self, value: SSAValue, steps: int) -> Range:
        if value not in self.known:
            self.known[value] = self._find(value, steps)
        return self.known[value]

    def _find(self, value: SSAValue, steps: int) -> Range:
        whole, owner = type_range(element_of(value)), value.owner
        if (array := constant_of(value)) is not None and array.size:
            return int(array.min()), int(array.max())
        if not steps:
            return whole
        found = None
        if isinstance(owner, _SAME_NUMBERS) and numel(shape_of(owner.input)):
            found = self.of(owner.input, steps - 1)
        elif isinstance(owner, CallOp):
            found = _exact(owner, lambda operand: self.of(operand, steps - 1))
        return found if found is not None and is_inside(found, whole) else whole


def _exact(op: CallOp, find: Callable[[SSAValue], Range]) -> Range | None:
    """As `exact_range`, from the ranges of operands that `find` gives."""
    rule = _RULES.get(op.target.data)
    if rule is None or not all(map(can_be_read, (*op.operands_, *op.outputs))):
        return None
    if op.target.data == COPY:
        return find(op.operands_[0])
    if (arguments := arguments_of(op)) is None:
        return None
    ranges = [
        find(a) if isinstance(a, SSAValue) else None if a is None else (a, a) for a in arguments
    ]
    return rule(*ranges)


COPY = "aten._to_copy.default"
"""A cast. Its other arguments are no numbers."""

ONE: Range = (1, 1)


def _sum(a: Range, b: Range, alpha: Range = ONE) -> Range | None:
    return (a[0] + b[0], a[1] + b[1]) if alpha == ONE else None


def _difference(a: Range, b: Range, alpha: Range = ONE) -> Range | None:
    return (a[0] - b[1], a[1] - b[0]) if alpha == ONE else None


def _product(a: Range, b: Range) -> Range:
    products = [x * y for x in a for y in b]
    return min(products), max(products)


def _smaller(a: Range, b: Range) -> Range:
    return min(a[0], b[0]), min(a[1], b[1])


def _larger(a: Range, b: Range) -> Range:
    return max(a[0], b[0]), max(a[1], b[1])


def _clamped(a: Range, low: Range | None, high: Range | None = None) -> Range:
    above = a if low is None else _larger(a, low)
    return above if high is None else _smaller(above, high)


def _left(a: Range, places: Range) -> Range | None:
    if not is_inside(places, (0, 31)):
        return None
    return _product(a, (1 << places[0], 1 << places[1]))


def _right(a: Range, places: Range) -> Range | None:
    """A negative count shifts by the most places that there are."""
    least, most = (places[0], min(places[1], 63)) if places[0] >= 0 else (0, 63)
    shifted = [number >> count for number in a for count in (min(least, 63), most)]
    return min(shifted), max(shifted)


_RULES: dict[str, Callable[..., Range | None]] = {
    COPY: lambda a: a,
    "aten.add.Tensor": _sum,
    "aten.bitwise_left_shift.Tensor": _left,
    "aten.bitwise_left_shift.Tensor_Scalar": _left,
    "aten.bitwise_right_shift.Tensor": _right,
    "aten.bitwise_right_shift.Tensor_Scalar": _right,
    "aten.clamp.Tensor": _clamped,
    "aten.clamp.default": _clamped,
    "aten.maximum.default": _larger,
    "aten.minimum.default": _smaller,
    "aten.mul.Tensor": _product,
    "aten.relu.default": lambda a: _larger(a, (0, 0)),
    "aten.sub.Tensor": _difference,
}
"""The range of each operator's result, before it wraps, from those of its arguments."""
