"""Compute only the parts of a linear layer that are read, each where it is read."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.constants import constant_of, typed_constant
from cmopt.dialects.edge import BinaryOp, LinearOp, SliceOp
from cmopt.dialects.quant import UniformQuantizedType
from cmopt.dialects.shapes import element_of, int_of, shape_of
from cmopt.lowering.rewrite import apply_patterns, recreated


def sliced_rows(value: SSAValue, start: int, size: int) -> tuple[list[Operation], SSAValue] | None:
    """Ops that make rows of a constant, with the scales of these rows; None if not constant."""
    if (values := constant_of(value)) is None:
        return None
    element: Attribute = element_of(value)
    if isinstance(element, UniformQuantizedType) and element.is_per_axis:
        if element.axis.data != 0:
            return None
        rows = slice(start, start + size)
        element = UniformQuantizedType.get(
            element.storage,
            element.params.scales[rows].tolist(),
            element.params.zero_points[rows].tolist(),
            axis=0,
            storage_range=element.storage_range,
        )
    part = values[start : start + size]
    return typed_constant(part, TensorType(element, part.shape), value.name_hint)


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
        start, size = int_of(op.start), shape_of(op.output)[int_of(op.dim)]
        new_ops: list[Operation] = []
        operands: list[SSAValue] = [whole.input]
        for value in whole.operands[1:]:
            if (made := sliced_rows(value, start, size)) is None:
                return
            new_ops += made[0]
            operands.append(made[1])
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
