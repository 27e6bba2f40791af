"""What each `cortex_m` op computes: its CMSIS-NN kernel, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
from xdsl.interpreter import Interpreter, InterpreterFunctions, PythonValues, impl, register_impls
from xdsl.ir import Operation

from cmopt.dialects import cortex_m as cm
from cmopt.dialects.arrays import Array, numpy_dtype
from cmopt.dialects.shapes import element_of, int_of, ints_of, numel, shape_of
from cmopt.interpreters import cmsis_nn


def _numbers(op: Operation, *names: str) -> dict[str, Any]:
    """Integer properties by name."""
    return {name: int_of(op.properties[name]) for name in names}


def _convolution(op: Any, weight: Array, bias: Array | None, requantize: Any) -> dict[str, Any]:
    """Keyword arguments that all three convolutions share."""
    multipliers, shifts = requantize
    return {
        "filter": weight,
        "bias": bias,
        "stride": ints_of(op.stride),
        "padding": ints_of(op.padding),
        "dilation": ints_of(op.dilation),
        "multipliers": multipliers,
        "shifts": shifts,
        "output_hw": shape_of(op.output)[1:3],
        **_numbers(op, "input_offset", "output_offset", "activation_min", "activation_max"),
    }


@register_impls
class CortexMFunctions(InterpreterFunctions):
    """Values are row-major numpy arrays. Scratch holds garbage, on which no kernel may depend."""

    @impl(cm.QuantizePerTensorOp)
    def quantize_per_tensor(
        self, interpreter: Interpreter, op: cm.QuantizePerTensorOp, args: PythonValues
    ) -> PythonValues:
        limits = (int_of(op.quant_min), int_of(op.quant_max))
        dtype = numpy_dtype(op.output.type.element_type)
        scale, zero = op.scale.value.data, int_of(op.zero_point)
        return (cmsis_nn.quantize(args[0], scale, zero, *limits, dtype),)

    @impl(cm.DequantizePerTensorOp)
    def dequantize_per_tensor(
        self, interpreter: Interpreter, op: cm.DequantizePerTensorOp, args: PythonValues
    ) -> PythonValues:
        return (cmsis_nn.dequantize(args[0], op.scale.value.data, int_of(op.zero_point)),)

    @impl(cm.QuantizedAddOp)
    def quantized_add(
        self, interpreter: Interpreter, op: cm.QuantizedAddOp, args: PythonValues
    ) -> PythonValues:
        result = cmsis_nn.elementwise_add_s8(
            *args,
            self_offset=-int_of(op.self_zero_point),
            other_offset=-int_of(op.other_zero_point),
            output_offset=int_of(op.output_zero_point),
            left_shift=cm.ADD_LEFT_SHIFT,
            **_numbers(
                op, "self_multiplier", "self_shift", "other_multiplier", "other_shift",
                "output_multiplier", "output_shift", "activation_min", "activation_max",
            ),
        )  # fmt: skip
        return (result,)

    @impl(cm.QuantizedMulOp)
    def quantized_mul(
        self, interpreter: Interpreter, op: cm.QuantizedMulOp, args: PythonValues
    ) -> PythonValues:
        result = cmsis_nn.elementwise_mul_s8(
            *args,
            self_offset=-int_of(op.self_zero_point),
            other_offset=-int_of(op.other_zero_point),
            output_offset=int_of(op.output_zero_point),
            activation_min=-128,
            activation_max=127,
            **_numbers(op, "output_multiplier", "output_shift"),
        )
        return (result,)

    @impl(cm.QuantizedDivOp)
    def quantized_div(
        self, interpreter: Interpreter, op: cm.QuantizedDivOp, args: PythonValues
    ) -> PythonValues:
        result = cmsis_nn.div(
            *args,
            output_scale=op.output_scale.value.data,
            **_numbers(op, "self_zero_point", "other_zero_point", "output_zero_point"),
        )
        return (result,)

    @impl(cm.ShiftOp)
    def shift(self, interpreter: Interpreter, op: cm.ShiftOp, args: PythonValues) -> PythonValues:
        buffer, *parts = (np.reshape(value, -1) for value in args)
        moved = np.concatenate([buffer[op.step :], *parts])
        return (moved.reshape(shape_of(op.output)),)

    @impl(cm.MinimumOp)
    def minimum(
        self, interpreter: Interpreter, op: cm.MinimumOp, args: PythonValues
    ) -> PythonValues:
        return (cmsis_nn.minimum(*args),)

    @impl(cm.MaximumOp)
    def maximum(
        self, interpreter: Interpreter, op: cm.MaximumOp, args: PythonValues
    ) -> PythonValues:
        return (cmsis_nn.maximum(*args),)

    @impl(cm.QuantizedActivationOp)
    def quantized_activation(
        self, interpreter: Interpreter, op: cm.QuantizedActivationOp, args: PythonValues
    ) -> PythonValues:
        return (cmsis_nn.lookup_s8(*args),)

    @impl(cm.QuantizedConv2dOp)
    def quantized_conv2d(
        self, interpreter: Interpreter, op: cm.QuantizedConv2dOp, args: PythonValues
    ) -> PythonValues:
        input, weight, *bias, multipliers, shifts, _ = args
        common = _convolution(op, weight, bias[0] if bias else None, (multipliers, shifts))
        return (cmsis_nn.convolve_s8(input, **common),)

    @impl(cm.QuantizedDepthwiseConv2dOp)
    def quantized_depthwise_conv2d(
        self, interpreter: Interpreter, op: cm.QuantizedDepthwiseConv2dOp, args: PythonValues
    ) -> PythonValues:
        input, weight, *bias, multipliers, shifts, _ = args
        common = _convolution(op, weight, bias[0] if bias else None, (multipliers, shifts))
        multiplier = int_of(op.depth_multiplier)
        return (cmsis_nn.depthwise_conv_s8(input, depth_multiplier=multiplier, **common),)

    @impl(cm.QuantizedTransposeConv2dOp)
    def quantized_transpose_conv2d(
        self, interpreter: Interpreter, op: cm.QuantizedTransposeConv2dOp, args: PythonValues
    ) -> PythonValues:
        input, weight, *bias, multipliers, shifts, _, _ = args
        common = _convolution(op, weight, bias[0] if bias else None, (multipliers, shifts))
        common["output_padding"] = ints_of(op.output_padding)
        return (cmsis_nn.transpose_conv_s8(input, **common),)

    @impl(cm.QuantizedAvgPool2dOp)
    def quantized_avg_pool2d(
        self, interpreter: Interpreter, op: cm.QuantizedAvgPool2dOp, args: PythonValues
    ) -> PythonValues:
        result = cmsis_nn.avgpool_s8(args[0], **_pool(op), activation_min=-128, activation_max=127)
        return (result,)

    @impl(cm.QuantizedMaxPool2dOp)
    def quantized_max_pool2d(
        self, interpreter: Interpreter, op: cm.QuantizedMaxPool2dOp, args: PythonValues
    ) -> PythonValues:
        clamp = _numbers(op, "activation_min", "activation_max")
        return (cmsis_nn.max_pool_s8(args[0], **_pool(op), **clamp),)

    @impl(cm.QuantizedLinearOp)
    def quantized_linear(
        self, interpreter: Interpreter, op: cm.QuantizedLinearOp, args: PythonValues
    ) -> PythonValues:
        input, weights, *rest = args
        offset = int_of(op.input_offset)
        bias = rest[0] if rest else None
        if op.kernel_sum is not None:
            bias = (rest[-1] - offset * weights.astype(np.int64).sum(axis=1)).astype(np.int32)
        result = cmsis_nn.fully_connected_s8(
            input,
            weights,
            bias,
            multiplier=ints_of(op.requantize_multipliers)[0],
            shift=ints_of(op.requantize_shifts)[0],
            **_numbers(
                op, "input_offset", "filter_offset", "output_offset",
                "activation_min", "activation_max",
            ),
        )  # fmt: skip
        return (result,)

    @impl(cm.QuantizedBatchMatmulOp)
    def quantized_batch_matmul(
        self, interpreter: Interpreter, op: cm.QuantizedBatchMatmulOp, args: PythonValues
    ) -> PythonValues:
        result = cmsis_nn.batch_matmul_s8(
            args[0],
            args[1],
            lhs_offset=int_of(op.lhs_zero_point),
            rhs_offset=int_of(op.rhs_zero_point),
            output_offset=int_of(op.output_zero_point),
            multiplier=int_of(op.output_multiplier),
            shift=int_of(op.output_shift),
            activation_min=-128,
            activation_max=127,
        )
        return (result,)

    @impl(cm.SoftmaxOp)
    def softmax(
        self, interpreter: Interpreter, op: cm.SoftmaxOp, args: PythonValues
    ) -> PythonValues:
        scale = {"multiplier": int_of(op.input_multiplier), "shift": int_of(op.input_shift)}
        return (cmsis_nn.softmax_s8(args[0], diff_min=int_of(op.diff_min), **scale),)

    @impl(cm.TransposeOp)
    def transpose(
        self, interpreter: Interpreter, op: cm.TransposeOp, args: PythonValues
    ) -> PythonValues:
        return (cmsis_nn.transpose(args[0], ints_of(op.perm)),)

    @impl(cm.PadOp)
    def pad(self, interpreter: Interpreter, op: cm.PadOp, args: PythonValues) -> PythonValues:
        rank = args[0].ndim
        pre, post = ints_of(op.pre_pad)[4 - rank :], ints_of(op.post_pad)[4 - rank :]
        return (cmsis_nn.pad_s8(args[0], pre, post, int_of(op.pad_value)),)

    @impl(cm.ScratchOp)
    def scratch(
        self, interpreter: Interpreter, op: cm.ScratchOp, args: PythonValues
    ) -> PythonValues:
        type = op.output.type
        return (np.full(type.get_shape(), 0x5A, numpy_dtype(type.element_type)),)

    @impl(cm.SubviewOp)
    def subview(
        self, interpreter: Interpreter, op: cm.SubviewOp, args: PythonValues
    ) -> PythonValues:
        shape, start = shape_of(op.output), int_of(op.offset)
        return (args[0].reshape(-1)[start : start + numel(shape)].reshape(shape),)

    @impl(cm.JoinOp)
    def join(self, interpreter: Interpreter, op: cm.JoinOp, args: PythonValues) -> PythonValues:
        flat = np.concatenate([value.reshape(-1) for value in args])
        return (flat.reshape(shape_of(op.output)),)

    @impl(cm.ViewOp)
    def view(self, interpreter: Interpreter, op: cm.ViewOp, args: PythonValues) -> PythonValues:
        dtype = numpy_dtype(element_of(op.output))
        return (np.ascontiguousarray(args[0]).view(dtype).reshape(shape_of(op.output)),)


def _pool(op: cm.QuantizedAvgPool2dOp | cm.QuantizedMaxPool2dOp) -> dict[str, Any]:
    """Keyword arguments that both pools share."""
    return {
        "kernel": ints_of(op.kernel_size),
        "stride": ints_of(op.stride),
        "padding": ints_of(op.padding),
        "output_hw": shape_of(op.output)[1:3],
    }
