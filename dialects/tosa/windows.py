"""The convolutions of TOSA: int8 or int16 in, an accumulator out. NHWC; `pad` is
[top, bottom, left, right]."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import BoolAttr, IntegerType, TensorType, i8, i32
from xdsl.ir import Attribute, TypeAttribute
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge.base import I64Array
from cmopt.dialects.shapes import element_of, ints_of, shape_of, verify_ints
from cmopt.dialects.tosa.base import TosaOp, verify_one

ACCUMULATORS: dict[tuple[Attribute, Attribute], Attribute] = {
    (i8, i8): i32,
    (IntegerType(16), i8): IntegerType(48),
}
"""The type of a convolution's sums, by the types of input and weight."""


class ConvolutionOp(TosaOp):
    """The base of the three convolutions: operands, zero points, one bias per output channel."""

    input = operand_def(TensorType)
    weight = operand_def(TensorType)
    bias = operand_def(TensorType)
    input_zp = operand_def(TensorType)
    weight_zp = operand_def(TensorType)
    acc_type = prop_def(TypeAttribute)
    local_bound = opt_prop_def(BoolAttr)
    output = result_def(TensorType)

    def _verify_shapes(self, axis: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Check ranks, and input channels against `axis` of the weight; return both shapes."""
        shape, weight = shape_of(self.input), shape_of(self.weight)
        if len(shape) != 4 or len(weight) != 4:
            raise VerifyException("input and weight must have rank 4")
        if weight[axis] != shape[3]:
            raise VerifyException(f"weight {list(weight)} does not fit {shape[3]} input channels")
        return shape, weight

    def infer_element(self) -> Attribute:
        return self.acc_type

    def verify_(self) -> None:
        operands = element_of(self.input), element_of(self.weight)
        if operands not in ACCUMULATORS or self.acc_type != ACCUMULATORS[operands]:
            raise VerifyException(
                f"{operands[0]} by {operands[1]} is not accumulated in {self.acc_type}"
            )
        super().verify_()
        verify_one(self.input_zp, "input_zp", operands[0])
        verify_one(self.weight_zp, "weight_zp", operands[1])
        channels = shape_of(self.output)[3]
        if shape_of(self.bias) not in ((channels,), (1,)):
            raise VerifyException(f"bias must have {channels} elements or one")
        if element_of(self.bias) != self.acc_type:
            raise VerifyException(f"bias must have the accumulator's type {self.acc_type}")


def window_shape(
    sizes: Sequence[int], kernel: Sequence[int], stride: Sequence[int], pad: Sequence[int],
    dilation: Sequence[int],
) -> list[int]:  # fmt: skip
    """Height and width of a window op's result. In TOSA, the windows must fit exactly."""
    result = []
    for size, k, s, before, after, d in zip(
        sizes, kernel, stride, pad[::2], pad[1::2], dilation, strict=True
    ):
        span = size - 1 + before + after - (k - 1) * d
        if span < 0 or span % s:
            raise VerifyException(
                f"windows of {k}, stride {s}, do not fill {size} with padding {before}, {after}"
            )
        result.append(span // s + 1)
    return result


class _WindowOp(ConvolutionOp):
    """A convolution that slides a window."""

    stride = prop_def(I64Array)
    pad = prop_def(I64Array)
    dilation = prop_def(I64Array)

    def _window(self, kernel: Sequence[int]) -> list[int]:
        stride = verify_ints("stride", self.stride, 2, 1)
        pad = verify_ints("pad", self.pad, 4, 0)
        dilation = verify_ints("dilation", self.dilation, 2, 1)
        return window_shape(shape_of(self.input)[1:3], kernel, stride, pad, dilation)


@irdl_op_definition
class Conv2DOp(_WindowOp):
    """Convolution: input [N,H,W,IC], weight [OC,KH,KW,IC], output [N,OH,OW,OC]."""

    name = "tosa.conv2d"

    def infer_shape(self) -> Sequence[int]:
        shape, weight = self._verify_shapes(3)
        return (shape[0], *self._window(weight[1:3]), weight[0])


@irdl_op_definition
class DepthwiseConv2DOp(_WindowOp):
    """A filter for each channel: weight [KH,KW,C,M], output [N,OH,OW,C·M]."""

    name = "tosa.depthwise_conv2d"

    def infer_shape(self) -> Sequence[int]:
        shape, weight = self._verify_shapes(2)
        return (shape[0], *self._window(weight[:2]), weight[2] * weight[3])


@irdl_op_definition
class TransposeConv2DOp(ConvolutionOp):
    """Transposed convolution: weight [OC,KH,KW,IC]; `out_pad` [top, bottom, left, right] is added
    to `(H - 1)·stride + KH` rows and may be negative."""

    name = "tosa.transpose_conv2d"

    stride = prop_def(I64Array)
    out_pad = prop_def(I64Array)

    def infer_shape(self) -> Sequence[int]:
        shape, weight = self._verify_shapes(3)
        stride = verify_ints("stride", self.stride, 2, 1)
        pads = ints_of(self.out_pad)
        if len(pads) != 4 or any(p <= -k for p, k in zip(
            pads, (weight[1], weight[1], weight[2], weight[2]), strict=True
        )):  # fmt: skip
            raise VerifyException(f"out_pad {list(pads)} must be four sizes above -kernel")
        sizes = [
            (size - 1) * s + before + after + kernel
            for size, s, before, after, kernel in zip(
                shape[1:3], stride, pads[::2], pads[1::2], weight[1:3], strict=True
            )
        ]
        return (shape[0], *sizes, weight[0])
