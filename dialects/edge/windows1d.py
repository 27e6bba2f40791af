"""Convolution and pooling over one dimension. `wrap-conv1d` makes them ops over two.

Shapes are PyTorch's: input [N,C,L], result [N,C,L']. `padding` is [before, after].
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import BoolAttr, FloatAttr, IntegerAttr, TensorType
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
from cmopt.dialects.shapes import shape_of, verify_ints, verify_shape, window_output


class Window1dOp(WindowOp):
    """An op that slides over the last of three dimensions."""

    def _channels(self) -> int:
        """Check that the input has three dimensions, and return its channels."""
        if len(shape_of(self.operands[0])) != 3:
            raise VerifyException(f"input must have rank 3, got {self.operands[0].type}")
        return shape_of(self.operands[0])[1]

    def _window_shape(
        self, channels: int, kernel: int, dilation: int, ceil_mode: bool
    ) -> Sequence[int]:
        n, _, length = shape_of(self.operands[0])
        (stride,) = verify_ints("stride", self.properties["stride"], 1, 1)
        before, after = verify_ints("padding", self.properties["padding"], 2, 0)
        size = window_output(length, kernel, stride, before + after, dilation, ceil_mode=ceil_mode)
        if size < 1:
            raise VerifyException(f"window [{kernel}] is larger than its padded input")
        return (n, channels, size)


@irdl_op_definition
class Conv1dOp(Window1dOp):
    """1-D convolution (aten.conv1d), then a clamp to `activation_min … activation_max`.

    weight [O,C/groups,K], bias [O]. An absent bound does not clamp.
    """

    name = "edge.conv1d"

    input = operand_def(TensorType)
    weight = operand_def(TensorType)
    bias = opt_operand_def(TensorType)
    stride = prop_def(I64Array)
    padding = prop_def(I64Array)
    dilation = prop_def(I64Array)
    groups = prop_def(IntegerAttr)
    activation_min = opt_prop_def(FloatAttr)
    activation_max = opt_prop_def(FloatAttr)
    output = result_def(TensorType)

    def infer_shape(self) -> Sequence[int]:
        channels = self._channels()
        weight, groups = shape_of(self.weight), self.groups.value.data
        (dilation,) = verify_ints("dilation", self.dilation, 1, 1)
        if len(weight) != 3:
            raise VerifyException(f"weight must have rank 3, got {self.weight.type}")
        out_channels, in_group, kernel = weight
        if groups < 1 or channels != in_group * groups or out_channels % groups:
            raise VerifyException(
                f"weight {list(weight)} does not fit {channels} input channels in {groups} groups"
            )
        if self.bias is not None:
            verify_shape("bias", shape_of(self.bias), (out_channels,))
        return self._window_shape(out_channels, kernel, dilation, False)


@irdl_op_definition
class AvgPool1dOp(Window1dOp):
    """Mean over windows (aten.avg_pool1d)."""

    name = "edge.avg_pool1d"

    input = operand_def(TensorType)
    kernel_size = prop_def(I64Array)
    stride = prop_def(I64Array)
    padding = prop_def(I64Array)
    ceil_mode = prop_def(BoolAttr)
    count_include_pad = prop_def(BoolAttr)
    output = result_def(TensorType)

    def infer_shape(self) -> Sequence[int]:
        channels = self._channels()
        (kernel,) = verify_ints("kernel_size", self.kernel_size, 1, 1)
        return self._window_shape(channels, kernel, 1, bool(self.ceil_mode))


@irdl_op_definition
class MaxPool1dOp(Window1dOp):
    """Maximum over windows (aten.max_pool1d), then the clamp of `edge.conv1d`."""

    name = "edge.max_pool1d"

    input = operand_def(TensorType)
    kernel_size = prop_def(I64Array)
    stride = prop_def(I64Array)
    padding = prop_def(I64Array)
    dilation = prop_def(I64Array)
    ceil_mode = prop_def(BoolAttr)
    activation_min = opt_prop_def(FloatAttr)
    activation_max = opt_prop_def(FloatAttr)
    output = result_def(TensorType)

    def infer_shape(self) -> Sequence[int]:
        channels = self._channels()
        (kernel,) = verify_ints("kernel_size", self.kernel_size, 1, 1)
        (dilation,) = verify_ints("dilation", self.dilation, 1, 1)
        return self._window_shape(channels, kernel, dilation, bool(self.ceil_mode))
