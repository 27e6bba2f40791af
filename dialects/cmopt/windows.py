"""Convolutions and pools of int16. Activations are [N,H,W,C]; padding is (top, left).

As in `cortex_m`, the kernels read zeros below and to the right of the input, as far as the output's
height and width need it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, IntegerType, TensorType
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def

from cmopt.dialects.cortex_m.base import KernelOp, View
from cmopt.dialects.cortex_m.convolution import verify_pairs, verify_window
from cmopt.dialects.cortex_m.limits import convolution_limit
from cmopt.dialects.cortex_m.pooling import verify_pool
from cmopt.dialects.shapes import element_of, int_of, ints_of, shape_of

_NHWC = {"input": View.CHANNELS_LAST, "output": View.CHANNELS_LAST}


class _ConvolutionOp(KernelOp):
    """Input, weight, bias, per-channel requantization, clamp."""

    input = operand_def(TensorType)
    weight = operand_def(TensorType)
    bias = operand_def(TensorType)
    requantize_multipliers = operand_def(TensorType)
    requantize_shifts = operand_def(TensorType)
    scratch = operand_def(TensorType)
    stride = prop_def(DenseArrayBase)
    padding = prop_def(DenseArrayBase)
    dilation = prop_def(DenseArrayBase)
    activation_min = prop_def(IntegerAttr)
    activation_max = prop_def(IntegerAttr)
    output = result_def(TensorType)

    VIEWS: ClassVar[Mapping[str, View]] = _NHWC
    assembly_format: ClassVar[str] = (
        "$input `,` $weight `bias` $bias "
        "`requantize` $requantize_multipliers `,` $requantize_shifts `scratch` $scratch "
        "attr-dict `:` functional-type(operands, results)"
    )

    def _verify_common(self, channels: int, *, depthwise: bool) -> None:
        self.require_integers(16, "input", "output")
        self.require_int8("scratch")
        self.require_rank(1, "scratch")
        self.require_activation(16)
        for name in ("requantize_multipliers", "requantize_shifts"):
            self.require_integers(32, name)
            self.require_shape(name, (channels,))
        self.require_multipliers("requantize_multipliers")
        self.require_shifts("requantize_shifts")
        self.require_shape("bias", (channels,))
        verify_pairs(self)
        if shape_of(self.output)[3] != channels:
            raise self.error(f"output must have {channels} channels, got {self.output.type}")
        reason = convolution_limit(
            shape_of(self.input), shape_of(self.weight), shape_of(self.output),
            ints_of(self.padding), ints_of(self.dilation), depthwise=depthwise,
        )  # fmt: skip
        if reason is not None:
            raise self.error(reason)


@irdl_op_definition
class QuantizedConv2dOp(_ConvolutionOp):
    """`arm_convolve_wrapper_s16`; weight [O,KH,KW,C] of int8, or of int16 (then no CMSIS-NN).

    An i32 bias makes sums of 32 bits, which must not overflow; they are requantized as in int8.
    An i64 bias makes sums of 64 bits, and the upper 16 bits of the multipliers are used. int16
    weights have sums of 64 bits.
    """

    name = "cmopt.quantized_conv2d"

    def verify_(self) -> None:
        self.require_rank(4, "input", "weight", "output")
        out, kh, kw, depth = shape_of(self.weight)
        if element_of(self.weight) not in (IntegerType(8), IntegerType(16)):
            raise self.error(f"weight must be a tensor of i8 or i16, got {self.weight.type}")
        if element_of(self.bias) not in (IntegerType(32), IntegerType(64)):
            raise self.error(f"bias must be a tensor of i32 or i64, got {self.bias.type}")
        if element_of(self.weight) == IntegerType(16):
            self.require_integers(64, "bias")
        if (channels := shape_of(self.input)[3]) != depth:
            raise self.error(f"weight has {depth} input channels, the input {channels}")
        self._verify_common(out, depthwise=False)
        verify_window(self, (kh, kw))


@irdl_op_definition
class QuantizedDepthwiseConv2dOp(_ConvolutionOp):
    """`arm_depthwise_conv_wrapper_s16`; weight [1,KH,KW,C·depth_multiplier]; sums of 64 bits."""

    name = "cmopt.quantized_depthwise_conv2d"

    depth_multiplier = prop_def(IntegerAttr)

    def verify_(self) -> None:
        self.require_rank(4, "input", "weight", "output")
        self.require_int8("weight")
        self.require_integers(64, "bias")
        one, kh, kw, out = shape_of(self.weight)
        n, _, _, channels = shape_of(self.input)
        if one != 1 or out != channels * int_of(self.depth_multiplier):
            expected = channels * int_of(self.depth_multiplier)
            raise self.error(
                f"weight {list(shape_of(self.weight))} should be [1, KH, KW, {expected}]"
            )
        if n != 1:
            raise self.error(f"the kernel takes batch 1 only, got {n}")
        self._verify_common(out, depthwise=True)
        verify_window(self, (kh, kw))


class _PoolOp(KernelOp):
    """Windows over height and width. The quantization stays."""

    input = operand_def(TensorType)
    kernel_size = prop_def(DenseArrayBase)
    stride = prop_def(DenseArrayBase)
    padding = prop_def(DenseArrayBase)
    activation_min = prop_def(IntegerAttr)
    activation_max = prop_def(IntegerAttr)
    output = result_def(TensorType)

    VIEWS: ClassVar[Mapping[str, View]] = _NHWC
    assembly_format: ClassVar[str] = "$input attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        self.require_integers(16, "input", "output")
        verify_pool(self)
        self.require_activation(16)


@irdl_op_definition
class QuantizedAvgPool2dOp(_PoolOp):
    """`arm_avgpool_s16`: divides by the number of positions inside the input, ties away from 0."""

    name = "cmopt.quantized_avg_pool2d"

    input = operand_def(TensorType)  # before scratch: operands have the order of definition
    scratch = operand_def(TensorType)

    assembly_format = "$input `scratch` $scratch attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        super().verify_()
        self.require_int8("scratch")


@irdl_op_definition
class QuantizedMaxPool2dOp(_PoolOp):
    """`arm_max_pool_s16`."""

    name = "cmopt.quantized_max_pool2d"
