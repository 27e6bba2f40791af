"""Turn the `edge` ops that stay in float into calls of portable `aten::` kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import (
    ModuleOp,
    StringAttr,
    TensorType,
    i64,
)
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects import edge
from cmopt.dialects.constants import constant_of, constant_op, float_constant_of, typed_constant
from cmopt.dialects.edge import is_nhwc
from cmopt.dialects.program import REASON
from cmopt.dialects.quant import DCastOp, quantized_element
from cmopt.dialects.shapes import (
    NCHW_TO_NHWC,
    NHWC_TO_NCHW,
    element_of,
    int_of,
    ints_of,
    inverse,
    numel,
    shape_of,
)
from cmopt.lowering.cortex_m.movement import is_outermost
from cmopt.lowering.plugin_rules import plugin_rule
from cmopt.lowering.portable import ELEMENTWISE, PortableBuilder
from cmopt.lowering.portable_calls import Argument, portable_call
from cmopt.lowering.portable_integers import INTEGER_CALLS
from cmopt.lowering.rewrite import apply_patterns, recreated
from cmopt.lowering.rules import Rule, Unsupported, rule_of
from cmopt.support.diagnostics import CompileError

NOT_QUANTIZED = "the quantizer left it in float"


def _padded(
    op: edge.Conv2dOp | edge.MaxPool2dOp | edge.AvgPool2dOp, b: PortableBuilder, value: float | None
) -> tuple[SSAValue, list[int]]:
    """The input, and the padding left for the kernel, which pads both sides alike.

    A pad op does other padding. value: what it pads with; None if no pad op can do that.
    """
    top, bottom, left, right = ints_of(op.padding)
    if (top, left) == (bottom, right):
        return op.input, [top, left]
    if value is None:
        raise CompileError(
            f"pads {top}, {bottom}, {left}, {right}: the float kernel pads both sides alike",
            op=op,
            hint="quantize the op, or pad with a separate torch.nn.functional.pad",
        )
    height, width = (1, 2) if is_nhwc(op) else (2, 3)
    shape = list(shape_of(op.input))
    shape[height] += top + bottom
    shape[width] += left + right
    type = TensorType(op.output.type.element_type, shape)
    border = [*([0, 0] if is_nhwc(op) else []), left, right, top, bottom]
    return b.call("constant_pad_nd.default", op.input, border, value, type=type), [0, 0]


def _conv2d(op: edge.Conv2dOp, b: PortableBuilder) -> SSAValue:
    (input, padding), groups = _padded(op, b, 0.0), int_of(op.groups)
    geometry: list[Argument] = [
        list(ints_of(op.stride)),
        padding,
        list(ints_of(op.dilation)),
        False,
        [0, 0],
    ]
    y = b.window_call("convolution.default", input, _weight(op, b), op.bias, *geometry, groups)
    return b.clamped(y)


def _conv_transpose2d(op: edge.ConvTranspose2dOp, b: PortableBuilder) -> SSAValue:
    stride, padding, dilation, more = (
        list(ints_of(p)) for p in (op.stride, op.padding, op.dilation, op.output_padding)
    )
    geometry: list[Argument] = [stride, padding, dilation, True, more, int_of(op.groups)]
    weight = _weight(op, b)
    y = b.window_call("convolution.default", op.input, weight, op.bias, *geometry)
    return b.clamped(y)


def _weight(op: edge.Conv2dOp | edge.ConvTranspose2dOp, b: PortableBuilder) -> SSAValue:
    """The weight as PyTorch stores it, also of a convolution on NHWC."""
    if not is_nhwc(op):
        return op.weight
    order = inverse(edge.weight_to_nhwc(op))
    if (values := constant_of(op.weight)) is None:
        return b.add(edge.PermuteOp.of(op.weight, order))
    moved = np.asarray(np.transpose(values, order), order="C")
    return b.add(constant_op(moved, op.weight.name_hint))


def _linear(op: edge.LinearOp, b: PortableBuilder) -> SSAValue:
    """There is no portable linear kernel: `addmm` or `mm` with the weight transposed."""
    weight = constant_of(op.weight)
    if weight is None:
        out, depth = shape_of(op.weight)
        type = TensorType(op.output.type.element_type, [depth, out])
        transposed = b.call("permute_copy.default", op.weight, [1, 0], type=type)
    else:
        transposed = b.add(constant_op(np.asarray(weight.T, order="C"), op.weight.name_hint))
    shape, element = shape_of(op.input), op.output.type.element_type
    rows = numel(shape[:-1])
    x: SSAValue = op.input
    if len(shape) != 2:
        x = b.add(edge.ReshapeOp([x], TensorType(element, [rows, shape[-1]])))
    flat = TensorType(element, [rows, shape_of(op.output)[-1]])
    if op.bias is None:
        y = b.call("mm.default", x, transposed, type=flat)
    else:
        y = b.call("addmm.default", op.bias, x, transposed, 1, 1, type=flat)
    if len(shape) != 2:
        y = b.add(edge.ReshapeOp([y], op.output.type))
    return b.clamped(y)


def _avg_pool2d(op: edge.AvgPool2dOp, b: PortableBuilder) -> SSAValue:
    flags = bool(int_of(op.ceil_mode)), bool(int_of(op.count_include_pad))
    input, padding = _padded(op, b, 0.0 if flags == (False, True) else None)
    window = [list(ints_of(op.kernel_size)), list(ints_of(op.stride)), padding]
    return b.call("avg_pool2d.default", input, *window, *flags, None)


def _max_pool2d(op: edge.MaxPool2dOp, b: PortableBuilder) -> SSAValue:
    input, padding = _padded(op, b, None if int_of(op.ceil_mode) else float("-inf"))
    window = [list(ints_of(op.kernel_size)), list(ints_of(op.stride)), padding]
    arguments: list[Argument] = [*window, list(ints_of(op.dilation)), bool(int_of(op.ceil_mode))]
    types = [op.output.type, TensorType(i64, shape_of(op.output))]
    return b.clamped(
        b.window_call("max_pool2d_with_indices.default", input, *arguments, types=types)
    )


def _softmax(op: edge.SoftmaxOp, b: PortableBuilder) -> SSAValue:
    return b.call("_softmax.default", op.input, int_of(op.dim), False)


def _layer_norm(op: edge.LayerNormOp, b: PortableBuilder) -> SSAValue:
    """`native_layer_norm`, which also gives the mean and the factor of each row. There is no
    portable kernel of an uncentered norm: squares, their mean, a root and products."""
    inner, epsilon = int_of(op.inner_dims), op.epsilon.value.data
    shape, element = shape_of(op.input), op.output.type.element_type
    statistic = TensorType(element, [*shape[:-inner], *(1,) * inner])
    if int_of(op.centered):
        call = portable_call(
            "aten.native_layer_norm.default",
            [op.input, list(op.row_shape), op.weight, op.bias, epsilon],
            *(op.output.type, statistic, statistic),
        )
        return b.add(call)
    dims = list(range(len(shape) - inner, len(shape)))
    square = b.call("mul.Tensor", op.input, op.input, type=op.input.type)
    energy = b.call("mean.dim", square, dims, True, None, type=statistic)
    shifted = b.call("add.Scalar", energy, epsilon, 1, type=statistic)
    y = b.call("mul.Tensor", op.input, b.call("rsqrt.default", shifted, type=statistic))
    for target, parameter in zip(("mul.Tensor", "add.Tensor"), op.parameters, strict=False):
        y = b.call(target, y, parameter, *([1] if target == "add.Tensor" else []))
    return y


def _matmul(op: edge.MatmulOp, b: PortableBuilder) -> SSAValue:
    """`mm` of two matrices, `bmm` of batches of them."""
    lhs, rhs, element = op.lhs, op.rhs, op.output.type.element_type
    if int_of(op.transposed_rhs):
        *batch, columns, depth = shape_of(rhs)
        perm = [*range(len(batch)), len(batch) + 1, len(batch)]
        type = TensorType(element, [*batch, depth, columns])
        rhs = b.call("permute_copy.default", rhs, perm, type=type)
    if len(shape_of(lhs)) == 2:
        return b.call("mm.default", lhs, rhs)
    flat = [
        b.add(
            edge.ReshapeOp([v], TensorType(element, [numel(shape_of(v)[:-2]), *shape_of(v)[-2:]]))
        )
        for v in (lhs, rhs)
    ]
    type = TensorType(element, [*shape_of(flat[0])[:-1], shape_of(rhs)[-1]])
    product = b.call("bmm.default", *flat, type=type)
    return b.add(edge.ReshapeOp([product], op.output.type))


def _slice(op: edge.SliceOp, b: PortableBuilder) -> SSAValue:
    dim, start = int_of(op.dim), int_of(op.start)
    end = start + shape_of(op.output)[dim]
    return b.call("slice_copy.Tensor", op.input, dim, start, end, 1)


def _take(op: edge.TakeOp, b: PortableBuilder) -> SSAValue:
    if (steps := op.steps()) is not None:
        return b.call("slice_copy.Tensor", op.input, int_of(op.dim), *steps)
    indices = b.add(constant_op(np.array(ints_of(op.indices), np.int32), "indices"))
    return b.call("index_select.default", op.input, int_of(op.dim), indices)


def _pad(op: edge.PadOp, b: PortableBuilder) -> SSAValue:
    """The portable operator takes the last dimension first."""
    pairs = list(zip(ints_of(op.low), ints_of(op.high), strict=True))
    border = [amount for pair in reversed(pairs) for amount in pair]
    return b.call("constant_pad_nd.default", op.input, border, op.value.value.data)


def _upsample_bilinear2d(op: edge.UpsampleBilinear2dOp, b: PortableBuilder) -> SSAValue:
    size = list(shape_of(op.output)[2:])
    return b.call("upsample_bilinear2d.vec", op.input, size, False, None)


def _cat(op: edge.CatOp, b: PortableBuilder) -> SSAValue:
    return b.call("cat.default", list(op.inputs), int_of(op.dim))


def _extremum(op: edge.AmaxOp | edge.AminOp, b: PortableBuilder) -> SSAValue:
    target = f"{op.name.removeprefix('edge.')}.default"
    return b.call(target, op.input, list(ints_of(op.dims)), True)


RULES: dict[type[Operation], Rule] = {
    **ELEMENTWISE,
    edge.AvgPool2dOp: _avg_pool2d,
    edge.CatOp: _cat,
    edge.Conv2dOp: _conv2d,
    edge.ConvTranspose2dOp: _conv_transpose2d,
    edge.ExpandOp: lambda op, b: b.call(
        "expand_copy.default", op.input, list(shape_of(op.output)), False
    ),
    edge.LayerNormOp: _layer_norm,
    edge.LinearOp: _linear,
    edge.MatmulOp: _matmul,
    edge.MaxPool2dOp: _max_pool2d,
    edge.PadOp: _pad,
    edge.PermuteOp: lambda op, b: b.call("permute_copy.default", op.input, list(ints_of(op.perm))),
    edge.SliceOp: _slice,
    **dict.fromkeys((edge.AmaxOp, edge.AminOp), _extremum),
    edge.MeanOp: lambda op, b: b.call("mean.dim", op.input, list(ints_of(op.dims)), True, None),
    edge.SumOp: lambda op, b: b.call(
        "sum.dim_IntList", op.input, list(ints_of(op.dims)), True, None
    ),
    edge.SoftmaxOp: _softmax,
    edge.TakeOp: _take,
    edge.UpsampleBilinear2dOp: _upsample_bilinear2d,
}


def _lowered(op: edge.EdgeOp, rules: Sequence[Rule]) -> tuple[PortableBuilder, SSAValue]:
    """The calls of the first rule that lowers an op, and the result. Raises CompileError."""
    for rule in rules:
        b = PortableBuilder(op)
        try:
            return b, rule(op, b)
        except Unsupported as error:
            for call in reversed(b.ops):
                call.drop_all_references()
            reason = str(error)
    raise CompileError(f"has no float kernel: {reason}", op=op)


class ConvertToCall(RewritePattern):
    """A float `edge` op → the calls that compute it, each with the reason for the call."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: edge.EdgeOp, rewriter: PatternRewriter) -> None:
        rules = [r for r in (plugin_rule(op, "portable"), rule_of(op, RULES)) if r is not None]
        if not rules or quantized_element(op.results[0].type) is not None:
            return
        if isinstance(op, edge.CatOp) and is_outermost(shape_of(op.output), int_of(op.dim)):
            return  # Its operands are made in their places in the result: no call.
        b, value = _lowered(op, rules)
        value.name_hint = op.results[0].name_hint
        reason = op.attributes.get(REASON)
        for call in b.ops:
            if isinstance(call, edge.CallOp):
                call.reason = (
                    reason if isinstance(reason, StringAttr) else StringAttr(NOT_QUANTIZED)
                )
        rewriter.replace(op, b.ops, (value,))


