"""Give integers to portable operators that move, compare, add or cast elements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, ModuleOp, f32, i16, i32, i64
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.arrays import Array, dequantize, quantize
from cmopt.dialects.constants import float_constant_of, typed_constant
from cmopt.dialects.edge import CallOp
from cmopt.dialects.quant import (
    DCastOp,
    QCastOp,
    SCastOp,
    UniformQuantizedType,
    is_int8,
    qtype_of,
    storage_type,
)
from cmopt.dialects.shapes import element_of, with_element
from cmopt.lowering.plain_integers import COPY, is_inside, range_of
from cmopt.lowering.portable_calls import cast_to, portable_call
from cmopt.lowering.rewrite import apply_patterns

INDEX_PUT = "aten.index_put.default"

MOVING = {
    "aten.embedding.default": (0,),
    "aten.gather.default": (0,),
    "aten.index.Tensor": (0,),
    INDEX_PUT: (0, -1),
    "aten.index_select.default": (0,),
    "aten.max.dim": (0,),
    "aten.max_pool2d_with_indices.default": (0,),
    "aten.min.dim": (0,),
    "aten.scatter.src": (0, 2),
    "aten.select_scatter.default": (0, 1),
    "aten.slice_scatter.default": (0, 1),
    "aten.topk.default": (0,),
    "aten.where.self": (1, 2),
}
"""Operators whose float results have elements of some operands, with the operands' places.

The other results depend on the order of these elements alone.
"""

ADDING = {INDEX_PUT: (0, -1), "aten.scatter_add.default": (0, 2)}
"""Operators whose result is an operand with elements of another one added to some of its own.

`index_put` is one of them if it accumulates.
"""

COMPARING = {
    "aten.argmax.default": (0,),
    "aten.argmin.default": (0,),
    **{f"aten.{name}.Tensor": (0, 1) for name in ("eq", "ge", "gt", "le", "lt", "ne")},
}
"""Operators whose result depends on the order of some operands' elements alone."""

WITH_NUMBER: dict[str, Callable[[Array, np.float32], Array]] = {
    "aten.eq.Scalar": np.equal,
    "aten.ge.Scalar": np.greater_equal,
    "aten.gt.Scalar": np.greater,
    "aten.le.Scalar": np.less_equal,
    "aten.lt.Scalar": np.less,
    "aten.ne.Scalar": np.equal,  # from the one integer that is equal
}
"""Comparisons of a tensor with a number."""


def sources(op: CallOp, places: tuple[int, ...]) -> list[SSAValue] | None:
    """The int8 or int16 values that operands are dequantized from, if all are of one type."""
    casts = [op.operands_[place].owner for place in places]
    values = [cast.input for cast in casts if isinstance(cast, DCastOp)]
    types: set[UniformQuantizedType] = {qtype_of(value) for value in values}
    if len(values) != len(places) or len(types) != 1:
        return None
    (type,) = types
    return None if type.is_per_axis or type.storage.width.data > 16 else values


