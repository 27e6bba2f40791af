"""Elementwise ops → quantized_add, quantized_mul, quantized_activation (a lookup table)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.cortex_m import (
    ADD_LEFT_SHIFT,
    QuantizedActivationOp,
    QuantizedAddOp,
    QuantizedMulOp,
)
from cmopt.dialects.edge import AddOp, BinaryOp, MulOp, UnaryOp
from cmopt.dialects.quant import DCastOp, QCastOp, UniformQuantizedType, quantized_element
from cmopt.dialects.shapes import shape_of
from cmopt.interpreters.arrays import dequantize, quantize
from cmopt.interpreters.functions import apply_binary, apply_unary
from cmopt.lowering.constants import constant_of, float_constant_of
from cmopt.lowering.cortex_m.common import (
    Builder,
    activation_range,
    element,
    fixed_point,
    int8_tensor,
)

EVERY_INT8 = np.arange(-128, 128).astype(np.int8)


def replace_by_lookup(
    op: Operation, source: SSAValue, table: NDArray[np.generic], rewriter: PatternRewriter
) -> None:
    """Replace `op` by a lookup of `source` in a 256-entry table."""
    build = Builder(op, rewriter)
    operands = [build.storage(source), build.constant(table, "lut")]
    build.finish(QuantizedActivationOp(operands, int8_tensor(shape_of(op.results[0])), {}))


class ConvertUnary(RewritePattern):
    """Any elementwise function of one int8 tensor → quantized_activation; at most 1 step.

    Exact but for the last float32 bits of the function itself.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: UnaryOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.input.type) is None:
            return
        result = apply_unary(op, dequantize(EVERY_INT8, element(op.input)))
        if result is not None:
            replace_by_lookup(op, op.input, quantize(result, element(op.output)), rewriter)


class ConvertRequantize(RewritePattern):
    """`qcast(dcast(x))` between two int8 types → quantized_activation; exact."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: QCastOp, rewriter: PatternRewriter) -> None:
        producer = op.input.owner
        if not isinstance(producer, DCastOp):
            return
        source, target = element(producer.input), element(op.output)
        if is_int8(source) and is_int8(target):
            table = quantize(dequantize(EVERY_INT8, source), target)
            replace_by_lookup(op, producer.input, table, rewriter)


def is_int8(type: UniformQuantizedType) -> bool:
    """Stored in 8 bits, one scale for the whole tensor."""
    return type.storage.width.data == 8 and not type.is_per_axis


class ConvertBinaryWithSplat(RewritePattern):
    """Add or mul with a constant of one value → quantized_activation; exact."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: BinaryOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.output.type) is None:
            return
        for constant, source in ((op.lhs, op.rhs), (op.rhs, op.lhs)):
            values = float_constant_of(constant)
            if values is None or values.size == 0 or shape_of(source) != shape_of(op.output):
                continue
            splat = values.reshape(-1)[:1].astype(np.float32)
            if not (values == splat).all():
                continue
            result = apply_binary(op, dequantize(EVERY_INT8, element(source)), splat)
            if result is not None:
                replace_by_lookup(op, source, quantize(result, element(op.output)), rewriter)
            return


class ConvertBinary(RewritePattern):
    """Add and mul of int8 tensors → quantized_add, quantized_mul; at most 1 step.

    The kernels take equal shapes: a constant operand is broadcast ahead of time.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: AddOp | MulOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.output.type) is None:
            return
        build = Builder(op, rewriter)
        shape = shape_of(op.output)
        operands = []
        for value in (op.lhs, op.rhs):
            if (array := constant_of(value)) is not None:
                spread = np.asarray(np.broadcast_to(array, shape), order="C")
                operands.append(build.constant(spread, value.name_hint))
            else:
                operands.append(build.storage(value))
        kernel = add_kernel if isinstance(op, AddOp) else mul_kernel
        build.finish(kernel(op, operands))


def add_kernel(op: BinaryOp, operands: list[SSAValue]) -> QuantizedAddOp:
    """The parameters of `arm_elementwise_add_s8`: both inputs at twice the larger scale."""
    lhs, rhs, output = element(op.lhs), element(op.rhs), element(op.output)
    common = 2 * max(lhs.scale, rhs.scale)
    low, high = activation_range(op, output)
    properties = {"activation_min": low, "activation_max": high}
    for name, real in (
        ("self", lhs.scale / common),
        ("other", rhs.scale / common),
        ("output", common / (output.scale * (1 << ADD_LEFT_SHIFT))),
    ):
        properties[f"{name}_multiplier"], properties[f"{name}_shift"] = fixed_point(real)
    for name, type in (("self", lhs), ("other", rhs), ("output", output)):
        properties[f"{name}_zero_point"] = type.zero_point
    return QuantizedAddOp(operands, int8_tensor(shape_of(op.output)), properties)


def mul_kernel(op: BinaryOp, operands: list[SSAValue]) -> QuantizedMulOp:
    """The parameters of `arm_elementwise_mul_s8`."""
    lhs, rhs, output = element(op.lhs), element(op.rhs), element(op.output)
    multiplier, shift = fixed_point(lhs.scale * rhs.scale / output.scale)
    return QuantizedMulOp(
        operands,
        int8_tensor(shape_of(op.output)),
        {
            "self_zero_point": lhs.zero_point,
            "other_zero_point": rhs.zero_point,
            "output_zero_point": output.zero_point,
            "output_multiplier": multiplier,
            "output_shift": shift,
        },
    )


PATTERNS: tuple[RewritePattern, ...] = (
    ConvertUnary(),
    ConvertBinaryWithSplat(),
    ConvertBinary(),
)
