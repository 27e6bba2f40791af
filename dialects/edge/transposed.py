"""Transposed convolution."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, StringAttr, TensorType
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
)
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge.base import I64Array
from cmopt.dialects.edge.windows import (
    AvgPool2dOp,
    Conv2dOp,
    MaxPool2dOp,
    WindowOp,
    spatial,
    verify_data_format,
)
from cmopt.dialects.shapes import NCHW_TO_NHWC, permuted, shape_of, verify_ints, verify_shape

TRANSPOSED_WEIGHT_TO_NHWC = (1, 2, 3, 0)
"""The permutation of a transposed convolution's weight between its two formats."""


@irdl_op_definition
class ConvTranspose2dOp(WindowOp):
    """2-D transposed convolution (aten.conv_transpose2d), then the clamp of `edge.conv2d`.

    `data_format` NCHW (default): input [N,C,H,W], weight [C,O/groups,KH,KW]; NHWC: input
    [N,H,W,C], weight [O/groups,KH,KW,C]. bias [O]. Pixel i of the input adds weight tap k to
    pixel `i·stride + k·dilation - padding` of the output, which has
    `(H - 1)·stride - 2·padding + dilation·(KH - 1) + output_padding + 1` rows.
    """

    name = "edge.conv_transpose2d"

    input = operand_def(TensorType)
    weight = operand_def(TensorType)
    bias = opt_operand_def(TensorType)
    stride = prop_def(I64Array)
    padding = prop_def(I64Array)
    output_padding = prop_def(I64Array)
    dilation = prop_def(I64Array)
    groups = prop_def(IntegerAttr)
    data_format = opt_prop_def(StringAttr)
    activation_min = opt_prop_def(FloatAttr)
    activation_max = opt_prop_def(FloatAttr)
    output = result_def(TensorType)

    def infer_shape(self) -> Sequence[int]:
        format, groups = verify_data_format(self), self.groups.value.data
        if len(shape_of(self.input)) != 4 or len(shape_of(self.weight)) != 4:
            raise VerifyException("input and weight must have rank 4")
        batch, channels, *pixels = spatial(shape_of(self.input), format)
        taken, outputs, *kernel = _channels_and_taps(shape_of(self.weight), format)
        if taken != channels or groups < 1 or channels % groups:
            raise VerifyException(
                f"weight {list(shape_of(self.weight))} does not fit {channels} input channels in "
                f"{groups} groups"
            )
        lists = [
            verify_ints(name, self.properties[name], 2, minimum)
            for name, minimum in (
                ("stride", 1), ("padding", 0), ("output_padding", 0), ("dilation", 1)
            )
        ]  # fmt: skip
        sizes = [
            (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + more + 1
            for size, kernel, stride, padding, more, dilation in zip(
                pixels, kernel, *lists, strict=True
            )
        ]
        if min(sizes) < 1:
            raise VerifyException(f"the output would be of {sizes[0]} × {sizes[1]}")
        outputs *= groups
        if self.bias is not None:
            verify_shape("bias", shape_of(self.bias), (outputs,))
        result = (batch, outputs, *sizes)
        return result if format == "NCHW" else permuted(result, NCHW_TO_NHWC)


def _channels_and_taps(weight: tuple[int, ...], format: str) -> tuple[int, ...]:
    """(C, O/groups, KH, KW) of a transposed convolution's weight."""
    return weight if format == "NCHW" else (weight[3], *weight[:3])


Window2dOp = Conv2dOp | ConvTranspose2dOp | AvgPool2dOp | MaxPool2dOp
"""The window ops that have two formats."""


def weight_to_nhwc(op: Conv2dOp | ConvTranspose2dOp) -> tuple[int, ...]:
    """The permutation of an NCHW convolution's weight that its NHWC form takes."""
    return NCHW_TO_NHWC if isinstance(op, Conv2dOp) else TRANSPOSED_WEIGHT_TO_NHWC
