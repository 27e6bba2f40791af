"""edge.avg_pool2d and edge.max_pool2d (NHWC) → quantized_avg_pool2d, quantized_max_pool2d."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import TensorType, f32
from xdsl.ir import SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.arithmetic.activation_ranges import activation_range
from cmopt.dialects.cortex_m import (
    PadOp,
    Properties,
    QuantizedAvgPool2dOp,
    QuantizedMaxPool2dOp,
)
from cmopt.dialects.edge import AvgPool2dOp, ClampOp, MaxPool2dOp, is_nhwc
from cmopt.dialects.quant import DCastOp, QCastOp, qtype_of, quantized_element
from cmopt.dialects.shapes import int_of, ints_of, shape_of
from cmopt.lowering.cortex_m import scratch
from cmopt.lowering.cortex_m.common import Builder, int8_tensor
from cmopt.lowering.support import kernel_ceil_mode
from cmopt.support.targets import Isa


class PoolThenRequantize(RewritePattern):
    """A pool that changes its quantization → the pool on its input's type, then a requantization.

    Max pool: exact, as a fused clamp goes into the requantization: its bound may lie between two
    steps of the input's type.

    Average pool: what `AverageOnce` leaves, whose windows divide by different numbers. It rounds
    twice: at most half a step of the input's type and half a step of the output's. That is
    `(1 + input scale / output scale) / 2` steps of the output, up to the next whole number.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: AvgPool2dOp | MaxPool2dOp, rewriter: PatternRewriter) -> None:
        source, target = quantized_element(op.input.type), quantized_element(op.output.type)
        if source is None or target is None or source == target:
            return
        shape = shape_of(op.output)
        properties = dict(op.properties)
        bounds = {end: properties.pop(f"activation_{end}", None) for end in ("min", "max")}
        pool = op.create(
            operands=list(op.operands),
            result_types=[TensorType(source, shape)],
            properties=properties,
            attributes=dict(op.attributes),
        )
        if any(bounds.values()):
            rewriter.replace(op, [pool, ClampOp([pool.results[0]], op.output.type, bounds)])
            return
        real = DCastOp(pool.results[0], TensorType(f32, shape))
        rewriter.replace(op, [pool, real, QCastOp(real.output, op.output.type)])


@dataclass
class ConvertAvgPool2d(RewritePattern):
    """edge.avg_pool2d on one quantized type → quantized_avg_pool2d; at most 1 step.

    The kernel divides by the positions inside the input. Where padding counts too, the input is
    padded with its zero point first, and every position is inside.
    """

    isa: Isa

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: AvgPool2dOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.input.type) is None or not is_nhwc(op):
            return
        build = Builder(op, rewriter)
        input = build.storage(op.input)
        top, bottom, left, right = ints_of(op.padding)
        if int_of(op.count_include_pad) and any((top, bottom, left, right)):
            input = pad(build, input, (top, bottom, left, right), qtype_of(op.input).zero_point)
            top = left = 0
        output = shape_of(op.output)
        size = scratch.avg_pool2d(self.isa, output[2], output[3])
        properties: Properties = {
            "kernel_size": ints_of(op.kernel_size),
            "stride": ints_of(op.stride),
            "padding": (top, left),
            "ceil_mode": bool(kernel_ceil_mode(op)),
            "zero_point": 0,
            "multiplier": 0,
            "shift": 0,
        }
        operands = [input, build.scratch(size)]
        build.finish(QuantizedAvgPool2dOp(operands, int8_tensor(output), properties))


def pad(build: Builder, value: SSAValue, border: tuple[int, int, int, int], zero: int) -> SSAValue:
    """Pad height and width of an NHWC tensor with its zero point."""
    n, h, w, c = shape_of(value)
    top, bottom, left, right = border
    return build.add(
        PadOp(
            [value],
            int8_tensor((n, h + top + bottom, w + left + right, c)),
            {"pre_pad": (0, top, left, 0), "post_pad": (0, bottom, right, 0), "pad_value": zero},
        )
    )


class ConvertMaxPool2d(RewritePattern):
    """edge.max_pool2d on one quantized type → quantized_max_pool2d; exact."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MaxPool2dOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.input.type) is None or not is_nhwc(op):
            return
        build = Builder(op, rewriter)
        top, _, left, _ = ints_of(op.padding)
        zero = qtype_of(op.input).zero_point
        low, high = activation_range(op, qtype_of(op.output))
        properties: Properties = {
            "kernel_size": ints_of(op.kernel_size),
            "stride": ints_of(op.stride),
            "padding": (top, left),
            "dilation": (1, 1),
            "ceil_mode": False,
            "input_zero_point": zero,
            "output_zero_point": zero,
            "activation_min": low,
            "activation_max": high,
        }
        output = int8_tensor(shape_of(op.output))
        build.finish(QuantizedMaxPool2dOp([build.storage(op.input)], output, properties))
