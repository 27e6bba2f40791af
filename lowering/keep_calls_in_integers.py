"""Give stored integers to portable operators that only move or compare elements."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.edge import CallOp
from cmopt.dialects.quant import DCastOp, SCastOp, UniformQuantizedType, qtype_of, storage_type
from cmopt.dialects.shapes import with_element
from cmopt.lowering.rewrite import apply_patterns

MOVING = {
    "aten.gather.default": (0,),
    "aten.index.Tensor": (0,),
    "aten.index_select.default": (0,),
    "aten.where.self": (1, 2),
}
"""Operators whose result has elements of some operands, with the places of these operands."""

COMPARING = {
    "aten.argmax.default": (0,),
    "aten.argmin.default": (0,),
    **{f"aten.{name}.Tensor": (0, 1) for name in ("eq", "ge", "gt", "le", "lt", "ne")},
}
"""Operators whose result depends on the order of some operands' elements alone."""


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
    """`call(dcast(x), …)` → `dcast(scast(call(scast(x), …)))` for operators of `MOVING`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CallOp, rewriter: PatternRewriter) -> None:
        places = MOVING.get(op.target.data)
        if places is None or (values := sources(op, places)) is None:
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
        apply_patterns(op, MoveStoredIntegers(), CompareStoredIntegers())
