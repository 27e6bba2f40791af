"""The C of int8 convolutions and pools: each op as its call of the CMSIS-NN C API.

`cmopt.packed_conv2d` is a call of `kernels/packed` with the same arguments.
"""

from __future__ import annotations

from typing import Any

from xdsl.ir import SSAValue

from cmopt.codegen.c.step import (
    Rules,
    Step,
    activation,
    bounds,
    tile,
)
from cmopt.codegen.c.text import fields
from cmopt.dialects import cmopt as own
from cmopt.dialects import cortex_m as cm
from cmopt.dialects.shapes import int_of, ints_of, shape_of

WINDOWS = Rules()
"""By op."""

# --- Convolution ----------------------------------------------------------------------------------


def _convolution_params(op: Any, **more: str | int) -> str:
    """The initializer of a convolution's parameters. more: what only one kind has."""
    return fields(
        input_offset=int_of(op.input_offset),
        output_offset=int_of(op.output_offset),
        **more,
        stride=tile(op.stride),
        padding=tile(op.padding),
        dilation=tile(op.dilation),
        activation=bounds(op),
    )


def _convolution(function: str, kind: str, op: Any, step: Step, **more: str | int) -> None:
    """A call of a function for convolutions, with parameters of the struct `kind`."""
    contexts = [step.scratch(op.scratch)]
    params = step.declare(kind, "params", _convolution_params(op, **more))
    multipliers = step.pointer(op.requantize_multipliers, "multipliers")
    shifts = step.pointer(op.requantize_shifts, "shifts")
    step.lines.append(
        "const cmsis_nn_per_channel_quant_params quant = "
        f"{{(int32_t *){multipliers}, (int32_t *){shifts}}};"
    )
    is_packed = isinstance(op, own.PackedConv2dOp)
    weight = op.weight_shape if is_packed else shape_of(op.weight)
    bias = step.pointer(op.sums, "sums") if is_packed else step.pointer(op.bias, "bias")
    output = shape_of(op.output)
    input_dims = step.dims("input_dims", shape_of(op.input))
    filter_dims = step.dims("filter_dims", weight)
    bias_dims = step.dims("bias_dims", (1, 1, 1, output[3]))
    output_dims = step.dims("output_dims", output)
    if isinstance(op, cm.QuantizedTransposeConv2dOp):
        contexts.append(step.scratch(op.output_scratch, "output_scratch"))
        size = "arm_transpose_conv_s8_get"
        step.check(f"{size}_buffer_size({params}, {input_dims}, {filter_dims}, {output_dims})")
        reversed = f"{size}_reverse_conv_buffer_size({params}, {input_dims}, {filter_dims})"
        step.check(reversed, "output_scratch")
    else:
        arguments = ", ".join((params, input_dims, filter_dims, output_dims))
        step.check(f"{function}_get_buffer_size({arguments})")
    step.call(
        function,
        *contexts,
        params,
        "&quant",
        input_dims,
        step.pointer(op.input, "input"),
        filter_dims,
        step.pointer(op.weight, "weight"),
        bias_dims,
        bias,
        output_dims,
        step.pointer(op.output),
    )


@WINDOWS.of(cm.QuantizedConv2dOp)
def _conv2d(op: cm.QuantizedConv2dOp, step: Step) -> None:
    _convolution("arm_convolve_wrapper_s8", "cmsis_nn_conv_params", op, step)


@WINDOWS.of(own.PackedConv2dOp)
def _packed_conv2d(op: own.PackedConv2dOp, step: Step) -> None:
    _convolution("cmopt_convolve_s4", "cmsis_nn_conv_params", op, step)


@WINDOWS.of(cm.QuantizedDepthwiseConv2dOp)
def _depthwise(op: cm.QuantizedDepthwiseConv2dOp, step: Step) -> None:
    name, kind = "arm_depthwise_conv_wrapper_s8", "cmsis_nn_dw_conv_params"
    _convolution(name, kind, op, step, ch_mult=int_of(op.depth_multiplier))


@WINDOWS.of(cm.QuantizedTransposeConv2dOp)
def _transpose_conv2d(op: cm.QuantizedTransposeConv2dOp, step: Step) -> None:
    name, kind = "arm_transpose_conv_wrapper_s8", "cmsis_nn_transpose_conv_params"
    _convolution(name, kind, op, step, padding_offsets=tile(op.output_padding))


# --- Pooling --------------------------------------------------------------------------------------


def _pool(function: str, op: Any, step: Step, scratch: SSAValue | None, activation: str,
          needed: str | None = None) -> None:  # fmt: skip
    params = fields(stride=tile(op.stride), padding=tile(op.padding), activation=activation)
    context = step.scratch(scratch)
    if needed is not None:
        step.check(needed)
    step.call(
        function,
        context,
        step.declare("cmsis_nn_pool_params", "params", params),
        step.dims("input_dims", shape_of(op.input)),
        step.pointer(op.input, "input"),
        step.dims("filter_dims", (1, *ints_of(op.kernel_size), 1)),
        step.dims("output_dims", shape_of(op.output)),
        step.pointer(op.output),
    )


@WINDOWS.of(cm.QuantizedAvgPool2dOp)
def _avg_pool(op: cm.QuantizedAvgPool2dOp, step: Step) -> None:
    width, channels = shape_of(op.output)[2:]
    needed = f"arm_avgpool_s8_get_buffer_size({width}, {channels})"
    _pool("arm_avgpool_s8", op, step, op.scratch, activation(), needed)


@WINDOWS.of(cm.QuantizedMaxPool2dOp)
def _max_pool(op: cm.QuantizedMaxPool2dOp, step: Step) -> None:
    _pool("arm_max_pool_s8", op, step, None, bounds(op))
