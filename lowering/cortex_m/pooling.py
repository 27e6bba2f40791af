"""edge.avg_pool2d and edge.max_pool2d (NHWC) → quantized_avg_pool2d, quantized_max_pool2d."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.ir import SSAValue

from cmopt.arithmetic.activation_ranges import activation_range
from cmopt.arithmetic.functions import activation_bounds
from cmopt.arithmetic.lookup_tables import requantization_table
from cmopt.dialects.cortex_m import (
    Properties,
    QuantizedAvgPool2dOp,
    QuantizedMaxPool2dOp,
)
from cmopt.dialects.cortex_m.limits import LONGEST_STEP
from cmopt.dialects.edge import AvgPool2dOp, MaxPool2dOp, data_format_of, spatial
from cmopt.dialects.quant import qtype_of
from cmopt.dialects.shapes import int_of, ints_of, shape_of, window_output
from cmopt.lowering.averages import average_overflow, averages_once
from cmopt.lowering.cortex_m import scratch
from cmopt.lowering.cortex_m.averages import averaged_once
from cmopt.lowering.cortex_m.builder import KernelBuilder, int8_tensor
from cmopt.lowering.cortex_m.pad_and_take import padded
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.weights import require_int8


def avg_pool2d(op: AvgPool2dOp, b: KernelBuilder) -> SSAValue:
    """edge.avg_pool2d → quantized_avg_pool2d, or a sum by ones; at most 1 step, or as stated.

    The pool kernel keeps the quantization. A pool that changes it becomes a convolution with ones
    if all windows divide by one number. Else it becomes a pool and a requantization, which round
    twice: by at most half a step of the input's type and half a step of the output's. That is
    `(1 + input scale / output scale) / 2` steps of the output, up to the next whole number.

    The pool kernel divides by the number of positions inside the input. If padding counts too,
    the input is first padded with its zero point, so that every position is inside.
    """
    require_int8(op.input, op.output)
    if averages_once(op):
        if (reason := average_overflow(op)) is not None:
            raise Unsupported(reason)
        return averaged_once(op, b)
    window = average_window(op)
    require_short_window(op)
    input = b.value(op.input)
    if any(window.border):
        input = padded(b, input, window.border, qtype_of(op.input).zero_point)
    output = shape_of(op.output)
    properties: Properties = {
        "kernel_size": ints_of(op.kernel_size),
        "stride": ints_of(op.stride),
        "padding": window.padding,
        "ceil_mode": window.ceil_mode,
        "zero_point": 0,
        "multiplier": 0,
        "shift": 0,
    }
    operands = [input, b.scratch(scratch.avg_pool2d(b.isa, output[2], output[3]))]
    value = b.add(QuantizedAvgPool2dOp(operands, int8_tensor(output), properties))
    return value if qtype_of(op.input) == qtype_of(op.output) else _requantized(op, value, b)


def max_pool2d(op: MaxPool2dOp, b: KernelBuilder) -> SSAValue:
    """edge.max_pool2d → quantized_max_pool2d; exact.

    If the type changes, a requantization follows and does the clamp, whose bound may lie between
    two steps of the input's type.
    """
    if ints_of(op.dilation) != (1, 1):
        raise Unsupported("a dilated window lies wholly in the padding")
    require_int8(op.input, op.output)
    require_short_window(op)
    keeps_type = qtype_of(op.input) == qtype_of(op.output)
    low, high = activation_range(op, qtype_of(op.output)) if keeps_type else (-128, 127)
    top, _, left, _ = ints_of(op.padding)
    zero = qtype_of(op.input).zero_point
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
    value = b.add(QuantizedMaxPool2dOp([b.value(op.input)], output, properties))
    return value if keeps_type else _requantized(op, value, b)


def _requantized(op: AvgPool2dOp | MaxPool2dOp, value: SSAValue, b: KernelBuilder) -> SSAValue:
    source, target = qtype_of(op.input), qtype_of(op.output)
    return b.lookup(value, requantization_table(source, target, activation_bounds(op)))


def require_short_window(op: AvgPool2dOp | MaxPool2dOp) -> None:
    """Raise Unsupported for a window or stride longer than the pool kernels can count."""
    if max((*ints_of(op.kernel_size), *ints_of(op.stride))) > LONGEST_STEP:
        raise Unsupported(f"a pool's window and stride are {LONGEST_STEP} long at most")


@dataclass(frozen=True)
class AverageWindow:
    """The windows of an average pool as the kernels take them."""

    border: tuple[int, int, int, int]
    """[top, bottom, left, right], added to the input before the call: padding that counts."""
    padding: tuple[int, int]
    """(top, left), the same at the other ends: padding that does not count."""
    ceil_mode: bool


def average_window(op: AvgPool2dOp) -> AverageWindow:
    """The windows of an average pool. Raises Unsupported if the kernels do not take them.

    Padding that counts is input to the kernel. It is only as wide as the windows reach: PyTorch
    drops a window that would begin in it, and the kernel would not.
    """
    format = data_format_of(op)
    sizes, counts = (spatial(shape_of(v), format)[2:] for v in (op.input, op.output))
    kernel, stride, sides = ints_of(op.kernel_size), ints_of(op.stride), ints_of(op.padding)
    border, padding = [0, 0, 0, 0], (sides[0], sides[2])
    if int_of(op.count_include_pad):
        for i in range(2):
            before, behind = sides[2 * i : 2 * i + 2]
            reach = (counts[i] - 1) * stride[i] + kernel[i] - sizes[i] - before
            border[2 * i : 2 * i + 2] = before, min(behind, max(reach, 0))
        padding = (0, 0)
    elif sides[::2] != sides[1::2]:
        raise Unsupported("the average pool kernel pads symmetrically")
    spans = [size + sum(border[2 * i : 2 * i + 2]) for i, size in enumerate(sizes)]
    if any(k > span + 2 * pad for k, span, pad in zip(kernel, spans, padding, strict=True)):
        raise Unsupported("a window is longer than its padded input; run canonicalize before")
    windows = [
        (span, k, step, 2 * pad)
        for span, k, step, pad in zip(spans, kernel, stride, padding, strict=True)
    ]
    for ceil_mode in (False, True):
        if [window_output(*each, ceil_mode=ceil_mode) for each in windows] == list(counts):
            top, bottom, left, right = border
            return AverageWindow((top, bottom, left, right), padding, ceil_mode)
    raise Unsupported("no ceil_mode gives the size of the output")