class MakeNchw(RewritePattern):
    """A float average pool on NHWC → permute, the pool on NCHW, permute back; exact.

    The portable kernel takes NCHW only.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: edge.AvgPool2dOp, rewriter: PatternRewriter) -> None:
        if not is_nhwc(op) or quantized_element(op.output.type) is not None:
            return
        input = edge.PermuteOp.of(op.input, NHWC_TO_NCHW)
        type = edge.permuted_type(op.output.type, NHWC_TO_NCHW)
        nchw = recreated(op, [input.output], type, data_format=StringAttr("NCHW"))
        back = edge.PermuteOp.of(nchw.results[0], NCHW_TO_NHWC)
        if isinstance(reason := op.attributes.get(REASON), StringAttr):
            for permute in (input, back):
                permute.attributes[REASON] = reason
        rewriter.replace(op, [input, nchw, back])


VIEWS = frozenset(
    {"alias", "as_strided", "detach", "diagonal", "expand", "permute", "select", "slice", "split"}
    | {"split_with_sizes", "squeeze", "t", "transpose", "unbind", "unfold", "unsqueeze", "view"}
)
"""Operators that alias their input. Their `_copy` forms make new tensors, as IR does."""


class CopyViews(RewritePattern):
    """`aten.slice.Tensor` → `aten.slice_copy.Tensor`: the runtime's kernels do not alias."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: edge.CallOp, rewriter: PatternRewriter) -> None:
        namespace, name, overload = op.target.data.split(".")
        if namespace == "aten" and name in VIEWS:
            op.target = StringAttr(f"{namespace}.{name}_copy.{overload}")
            rewriter.notify_op_modified(op)


