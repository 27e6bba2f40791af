"""Calls of integers in the form that ExecuTorch's portable kernels compute as PyTorch does."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import (
    ArrayAttr,
    BoolAttr,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    Signedness,
    StringAttr,
    TensorType,
    f32,
    f64,
    i1,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.arrays import numpy_dtype
from cmopt.dialects.edge import CallOp
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.lowering.plain_integers import is_inside, range_of
from cmopt.lowering.portable_calls import Argument, cast_to, portable_call

TAKES_INT64 = frozenset(
    {"aten.gather.default", "aten.scatter.src", "aten.scatter.value", "aten.scatter_add.default"}
)
"""Operators whose second operand is indices. PyTorch takes int32 there, the kernels only int64."""


def _whole(number: Attribute) -> int:
    """A number of a call as an integer, True as 1."""
    assert isinstance(number, IntegerAttr)
    return abs(number.value.data) if number.type == i1 else int(number.value.data)


def _integer_of_result(op: CallOp) -> IntegerType | None:
    """The element type of the one result of a call if it is an integer, not a truth value."""
    element = element_of(op.outputs[0]) if len(op.outputs) == 1 else None
    return element if isinstance(element, IntegerType) and element.width.data > 1 else None


class WidenIndices(RewritePattern):
    """int32 indices of an operator of `TAKES_INT64` → int64; exact."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CallOp, rewriter: PatternRewriter) -> None:
        if op.target.data not in TAKES_INT64 or element_of(op.operands_[1]) == i64:
            return
        op.operands[1] = cast_to(op.operands_[1], i64, rewriter)
        rewriter.notify_op_modified(op)


class TakeRemainderApart(RewritePattern):
    """A remainder of signed integers → the dividend less the product with the floored quotient.

    Exact, and products that overflow wrap back. The kernel gives the sign of the dividend, as C's
    `%` does; PyTorch gives that of the divisor.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CallOp, rewriter: PatternRewriter) -> None:
        element = _integer_of_result(op)
        if element is None or element.signedness.data is Signedness.UNSIGNED:
            return
        if op.target.data not in ("aten.remainder.Tensor", "aten.remainder.Scalar"):
            return
        dividend, *more = op.operands_
        if element_of(dividend) == i1:
            dividend = cast_to(dividend, element, rewriter)  # PyTorch subtracts no truth values.
        divisor: Argument = more[0] if more else _whole(op.arguments.data[1])
        type = op.outputs[0].type
        quotient = portable_call("aten.floor_divide.default", [dividend, divisor], type)
        whole = portable_call("aten.mul.Tensor", [quotient.outputs[0], divisor], type)
        left = portable_call("aten.sub.Tensor", [dividend, whole.outputs[0], 1], type)
        left.outputs[0].name_hint = op.outputs[0].name_hint
        rewriter.replace(op, [quotient, whole, left])


class SumOverDimensions(RewritePattern):
    """`aten.sum.default` of integers → `aten.sum.dim_IntList`, which has a kernel; exact."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CallOp, rewriter: PatternRewriter) -> None:
        if op.target.data != "aten.sum.default":
            return
        operand, dtype = op.arguments.data
        op.target = StringAttr("aten.sum.dim_IntList")
        op.arguments = ArrayAttr([operand, ArrayAttr([]), BoolAttr.from_bool(False), dtype])
        rewriter.notify_op_modified(op)


NUMBERS_OF = {
    **dict.fromkeys(("aten.add.Tensor", "aten.sub.Tensor"), (2,)),
    "aten.clamp.default": (1, 2),
    "aten.fmod.Scalar": (1,),
}
"""Operators whose kernels do not wrap a number to the integers of the result, and the positions of
these numbers among the arguments. A kernel of `fmod` takes the number itself, the others fail."""


