"""Move data as integers: quantize before it is moved, dequantize after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.arrays import dequantize, quantize
from cmopt.dialects.edge import CatOp, MovementOp, PadOp
from cmopt.dialects.quant import DCastOp, QCastOp, UniformQuantizedType, quantized_element
from cmopt.dialects.shapes import numel, shape_of
from cmopt.lowering.rewrite import apply_patterns


class HoistQuantize(RewritePattern):
    """`qcast(move(x))` → `move(qcast(x))` for data movement: each element by itself."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: QCastOp, rewriter: PatternRewriter) -> None:
        move = op.input.owner
        if not isinstance(move, MovementOp | CatOp):
            return
        if not op.input.has_one_use():
            return
        element = quantized_element(op.output.type)
        assert element is not None
        if element.is_per_axis:
            return
        casts = [QCastOp.of(v, element) for v in move.operands]
        moved = move.create(
            operands=[cast.output for cast in casts],
            result_types=[op.output.type],
            properties=dict(move.properties),
        )
        moved.location = move.location
        rewriter.replace(op, [*casts, moved])
        rewriter.erase(move)


class SinkDequantize(RewritePattern):
    """`move(dcast(x))` → `dcast(move(x))` for data movement, and for a join of equal types.

    Exact: the same elements are dequantized, each by itself. Not where a pad is of a value that
    the type does not hold, nor where the moved tensor is larger and wanted in float.
    """

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if not isinstance(op, MovementOp | CatOp):
            return
        sources = [v.owner.input for v in op.operands if isinstance(v.owner, DCastOp)]
        types = {quantized_element(source.type) for source in sources}
        if len(sources) != len(op.operands) or len(types) != 1:
            return
        (element,) = types
        assert element is not None
        if element.is_per_axis or not _holds(op, element) or not _is_worth(op):
            return
        (result,) = op.results
        moved = op.create(
            operands=sources,
            result_types=[TensorType(element, shape_of(result))],
            properties=dict(op.properties),
            attributes=dict(op.attributes),
        )
        moved.results[0].name_hint = result.name_hint
        rewriter.replace(op, [moved, DCastOp(moved.results[0], result.type)])


def _holds(op: Operation, element: UniformQuantizedType) -> bool:
    """Whether a pad's value is one the quantized type has."""
    if not isinstance(op, PadOp):
        return True
    value = np.array([op.value.value.data], np.float32)
    return bool((dequantize(quantize(value, element), element) == value).all())


def _is_worth(op: Operation) -> bool:
    """Whether the result is quantized again, or no larger than what is moved."""
    users = [use.operation for use in op.results[0].uses]
    size = sum(numel(shape_of(value)) for value in op.operands)
    return size >= numel(shape_of(op.results[0])) or (
        bool(users) and all(isinstance(user, QCastOp) for user in users)
    )


@dataclass(frozen=True)
class QuantizePermutesPass(ModulePass):
    """Bring permutes and all other data movement between quantized values into integers; exact.

    Where the quantizations before and behind differ, a requantization is left beside the movement.
    """

    name = "quantize-permutes"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, HoistQuantize(), SinkDequantize())
