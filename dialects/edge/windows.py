"""Convolution, linear and pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, Self

from xdsl.dialects.builtin import (
    BoolAttr,
    FloatAttr,
    IntegerAttr,
    StringAttr,
    TensorType,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
)
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge.base import EdgeOp, I64Array
from cmopt.dialects.shapes import (
    shape_of,
    verify_ints,
    verify_shape,
    window_output,
)


class Formatted(Protocol):
    """A window op over two dimensions: NCHW, or NHWC as its kernel takes it."""

    data_format: StringAttr | None


def data_format_of(op: Formatted) -> str:
    """ "NCHW", the default, or "NHWC"; `spatial` reads shapes in it."""
    return op.data_format.data if op.data_format else "NCHW"


def is_nhwc(op: Formatted) -> bool:
    """Whether a window op has the layout of the kernels."""
    return data_format_of(op) == "NHWC"


def verify_data_format(op: Formatted) -> str:
    """`data_format_of`; raises VerifyException if there is no such format."""
    if (format := data_format_of(op)) not in ("NCHW", "NHWC"):
        raise VerifyException(f"data_format must be NCHW or NHWC, got {format!r}")
    return format


def spatial(shape: Sequence[int], format: str) -> tuple[int, int, int, int]:
    """A rank-4 shape in data format `format` as (n, c, h, w)."""
    n, *rest = shape
    c, h, w = rest if format == "NCHW" else (rest[2], rest[0], rest[1])
    return n, c, h, w


def _verify_window_input(op: Conv2dOp | AvgPool2dOp | MaxPool2dOp) -> None:
    if len(shape_of(op.input)) != 4:
        raise VerifyException(f"input must have rank 4, got {op.input.type}")


class WindowOp(EdgeOp):
    """An op with many properties. `of` takes operands and properties as they are in the IR."""

    @classmethod
    def of(
        cls,
        operands: Sequence[SSAValue | Sequence[SSAValue]],
        properties: Mapping[str, Attribute | None],
        element: Attribute | None = None,
    ) -> Self:
        """The op; its result has the element type of the first operand, or `element`."""
        return cls.inferred(operands, properties, element=element)


def _window_shape(op: Conv2dOp | AvgPool2dOp | MaxPool2dOp, channels: int, kernel: Sequence[int],
                  dilation: Sequence[int], ceil_mode: bool) -> Sequence[int]:  # fmt: skip
    format = verify_data_format(op)
    n, _, h, w = spatial(shape_of(op.input), format)
    stride = verify_ints("stride", op.stride, 2, 1)
    top, bottom, left, right = verify_ints("padding", op.padding, 4, 0)
    oh = window_output(h, kernel[0], stride[0], top + bottom, dilation[0], ceil_mode=ceil_mode)
    ow = window_output(w, kernel[1], stride[1], left + right, dilation[1], ceil_mode=ceil_mode)
    if oh < 1 or ow < 1:
        raise VerifyException(f"window {list(kernel)} is larger than its padded input")
    return (n, channels, oh, ow) if format == "NCHW" else (n, oh, ow, channels)


@irdl_op_definition
class Conv2dOp(WindowOp):
    """2-D convolution (aten.conv2d), then a clamp to `activation_min … activation_max`.

    `data_format` NCHW (default): input [N,C,H,W], weight [O,C/groups,KH,KW]; NHWC: input
    [N,H,W,C], weight [O,KH,KW,C/groups]. `padding` is [top, bottom, left, right]. An absent
    bound does not clamp.
    """

    name = "edge.conv2d"

    input = operand_def(TensorType)
    weight = operand_def(TensorType)
    bias = opt_operand_def(TensorType)
    stride = prop_def(I64Array)
    padding = prop_def(I64Array)
    dilation = prop_def(I64Array)
    groups = prop_def(IntegerAttr)
    data_format = opt_prop_def(StringAttr)
    activation_min = opt_prop_def(FloatAttr)
    activation_max = opt_prop_def(FloatAttr)
    output = result_def(TensorType)

    def infer_shape(self) -> Sequence[int]:
        format, weight = verify_data_format(self), shape_of(self.weight)
        dilation = verify_ints("dilation", self.dilation, 2, 1)
        _verify_window_input(self)
        if len(weight) != 4:
            raise VerifyException(f"weight must have rank 4, got {self.weight.type}")
        out_channels, in_group, kh, kw = spatial(weight, format)
        shape = _window_shape(self, out_channels, (kh, kw), dilation, False)
        channels, groups = spatial(shape_of(self.input), format)[1], self.groups.value.data
        if groups < 1 or channels != in_group * groups or out_channels % groups:
            raise VerifyException(
                f"weight {list(weight)} does not fit {channels} input channels in {groups} groups"
            )
        if self.bias is not None:
            verify_shape("bias", shape_of(self.bias), (out_channels,))
        return shape


@irdl_op_definition
class LinearOp(WindowOp):
    """`input @ weight.T + bias` (aten.linear), then the clamp of `edge.conv2d`.

    input [..., I], weight [O, I], bias [O], output [..., O].
    """

    name = "edge.linear"

    input = operand_def(TensorType)
    weight = operand_def(TensorType)
    bias = opt_operand_def(TensorType)
    activation_min = opt_prop_def(FloatAttr)
    activation_max = opt_prop_def(FloatAttr)
    output = result_def(TensorType)

    def infer_shape(self) -> Sequence[int]:
        shape, weight = shape_of(self.input), shape_of(self.weight)
        if len(weight) != 2 or not shape or shape[-1] != weight[1]:
            raise VerifyException(
                f"weight {list(weight)} does not fit input {list(shape)}: "
                "the last dimensions must agree"
            )
        if self.bias is not None:
            verify_shape("bias", shape_of(self.bias), (weight[0],))
        return (*shape[:-1], weight[0])


@irdl_op_definition
class AvgPool2dOp(WindowOp):
    """Mean over windows (aten.avg_pool2d without divisor_override). `padding` as `edge.conv2d`."""

    name = "edge.avg_pool2d"

    input = operand_def(TensorType)
    kernel_size = prop_def(I64Array)
    stride = prop_def(I64Array)
    padding = prop_def(I64Array)
    ceil_mode = prop_def(BoolAttr)
    count_include_pad = prop_def(BoolAttr)
    data_format = opt_prop_def(StringAttr)
    output = result_def(TensorType)

    def infer_shape(self) -> Sequence[int]:
        _verify_window_input(self)
        if 0 in shape_of(self.input)[1:]:
            raise VerifyException(f"input has no elements to pool: {self.input.type}")
        kernel = verify_ints("kernel_size", self.kernel_size, 2, 1)
        channels = spatial(shape_of(self.input), verify_data_format(self))[1]
        return _window_shape(self, channels, kernel, (1, 1), bool(self.ceil_mode))


@irdl_op_definition
class MaxPool2dOp(WindowOp):
    """Maximum over windows (aten.max_pool2d), then the clamp of `edge.conv2d`."""

    name = "edge.max_pool2d"

    input = operand_def(TensorType)
    kernel_size = prop_def(I64Array)
    stride = prop_def(I64Array)
    padding = prop_def(I64Array)
    dilation = prop_def(I64Array)
    ceil_mode = prop_def(BoolAttr)
    data_format = opt_prop_def(StringAttr)
    activation_min = opt_prop_def(FloatAttr)
    activation_max = opt_prop_def(FloatAttr)
    output = result_def(TensorType)

    def infer_shape(self) -> Sequence[int]:
        _verify_window_input(self)
        if 0 in shape_of(self.input)[1:]:
            raise VerifyException(f"input has no elements to pool: {self.input.type}")
        kernel = verify_ints("kernel_size", self.kernel_size, 2, 1)
        dilation = verify_ints("dilation", self.dilation, 2, 1)
        channels = spatial(shape_of(self.input), verify_data_format(self))[1]
        return _window_shape(self, channels, kernel, dilation, bool(self.ceil_mode))