class WrapNumbers(RewritePattern):
    """A number that the integers of a call cannot hold → the number that it wraps to, as in
    PyTorch."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CallOp, rewriter: PatternRewriter) -> None:
        positions, element = NUMBERS_OF.get(op.target.data, ()), _integer_of_result(op)
        if element is None:
            return
        arguments = list(op.arguments.data)
        for position in positions:
            number = arguments[position]
            if isinstance(number, IntegerAttr) and number.type == i64:
                wrapped = np.array(number.value.data).astype(numpy_dtype(element))
                arguments[position] = IntegerAttr(int(wrapped), i64)
        if arguments != list(op.arguments.data):
            op.arguments = ArrayAttr(arguments)
            rewriter.notify_op_modified(op)


class DivideByFloat(RewritePattern):
    """A quotient of integers and a whole number, as floats → that by a float number; exact.

    A number that is given as a tensor gets the type of the other tensor, which may not hold it.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CallOp, rewriter: PatternRewriter) -> None:
        if op.target.data != "aten.div.Tensor" or element_of(op.outputs[0]) != f32:
            return
        tensor, divisor = op.arguments.data
        if isinstance(divisor, IntegerAttr):
            op.arguments = ArrayAttr([tensor, FloatAttr(float(_whole(divisor)), f64)])
            rewriter.notify_op_modified(op)


class CastJoined(RewritePattern):
    """A joined operand whose type is another than the result's, and as wide → a cast; exact.

    The kernel of `cat` copies the bytes of such operands.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CallOp, rewriter: PatternRewriter) -> None:
        if op.target.data != "aten.cat.default":
            return
        element = element_of(op.outputs[0])
        width = numpy_dtype(element).itemsize
        for index, value in enumerate(op.operands_):
            given = element_of(value)
            if given != element and numpy_dtype(given).itemsize == width:
                op.operands[index] = cast_to(value, element, rewriter)
                rewriter.notify_op_modified(op)


class MultiplyPower(RewritePattern):
    """An integer power of integers → products, by the bits of the exponent; exact.

    Products that overflow wrap. The kernel computes a double, whose conversion back does not.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CallOp, rewriter: PatternRewriter) -> None:
        if op.target.data != "aten.pow.Tensor_Scalar" or _integer_of_result(op) is None:
            return
        base, exponent, type = op.operands_[0], _whole(op.arguments.data[1]), op.outputs[0].type
        if base.type != type or exponent < 1:
            return
        power: SSAValue = base
        for bit in f"{exponent:b}"[1:]:
            for factor in (power, base) if bit == "1" else (power,):
                product = portable_call("aten.mul.Tensor", [power, factor], type)
                power = rewriter.insert(product).outputs[0]
        rewriter.replace(op, [], [power])


class WidenPower(RewritePattern):
    """A power of integers to a tensor → the same in int64, cut to the result's type.

    Exact while a power is less than 2^53: the kernel computes doubles.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CallOp, rewriter: PatternRewriter) -> None:
        element = _integer_of_result(op)
        if op.target.data not in ("aten.pow.Scalar", "aten.pow.Tensor_Tensor") or element is None:
            return
        if element == i64:
            return
        exponent = cast_to(op.operands_[-1], i64, rewriter)
        base: Argument = op.operands_[0] if len(op.operands_) > 1 else _whole(op.arguments.data[0])
        type = TensorType(i64, shape_of(op.outputs[0]))
        power = rewriter.insert(portable_call(op.target.data, [base, exponent], type))
        rewriter.replace(op, [], [cast_to(power.outputs[0], element, rewriter)])


SHIFTS = {
    f"aten.bitwise_{side}_shift.{kind}": side == "left"
    for side in ("left", "right")
    for kind in ("Tensor", "Tensor_Scalar")
}
"""The shifts, and whether they are to the left."""


class ShiftByPlaces(RewritePattern):
    """A shift by a count that may be negative, or more than the type has bits → one that is not.

    Exact. PyTorch then shifts all bits out; C leaves open what its operator does.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CallOp, rewriter: PatternRewriter) -> None:
        is_left, element = SHIFTS.get(op.target.data), _integer_of_result(op)
        if is_left is None or element is None:
            return
        # The kernel computes uint8 in an int, which may be shifted by 8.
        most = element.width.data - (element.signedness.data is not Signedness.UNSIGNED)
        value, *counts = op.operands_
        count: Argument = counts[0] if counts else _whole(op.arguments.data[1])
        if _is_count(count, most):
            return
        if is_left:
            value = _zero_if_outside(value, count, most, rewriter)
        places = _places(count, most, rewriter)
        shift = portable_call(op.target.data, [value, places], op.outputs[0].type)
        shift.outputs[0].name_hint = op.outputs[0].name_hint
        rewriter.replace(op, shift)


