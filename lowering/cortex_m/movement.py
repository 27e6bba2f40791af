"""Quantize, dequantize and data movement → border kernels, views, transpose."""

from __future__ import annotations

from xdsl.dialects.builtin import ArrayAttr, BoolAttr, IntegerAttr, StringAttr, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.cortex_m import (
    DequantizePerTensorOp,
    JoinOp,
    QuantizePerTensorOp,
    SubviewOp,
    TransposeOp,
    ViewOp,
)
from cmopt.dialects.cortex_m.limits import transpose_limit
from cmopt.dialects.edge import (
    CallOp,
    CatOp,
    ExpandOp,
    OperandAttr,
    PermuteOp,
    ReshapeOp,
    SliceOp,
)
from cmopt.dialects.permutations import simplest_permute
from cmopt.dialects.quant import (
    DCastOp,
    QCastOp,
    SCastOp,
    UniformQuantizedType,
    qtype_of,
    quantized_element,
    storage_type,
)
from cmopt.dialects.shapes import element_of, int_of, ints_of, numel, permuted, shape_of
from cmopt.lowering.cortex_m.common import Builder, int8_tensor


def border_properties(type: UniformQuantizedType) -> dict[str, int | float]:
    """What quantize_per_tensor and dequantize_per_tensor are told of a quantized type."""
    low, high = type.storage_range
    return {
        "scale": type.scale,
        "zero_point": type.zero_point,
        "quant_min": low,
        "quant_max": high,
    }


class ConvertQuantize(RewritePattern):
    """quant.qcast of float32 → quantize_per_tensor.

    At most 1 step: the kernel multiplies by `1.0f / float(scale)`, PyTorch by `float(1.0 / scale)`.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: QCastOp, rewriter: PatternRewriter) -> None:
        type = qtype_of(op.output)
        if type.is_per_axis or type.storage.width.data > 16 or isinstance(op.input.owner, DCastOp):
            return
        build = Builder(op, rewriter)
        properties = border_properties(type)
        build.finish(QuantizePerTensorOp([op.input], storage_type(op.output.type), properties))


class ConvertDequantize(RewritePattern):
    """quant.dcast to float32 → dequantize_per_tensor; exact."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DCastOp, rewriter: PatternRewriter) -> None:
        type = qtype_of(op.input)
        if type.is_per_axis or type.storage.width.data > 16:
            return
        storage = SCastOp(op.input, storage_type(op.input.type))
        kernel = DequantizePerTensorOp([storage.output], op.output.type, border_properties(type))
        kernel.output.name_hint = op.output.name_hint
        rewriter.replace(op, [storage, kernel])


class ConvertReshape(RewritePattern):
    """edge.reshape → view; exact, and no instruction at run time."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ReshapeOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.input.type) is None:
            rewriter.replace(op, ViewOp(op.input, op.output.type))
            return
        build = Builder(op, rewriter)
        build.finish(build.add(ViewOp(build.storage(op.input), storage_type(op.output.type))))


class ConvertPermute(RewritePattern):
    """edge.permute of int8 → transpose of as few dimensions as describe it; exact.

    The kernel takes four: what needs more is done in several.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: PermuteOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.input.type) is None:
            return
        build = Builder(op, rewriter)
        value = build.storage(op.input)
        for shape, perm in transposes(shape_of(op.input), ints_of(op.perm)):
            type = int8_tensor(permuted(shape, perm))
            value = build.add(TransposeOp([build.view(value, shape)], type, {"perm": perm}))
        build.finish(build.view(value, shape_of(op.output)))


def is_outermost(shape: tuple[int, ...], dim: int) -> bool:
    """Whether slices along `dim` are whole ranges of bytes."""
    return numel(shape[:dim]) == 1


def portable_call(target: str, operands: list[SSAValue], rest: list[Attribute], type: Attribute
                  ) -> CallOp:  # fmt: skip
    """Data movement on int8 that ExecuTorch's portable library does, exactly."""
    call = CallOp(target, operands, rest, [type])
    name = target.split(".")[1]
    call.reason = StringAttr(f"no integer kernel for {name}; the portable one moves bytes exactly")
    return call


