"""Calls of integers in the form that ExecuTorch's portable kernels compute as PyTorch does."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import (
    ArrayAttr,
    BoolAttr,
    IntegerType,
    Signedness,
    StringAttr,
    TensorType,
    i64,
)
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.constants import constant_of, typed_constant
from cmopt.dialects.edge import CallOp
from cmopt.dialects.shapes import element_of, int_of, shape_of
from cmopt.lowering.portable_calls import Argument, portable_call

TAKES_INT64 = frozenset(
    {"aten.gather.default", "aten.scatter.src", "aten.scatter.value", "aten.scatter_add.default"}
)
"""Operators whose second operand is indices. PyTorch takes int32 there, the kernels only int64."""


class WidenIndices(RewritePattern):
    """int32 indices of an operator of `TAKES_INT64` → int64; exact."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CallOp, rewriter: PatternRewriter) -> None:
        if op.target.data not in TAKES_INT64 or element_of(op.operands_[1]) == i64:
            return
        indices = op.operands_[1]
        type = TensorType(i64, shape_of(indices))
        if (values := constant_of(indices)) is not None:
            ops, wide = typed_constant(values.astype(np.int64), type, indices.name_hint)
        else:
            arguments: list[Argument] = [indices, "int64", None, None, None, False, None]
            cast = portable_call("aten._to_copy.default", arguments, type)
            ops, wide = [cast], cast.outputs[0]
        rewriter.insert_op(ops)
        op.operands[1] = wide
        rewriter.notify_op_modified(op)


class TakeRemainderApart(RewritePattern):
    """A remainder of signed integers → the dividend less the product with the floored quotient.

    Exact, and products that overflow wrap back. The kernel gives the sign of the dividend, as C's
    `%` does; PyTorch gives that of the divisor.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CallOp, rewriter: PatternRewriter) -> None:
        element = element_of(op.outputs[0]) if len(op.outputs) == 1 else None
        if not isinstance(element, IntegerType) or element.signedness.data is Signedness.UNSIGNED:
            return
        if op.target.data not in ("aten.remainder.Tensor", "aten.remainder.Scalar"):
            return
        dividend, *more = op.operands_
        divisor: Argument = more[0] if more else int_of(op.arguments.data[1])
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


INTEGER_CALLS: tuple[RewritePattern, ...] = (
    WidenIndices(),
    TakeRemainderApart(),
    SumOverDimensions(),
)
