"""Compute only the parts of a linear layer that are read, each where it is read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.constants import is_known
from cmopt.dialects.edge import BinaryOp, LinearOp, SliceOp
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import int_of, shape_of
from cmopt.lowering.rewrite import apply_patterns, recreated
from cmopt.lowering.weights import selected_rows


def _has_rows(value: SSAValue) -> bool:
    """Whether rows of a value can be made at compile time."""
    element = quantized_element(value.type)
    is_by_row = element is None or not element.is_per_axis or element.axis.data == 0
    return is_known(value) and is_by_row


def _is_read_in_parts(value: SSAValue) -> bool:
    """Whether all that reads a value takes a part of its last dimension."""
    last = len(shape_of(value)) - 1
    readers = [use.operation for use in value.uses]
    return bool(readers) and all(
        isinstance(op, SliceOp)
        and int_of(op.dim) == last
        and shape_of(op.output)[last] < shape_of(value)[last]
        for op in readers
    )


class SplitElementwise(RewritePattern):
    """`slice(f(a, b))` → `f(slice(a), slice(b))`, where operands and result have one shape."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SliceOp, rewriter: PatternRewriter) -> None:
        whole = op.input.owner
        if not isinstance(whole, BinaryOp) or not _is_read_in_parts(op.input):
            return
        if any(shape_of(value) != shape_of(op.input) for value in whole.operands):
            return
        dim, start, size = int_of(op.dim), int_of(op.start), shape_of(op.output)[int_of(op.dim)]
        parts = [SliceOp.of(value, dim, start, size) for value in whole.operands]
        made = recreated(whole, [part.output for part in parts], op.output.type)
        rewriter.replace(op, [*parts, made])


class SplitLinear(RewritePattern):
    """`slice(linear(x, w, b))` → `linear(x, w[rows], b[rows])`, for constant weights."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SliceOp, rewriter: PatternRewriter) -> None:
        whole = op.input.owner
        if not isinstance(whole, LinearOp) or not _is_read_in_parts(op.input):
            return
        if not all(map(_has_rows, whole.operands[1:])):
            return
        start, size = int_of(op.start), shape_of(op.output)[int_of(op.dim)]
        new_ops: list[Operation] = []
        operands: list[SSAValue] = [whole.input]
        for value in whole.operands[1:]:
            more, rows = selected_rows(value, np.arange(start, start + size))
            new_ops += more
            operands.append(rows)
        rewriter.replace(op, [*new_ops, recreated(whole, operands, op.output.type)])


@dataclass(frozen=True)
class SplitGatesPass(ModulePass):
    """Give each part of a linear layer a layer of its own, if it is read in parts only.

    The gates of a recurrent cell are such parts: of a sum of two linear layers, each gate is then
    the sum of two smaller ones, and no tensor holds all gates. Each has the range that all had. The
    kernels compute the same integers. `merge-gates` is the inverse.
    """

    name = "split-gates"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, SplitElementwise(), SplitLinear())
