"""edge.avg_pool2d and edge.max_pool2d (NHWC) on int16 → pools of the dialect `cmopt`."""

from __future__ import annotations

from xdsl.ir import SSAValue

from cmopt.arithmetic.activation_ranges import activation_range
from cmopt.dialects import cmopt as own
from cmopt.dialects.cortex_m import Properties
from cmopt.dialects.edge import AvgPool2dOp, MaxPool2dOp
from cmopt.dialects.quant import qtype_of
from cmopt.dialects.shapes import ints_of, numel, shape_of
from cmopt.lowering.averages import averages_once
from cmopt.lowering.cortex_m import scratch
from cmopt.lowering.cortex_m.averages import averaged_once
from cmopt.lowering.cortex_m.builder import KernelBuilder
from cmopt.lowering.cortex_m.pooling import average_window, require_short_window
from cmopt.lowering.int16.convolution import padded
from cmopt.lowering.int16.values import int16_tensor, own_call, requantize, require_int16
from cmopt.lowering.rules import Unsupported

WHOLE_RANGE = (-32768, 32767)


def avg_pool2d(op: AvgPool2dOp, b: KernelBuilder) -> SSAValue:
    """edge.avg_pool2d → quantized_avg_pool2d, or a sum by ones; bounds as for int8.

    The pool kernel keeps the quantization. A pool that changes it becomes a convolution with ones
    if all windows divide by one number, else a pool and a requantization.
    """
    require_int16(op.input, op.output)
    if averages_once(op):
        return averaged_once(op, b)
    window = average_window(op)
    require_short_window(op)
    if numel(ints_of(op.kernel_size)) >= 1 << 16:
        raise Unsupported("a window has too many elements for a sum of 32 bits")
    source = b.value(op.input)
    if any(window.border):
        source = padded(b, source, window.border)
    output = shape_of(op.output)
    operands = [source, b.scratch(scratch.avg_pool2d_s16(b.isa, output[2], output[3]))]
    properties = _window(op, window.padding, WHOLE_RANGE)
    pool = own.QuantizedAvgPool2dOp(operands, int16_tensor(output), properties)
    clamp = activation_range(op, qtype_of(op.output))
    return requantize(b, own_call(b, pool), qtype_of(op.input), qtype_of(op.output), clamp)


def max_pool2d(op: MaxPool2dOp, b: KernelBuilder) -> SSAValue:
    """edge.max_pool2d → quantized_max_pool2d; exact if the type stays.

    Else a requantization follows, which rounds, and does the clamp.
    """
    if ints_of(op.dilation) != (1, 1):
        raise Unsupported("a dilated window lies wholly in the padding")
    require_int16(op.input, op.output)
    require_short_window(op)
    source, target = qtype_of(op.input), qtype_of(op.output)
    clamp = activation_range(op, target)
    top, _, left, _ = ints_of(op.padding)
    bounds = clamp if source == target else WHOLE_RANGE
    pool = own.QuantizedMaxPool2dOp(
        [b.value(op.input)], int16_tensor(shape_of(op.output)), _window(op, (top, left), bounds)
    )
    value = own_call(b, pool)
    return value if source == target else requantize(b, value, source, target, clamp)


def _window(
    op: AvgPool2dOp | MaxPool2dOp, padding: tuple[int, int], clamp: tuple[int, int]
) -> Properties:
    low, high = clamp
    return {
        "kernel_size": ints_of(op.kernel_size),
        "stride": ints_of(op.stride),
        "padding": padding,
        "activation_min": low,
        "activation_max": high,
    }
