"""The `edge` dialect: a PyTorch program as exported, op by op.

Tensors carry PyTorch's logical shapes. An element type is a float, an integer, or
`!quant.uniform`; an op on quantized types *means* dequantize → the op in float32 → quantize.
A memory order that is not the default is a `#edge.dim_order` encoding on the type; only
`edge.to_dim_order` changes it, every other op reads and gives default order. Ops the lowering
does not look at are one generic `edge.call`, which becomes a portable kernel call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from xdsl.dialects.builtin import (
    ArrayAttr,
    BoolAttr,
    DenseArrayBase,
    FloatAttr,
    IntegerAttr,
    NoneAttr,
    StringAttr,
    TensorType,
    i64,
)
from xdsl.ir import Attribute, Dialect, ParametrizedAttribute, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import AttrParser
from xdsl.pattern_rewriter import RewritePattern
from xdsl.printer import Printer
from xdsl.traits import HasCanonicalizationPatternsTrait, Pure
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.quant import quantized_element, verify_axis
from cmopt.dialects.shapes import (
    broadcast_shape,
    element_of,
    ints,
    ints_of,
    numel,
    permuted,
    shape_of,
    verify_ints,
    verify_permutation,
    verify_shape,
    window_output,
)

I64Array = DenseArrayBase


def _parse_dims(parser: AttrParser) -> DenseArrayBase:
    return ints(parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_integer))


@irdl_attr_definition
class DimOrderAttr(ParametrizedAttribute):
    """`#edge.dim_order<[0, 2, 3, 1]>`: an encoding, dimensions from outermost to innermost."""

    name = "edge.dim_order"

    order: DenseArrayBase

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            return (_parse_dims(parser),)

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(str(list(ints_of(self.order))))

    def verify(self) -> None:
        order = list(ints_of(self.order))
        if sorted(order) != list(range(len(order))):
            raise VerifyException(f"#edge.dim_order: {order} is not a permutation")


@irdl_attr_definition
class OperandAttr(ParametrizedAttribute):
    """`#edge.operand<0>`: where operand 0 of an `edge.call` stands among its arguments."""

    name = "edge.operand"

    index: IntegerAttr

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            return (IntegerAttr(parser.parse_integer(allow_negative=False), i64),)

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(str(self.index.value.data))


class _EdgePatterns(HasCanonicalizationPatternsTrait):
    """Looks patterns up by op class in `lowering.patterns.edge`."""

    def get_patterns(self, op: type[IRDLOperation]) -> tuple[RewritePattern, ...]:  # type: ignore[override]
        from cmopt.lowering.patterns import edge as patterns

        return patterns.CANONICALIZATION.get(op.name, ())

    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        return ()


class EdgeOp(IRDLOperation):
    """Common ground: pure, properties in the attribute dictionary, MLIR's functional type."""

    irdl_options = (ParsePropInAttrDict(),)
    traits = traits_def(Pure(), _EdgePatterns())

    def __init__(
        self,
        operands: Sequence[SSAValue | Sequence[SSAValue]],
        result_type: Attribute,
        properties: Mapping[str, Attribute | None] | None = None,
    ):
        super().__init__(
            operands=operands,
            result_types=[result_type],
            properties={k: v for k, v in (properties or {}).items() if v is not None},
        )


def optional(value: SSAValue | None) -> list[SSAValue]:
    """An optional operand in the form op constructors take."""
    return [] if value is None else [value]


def _verify_tensors(op: IRDLOperation) -> None:
    """Default memory order everywhere, and per-axis scales that fit their shapes."""
    for value in (*op.operands, *op.results):
        if isinstance(value.type, TensorType) and isinstance(value.type.encoding, DimOrderAttr):
            raise VerifyException(
                f"works in the default memory order, got {value.type}; insert edge.to_dim_order"
            )
        verify_axis(value.type)


def _verify_elements(op: IRDLOperation) -> None:
    """All floating or all quantized: a half-folded op would have no exact meaning."""
    _verify_tensors(op)
    quantized = [quantized_element(v.type) is not None for v in (*op.operands, *op.results)]
    if any(quantized) and not all(quantized):
        raise VerifyException(
            "mixes quantized and plain tensors; "
            "insert quant.qcast or quant.dcast so that all are of one kind"
        )


# ------------------------------------------------------------------------------ convolution, linear


def _data_format(op: Conv2dOp | AvgPool2dOp | MaxPool2dOp) -> str:
    format = op.data_format.data if op.data_format else "NCHW"
    if format not in ("NCHW", "NHWC"):
        raise VerifyException(f"data_format must be NCHW or NHWC, got {format!r}")
    return format


def spatial(shape: Sequence[int], format: str) -> tuple[int, int, int, int]:
    """A rank-4 shape as (n, c, h, w) whatever its data format."""
    n, *rest = shape
    c, h, w = rest if format == "NCHW" else (rest[2], rest[0], rest[1])
    return n, c, h, w