class ConvertSlice(RewritePattern):
    """edge.slice of int8 → subview where it is one range of bytes, else portable slice; exact."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SliceOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.input.type) is None:
            return
        build = Builder(op, rewriter)
        source, type = build.storage(op.input), storage_type(op.output.type)
        shape, dim, start = shape_of(op.input), int_of(op.dim), int_of(op.start)
        if is_outermost(shape, dim):
            offset = start * numel(shape[dim + 1 :])
            build.finish(build.add(SubviewOp(source, offset, type)))
            return
        end = start + shape_of(op.output)[dim]
        numbers: list[Attribute] = [IntegerAttr(n, i64) for n in (dim, start, end, 1)]
        arguments = [OperandAttr(IntegerAttr(0, i64)), *numbers]
        build.finish(build.add(portable_call("aten.slice_copy.Tensor", [source], arguments, type)))


class ConvertExpand(RewritePattern):
    """edge.expand of int8 → portable expand_copy; exact."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ExpandOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.input.type) is None:
            return
        build = Builder(op, rewriter)
        build.finish(expanded(build, build.storage(op.input), shape_of(op.output)))


def expanded(build: Builder, value: SSAValue, shape: tuple[int, ...]) -> SSAValue:
    """int8 `value` repeated to `shape`; a view where it has as many elements already."""
    if numel(shape_of(value)) == numel(shape):
        return build.view(value, shape)
    sizes = ArrayAttr([IntegerAttr(size, i64) for size in shape])
    rest: list[Attribute] = [OperandAttr(IntegerAttr(0, i64)), sizes, BoolAttr.from_bool(False)]
    call = portable_call("aten.expand_copy.default", [value], rest, int8_tensor(shape))
    return build.add(call)


class ConvertCat(RewritePattern):
    """edge.cat → join where the parts are ranges of bytes, else, of int8, portable cat; exact."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CatOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.output.type) is None:
            if is_outermost(shape_of(op.output), int_of(op.dim)):
                rewriter.replace(op, JoinOp(list(op.inputs), op.output.type))
            return
        if any(element_of(value) != element_of(op.output) for value in op.inputs):
            return  # Bytes of another quantization: requantized first.
        build = Builder(op, rewriter)
        parts, type = [build.storage(v) for v in op.inputs], storage_type(op.output.type)
        dim = int_of(op.dim)
        if is_outermost(shape_of(op.output), dim):
            build.finish(build.add(JoinOp(parts, type)))
            return
        tensors = ArrayAttr([OperandAttr(IntegerAttr(i, i64)) for i in range(len(parts))])
        arguments: list[Attribute] = [tensors, IntegerAttr(dim, i64)]
        build.finish(build.add(portable_call("aten.cat.default", parts, arguments, type)))


def transposes(
    shape: tuple[int, ...], perm: tuple[int, ...]
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """(shape, perm) of the transposes, of rank 4 at most, that make up a permutation.

    None where only dimensions of size 1 move. Beyond rank 4 each brings one run of neighbours to
    its place, past those that come later.
    """
    sizes, order = simplest_permute(shape, perm)
    if len(order) < 2:
        return []
    if len(order) <= 4:
        return [_within_limits(sizes, order)]
    steps = []
    held = list(range(len(order)))
    for place in range(len(order)):
        if (at := held.index(order[place])) == place:
            continue
        end = at + 1
        while end < len(held) and held[end] == order[place + end - at]:
            end += 1
        parts = [held[:place], held[place:at], held[at:end], held[end:]]
        lengths = tuple(numel([sizes[d] for d in p]) for p in parts)
        steps.append(_within_limits(*simplest_permute(lengths, (0, 2, 1, 3))))
        held = [*parts[0], *parts[2], *parts[1], *parts[3]]
    return steps


def _within_limits(
    shape: tuple[int, ...], perm: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The same transpose, of a matrix too large for its own kernel as one of rank 3."""
    if transpose_limit(shape, perm) is None:
        return shape, perm
    return (*shape, 1), (*perm, len(perm))


PATTERNS: tuple[RewritePattern, ...] = (
    ConvertQuantize(),
    ConvertDequantize(),
    ConvertReshape(),
    ConvertPermute(),
    ConvertSlice(),
    ConvertExpand(),
    ConvertCat(),
)