def _is_count(count: Argument, most: int) -> bool:
    """Whether a count of places, a number or a tensor, is known to lie between 0 and `most`."""
    if not isinstance(count, SSAValue):
        assert isinstance(count, int)
        return 0 <= count <= most
    made = count.owner
    if isinstance(made, CallOp) and made.target.data == "aten.clamp.default":
        low, high = made.arguments.data[1:]
        if isinstance(low, IntegerAttr) and isinstance(high, IntegerAttr):
            # `range_of` has no ranges of computed uint8 and int64.
            return is_inside((low.value.data, high.value.data), (0, most))
    return element_of(count) == i1 or is_inside(range_of(count), (0, most))


def _zero_if_outside(
    value: SSAValue, count: Argument, most: int, rewriter: PatternRewriter
) -> SSAValue:
    """The value where a count lies between 0 and `most`, else 0."""
    if not isinstance(count, SSAValue):
        zero = portable_call("aten.mul.Tensor", [value, 0], value.type)
        return rewriter.insert(zero).outputs[0]
    truths = TensorType(i1, shape_of(count))
    compared = [
        rewriter.insert(portable_call(f"aten.{name}.Scalar", [count, bound], truths)).outputs[0]
        for name, bound in (("ge", 0), ("le", most))
    ]
    both = rewriter.insert(portable_call("aten.logical_and.default", compared, truths))
    shape = np.broadcast_shapes(shape_of(value), shape_of(count))
    type = TensorType(element_of(value), shape)
    kept = portable_call("aten.mul.Tensor", [value, both.outputs[0]], type)
    return rewriter.insert(kept).outputs[0]


def _places(count: Argument, most: int, rewriter: PatternRewriter) -> Argument:
    """A count that lies between 0 and `most`, or `most`."""
    if not isinstance(count, SSAValue):
        return most

    type = count.type

    def added(target: str, *arguments: Argument) -> SSAValue:
        return rewriter.insert(portable_call(target, arguments, type)).outputs[0]

    if element_of(count) != IntegerType(8, Signedness.UNSIGNED):
        count = added("aten.clamp.default", count, -1, most)
        count = added("aten.bitwise_and.Scalar", count, 127)  # -1 becomes more than any count.
    return added("aten.clamp.default", count, 0, most)


class NameExtremum(RewritePattern):
    """`fmax` and `fmin` of integers → `maximum` and `minimum`, which have kernels; exact."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CallOp, rewriter: PatternRewriter) -> None:
        name = {"aten.fmax.default": "maximum", "aten.fmin.default": "minimum"}
        if op.target.data in name and _integer_of_result(op) is not None:
            op.target = StringAttr(f"aten.{name[op.target.data]}.default")
            rewriter.notify_op_modified(op)


INTEGER_CALLS: tuple[RewritePattern, ...] = (
    WidenIndices(),
    TakeRemainderApart(),
    SumOverDimensions(),
    WrapNumbers(),
    DivideByFloat(),
    CastJoined(),
    MultiplyPower(),
    WidenPower(),
    ShiftByPlaces(),
    NameExtremum(),
)
