"""Convolution kernels. Activations are [N,H,W,C], int8; padding is (top, left).

The kernel reads the input's zero point below and to the right of the input, as far as the output's
height and width need it. So padding on those sides needs no property. `scratch` is working memory
of the size that CMSIS-NN asks for on the target's ISA.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, IntegerType, TensorType
from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, prop_def, result_def

from cmopt.dialects.cortex_m.base import KernelOp, View
from cmopt.dialects.cortex_m.limits import (
    DEPTHWISE_BLOCK,
    LONGEST_STEP,
    convolution_limit,
    transposed_convolution_limit,
)
from cmopt.dialects.shapes import element_of, int_of, ints_of, shape_of

_NHWC = {"input": View.CHANNELS_LAST, "output": View.CHANNELS_LAST}


def verify_window(op: Any, kernel: tuple[int, int]) -> None:
    """Check that the window of each output position of a convolution overlaps the input.

    Raises VerifyException. op: has NHWC `input` and `output`, and `stride`, `padding`, `dilation`.
    """
    n, h, w, _ = shape_of(op.input)
    out_n, oh, ow, _ = shape_of(op.output)
    if out_n != n:
        raise op.error(f"output batch {out_n} differs from input batch {n}")
    for axis, size, out, k in (("height", h, oh, kernel[0]), ("width", w, ow, kernel[1])):
        i = 0 if axis == "height" else 1
        stride, pad = ints_of(op.stride)[i], ints_of(op.padding)[i]
        dilation = ints_of(op.dilation)[i]
        last = (out - 1) * stride - pad
        if out < 1 or last >= size or pad > dilation * (k - 1):
            raise op.error(
                f"output {axis} {out} does not fit input {size}, kernel {k}, stride {stride}, "
                f"padding {pad}, dilation {dilation}"
            )


def verify_pairs(op: Any) -> None:
    """Check the stride, the padding and the dilation of a convolution: two numbers each."""
    for name, minimum in (("stride", 1), ("padding", 0), ("dilation", 1)):
        values = ints_of(getattr(op, name))
        if len(values) != 2 or min(values) < minimum:
            raise op.error(f"{name} must be two integers ≥ {minimum}, got {list(values)}")
        if max(values) > LONGEST_STEP:
            raise op.error(f"{name} is {LONGEST_STEP} at most, got {list(values)}")


class _ConvolutionOp(KernelOp):
    """Input, weight, bias, per-channel requantization, clamp."""

    input = operand_def(TensorType)
    weight = operand_def(TensorType)
    bias = opt_operand_def(TensorType)
    requantize_multipliers = operand_def(TensorType)
    requantize_shifts = operand_def(TensorType)
    scratch = operand_def(TensorType)
    stride = prop_def(DenseArrayBase)
    padding = prop_def(DenseArrayBase)
    dilation = prop_def(DenseArrayBase)
    input_offset = prop_def(IntegerAttr)
    output_offset = prop_def(IntegerAttr)
    activation_min = prop_def(IntegerAttr)
    activation_max = prop_def(IntegerAttr)
    output = result_def(TensorType)

    VIEWS: ClassVar[Mapping[str, View]] = _NHWC
    assembly_format: ClassVar[str] = (
        "$input `,` $weight (`bias` $bias^)? "
        "`requantize` $requantize_multipliers `,` $requantize_shifts `scratch` $scratch "
        "attr-dict `:` functional-type(operands, results)"
    )

    def _verify_common(self, channels_out: int) -> None:
        self.require_int8("input", "weight", "output", "scratch")
        self.require_rank(4, "input", "weight", "output")
        self.require_rank(1, "scratch")
        self.require_activation()
        self.require_range(-127, 128, "input_offset")
        self.require_range(-128, 127, "output_offset")
        for name in ("requantize_multipliers", "requantize_shifts", "bias"):
            value = getattr(self, name)
            if value is None:
                continue
            if element_of(value) != IntegerType(32):
                raise self.error(f"{name} must be a tensor of i32, got {value.type}")
            self.require_shape(name, (channels_out,))
        self.require_multipliers("requantize_multipliers")
        self.require_shifts("requantize_shifts")
        verify_pairs(self)

    def _verify_limits(self, *, depthwise: bool) -> None:
        """Check the sizes against the kernel's counters."""
        input, weight, output = (shape_of(v) for v in (self.input, self.weight, self.output))
        reason = convolution_limit(
            input, weight, output, ints_of(self.padding), ints_of(self.dilation),
            depthwise=depthwise,
        )  # fmt: skip
        if reason is not None:
            raise self.error(reason)