class FoldDequantizeOfConstant(RewritePattern):
    """Dequantize constants at compile time (for per axis or 32 bits there is no kernel); exact."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DCastOp, rewriter: PatternRewriter) -> None:
        if (values := float_constant_of(op.input)) is not None:
            rewriter.replace(op, constant_op(values, op.input.name_hint))


class DropEmptyCall(RewritePattern):
    """A call whose results have no elements → constants without elements; exact.

    Some kernels end the process on such tensors.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: edge.CallOp, rewriter: PatternRewriter) -> None:
        if not op.results or any(numel(shape_of(result)) for result in op.results):
            return
        made = [
            typed_constant(np.zeros(shape_of(result), np.int8), result.type, result.name_hint)
            for result in op.results
        ]
        rewriter.replace(op, [op for ops, _ in made for op in ops], [value for _, value in made])


class GiveReason(RewritePattern):
    """Set the reason of calls that have no integer kernel."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: edge.CallOp, rewriter: PatternRewriter) -> None:
        if op.reason is None:
            name = op.target.data.split(".")[1]
            elements = {str(element_of(value)) for value in (*op.operands_, *op.outputs)}
            if "f32" in elements:
                reason = f"there is no integer kernel for {name}"
            else:
                reason = f"there is no CMSIS-NN kernel for {name} on {', '.join(sorted(elements))}"
            op.reason = StringAttr(reason)
            rewriter.notify_op_modified(op)


@dataclass(frozen=True)
class ConvertEdgeToPortablePass(ModulePass):
    """Make every float `edge` op a call of ExecuTorch's portable kernels, with its reason.

    Exact except for the order of float32 sums, and for the last bits of silu, hardswish and
    hardsigmoid, which become calls of simpler kernels.
    """

    name = "convert-edge-to-portable"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, FoldDequantizeOfConstant())
        made = (MakeNchw(), ConvertToCall(), CopyViews(), DropEmptyCall(), GiveReason())
        apply_patterns(op, *made, *INTEGER_CALLS)
