"""Transposed convolution."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, TensorType
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
from cmopt.dialects.edge.windows import WindowOp
from cmopt.dialects.shapes import shape_of, verify_ints, verify_shape


@irdl_op_definition
class ConvTranspose2dOp(WindowOp):
    """2-D transposed convolution (aten.conv_transpose2d), then the clamp of `edge.conv2d`.

    input [N,C,H,W], weight [C,O/groups,KH,KW], bias [O]. Pixel i of the input adds weight tap k to
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
    activation_min = opt_prop_def(FloatAttr)
    activation_max = opt_prop_def(FloatAttr)
    output = result_def(TensorType)

    def infer_shape(self) -> Sequence[int]:
        shape, weight, groups = shape_of(self.input), shape_of(self.weight), self.groups.value.data
        if len(shape) != 4 or len(weight) != 4:
            raise VerifyException("input and weight must have rank 4")
        if weight[0] != shape[1] or groups < 1 or shape[1] % groups:
            raise VerifyException(
                f"weight {list(weight)} does not fit {shape[1]} input channels in {groups} groups"
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
                shape[2:], weight[2:], *lists, strict=True
            )
        ]
        if min(sizes) < 1:
            raise VerifyException(f"the output would be of {sizes[0]} × {sizes[1]}")
        channels = weight[1] * groups
        if self.bias is not None:
            verify_shape("bias", shape_of(self.bias), (channels,))
        return (shape[0], channels, *sizes)