def _verify_window_input(op: Conv2dOp | AvgPool2dOp | MaxPool2dOp) -> None:
    if len(shape_of(op.input)) != 4:
        raise VerifyException(f"input must have rank 4, got {op.input.type}")


def _window_shape(op: Conv2dOp | AvgPool2dOp | MaxPool2dOp, channels: int, kernel: Sequence[int],
                  dilation: Sequence[int], ceil_mode: bool) -> tuple[int, ...]:  # fmt: skip
    format = _data_format(op)
    n, _, h, w = spatial(shape_of(op.input), format)
    stride = verify_ints(op.name, "stride", op.stride, 2, 1)
    top, bottom, left, right = verify_ints(op.name, "padding", op.padding, 4, 0)
    oh = window_output(h, kernel[0], stride[0], top + bottom, dilation[0], ceil_mode=ceil_mode)
    ow = window_output(w, kernel[1], stride[1], left + right, dilation[1], ceil_mode=ceil_mode)
    if oh < 1 or ow < 1:
        raise VerifyException(f"window {list(kernel)} is larger than its padded input")
    return (n, channels, oh, ow) if format == "NCHW" else (n, oh, ow, channels)


@irdl_op_definition
class Conv2dOp(EdgeOp):
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

    assembly_format = (
        "$input `,` $weight (`,` $bias^)? attr-dict `:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        _verify_elements(self)
        format, weight = _data_format(self), shape_of(self.weight)
        dilation = verify_ints(self.name, "dilation", self.dilation, 2, 1)
        _verify_window_input(self)
        if len(weight) != 4:
            raise VerifyException(f"weight must have rank 4, got {self.weight.type}")
        out_channels, in_group, kh, kw = spatial(weight, format)
        expected = _window_shape(self, out_channels, (kh, kw), dilation, False)
        channels, groups = spatial(shape_of(self.input), format)[1], self.groups.value.data
        if groups < 1 or channels != in_group * groups or out_channels % groups:
            raise VerifyException(
                f"weight {list(weight)} does not fit {channels} input channels in {groups} groups"
            )
        if self.bias is not None:
            verify_shape(self.name, "bias", shape_of(self.bias), (out_channels,))
        verify_shape(self.name, "result", shape_of(self.output), expected)


@irdl_op_definition
class LinearOp(EdgeOp):
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

    assembly_format = (
        "$input `,` $weight (`,` $bias^)? attr-dict `:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        _verify_elements(self)
        shape, weight = shape_of(self.input), shape_of(self.weight)
        if len(weight) != 2 or not shape or shape[-1] != weight[1]:
            raise VerifyException(
                f"weight {list(weight)} does not fit input {list(shape)}: "
                "the last dimensions must agree"
            )
        if self.bias is not None:
            verify_shape(self.name, "bias", shape_of(self.bias), (weight[0],))
        verify_shape(self.name, "result", shape_of(self.output), (*shape[:-1], weight[0]))


# ------------------------------------------------------------------------------------------ pooling


@irdl_op_definition
class AvgPool2dOp(EdgeOp):
    """Mean over windows (aten.avg_pool2d without divisor_override); `padding` as `edge.conv2d`."""

    name = "edge.avg_pool2d"

    input = operand_def(TensorType)
    kernel_size = prop_def(I64Array)
    stride = prop_def(I64Array)
    padding = prop_def(I64Array)
    ceil_mode = prop_def(BoolAttr)
    count_include_pad = prop_def(BoolAttr)
    data_format = opt_prop_def(StringAttr)
    output = result_def(TensorType)

    assembly_format = "$input attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        _verify_elements(self)
        _verify_window_input(self)
        kernel = verify_ints(self.name, "kernel_size", self.kernel_size, 2, 1)
        channels = spatial(shape_of(self.input), _data_format(self))[1]
        expected = _window_shape(self, channels, kernel, (1, 1), bool(self.ceil_mode))
        verify_shape(self.name, "result", shape_of(self.output), expected)


@irdl_op_definition
class MaxPool2dOp(EdgeOp):
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

    assembly_format = "$input attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        _verify_elements(self)
        _verify_window_input(self)
        kernel = verify_ints(self.name, "kernel_size", self.kernel_size, 2, 1)
        dilation = verify_ints(self.name, "dilation", self.dilation, 2, 1)
        channels = spatial(shape_of(self.input), _data_format(self))[1]
        expected = _window_shape(self, channels, kernel, dilation, bool(self.ceil_mode))
        verify_shape(self.name, "result", shape_of(self.output), expected)


# -------------------------------------------------------------------------------------- elementwise


class UnaryOp(EdgeOp):
    """An elementwise function of one tensor; shape stays."""

    input = operand_def(TensorType)
    output = result_def(TensorType)

    assembly_format: ClassVar[str] = "$input attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        _verify_elements(self)
        verify_shape(self.name, "result", shape_of(self.output), shape_of(self.input))


@irdl_op_definition
class ReluOp(UnaryOp):
    """`max(x, 0)`."""

    name = "edge.relu"


@irdl_op_definition
class ClampOp(UnaryOp):
    """`min(max(x, min), max)` (aten.clamp, hardtanh, relu6); an absent bound does not clamp."""

    name = "edge.clamp"

    min = opt_prop_def(FloatAttr)
    max = opt_prop_def(FloatAttr)

    def verify_(self) -> None:
        super().verify_()
        if self.min is None and self.max is None:
            raise VerifyException("needs min, max or both")


@irdl_op_definition
class SigmoidOp(UnaryOp):
    """`1 / (1 + exp(-x))`."""

    name = "edge.sigmoid"


@irdl_op_definition
class TanhOp(UnaryOp):
    """`tanh(x)`."""

    name = "edge.tanh"


@irdl_op_definition
class HardsigmoidOp(UnaryOp):
    """`clamp(x / 6 + 1 / 2, 0, 1)`."""

    name = "edge.hardsigmoid"


@irdl_op_definition
class HardswishOp(UnaryOp):
    """`x * clamp(x + 3, 0, 6) / 6`."""

    name = "edge.hardswish"


@irdl_op_definition
class SiluOp(UnaryOp):
    """`x * sigmoid(x)`."""

    name = "edge.silu"


@irdl_op_definition
class GeluOp(UnaryOp):
    """Gaussian error linear unit; `approximate` is "none" or "tanh"."""

    name = "edge.gelu"

    approximate = prop_def(StringAttr)

    def verify_(self) -> None:
        super().verify_()
        if self.approximate.data not in ("none", "tanh"):
            raise VerifyException(f"approximate must be none or tanh, got {self.approximate}")


class BinaryOp(EdgeOp):
    """An elementwise function of two tensors under NumPy broadcasting."""

    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)
    output = result_def(TensorType)

    assembly_format: ClassVar[str] = (
        "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        _verify_elements(self)
        lhs, rhs = shape_of(self.lhs), shape_of(self.rhs)
        if (expected := broadcast_shape(lhs, rhs)) is None:
            raise VerifyException(f"shapes {list(lhs)} and {list(rhs)} do not broadcast")
        verify_shape(self.name, "result", shape_of(self.output), expected)


@irdl_op_definition
class AddOp(BinaryOp):
    """`lhs + rhs` (aten.add with alpha 1), then the clamp of `edge.conv2d`."""

    name = "edge.add"

    activation_min = opt_prop_def(FloatAttr)
    activation_max = opt_prop_def(FloatAttr)


@irdl_op_definition
class MulOp(BinaryOp):
    """`lhs * rhs`."""

    name = "edge.mul"


# ------------------------------------------------------------------------------------ data movement


@irdl_op_definition
class ReshapeOp(EdgeOp):
    """The same elements, in row-major order, under another shape (view, flatten, squeeze, …)."""

    name = "edge.reshape"

    input = operand_def(TensorType)
    output = result_def(TensorType)

    assembly_format = "$input attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        _verify_tensors(self)
        source, target = shape_of(self.input), shape_of(self.output)
        if numel(source) != numel(target):
            raise VerifyException(
                f"cannot reshape {numel(source)} elements {list(source)} "
                f"to {numel(target)} {list(target)}"
            )
        before, after = quantized_element(self.input.type), quantized_element(self.output.type)
        if before is not None and after is not None and before.is_per_axis:
            axis = after.axis.data
            if before.with_axis(axis) != after:
                raise VerifyException("must keep the element type, but for its axis")
            if not _keeps_axis(source, before.axis.data, target, axis):
                raise VerifyException(f"splits or merges the quantized axis {before.axis.data}")
        elif element_of(self.input) != element_of(self.output):
            raise VerifyException("must keep the element type")


def _keeps_axis(source: Sequence[int], axis: int, target: Sequence[int], new_axis: int) -> bool:
    """Whether a reshape leaves one axis as it is: same size, same stride, same place."""
    return (
        0 <= new_axis < len(target)
        and source[axis] == target[new_axis]
        and numel(source[axis:]) == numel(target[new_axis:])
    )


@irdl_op_definition
class PermuteOp(EdgeOp):
    """`out.shape[i] = in.shape[perm[i]]` (permute, transpose, moveaxis).

    The axis of a per-axis quantized type moves along.
    """

    name = "edge.permute"

    input = operand_def(TensorType)
    perm = prop_def(I64Array)
    output = result_def(TensorType)

    assembly_format = "$input attr-dict `:` functional-type(operands, results)"

    @staticmethod
    def of(input: SSAValue, perm: Sequence[int]) -> PermuteOp:
        """Permute `input`; the result type follows."""
        type = permuted_type(input.type, perm)
        return PermuteOp([input], type, {"perm": ints(perm)})

    def verify_(self) -> None:
        _verify_tensors(self)
        perm = ints_of(self.perm)
        verify_permutation(self.name, perm, len(shape_of(self.input)))
        if (expected := permuted_type(self.input.type, perm)) != self.output.type:
            raise VerifyException(f"result should be {expected}")


def permuted_type(type: Attribute, perm: Sequence[int]) -> TensorType:
    """The type `edge.permute` gives: shape permuted, a quantized axis moved along."""
    assert isinstance(type, TensorType)
    element = type.element_type
    if (quantized := quantized_element(type)) is not None and quantized.is_per_axis:
        element = quantized.with_axis(list(perm).index(quantized.axis.data))
    return TensorType(element, permuted(type.get_shape(), perm))


@irdl_op_definition
class ToDimOrderOp(EdgeOp):
    """The same tensor in another memory order (clone, contiguous, to(memory_format=…))."""

    name = "edge.to_dim_order"

    input = operand_def(TensorType)
    output = result_def(TensorType)

    assembly_format = "$input attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        verify_shape(self.name, "result", shape_of(self.output), shape_of(self.input))
        if element_of(self.input) != element_of(self.output):
            raise VerifyException("must keep the element type")
        for type in (self.input.type, self.output.type):
            if len(dim_order(type)) != len(shape_of(type)):
                raise VerifyException(f"dim order of {type} is not of its rank")


def dim_order(type: Attribute) -> tuple[int, ...]:
    """Dimensions of a tensor type from outermost to innermost in memory."""
    assert isinstance(type, TensorType)
    if isinstance(type.encoding, DimOrderAttr):
        return ints_of(type.encoding.order)
    return tuple(range(type.get_num_dims()))


def with_dim_order(type: TensorType, order: Sequence[int]) -> TensorType:
    """`type` in memory order `order`; the default order carries no encoding."""
    default = tuple(order) == tuple(range(len(order)))
    encoding = NoneAttr() if default else DimOrderAttr(ints(order))
    return TensorType(type.element_type, type.get_shape(), encoding)


# ------------------------------------------------------------------------------------------ generic


@irdl_op_definition
class CallOp(IRDLOperation):
    """Any other PyTorch operator, by its overload name; becomes a portable `aten::` kernel.

    `target` is "aten.softmax.int"; `arguments` holds its schema's arguments in order (defaults
    filled in), a tensor as `#edge.operand<i>`, a list as an array, None as the type `none`.
    `reason` says why the op stays on a portable kernel, once lowering has decided that.
    """

    name = "edge.call"

    operands_ = var_operand_def(TensorType)
    target = prop_def(StringAttr)
    arguments = prop_def(ArrayAttr)
    reason = opt_prop_def(StringAttr)
    outputs = var_result_def(TensorType)

    irdl_options = (ParsePropInAttrDict(),)
    traits = traits_def(Pure())
    assembly_format = "$target `(` $operands_ `)` attr-dict `:` functional-type(operands, results)"

    def __init__(
        self,
        target: str,
        operands: Sequence[SSAValue],
        arguments: Sequence[Attribute],
        result_types: Sequence[Attribute],
    ):
        super().__init__(
            operands=[operands],
            result_types=[result_types],
            properties={"target": StringAttr(target), "arguments": ArrayAttr(arguments)},
        )

    def verify_(self) -> None:
        if len(self.target.data.split(".")) != 3:
            raise VerifyException(f"target must be namespace.operator.overload, got {self.target}")
        used = sorted(_operand_indices(self.arguments))
        if used != list(range(len(self.operands_))):
            raise VerifyException(
                f"arguments name operands {used}, but there are {len(self.operands_)}"
            )


def _operand_indices(arguments: ArrayAttr) -> list[int]:
    result: list[int] = []
    for argument in arguments.data:
        if isinstance(argument, OperandAttr):
            result.append(argument.index.value.data)
        elif isinstance(argument, ArrayAttr):
            result.extend(_operand_indices(argument))
    return result


Edge = Dialect(
    "edge",
    [
        AddOp,
        AvgPool2dOp,
        CallOp,
        ClampOp,
        Conv2dOp,
        GeluOp,
        HardsigmoidOp,
        HardswishOp,
        LinearOp,
        MaxPool2dOp,
        MulOp,
        PermuteOp,
        ReluOp,
        ReshapeOp,
        SigmoidOp,
        SiluOp,
        TanhOp,
        ToDimOrderOp,
    ],
    [DimOrderAttr, OperandAttr],
)
