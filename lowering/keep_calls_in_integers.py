"""Give stored integers to portable operators that only move or compare elements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import BoolAttr, FloatAttr, IntegerAttr, ModuleOp, i64
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.arrays import Array, dequantize
from cmopt.dialects.edge import CallOp
from cmopt.dialects.quant import DCastOp, SCastOp, UniformQuantizedType, qtype_of, storage_type
from cmopt.dialects.shapes import with_element
from cmopt.lowering.rewrite import apply_patterns

MOVING = {
    "aten.gather.default": (0,),
    "aten.index.Tensor": (0,),
    "aten.index_put.default": (0, -1),
    "aten.index_select.default": (0,),
    "aten.scatter.src": (0, -1),
    "aten.where.self": (1, 2),
}
"""Operators whose result has elements of some operands, with the places of these operands."""

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


def accumulates(op: CallOp) -> bool:
    """Whether an `index_put` adds to the elements instead of replacing them."""
    arguments = op.arguments.data
    return (
        op.target.data == "aten.index_put.default"
        and arguments[3:] != ()
        and (arguments[3] == BoolAttr.from_bool(True))
    )


class MoveStoredIntegers(RewritePattern):
    """`call(dcast(x), …)` → `dcast(scast(call(scast(x), …)))` for operators of `MOVING`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CallOp, rewriter: PatternRewriter) -> None:
        places = MOVING.get(op.target.data)
        if places is None or (values := sources(op, places)) is None or accumulates(op):
            return
        (result,) = op.outputs
        moved = with_element(result.type, qtype_of(values[0]))
        call, casts = on_integers(op, places, values)
        new = CallOp(op.target.data, call, op.arguments.data, [storage_type(moved)])
        quantized = SCastOp(new.outputs[0], moved)
        rewriter.replace(op, [*casts, new, quantized, DCastOp(quantized.output, result.type)])


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


def stored_number(target: str, type: UniformQuantizedType, number: float) -> int | None:
    """The integer with which a comparison of stored integers gives the same; None if none does.

    PyTorch compares in float32. The true integers are those up to one, or from one on, or just one.
    """
    stored = np.arange(type.storage_range[0], type.storage_range[1] + 1)
    truth = WITH_NUMBER[target](dequantize(stored, type), np.float32(number))
    if not truth.any():
        return None
    first, last = int(stored[truth][0]), int(stored[truth][-1])
    ends = {"ge": first, "gt": first - 1, "le": last, "lt": last + 1}
    found = ends.get(target.split(".")[1], first)
    return found if stored[0] <= found <= stored[-1] else None


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
        integer = stored_number(target, qtype_of(values[0]), float(number.value.data))
        if integer is None:
            return
        call, casts = on_integers(op, (0,), values)
        arguments, types = [tensor, IntegerAttr(integer, i64)], [v.type for v in op.outputs]
        rewriter.replace(op, [*casts, CallOp(target, call, arguments, types)])


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
    """Let portable operators that only move or compare elements work on stored integers; exact.

    So `argmax` of an int8 tensor needs no dequantized copy. Operands must be of one quantized type.
    """

    name = "keep-calls-in-integers"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, MoveStoredIntegers(), CompareStoredIntegers(), CompareWithNumber())