@irdl_op_definition
class QuantizedConv2dOp(_ConvolutionOp):
    """`arm_convolve_wrapper_s8`; weight [O,KH,KW,C/groups]: its last dimension gives the groups."""

    name = "cortex_m.quantized_conv2d"

    def verify_(self) -> None:
        self.require_rank(4, "input", "weight", "output")
        out, kh, kw, in_group = shape_of(self.weight)
        channels = shape_of(self.input)[3]
        self._verify_common(out)
        if not 1 <= in_group <= channels or channels % in_group or out % (channels // in_group):
            raise self.error(
                f"weight {list(shape_of(self.weight))} does not fit {channels} input channels"
            )
        if channels != in_group and self.bias is None:
            raise self.error("a grouped convolution needs a bias: CMSIS-NN offsets its pointer")
        if shape_of(self.output)[3] != out:
            raise self.error(f"output must have {out} channels, got {self.output.type}")
        verify_window(self, (kh, kw))
        self._verify_limits(depthwise=False)


@irdl_op_definition
class QuantizedDepthwiseConv2dOp(_ConvolutionOp):
    """`arm_depthwise_conv_wrapper_s8`; weight [1,KH,KW,C·depth_multiplier]; batch 1 only."""

    name = "cortex_m.quantized_depthwise_conv2d"

    depth_multiplier = prop_def(IntegerAttr)

    def verify_(self) -> None:
        self.require_rank(4, "input", "weight", "output")
        one, kh, kw, out = shape_of(self.weight)
        n, _, _, channels = shape_of(self.input)
        self._verify_common(out)
        if one != 1 or out != channels * int_of(self.depth_multiplier):
            raise self.error(
                f"weight {list(shape_of(self.weight))} should be "
                f"[1, KH, KW, {channels * int_of(self.depth_multiplier)}]"
            )
        if n != 1:
            raise self.error(f"the kernel takes batch 1 only, got {n}")
        if channels > DEPTHWISE_BLOCK and self.bias is None:
            raise self.error(
                f"a depthwise convolution of more than {DEPTHWISE_BLOCK} channels needs a bias: "
                "CMSIS-NN offsets its pointer"
            )
        if shape_of(self.output)[3] != out:
            raise self.error(f"output must have {out} channels, got {self.output.type}")
        verify_window(self, (kh, kw))
        self._verify_limits(depthwise=True)


@irdl_op_definition
class QuantizedTransposeConv2dOp(_ConvolutionOp):
    """`arm_transpose_conv_wrapper_s8`; weight [O,KH,KW,C].

    The verifier rejects the shapes that CMSIS-NN computes wrongly (`limits.py`).
    """

    name = "cortex_m.quantized_transpose_conv2d"

    # Defined again, so that output_scratch comes last: operands have the order of definition.
    input = operand_def(TensorType)
    weight = operand_def(TensorType)
    bias = opt_operand_def(TensorType)
    requantize_multipliers = operand_def(TensorType)
    requantize_shifts = operand_def(TensorType)
    scratch = operand_def(TensorType)
    output_scratch = operand_def(TensorType)
    output_padding = prop_def(DenseArrayBase)

    assembly_format = (
        "$input `,` $weight (`bias` $bias^)? "
        "`requantize` $requantize_multipliers `,` $requantize_shifts "
        "`scratch` $scratch `,` $output_scratch attr-dict `:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        self.require_rank(4, "input", "weight", "output")
        out, kh, kw, channels = shape_of(self.weight)
        n, h, w, c = shape_of(self.input)
        self._verify_common(out)
        self.require_int8("output_scratch")
        if len(ints_of(self.output_padding)) != 2 or min(ints_of(self.output_padding)) < 0:
            raise self.error(
                f"output_padding must be two integers ≥ 0, got {list(ints_of(self.output_padding))}"
            )
        if ints_of(self.dilation) != (1, 1):
            raise self.error("the kernel takes dilation 1 only")
        if c != channels:
            raise self.error(f"weight {list(shape_of(self.weight))} does not fit {c} channels")
        geometry = (ints_of(p) for p in (self.stride, self.padding, self.output_padding))
        stride, padding, more = geometry
        sizes = [
            (size - 1) * stride[i] - 2 * padding[i] + k + more[i]
            for i, (size, k) in enumerate(((h, kh), (w, kw)))
        ]
        self.require_shape("output", (n, *sizes, out))
        reason = transposed_convolution_limit(
            (n, h, w, c), shape_of(self.weight), shape_of(self.output), stride, padding, more
        )
        if reason is not None:
            raise self.error(reason)
