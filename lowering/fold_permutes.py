"""Move permutes together so that they cancel, or into weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, TensorType, i64
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.edge import (
    BinaryOp,
    CatOp,
    LinearOp,
    PermuteOp,
    ReshapeOp,
    SliceOp,
    UnaryOp,
    permuted_type,
)
from cmopt.dialects.quant import QCastOp, quantized_element
from cmopt.dialects.shapes import int_of, ints_of, inverse, permuted, shape_of
from cmopt.lowering.constants import constant_of, typed_constant
from cmopt.lowering.patterns.edge import CANONICALIZATION, is_per_axis
from cmopt.lowering.rewrite import apply_patterns


class SinkThroughUnary(RewritePattern):
    """`f(permute(x))` → `permute(f(x))` for an elementwise `f` or a quantization."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: UnaryOp | QCastOp, rewriter: PatternRewriter) -> None:
        permute = op.input.owner
        if not isinstance(permute, PermuteOp):
            return
        element = op.output.type.element_type
        if is_per_axis(op.output.type):
            return
        moved = op.create(
            operands=[permute.input],
            result_types=[TensorType(element, shape_of(permute.input))],
            properties=dict(op.properties),
            attributes=dict(op.attributes),
        )
        rewriter.replace(op, [moved, PermuteOp.of(moved.results[0], ints_of(permute.perm))])


class SinkThroughBinary(RewritePattern):
    """`f(permute(a, p), permute(b, p))` → `permute(f(a, b), p)`; one side may be a constant."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: BinaryOp, rewriter: PatternRewriter) -> None:
        permutes = [v.owner for v in (op.lhs, op.rhs) if isinstance(v.owner, PermuteOp)]
        shape = shape_of(op.output)
        if (
            not permutes
            or is_per_axis(op.output.type)
            or any(ints_of(p.perm) != ints_of(permutes[0].perm) for p in permutes)
        ):
            return
        perm = ints_of(permutes[0].perm)
        operands, constants = [], []
        for value in (op.lhs, op.rhs):
            if isinstance(value.owner, PermuteOp) and shape_of(value) == shape:
                operands.append(value.owner.input)
            elif (array := constant_of(value)) is not None and not is_per_axis(value.type):
                padded = array.reshape((1,) * (len(shape) - array.ndim) + array.shape)
                moved = np.asarray(np.transpose(padded, inverse(perm)), order="C")
                assert isinstance(value.type, TensorType)
                type = TensorType(value.type.element_type, moved.shape)
                ops, constant = typed_constant(moved, type, value.name_hint)
                constants.extend(ops)
                operands.append(constant)
            else:
                return
        result = TensorType(op.output.type.element_type, permuted(shape, inverse(perm)))
        new = op.create(
            operands=operands,
            result_types=[result],
            properties=dict(op.properties),
            attributes=dict(op.attributes),
        )
        rewriter.replace(op, [*constants, new, PermuteOp.of(new.results[0], perm)])


class SinkThroughSlice(RewritePattern):
    """`slice(permute(x, p), d)` → `permute(slice(x, p[d]), p)`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SliceOp, rewriter: PatternRewriter) -> None:
        permute = op.input.owner
        if not isinstance(permute, PermuteOp):
            return
        perm = ints_of(permute.perm)
        type = permuted_type(op.output.type, inverse(perm))
        dim = IntegerAttr(perm[int_of(op.dim)], i64)
        part = SliceOp([permute.input], type, {"dim": dim, "start": op.start})
        rewriter.replace(op, [part, PermuteOp.of(part.output, perm)])


class SinkThroughCat(RewritePattern):
    """`cat(permute(a, p), permute(b, p), d)` → `permute(cat(a, b, p[d]), p)`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CatOp, rewriter: PatternRewriter) -> None:
        permutes = [v.owner for v in op.inputs if isinstance(v.owner, PermuteOp)]
        if len(permutes) != len(op.inputs) or len({ints_of(p.perm) for p in permutes}) != 1:
            return
        perm = ints_of(permutes[0].perm)
        type = permuted_type(op.output.type, inverse(perm))
        dim = IntegerAttr(perm[int_of(op.dim)], i64)
        joined = CatOp([[p.input for p in permutes]], type, {"dim": dim})
        rewriter.replace(op, [joined, PermuteOp.of(joined.output, perm)])


class FoldIntoLinear(RewritePattern):
    """`linear(reshape(permute(x)), w)` → `linear(reshape(x), w')` with the columns of w permuted.

    The reshape must flatten all but the first dimension, which the permute leaves in place: what
    `flatten(x, 1)` of a channels-last tensor is.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: LinearOp, rewriter: PatternRewriter) -> None:
        reshape = op.input.owner
        if not isinstance(reshape, ReshapeOp) or not isinstance(reshape.input.owner, PermuteOp):
            return
        permute, weight = reshape.input.owner, constant_of(op.weight)
        perm, shape = ints_of(permute.perm), shape_of(reshape.input)
        flat = shape_of(op.input)
        if weight is None or perm[0] != 0 or len(flat) != 2 or flat[0] != shape[0]:
            return
        if (q := quantized_element(op.weight.type)) is not None and q.axis.data == 1:
            return
        columns = inverse(perm)
        moved = np.transpose(weight.reshape(weight.shape[0], *shape[1:]), columns)
        ops, value = typed_constant(
            np.asarray(moved, order="C").reshape(weight.shape), op.weight.type, op.weight.name_hint
        )
        source = ReshapeOp([permute.input], op.input.type)
        new = op.create(
            operands=[source.output, value, *op.operands[2:]],
            result_types=[op.output.type],
            properties=dict(op.properties),
            attributes=dict(op.attributes),
        )
        rewriter.replace(op, [*ops, source, new])


@dataclass(frozen=True)
class FoldPermutesPass(ModulePass):
    """Sink permutes through elementwise ops until they meet and cancel; fold the rest into weights.

    Every rewrite is exact, but for the order of a linear's sum in float32, and none makes a
    permute move more bytes than before.
    """

    name = "fold-permutes"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        movement = {id(p): p for patterns in CANONICALIZATION.values() for p in patterns}
        apply_patterns(
            op,
            SinkThroughUnary(),
            SinkThroughBinary(),
            SinkThroughSlice(),
            SinkThroughCat(),
            FoldIntoLinear(),
            *movement.values(),
        )
