"""What `edge` ops compute: PyTorch's own operators, in float32.

An op on quantized types is dequantize → the op → quantize. This module imports torch.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from xdsl.dialects.builtin import ArrayAttr, FloatAttr, IntegerAttr, NoneType, StringAttr
from xdsl.interpreter import (
    Interpreter,
    PythonValues,
    impl,
    register_impls,
)
from xdsl.ir import Attribute

from cmopt.dialects import edge
from cmopt.dialects.arrays import Array, from_float, numpy_dtype, to_float
from cmopt.dialects.edge import data_format_of, is_nhwc
from cmopt.dialects.shapes import (
    NCHW_TO_NHWC,
    NHWC_TO_NCHW,
    element_of,
    int_of,
    ints_of,
    inverse,
    shape_of,
)
from cmopt.interpreters.edge_elementwise import ElementwiseFunctions, clamped, result, tensors


def _to_nchw(op: Any, *tensors: torch.Tensor) -> list[torch.Tensor]:
    # Contiguous, because torch's order of summation depends on strides, and a layout must not
    # change a bit. A copy, because a view of one channel counts as contiguous but keeps the strides
    # of NHWC. With those, torch 2.13 is wrong if one window of a longer stride fills the width.
    order = torch.contiguous_format
    return [
        t.permute(NHWC_TO_NCHW).clone(memory_format=order) if is_nhwc(op) else t for t in tensors
    ]


def _from_nchw(op: Any, x: torch.Tensor) -> torch.Tensor:
    return x.permute(NCHW_TO_NHWC) if is_nhwc(op) else x


def _windows(op: edge.AvgPool2dOp | edge.MaxPool2dOp, y: torch.Tensor) -> torch.Tensor:
    """The windows that count. In ceil_mode, a window that starts in the padding at the end does not
    count. But torch counts it, because it takes the padding added before the pool as input."""
    format = data_format_of(op)
    _, _, height, width = edge.spatial(shape_of(op.output), format)
    return y[:, :, :height, :width]


def _pad(x: torch.Tensor, padding: Attribute, value: float) -> torch.Tensor:
    top, bottom, left, right = ints_of(padding)
    return F.pad(x, (left, right, top, bottom), value=value)


def _averages(
    x: torch.Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    *,
    ceil: bool,
    include: bool,
) -> torch.Tensor:
    """The averages of windows over the last two dimensions, the sums in double.

    In double, like a mean: neither a layout nor a pool instead of a mean may change a bit.
    padding: left, right, top, bottom. include: whether padding counts as elements; a window wholly
    in padding that does not count is 0, as in torch.
    """
    left, right, top, bottom = padding
    wide = x.double()
    if (left, top) == (right, bottom):
        return F.avg_pool2d(wide, kernel, stride, (top, left), ceil, include).float()
    padded = F.pad(wide, padding)
    if include:
        return F.avg_pool2d(padded, kernel, stride, 0, ceil).float()
    sums = F.avg_pool2d(padded, kernel, stride, 0, ceil, divisor_override=1)
    ones = F.pad(torch.ones_like(wide), padding)
    counts = F.avg_pool2d(ones, kernel, stride, 0, ceil, divisor_override=1)
    return (sums / counts.clamp(min=1)).float()


@register_impls
class EdgeFunctions(ElementwiseFunctions):
    """Values are numpy arrays of the type's (logical) shape, storage for quantized types."""

    @impl(edge.Conv2dOp)
    def conv2d(
        self, interpreter: Interpreter, op: edge.Conv2dOp, args: PythonValues
    ) -> PythonValues:
        input, weight, *bias = tensors(op, args)
        input, weight = _to_nchw(op, input, weight)
        dilation, groups = ints_of(op.dilation), int_of(op.groups)
        padded, bias_or_none = _pad(input, op.padding, 0.0), bias[0] if bias else None
        y = F.conv2d(padded, weight, bias_or_none, ints_of(op.stride), 0, dilation, groups)
        return result(_from_nchw(op, clamped(op, y)), op.output)

    # One-dimensional ops run over two dimensions, the second of size 1: so `wrap-conv1d` does not
    # change a bit of a sum.

    @impl(edge.Conv1dOp)
    def conv1d(
        self, interpreter: Interpreter, op: edge.Conv1dOp, args: PythonValues
    ) -> PythonValues:
        input, weight, *bias = tensors(op, args)
        stride, dilation = ((*ints_of(p), 1) for p in (op.stride, op.dilation))
        padded = F.pad(input, ints_of(op.padding)).unsqueeze(-1)
        bias_or_none, groups = bias[0] if bias else None, int_of(op.groups)
        y = F.conv2d(padded, weight.unsqueeze(-1), bias_or_none, stride, 0, dilation, groups)
        return result(clamped(op, y.squeeze(-1)), op.output)

    @impl(edge.AvgPool1dOp)
    def avg_pool1d(
        self, interpreter: Interpreter, op: edge.AvgPool1dOp, args: PythonValues
    ) -> PythonValues:
        (x,) = tensors(op, args)
        include, ceil = bool(int_of(op.count_include_pad)), bool(int_of(op.ceil_mode))
        window = (*ints_of(op.kernel_size), 1), (*ints_of(op.stride), 1)
        padding = (0, 0, *ints_of(op.padding))
        y = _averages(x.unsqueeze(-1), *window, padding, ceil=ceil, include=include).squeeze(-1)
        return result(y[..., : shape_of(op.output)[-1]], op.output)

    @impl(edge.MaxPool1dOp)
    def max_pool1d(
        self, interpreter: Interpreter, op: edge.MaxPool1dOp, args: PythonValues
    ) -> PythonValues:
        (x,) = tensors(op, args)
        padded = F.pad(x, ints_of(op.padding), value=float("-inf"))
        window = ints_of(op.kernel_size), ints_of(op.stride), 0, ints_of(op.dilation)
        y = F.max_pool1d(padded, *window, bool(int_of(op.ceil_mode)))
        return result(clamped(op, y[..., : shape_of(op.output)[-1]]), op.output)

    @impl(edge.ConvTranspose2dOp)
    def conv_transpose2d(
        self, interpreter: Interpreter, op: edge.ConvTranspose2dOp, args: PythonValues
    ) -> PythonValues:
        input, weight, *bias = tensors(op, args)
        (input,) = _to_nchw(op, input)
        if is_nhwc(op):
            order = inverse(edge.TRANSPOSED_WEIGHT_TO_NHWC)
            weight = weight.permute(order).clone(memory_format=torch.contiguous_format)
        y = F.conv_transpose2d(
            input, weight, bias[0] if bias else None, ints_of(op.stride), ints_of(op.padding),
            ints_of(op.output_padding), int_of(op.groups), ints_of(op.dilation),
        )  # fmt: skip
        return result(_from_nchw(op, clamped(op, y)), op.output)

    @impl(edge.LinearOp)
    def linear(
        self, interpreter: Interpreter, op: edge.LinearOp, args: PythonValues
    ) -> PythonValues:
        return result(clamped(op, F.linear(*tensors(op, args))), op.output)

    @impl(edge.MatmulOp)
    def matmul(
        self, interpreter: Interpreter, op: edge.MatmulOp, args: PythonValues
    ) -> PythonValues:
        lhs, rhs = tensors(op, args)
        if int_of(op.transposed_rhs):
            rhs = rhs.transpose(-2, -1)
        # In double: a layout may change the order of summation, but must not change a bit.
        return result(torch.matmul(lhs.double(), rhs.double()).float(), op.output)

    @impl(edge.SoftmaxOp)
    def softmax(
        self, interpreter: Interpreter, op: edge.SoftmaxOp, args: PythonValues
    ) -> PythonValues:
        (x,) = tensors(op, args)
        # Always along the last dimension, because torch's order of summation depends on it.
        y = torch.softmax(x.movedim(int_of(op.dim), -1).contiguous(), -1)
        return result(y.movedim(-1, int_of(op.dim)), op.output)

    @impl(edge.LayerNormOp)
    def layer_norm(
        self, interpreter: Interpreter, op: edge.LayerNormOp, args: PythonValues
    ) -> PythonValues:
        given, *parameters = tensors(op, args)
        # In double: a layout may change the order of summation, but must not change a bit.
        x = given.double()
        dims = tuple(range(-int_of(op.inner_dims), 0))
        if int_of(op.centered):
            x = x - x.mean(dims, keepdim=True)
        y = x / (x.square().mean(dims, keepdim=True) + op.epsilon.value.data).sqrt()
        if parameters:
            y = y * parameters[0]
        if len(parameters) > 1:
            y = y + parameters[1]
        return result(y.to(given.dtype), op.output)

    @impl(edge.AvgPool2dOp)
    def avg_pool2d(
        self, interpreter: Interpreter, op: edge.AvgPool2dOp, args: PythonValues
    ) -> PythonValues:
        (x,) = _to_nchw(op, *tensors(op, args))
        include, ceil = bool(int_of(op.count_include_pad)), bool(int_of(op.ceil_mode))
        (top, bottom, left, right), kernel = ints_of(op.padding), ints_of(op.kernel_size)
        padding = (left, right, top, bottom)
        y = _averages(x, kernel, ints_of(op.stride), padding, ceil=ceil, include=include)
        return result(_from_nchw(op, _windows(op, y)), op.output)

    @impl(edge.MaxPool2dOp)
    def max_pool2d(
        self, interpreter: Interpreter, op: edge.MaxPool2dOp, args: PythonValues
    ) -> PythonValues:
        (x,) = _to_nchw(op, *tensors(op, args))
        padded, ceil = _pad(x, op.padding, float("-inf")), bool(int_of(op.ceil_mode))
        window = ints_of(op.kernel_size), ints_of(op.stride)
        y = F.max_pool2d(padded, *window, 0, ints_of(op.dilation), ceil)
        return result(_from_nchw(op, clamped(op, _windows(op, y))), op.output)

    @impl(edge.MeanOp)
    def mean(self, interpreter: Interpreter, op: edge.MeanOp, args: PythonValues) -> PythonValues:
        (x,) = tensors(op, args)
        # In double: a layout may change the order of summation, but must not change a bit.
        y = torch.mean(x.double(), ints_of(op.dims), keepdim=True)
        return result(y.float(), op.output)

    @impl(edge.SumOp)
    def sum(self, interpreter: Interpreter, op: edge.SumOp, args: PythonValues) -> PythonValues:
        (x,) = tensors(op, args)
        # In double: a layout may change the order of summation, but must not change a bit.
        y = torch.sum(x.double(), ints_of(op.dims), keepdim=True)
        return result(y.float(), op.output)

    @impl(edge.AmaxOp)
    def amax(self, interpreter: Interpreter, op: edge.AmaxOp, args: PythonValues) -> PythonValues:
        (x,) = tensors(op, args)
        return result(torch.amax(x, ints_of(op.dims), keepdim=True), op.output)

    @impl(edge.AminOp)
    def amin(self, interpreter: Interpreter, op: edge.AminOp, args: PythonValues) -> PythonValues:
        (x,) = tensors(op, args)
        return result(torch.amin(x, ints_of(op.dims), keepdim=True), op.output)

    @impl(edge.BitcastOp)
    def bitcast(
        self, interpreter: Interpreter, op: edge.BitcastOp, args: PythonValues
    ) -> PythonValues:
        return (np.ascontiguousarray(args[0]).view(numpy_dtype(element_of(op.output))),)

    @impl(edge.ReshapeOp)
    def reshape(
        self, interpreter: Interpreter, op: edge.ReshapeOp, args: PythonValues
    ) -> PythonValues:
        return (args[0].reshape(shape_of(op.output)),)

    @impl(edge.PermuteOp)
    def permute(
        self, interpreter: Interpreter, op: edge.PermuteOp, args: PythonValues
    ) -> PythonValues:
        return (np.asarray(np.transpose(args[0], ints_of(op.perm)), order="C"),)

    @impl(edge.ExpandOp)
    def expand(
        self, interpreter: Interpreter, op: edge.ExpandOp, args: PythonValues
    ) -> PythonValues:
        return (np.array(np.broadcast_to(args[0], shape_of(op.output)), order="C"),)

    @impl(edge.SliceOp)
    def slice(self, interpreter: Interpreter, op: edge.SliceOp, args: PythonValues) -> PythonValues:
        dim, start = int_of(op.dim), int_of(op.start)
        part = slice(start, start + shape_of(op.output)[dim])
        return (args[0][(slice(None),) * dim + (part,)],)

    @impl(edge.TakeOp)
    def take(self, interpreter: Interpreter, op: edge.TakeOp, args: PythonValues) -> PythonValues:
        return (np.take(args[0], ints_of(op.indices), axis=int_of(op.dim)),)

    @impl(edge.UpsampleBilinear2dOp)
    def upsample_bilinear2d(
        self, interpreter: Interpreter, op: edge.UpsampleBilinear2dOp, args: PythonValues
    ) -> PythonValues:
        (x,) = tensors(op, args)
        size = list(shape_of(op.output)[2:])
        return result(F.interpolate(x, size, mode="bilinear", align_corners=False), op.output)

    @impl(edge.PadOp)
    def pad(self, interpreter: Interpreter, op: edge.PadOp, args: PythonValues) -> PythonValues:
        # The operand's elements keep their bytes, as in a cat.
        value = from_float(np.array([op.value.value.data], np.float32), op.output.type)[0]
        widths = list(zip(ints_of(op.low), ints_of(op.high), strict=True))
        return (np.pad(args[0], widths, constant_values=value),)

    @impl(edge.CatOp)
    def cat(self, interpreter: Interpreter, op: edge.CatOp, args: PythonValues) -> PythonValues:
        # An operand of the result's type keeps its bytes: requantization would give the same.
        type = op.output.type
        parts = [
            a if element_of(v) == type.element_type else from_float(to_float(a, v.type), type)
            for a, v in zip(args, op.inputs, strict=True)
        ]
        return (np.concatenate(parts, axis=int_of(op.dim)),)

    @impl(edge.ToDimOrderOp)
    def to_dim_order(
        self, interpreter: Interpreter, op: edge.ToDimOrderOp, args: PythonValues
    ) -> PythonValues:
        return args

    @impl(edge.MapOp)
    def map(self, interpreter: Interpreter, op: edge.MapOp, args: PythonValues) -> PythonValues:
        """The body computes all elements at once, although its types are of one element."""
        (x,) = tensors(op, args)
        (y,) = interpreter.run_ssacfg_region(op.body, (x.numpy(),), op.name)
        return result(torch.from_numpy(np.array(np.broadcast_to(y, x.shape))), op.output)

    @impl(edge.CallOp)
    def call(self, interpreter: Interpreter, op: edge.CallOp, args: PythonValues) -> PythonValues:
        namespace, name, overload = op.target.data.split(".")
        target = getattr(getattr(getattr(torch.ops, namespace), name), overload)
        tensors = [torch.from_numpy(np.array(a)) for a in args]
        if op.data_format is not None:
            tensors[0] = tensors[0].permute(NHWC_TO_NCHW).contiguous()
        values = [_argument(a, tensors) for a in op.arguments.data]
        positional, keywords = [], {}
        for schema, value in zip(target._schema.arguments, values, strict=True):
            if schema.kwarg_only:
                keywords[schema.name] = _typed(schema.real_type, value)
            else:
                positional.append(_typed(schema.real_type, value))
        _check_indices(op, positional)
        try:
            results = target(*positional, **keywords)
        except IndexError as error:
            raise ValueError(f"{op.target.data}: {_index_message(str(error))}") from error
        if isinstance(results, torch.Tensor):
            results = (results,)
        if op.data_format is not None:
            results = tuple(r.permute(NCHW_TO_NHWC) for r in results)
        return tuple(_contiguous(r) for r in results)


