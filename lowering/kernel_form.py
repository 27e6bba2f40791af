"""The form in which kernels take quantized ops. Stage layout brings ops to it."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import BoolAttr, IntegerAttr, StringAttr, i64
from xdsl.ir import Block, Operation, SSAValue

from cmopt.dialects.constants import constant_of, typed_constant
from cmopt.dialects.edge import (
    Conv2dOp,
    ConvTranspose2dOp,
    MatmulOp,
    SoftmaxOp,
    Window2dOp,
    is_nhwc,
    permuted_type,
    weight_to_nhwc,
)
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import NCHW_TO_NHWC, int_of, shape_of
from cmopt.lowering.rewrite import recreated


def other_form(op: Operation) -> str | None:
    """Why a quantized op is not in the form of its kernels, or None."""
    if not op.results or quantized_element(op.results[0].type) is None:
        return None
    if isinstance(op, Window2dOp) and not is_nhwc(op):
        return "a quantized window op is not NHWC"
    if isinstance(op, MatmulOp) and not int_of(op.transposed_rhs):
        return "a quantized matmul's rhs is not transposed"
    if isinstance(op, SoftmaxOp) and int_of(op.dim) != len(shape_of(op.output)) - 1:
        return "a quantized softmax is not over the last dimension"
    return None


def in_kernel_form(op: Operation) -> Operation:
    """The same op in the form of its kernels, on new arguments and in no block.

    A constant weight stays a constant. Returns `op` itself if it already has that form.
    """
    if other_form(op) is None:
        return op
    if isinstance(op, Window2dOp):
        return _nhwc_form(op)
    match op:
        case MatmulOp():
            order = rhs_order(op)
            block = Block(arg_types=[op.lhs.type, permuted_type(op.rhs.type, order)])
            flag = BoolAttr.from_bool(True)
            return recreated(op, block.args, op.output.type, transposed_rhs=flag)
        case SoftmaxOp():
            order = softmax_order(op)
            block = Block(arg_types=[permuted_type(op.input.type, order)])
            last = IntegerAttr(len(order) - 1, i64)
            type = permuted_type(op.output.type, order)
            return recreated(op, block.args, type, dim=last)
    raise AssertionError(op.name)


def _nhwc_form(op: Window2dOp) -> Operation:
    block = Block(arg_types=[permuted_type(op.input.type, NCHW_TO_NHWC)])
    operands: list[SSAValue] = [block.args[0], *op.operands[1:]]
    if isinstance(op, Conv2dOp | ConvTranspose2dOp):
        order = weight_to_nhwc(op)
        type = permuted_type(op.weight.type, order)
        if (weight := constant_of(op.weight)) is None:
            operands[1] = block.insert_arg(type, 1)
        else:
            _, operands[1] = typed_constant(np.transpose(weight, order), type)
    result = permuted_type(op.output.type, NCHW_TO_NHWC)
    return recreated(op, operands, result, data_format=StringAttr("NHWC"))


def rhs_order(op: MatmulOp) -> list[int]:
    """The permutation that transposes the matrices of a matmul's rhs."""
    rank = len(shape_of(op.rhs))
    return [*range(rank - 2), rank - 1, rank - 2]


def softmax_order(op: SoftmaxOp) -> list[int]:
    """The permutation that brings a softmax's dimension to the end."""
    rank, dim = len(shape_of(op.input)), int_of(op.dim)
    return [*(d for d in range(rank) if d != dim), dim]
