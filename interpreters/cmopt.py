"""What each `cmopt` op computes: its kernel, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
from xdsl.interpreter import Interpreter, InterpreterFunctions, PythonValues, impl, register_impls
from xdsl.ir import Operation

from cmopt.arithmetic.interpolated_tables import interpolate
from cmopt.dialects import cmopt as own
from cmopt.dialects.arrays import numpy_dtype
from cmopt.dialects.packed_weights import unpack
from cmopt.dialects.shapes import element_of, int_of, ints_of, numel, shape_of
from cmopt.interpreters import cmsis_nn
from cmopt.interpreters import wide_kernels as kernels
from cmopt.interpreters.lstm import lstm_s8
from cmopt.interpreters.norms import layer_norm


def _numbers(op: Operation, *names: str) -> dict[str, int]:
    return {name: int_of(op.properties[name]) for name in names}


def _pair(list: Any) -> tuple[int, int]:
    first, second = ints_of(list)
    return first, second


def _window(op: Any) -> dict[str, Any]:
    return {
        "stride": ints_of(op.stride),
        "padding": ints_of(op.padding),
        "output_hw": shape_of(op.output)[1:3],
        **_numbers(op, "activation_min", "activation_max"),
    }


@register_impls
class CmoptFunctions(InterpreterFunctions):
    """Values are row-major numpy arrays."""

    @impl(own.QuantizedConv2dOp)
    def conv2d(
        self, interpreter: Interpreter, op: own.QuantizedConv2dOp, args: PythonValues
    ) -> PythonValues:
        input, weight, bias, multipliers, shifts, _ = args
        common = {"multipliers": multipliers, "shifts": shifts, "dilation": ints_of(op.dilation)}
        return (kernels.convolve_s16(input, weight, bias, **common, **_window(op)),)

    @impl(own.QuantizedDepthwiseConv2dOp)
    def depthwise_conv2d(
        self, interpreter: Interpreter, op: own.QuantizedDepthwiseConv2dOp, args: PythonValues
    ) -> PythonValues:
        input, weight, bias, multipliers, shifts, _ = args
        common = {"multipliers": multipliers, "shifts": shifts, "dilation": ints_of(op.dilation)}
        multiplier = int_of(op.depth_multiplier)
        result = kernels.depthwise_conv_s16(
            input, weight, bias, depth_multiplier=multiplier, **common, **_window(op)
        )
        return (result,)

    @impl(own.QuantizedBatchMatmulOp)
    def batch_matmul(
        self, interpreter: Interpreter, op: own.QuantizedBatchMatmulOp, args: PythonValues
    ) -> PythonValues:
        scale = {"multiplier": int_of(op.output_multiplier), "shift": int_of(op.output_shift)}
        return (kernels.batch_matmul_s16(args[0], args[1], **scale),)

    @impl(own.QuantizedAddOp)
    def add(
        self, interpreter: Interpreter, op: own.QuantizedAddOp, args: PythonValues
    ) -> PythonValues:
        numbers = _numbers(
            op, "self_multiplier", "self_shift", "other_multiplier", "other_shift",
            "output_multiplier", "output_shift", "activation_min", "activation_max",
        )  # fmt: skip
        shift = own.WIDE_ADD_LEFT_SHIFT
        return (kernels.elementwise_add_s16(args[0], args[1], left_shift=shift, **numbers),)

    @impl(own.QuantizedMulOp)
    def mul(
        self, interpreter: Interpreter, op: own.QuantizedMulOp, args: PythonValues
    ) -> PythonValues:
        numbers = _numbers(
            op, "output_multiplier", "output_shift", "activation_min", "activation_max"
        )
        return (kernels.elementwise_mul_s16(args[0], args[1], **numbers),)

    @impl(own.QuantizedHypotOp)
    def hypot(
        self, interpreter: Interpreter, op: own.QuantizedHypotOp, args: PythonValues
    ) -> PythonValues:
        scale = {"multiplier": int_of(op.output_multiplier), "shift": int_of(op.output_shift)}
        return (kernels.hypot_s16(args[0], args[1], **scale),)

    @impl(own.QuantizedAvgPool2dOp)
    def avg_pool2d(
        self, interpreter: Interpreter, op: own.QuantizedAvgPool2dOp, args: PythonValues
    ) -> PythonValues:
        return (kernels.avgpool_s16(args[0], kernel=_pair(op.kernel_size), **_window(op)),)

    @impl(own.QuantizedMaxPool2dOp)
    def max_pool2d(
        self, interpreter: Interpreter, op: own.QuantizedMaxPool2dOp, args: PythonValues
    ) -> PythonValues:
        return (kernels.max_pool_s16(args[0], kernel=_pair(op.kernel_size), **_window(op)),)

    @impl(own.SoftmaxOp)
    def softmax(
        self, interpreter: Interpreter, op: own.SoftmaxOp, args: PythonValues
    ) -> PythonValues:
        scale = {"multiplier": int_of(op.input_multiplier), "shift": int_of(op.input_shift)}
        return (kernels.softmax_s16(args[0], args[1], **scale),)

    @impl(own.LookupOp)
    def lookup(
        self, interpreter: Interpreter, op: own.LookupOp, args: PythonValues
    ) -> PythonValues:
        return (interpolate(args[1], args[0]),)

    @impl(own.LayerNormOp)
    def layer_norm(
        self, interpreter: Interpreter, op: own.LayerNormOp, args: PythonValues
    ) -> PythonValues:
        numbers = _numbers(
            op, "row", "input_zero_point", "epsilon_multiplier", "epsilon_shift", "fraction_bits",
            "activation_min", "activation_max",
        )  # fmt: skip
        centered, dtype = bool(int_of(op.centered)), numpy_dtype(element_of(op.output))
        input, weight, bias = args
        return (layer_norm(input, weight, bias, centered=centered, dtype=dtype, **numbers),)

    @impl(own.LstmOp)
    def lstm(self, interpreter: Interpreter, op: own.LstmOp, args: PythonValues) -> PythonValues:
        return lstm_s8(op, *args[:-1])

    @impl(own.PackedConv2dOp)
    def packed_conv2d(
        self, interpreter: Interpreter, op: own.PackedConv2dOp, args: PythonValues
    ) -> PythonValues:
        input, weight, sums, multipliers, shifts, _ = args
        filters = unpack(weight, numel(op.weight_shape)).reshape(op.weight_shape)
        weights = filters.sum(axis=(1, 2, 3), dtype=np.int32)
        bias = sums - np.int32(int_of(op.input_offset)) * weights
        common: dict[str, Any] = {
            "multipliers": multipliers,
            "shifts": shifts,
            "dilation": ints_of(op.dilation),
            **_numbers(op, "input_offset", "output_offset"),
        }
        return (cmsis_nn.convolve_s8(input, filters, bias, **common, **_window(op)),)

    @impl(own.RequantizeOp)
    def requantize(
        self, interpreter: Interpreter, op: own.RequantizeOp, args: PythonValues
    ) -> PythonValues:
        numbers = _numbers(
            op, "input_zero_point", "multiplier", "shift", "output_zero_point",
            "activation_min", "activation_max",
        )  # fmt: skip
        dtype = numpy_dtype(element_of(op.output))
        return (kernels.requantize_stored(args[0], dtype, **numbers),)