class MoveStoredIntegers(RewritePattern):
    """`call(dcast(x), …)` → `dcast(scast(call(scast(x), …)))` for operators of `MOVING`.

    Does not apply to an `index_put` that adds.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CallOp, rewriter: PatternRewriter) -> None:
        places = MOVING.get(op.target.data)
        if places is None or _accumulates(op) or (values := sources(op, places)) is None:
            return
        element = qtype_of(values[0])
        is_float = [element_of(result) == f32 for result in op.outputs]
        moved = [
            with_element(result.type, element) if moves else result.type
            for result, moves in zip(op.outputs, is_float, strict=True)
        ]
        call, casts = on_integers(op, places, values)
        new = CallOp(op.target.data, call, op.arguments.data, [storage_type(t) for t in moved])
        results: list[SSAValue] = list(new.outputs)
        after: list[Operation] = []
        for index, (type, moves) in enumerate(zip(moved, is_float, strict=True)):
            if moves:
                quantized = SCastOp(new.outputs[index], type)
                real = DCastOp(quantized.output, op.outputs[index].type)
                after += [quantized, real]
                results[index] = real.output
        rewriter.replace(op, [*casts, new, *after], results)


class QuantizeChosenNumbers(RewritePattern):
    """`qcast(where(m, dcast(x), k))` for a constant k → the same with both rounded before.

    x and k are rounded to the type of the result, as they are after the choice; k saturates there.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CallOp, rewriter: PatternRewriter) -> None:
        readers = [use.operation for use in op.outputs[0].uses]
        types = {qtype_of(reader.output) for reader in readers if isinstance(reader, QCastOp)}
        are_casts = all(isinstance(reader, QCastOp) for reader in readers)
        if op.target.data != "aten.where.self" or not are_casts or len(types) != 1:
            return
        (type,) = types
        for place, other in ((1, 2), (2, 1)):
            number, value = op.operands_[place], op.operands_[other]
            if not isinstance(number.owner, ConstantOp) or not isinstance(value.owner, DCastOp):
                continue
            real = float_constant_of(number)
            if real is None or not is_int8(type) or not is_int8(qtype_of(value.owner.input)):
                continue
            stored = quantize(real.astype(np.float32), type)
            made, constant = typed_constant(
                stored, with_element(number.type, type), number.name_hint
            )
            made.append(chosen := DCastOp(constant, number.type))
            operands = list(op.operands_)
            operands[place] = chosen.output
            if qtype_of(value.owner.input) != type:
                rounded = QCastOp(value, with_element(value.type, type))
                real_value = DCastOp(rounded.output, value.type)
                made += [rounded, real_value]
                operands[other] = real_value.output
            call = CallOp(op.target.data, operands, op.arguments.data, [op.outputs[0].type])
            rewriter.replace(op, [*made, call], call.outputs)
            return


class AddStoredIntegers(RewritePattern):
    """`qcast(call(dcast(x), …, dcast(y)))` for an operator of `ADDING` → the same in int32.

    x and y lose their zero point, and the sum is clamped and gets it back. The result's type is
    theirs. Exact, as long as float32 holds the sums.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CallOp, rewriter: PatternRewriter) -> None:
        places = ADDING.get(op.target.data)
        if op.target.data == INDEX_PUT and not _accumulates(op):
            return
        if places is None or (values := sources(op, places)) is None:
            return
        readers = [use.operation for use in op.outputs[0].uses]
        type = qtype_of(values[0])
        if not all(isinstance(reader, QCastOp) and qtype_of(reader.output) == type
                   for reader in readers):  # fmt: skip
            return
        operands = list(op.operands_)
        for place, value in zip(places, values, strict=True):
            operands[place] = _without_zero_point(value, rewriter)
        shape = op.outputs[0].type
        sums = CallOp(op.target.data, operands, op.arguments.data, [with_element(shape, i32)])
        sums.outputs[0].name_hint = op.outputs[0].name_hint
        stored = _quantized(rewriter.insert(sums).outputs[0], type, rewriter)
        for reader in readers:
            rewriter.replace(reader, [], [stored])
        rewriter.erase(op)


def _without_zero_point(value: SSAValue, rewriter: PatternRewriter) -> SSAValue:
    """The multiples of the scale that a value has, as int32."""
    stored = rewriter.insert(SCastOp(value, storage_type(value.type))).output
    wide = cast_to(stored, i32, rewriter)
    if not (zero := qtype_of(value).zero_point):
        return wide
    return rewriter.insert(portable_call("aten.sub.Tensor", [wide, zero, 1], wide.type)).outputs[0]


def _quantized(value: SSAValue, type: UniformQuantizedType, rewriter: PatternRewriter) -> SSAValue:
    """Integers, as multiples of the scale of `type`, saturated to that type."""
    low, high = (end - type.zero_point for end in type.storage_range)
    if not is_inside(range_of(value), (low, high)):
        clamped = portable_call("aten.clamp.default", [value, low, high], value.type)
        value = rewriter.insert(clamped).outputs[0]
    if type.zero_point:
        moved = portable_call("aten.add.Tensor", [value, type.zero_point, 1], value.type)
        value = rewriter.insert(moved).outputs[0]
    stored = SCastOp(cast_to(value, type.storage, rewriter), with_element(value.type, type))
    return rewriter.insert(stored).output


def _accumulates(op: CallOp) -> bool:
    """Whether an `index_put` adds the values to what is there."""
    last = op.arguments.data[-1]
    return op.target.data == INDEX_PUT and isinstance(last, IntegerAttr) and bool(last.value.data)


class CompareStoredIntegers(RewritePattern):
    """`call(dcast(x), …)` → `call(scast(x), …)` for operators of `COMPARING`.

    Dequantization keeps the order of stored integers, and equal numbers equal.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CallOp, rewriter: PatternRewriter) -> None:
        places = COMPARING.get(op.target.data)
        if places is None or (values := sources(op, places)) is None:
            return
        call, casts = on_integers(op, places, values)
        types = [value.type for value in op.outputs]
        rewriter.replace(op, [*casts, CallOp(op.target.data, call, op.arguments.data, types)])