def _check_indices(op: edge.CallOp, arguments: list[Any]) -> None:
    """Raise ValueError for an index outside `index_select`: torch's error does not give it."""
    if not op.target.data.startswith("aten.index_select."):
        return
    source, dim, indices = arguments[:3]
    size = source.shape[dim] if source.dim() else 1
    bad = indices[(indices < 0) | (indices >= size)]
    if bad.numel():
        raise ValueError(f"{op.target.data}: index {int(bad.reshape(-1)[0])} of {size}")


def _index_message(text: str) -> str:
    """torch's message about an index, rewritten like that of `_check_indices`."""
    found = re.search(r"index (-?\d+) is out of bounds for dimension \d+ with size (\d+)", text)
    return text if found is None else f"index {found[1]} of {found[2]}"


def _contiguous(tensor: torch.Tensor) -> Array:
    return np.asarray(tensor.detach().numpy(), order="C")


def _typed(type: torch.Type, value: Any) -> Any:
    """The argument itself, or the dtype if the argument is the name of one."""
    if isinstance(value, str) and "ScalarType" in str(type):
        return getattr(torch, value)
    return value


def _argument(attr: Attribute, tensors: list[torch.Tensor]) -> Any:
    """The Python value of one argument of an `edge.call`."""
    match attr:
        case edge.OperandAttr():
            return tensors[attr.index.value.data]
        case ArrayAttr():
            return [_argument(item, tensors) for item in attr.data]
        case NoneType():
            return None
        case IntegerAttr():
            value = attr.value.data
            return bool(value) if attr.type.bitwidth == 1 else value
        case FloatAttr() | StringAttr():
            return attr.value.data if isinstance(attr, FloatAttr) else attr.data
        case _:
            raise ValueError(f"edge.call cannot pass {attr}")
