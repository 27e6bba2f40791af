"""The C of `cmopt` ops, except recurrent ones: calls of the CMSIS-NN C API and of tensor_ops."""

from __future__ import annotations

from typing import Any

from cmopt.codegen.c.step import (
    Rules,
    Step,
    activation,
    bounds,
    count,
    numbers,
    right_aligned,
    suffix,
    tile,
)
from cmopt.codegen.c.text import fields
from cmopt.dialects import cmopt as own
from cmopt.dialects.arrays import numpy_dtype
from cmopt.dialects.constants import is_constant
from cmopt.dialects.shapes import element_of, int_of, ints_of, shape_of
from cmopt.support.diagnostics import CompileError

WIDE = Rules()
"""By op."""

_OFFSET = "0"
"""int16 values have no zero points."""

# --- Convolution ----------------------------------------------------------------------------------


def _convolution(op: Any, step: Step, name: str, kind: str, bias: str, **more: int) -> None:
    params = fields(
        input_offset=0,
        output_offset=0,
        **more,
        stride=tile(op.stride),
        padding=tile(op.padding),
        dilation=tile(op.dilation),
        activation=bounds(op),
    )
    context = step.scratch(op.scratch)
    address = step.declare(kind, "params", params)
    multipliers = step.pointer(op.requantize_multipliers, "multipliers")
    shifts = step.pointer(op.requantize_shifts, "shifts")
    step.lines.append(
        "const cmsis_nn_per_channel_quant_params quant = "
        f"{{(int32_t *){multipliers}, (int32_t *){shifts}}};"
    )
    output = shape_of(op.output)
    input_dims = step.dims("input_dims", shape_of(op.input))
    filter_dims = step.dims("filter_dims", shape_of(op.weight))
    bias_dims = step.dims("bias_dims", (1, 1, 1, output[3]))
    output_dims = step.dims("output_dims", output)
    sizes = ", ".join((address, input_dims, filter_dims, output_dims))
    step.check(f"arm_{name}_wrapper_s16_get_buffer_size({sizes})")
    step.call(
        f"arm_{name}_wrapper_s16",
        context,
        address,
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


@WIDE.of(own.QuantizedConv2dOp)
def _conv2d(op: own.QuantizedConv2dOp, step: Step) -> None:
    if suffix(op.weight) == "s16":
        _conv2d_with_wide_weights(op, step)
        return
    is_short = "true" if numpy_dtype(element_of(op.bias)).itemsize == 4 else "false"
    data = step.pointer(op.bias, "bias")
    bias = step.declare("cmsis_nn_bias_data", "sums", f"{{{data}, {is_short}}}")
    _convolution(op, step, "convolve", "cmsis_nn_conv_params", bias)


def _conv2d_with_wide_weights(op: own.QuantizedConv2dOp, step: Step) -> None:
    images, input_h, input_w, input_c = shape_of(op.input)
    _, output_h, output_w, output_c = shape_of(op.output)
    _, kernel_h, kernel_w, _ = shape_of(op.weight)
    pairs = {
        f"{name}_{axis}": value
        for name in ("stride", "padding", "dilation")
        for axis, value in zip("hw", ints_of(op.properties[name]), strict=True)
    }
    convolution = fields(
        images=images, input_h=input_h, input_w=input_w, input_c=input_c,
        kernel_h=kernel_h, kernel_w=kernel_w,
        output_h=output_h, output_w=output_w, output_c=output_c, **pairs,
        minimum=int_of(op.activation_min), maximum=int_of(op.activation_max),
    )  # fmt: skip
    step.call_without_result(
        "cmopt_convolve_s16_s16",
        step.pointer(op.input, "input"),
        step.pointer(op.weight, "weight"),
        step.pointer(op.bias, "bias"),
        step.pointer(op.requantize_multipliers, "multipliers"),
        step.pointer(op.requantize_shifts, "shifts"),
        step.declare("cmopt_convolution_s16", "convolution", convolution),
        step.pointer(op.output),
    )


@WIDE.of(own.QuantizedDepthwiseConv2dOp)
def _depthwise(op: own.QuantizedDepthwiseConv2dOp, step: Step) -> None:
    bias, multiplier = step.pointer(op.bias, "bias"), int_of(op.depth_multiplier)
    kind = "cmsis_nn_dw_conv_params"
    _convolution(op, step, "depthwise_conv", kind, bias, ch_mult=multiplier)


# --- Pooling --------------------------------------------------------------------------------------


def _pool(function: str, op: Any, step: Step, context: str) -> None:
    params = fields(stride=tile(op.stride), padding=tile(op.padding), activation=bounds(op))
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


@WIDE.of(own.QuantizedAvgPool2dOp)
def _avg_pool(op: own.QuantizedAvgPool2dOp, step: Step) -> None:
    width, channels = shape_of(op.output)[2:]
    context = step.scratch(op.scratch)
    step.check(f"arm_avgpool_s16_get_buffer_size({width}, {channels})")
    _pool("arm_avgpool_s16", op, step, context)


@WIDE.of(own.QuantizedMaxPool2dOp)
def _max_pool(op: own.QuantizedMaxPool2dOp, step: Step) -> None:
    _pool("arm_max_pool_s16", op, step, step.scratch(None))


# --- Matrices and rows ----------------------------------------------------------------------------


@WIDE.of(own.QuantizedBatchMatmulOp)
def _batch_matmul(op: own.QuantizedBatchMatmulOp, step: Step) -> None:
    offsets = fields(
        input_offset=0, filter_offset=0, output_offset=0, activation=activation(-32768, 32767)
    )
    params = fields(adj_x="false", adj_y="false", fc_params=offsets)
    quant = fields(multiplier=int_of(op.output_multiplier), shift=int_of(op.output_shift))
    step.call(
        "arm_batch_matmul_s16",
        step.scratch(None),
        step.declare("cmsis_nn_bmm_params", "params", params),
        step.declare("cmsis_nn_per_tensor_quant_params", "quant", quant),
        step.dims("lhs_dims", right_aligned(shape_of(op.lhs))),
        step.pointer(op.lhs, "lhs"),
        step.dims("rhs_dims", right_aligned(shape_of(op.rhs_transposed))),
        step.pointer(op.rhs_transposed, "rhs"),
        step.dims("output_dims", right_aligned(shape_of(op.output))),
        step.pointer(op.output),
    )


@WIDE.of(own.SoftmaxOp)
def _softmax(op: own.SoftmaxOp, step: Step) -> None:
    row = shape_of(op.input)[-1]
    step.call_without_result(
        "cmopt_softmax_s16",
        step.pointer(op.input, "input"),
        str(count(op.input) // row),
        str(row),
        step.pointer(op.table, "table"),
        *numbers(op, "input_multiplier", "input_shift"),
        step.pointer(op.output),
    )


@WIDE.of(own.LayerNormOp)
def _layer_norm(op: own.LayerNormOp, step: Step) -> None:
    names = ("weight", "bias")
    if not all(is_constant(getattr(op, name)) for name in names):
        raise CompileError("has no C form if its weight and bias are not constants", op=op)
    row = int_of(op.row)
    parameters = {name: step.pointer(getattr(op, name), name) for name in names}
    steps = {f"{name}_step": int(count(getattr(op, name)) > 1) for name in names}
    norm = fields(
        size=row,
        centered="true" if int_of(op.centered) else "false",
        input_zero_point=int_of(op.input_zero_point),
        epsilon_multiplier=int_of(op.epsilon_multiplier),
        epsilon_shift=int_of(op.epsilon_shift),
        **parameters,
        **steps,
        fraction_bits=int_of(op.fraction_bits),
        minimum=int_of(op.activation_min),
        maximum=int_of(op.activation_max),
    )
    step.call_without_result(
        f"cmopt_layer_norm_{suffix(op.input)}_{suffix(op.output)}",
        step.pointer(op.input, "input"),
        str(count(op.input) // row),
        step.declare("cmopt_norm", "norm", norm),
        step.pointer(op.output),
    )


# --- Elementwise ----------------------------------------------------------------------------------


@WIDE.of(own.QuantizedAddOp)
def _add(op: own.QuantizedAddOp, step: Step) -> None:
    step.call(
        "arm_elementwise_add_s16",
        step.pointer(op.input, "input"),
        step.pointer(op.other, "other"),
        _OFFSET,
        *numbers(op, "self_multiplier", "self_shift"),
        _OFFSET,
        *numbers(op, "other_multiplier", "other_shift"),
        str(own.WIDE_ADD_LEFT_SHIFT),
        step.pointer(op.output),
        _OFFSET,
        *numbers(op, "output_multiplier", "output_shift", "activation_min", "activation_max"),
        str(count(op.output)),
    )


@WIDE.of(own.QuantizedMulOp)
def _mul(op: own.QuantizedMulOp, step: Step) -> None:
    step.call(
        "arm_elementwise_mul_s16",
        step.pointer(op.input, "input"),
        step.pointer(op.other, "other"),
        _OFFSET,
        _OFFSET,
        step.pointer(op.output),
        _OFFSET,
        *numbers(op, "output_multiplier", "output_shift", "activation_min", "activation_max"),
        str(count(op.output)),
    )


@WIDE.of(own.QuantizedHypotOp)
def _hypot(op: own.QuantizedHypotOp, step: Step) -> None:
    step.call_without_result(
        "cmopt_hypot_s16",
        step.pointer(op.input, "input"),
        step.pointer(op.other, "other"),
        str(count(op.output)),
        *numbers(op, "output_multiplier", "output_shift"),
        step.pointer(op.output),
    )


@WIDE.of(own.LookupOp)
def _lookup(op: own.LookupOp, step: Step) -> None:
    is_uniform = count(op.table) == own.TABLE_LENGTHS[0]
    step.call_without_result(
        "cmopt_lookup_s16" if is_uniform else "cmopt_lookup_octaves_s16",
        step.pointer(op.input, "input"),
        str(count(op.output)),
        step.pointer(op.table, "table"),
        step.pointer(op.output),
    )


@WIDE.of(own.RequantizeOp)
def _requantize(op: own.RequantizeOp, step: Step) -> None:
    to = fields(
        input_zero_point=int_of(op.input_zero_point),
        multiplier=int_of(op.multiplier),
        shift=int_of(op.shift),
        output_zero_point=int_of(op.output_zero_point),
        minimum=int_of(op.activation_min),
        maximum=int_of(op.activation_max),
    )
    step.call_without_result(
        f"cmopt_requantize_{suffix(op.input)}_{suffix(op.output)}",
        step.pointer(op.input, "input"),
        str(count(op.output)),
        step.declare("cmopt_requantization", "to", to),
        step.pointer(op.output),
    )
