"""Fold the casts around float ops, so that the ops work on quantized tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType, i8, i32
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern
from xdsl.rewriter import InsertPoint

from cmopt.dialects.arrays import Array, quantize
from cmopt.dialects.constants import constant_of, is_known, typed_constant
from cmopt.dialects.edge import (
    CatOp,
    Conv2dOp,
    ConvTranspose2dOp,
    EdgeOp,
    LayerNormOp,
    LinearOp,
    MovementOp,
    PadOp,
    ToDimOrderOp,
)
from cmopt.dialects.edge.canonicalization.take_and_pad import holds
from cmopt.dialects.quant import (
    MIN_SCALE,
    DCastOp,
    QCastOp,
    UniformQuantizedType,
    quantization_of_users,
    quantized_element,
)
from cmopt.dialects.shapes import element_of, numel, shape_of
from cmopt.lowering.rewrite import apply_patterns


class FoldIntoQuantizedOp(RewritePattern):
    """`qcast(op(dcast(a), dcast(b), …))` → `op(a, b, …)` on the quantized types.

    Exact by the meaning of an `edge` op on quantized types. Every use of the result must be the
    same quantization. A float constant operand is quantized too: a bias to the accumulator's
    scale (at most half an accumulator step off), weight and bias of a norm to 32 bits (at most
    2^-32 of the largest off), a splat exactly. Any other constant would lose bits, so the op stays
    in float.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: EdgeOp, rewriter: PatternRewriter) -> None:
        if len(op.results) != 1:
            return
        if quantization_of_users(op.results[0]) is None:
            return
        casts = [use.operation for use in op.results[0].uses]
        new_ops: list[Operation] = []
        operands: list[SSAValue] = []
        for operand in op.operands:
            if (quantized := quantized_operand(op, operand, new_ops)) is None:
                return
            operands.append(quantized)
        if all(is_known(operand) for operand in operands):
            return
        moves = isinstance(op, MovementOp | ToDimOrderOp)
        if moves and element_of(operands[0]) != element_of(casts[0].results[0]):
            return  # Moving bytes cannot requantize them.
        folded = op.create(
            operands=operands,
            result_types=[casts[0].results[0].type],
            properties=dict(op.properties),
            attributes=dict(op.attributes),
        )
        folded.results[0].name_hint = op.results[0].name_hint
        rewriter.insert([*new_ops, folded])
        for cast in casts:
            rewriter.replace(cast, (), (folded.results[0],))
        rewriter.erase(op)


def quantized_operand(op: EdgeOp, operand: SSAValue, new_ops: list[Operation]) -> SSAValue | None:
    """The quantized value of an operand, or None. Ops that make it are added to `new_ops`."""
    if isinstance(producer := operand.owner, DCastOp):
        return producer.input
    if (values := constant_of(operand)) is None or values.dtype != np.float32:
        return None
    if isinstance(op, Conv2dOp | ConvTranspose2dOp | LinearOp):
        element = accumulator_type(op) if operand is op.bias else None
    elif isinstance(op, LayerNormOp):
        element = binary_type(values)
    else:
        element = splat_type(values)
    if element is None:
        return None
    type = TensorType(element, values.shape)
    ops, value = typed_constant(quantize(values, element), type, operand.name_hint)
    new_ops.extend(ops)
    return value


def accumulator_type(
    op: Conv2dOp | ConvTranspose2dOp | LinearOp,
) -> UniformQuantizedType | None:
    """The bias type whose step is the accumulator's: input scale times weight scale.

    None if the input or the weight is not quantized, or if the weight's scales are not those of its
    output channels.
    """
    sources = [v.owner.input if isinstance(v.owner, DCastOp) else None for v in op.operands[:2]]
    elements = [None if s is None else quantized_element(s.type) for s in sources]
    if elements[0] is None or elements[1] is None or elements[0].is_per_axis:
        return None
    outputs = 1 if isinstance(op, ConvTranspose2dOp) else 0
    if elements[1].is_per_axis and elements[1].axis.data != outputs:
        return None
    scales = (elements[1].params.scales * elements[0].scale).tolist()
    if elements[1].is_per_axis:
        return UniformQuantizedType.get(i32, scales, 0, axis=0)
    return UniformQuantizedType.get(i32, scales[0], 0)


def binary_type(values: Array) -> UniformQuantizedType | None:
    """The int32 type of the smallest scale that is a power of two and holds a constant.

    Of a number that is at least 2^-7 of the largest, it has all bits. None if one is not finite.
    """
    largest = float(np.abs(values).max(initial=0))
    if not np.isfinite(largest):
        return None
    _, exponent = math.frexp(largest)
    return UniformQuantizedType.get(i32, max(math.ldexp(1.0, exponent - 31), MIN_SCALE), 0)


def splat_type(values: Array) -> UniformQuantizedType | None:
    """A type that holds a constant of one value exactly, as −1, 0 or 1 steps; else None."""
    first = values.reshape(-1)[0] if values.size else None
    if first is None or not np.isfinite(first) or not (values == first).all():
        return None
    return UniformQuantizedType.get(i8, abs(float(first)) or 1.0, 0)


class HoistQuantize(RewritePattern):
    """`qcast(move(x))` → `move(qcast(x))` for data movement: each element is quantized alone.

    All that reads the moved value must quantize it alike.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: QCastOp, rewriter: PatternRewriter) -> None:
        move = op.input.owner
        if not isinstance(move, MovementOp | CatOp):
            return
        element = quantization_of_users(op.input)
        if element is None or element.is_per_axis:
            return
        others = [use.operation for use in op.input.uses]
        casts = [QCastOp.of(v, element) for v in move.operands]
        moved = move.create(
            operands=[cast.output for cast in casts],
            result_types=[op.output.type],
            properties=dict(move.properties),
        )
        moved.location = move.location
        rewriter.insert([*casts, moved], InsertPoint.before(move))
        for other in others:
            rewriter.replace(other, (), (moved.results[0],))
        rewriter.erase(move)


class SinkDequantize(RewritePattern):
    """`move(dcast(x))` → `dcast(move(x))` for data movement, and for a join of equal types.

    Exact: the same elements are dequantized, each alone. Does not apply to a pad whose value the
    type does not hold, or if the result is larger than the operands and is used in float.
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
        if element.is_per_axis or not _is_worth(op):
            return
        if isinstance(op, PadOp) and not holds(sources[0].type, op.value):
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


def _is_worth(op: Operation) -> bool:
    """Whether the result is quantized again, or not larger than the operands."""
    users = [use.operation for use in op.results[0].uses]
    size = sum(numel(shape_of(value)) for value in op.operands)
    return size >= numel(shape_of(op.results[0])) or (
        bool(users) and all(isinstance(user, QCastOp) for user in users)
    )


@dataclass(frozen=True)
class FoldQuantizeDequantizePass(ModulePass):
    """Fold dequantize → op → quantize into the op on quantized types, through data movement."""

    name = "fold-quantize-dequantize"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, HoistQuantize(), FoldIntoQuantizedOp(), SinkDequantize())
