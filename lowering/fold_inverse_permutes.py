"""Cancel adjacent permutes, or fold them into weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.constants import constant_of, typed_constant
from cmopt.dialects.edge import LinearOp, PermuteOp, ReshapeOp
from cmopt.dialects.edge.canonicalization import (
    ComposePermutes,
    ComposeReshapes,
    DropIdentity,
    FoldMovedConstant,
    PermuteToReshape,
    is_per_axis,
)
from cmopt.dialects.permutations import order_of_bytes
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import ints_of, inverse, shape_of
from cmopt.lowering.rewrite import apply_patterns, recreated


class FoldIntoLinear(RewritePattern):
    """`linear(reshape(permute(x)), w)` → `linear(reshape(x), w')` with the columns of w permuted.

    The reshape must flatten all dimensions but the first, which the permute must leave in place.
    `flatten(x, 1)` of a channels-last tensor has this form.
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
        new = recreated(op, [source.output, value, *op.operands[2:]], op.output.type)
        rewriter.replace(op, [*ops, source, new])


class SharePermute(RewritePattern):
    """If two permutes move the same bytes, make the second a reshape of the first.

    They may differ in the places of dimensions of size 1.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: PermuteOp, rewriter: PatternRewriter) -> None:
        order = order_of_bytes(shape_of(op.input), ints_of(op.perm))
        if is_per_axis(op.input.type):
            return
        for use in op.input.uses:
            other = use.operation
            if not isinstance(other, PermuteOp) or other.parent is not op.parent:
                continue
            same = order_of_bytes(shape_of(other.input), ints_of(other.perm)) == order
            if same and other is not op and other.is_before_in_block(op):
                rewriter.replace(op, ReshapeOp([other.output], op.output.type))
                return


@dataclass(frozen=True)
class FoldInversePermutesPass(ModulePass):
    """Compose permutes, drop those that undo each other, and fold permutes into weights.

    A permute that moves no byte becomes a reshape, and reshapes compose. Exact except for the
    order of a linear's sum in float32.
    """

    name = "fold-inverse-permutes"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(
            op,
            FoldIntoLinear(),
            DropIdentity(),
            ComposePermutes(),
            PermuteToReshape(),
            ComposeReshapes(),
            FoldMovedConstant(),
            SharePermute(),
        )