def stored_comparison(
    target: str, type: UniformQuantizedType, number: float
) -> tuple[str, int] | None:
    """The operator and the integer that compare stored integers with the same result.

    PyTorch compares in float32. The true integers are those up to one, or from one on, or just one.
    If all are true, or none is, so are all from the least on, or none above the greatest. None if
    several integers stand for the number that is to be equal.
    """
    least, most = type.storage_range
    stored = np.arange(least, most + 1)
    truth = WITH_NUMBER[target](dequantize(stored, type), np.float32(number))
    is_equality, is_negated = WITH_NUMBER[target] is np.equal, target == "aten.ne.Scalar"
    if not truth.any() or truth.all():
        always = ("aten.ge.Scalar", least)
        return always if bool(truth.all()) != is_negated else ("aten.gt.Scalar", most)
    if is_equality and truth.sum() > 1:
        return None
    first, last = int(stored[truth][0]), int(stored[truth][-1])
    ends = {"ge": first, "gt": first - 1, "le": last, "lt": last + 1}
    return target, ends.get(target.split(".")[1], first)


class CompareWithNumber(RewritePattern):
    """`call(dcast(x), number)` → `call(scast(x), integer)` for operators of `WITH_NUMBER`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CallOp, rewriter: PatternRewriter) -> None:
        target = op.target.data
        if target not in WITH_NUMBER or (values := sources(op, (0,))) is None:
            return
        tensor, number = op.arguments.data
        if not isinstance(number, FloatAttr | IntegerAttr):
            return
        found = stored_comparison(target, qtype_of(values[0]), float(number.value.data))
        if found is None:
            return
        target, integer = found
        call, casts = on_integers(op, (0,), values)
        arguments, types = [tensor, IntegerAttr(integer, i64)], [v.type for v in op.outputs]
        rewriter.replace(op, [*casts, CallOp(target, call, arguments, types)])


class NarrowIntegers(RewritePattern):
    """`qcast(cast(x))` of integers, to int8 with a step of 1 → a clamp, a sum and a cast; exact."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: QCastOp, rewriter: PatternRewriter) -> None:
        cast, type = op.input.owner, qtype_of(op.output)
        if not isinstance(cast, CallOp) or cast.target.data != COPY:
            return
        (value,) = cast.operands_
        if element_of(value) not in (i16, i32, i64):
            return
        if not is_int8(type) or type.is_per_axis or type.scale != 1:
            return
        rewriter.replace(op, [], [_quantized(value, type, rewriter)])


def on_integers(
    op: CallOp, places: tuple[int, ...], values: list[SSAValue]
) -> tuple[list[SSAValue], list[Operation]]:
    """A call's operands, with those at `places` as stored integers, and the ops that make these."""
    operands = list(op.operands_)
    casts = [SCastOp(value, storage_type(value.type)) for value in values]
    for place, cast in zip(places, casts, strict=True):
        operands[place] = cast.output
    return operands, list(casts)


@dataclass(frozen=True)
class KeepCallsInIntegersPass(ModulePass):
    """Let portable operators that move, compare, add or cast elements work on integers; exact.

    So `argmax` of an int8 tensor needs no dequantized copy. Operands must be of one quantized type.
    Sums are computed in int32. Integers that are quantized with a step of 1 are never floats.
    """

    name = "keep-calls-in-integers"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(
            op,
            QuantizeChosenNumbers(),
            MoveStoredIntegers(),
            CompareStoredIntegers(),
            CompareWithNumber(),
            AddStoredIntegers(),
            NarrowIntegers(),
        )
