"""Quantize, dequantize and data movement → border kernels, views, transpose."""

from __future__ import annotations

from xdsl.dialects.builtin import TensorType
from xdsl.ir import SSAValue

from cmopt.arithmetic.lookup_tables import lookup_of
from cmopt.dialects.cortex_m import (
    DequantizePerTensorOp,
    JoinOp,
    QuantizePerTensorOp,
    SubviewOp,
    TransposeOp,
    ViewOp,
)
from cmopt.dialects.cortex_m.limits import transpose_limit
from cmopt.dialects.edge import BitcastOp, CatOp, ExpandOp, PermuteOp, ReshapeOp, SliceOp
from cmopt.dialects.permutations import simplest_permute
from cmopt.dialects.quant import (
    DCastOp,
    QCastOp,
    UniformQuantizedType,
    qtype_of,
    quantized_element,
    storage_type,
)
from cmopt.dialects.shapes import element_of, int_of, ints_of, numel, permuted, shape_of
from cmopt.lowering.cortex_m.builder import KernelBuilder, int8_tensor
from cmopt.lowering.cortex_m.elementwise import looked_up
from cmopt.lowering.int16.values import requantize, value_as
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.weights import require_stored


def border_properties(type: UniformQuantizedType) -> dict[str, int | float]:
    """The properties of quantize_per_tensor and dequantize_per_tensor for a quantized type."""
    low, high = type.storage_range
    return {
        "scale": type.scale,
        "zero_point": type.zero_point,
        "quant_min": low,
        "quant_max": high,
    }


def quantize(op: QCastOp, b: KernelBuilder) -> SSAValue:
    """quant.qcast of float32 → quantize_per_tensor; between two int8 types → a lookup table;
    between others → requantize, or without own kernels dequantize and quantize.

    At most 1 step: the kernel multiplies by `1.0f / float(scale)`, PyTorch by `float(1.0 / scale)`.
    The lookup table is exact. A requantization is rounded once, half up.
    """
    _require_border_type(qtype_of(op.output))
    if (found := lookup_of(op)) is not None:
        return looked_up(found, b)
    if isinstance(op.input.owner, DCastOp) and b.has_own_kernels:
        source, target = op.input.owner.input, qtype_of(op.output)
        _require_border_type(qtype_of(source))
        return requantize(b, b.value(source), qtype_of(source), target)
    properties = border_properties(qtype_of(op.output))
    return b.add(QuantizePerTensorOp([b.value(op.input)], storage_type(op.output.type), properties))


def dequantize(op: DCastOp, b: KernelBuilder) -> SSAValue:
    """quant.dcast to float32 → dequantize_per_tensor; exact."""
    type = qtype_of(op.input)
    _require_border_type(type)
    return b.add(
        DequantizePerTensorOp([b.value(op.input)], op.output.type, border_properties(type))
    )


def _require_border_type(type: UniformQuantizedType) -> None:
    """Raise Unsupported if quantize_per_tensor and dequantize_per_tensor do not take the type."""
    if type.is_per_axis or type.storage.width.data > 16:
        raise Unsupported("kernels quantize per tensor, to 8 or 16 bits")


def reshape(op: ReshapeOp, b: KernelBuilder) -> SSAValue:
    """edge.reshape → view; exact, and no instruction at run time."""
    return b.add(ViewOp(b.value(op.input), storage_type(op.output.type)))


def bitcast(op: BitcastOp, b: KernelBuilder) -> SSAValue:
    """edge.bitcast → view; exact, and no instruction at run time."""
    return b.add(ViewOp(b.value(op.input), op.output.type))


def permute(op: PermuteOp, b: KernelBuilder) -> SSAValue:
    """edge.permute of int8 → transpose of as few dimensions as possible; exact.

    The kernel takes four dimensions. A permute of more becomes several transposes. int16 elements
    are moved by the portable kernel.
    """
    width, value = require_stored(op.input), b.value(op.input)
    if width == 16:
        return wide_permute(b, value, ints_of(op.perm))
    for shape, perm in transposes(shape_of(op.input), ints_of(op.perm)):
        type = int8_tensor(permuted(shape, perm))
        value = b.add(TransposeOp([b.view(value, shape)], type, {"perm": perm}))
    return b.view(value, shape_of(op.output))


def wide_permute(b: KernelBuilder, value: SSAValue, perm: tuple[int, ...]) -> SSAValue:
    """int16 elements permuted by one portable call; a view if only dimensions of size 1 move."""
    sizes, order = simplest_permute(shape_of(value), perm)
    result = permuted(shape_of(value), perm)
    if len(order) < 2:
        return b.view(value, result)
    type = TensorType(element_of(value), permuted(sizes, order))
    moved = b.portable("aten.permute_copy.default", b.view(value, sizes), list(order), type=type)
    return b.view(moved, result)


def is_outermost(shape: tuple[int, ...], dim: int) -> bool:
    """Whether slices along `dim` are whole ranges of bytes."""
    return numel(shape[:dim]) == 1


def slice(op: SliceOp, b: KernelBuilder) -> SSAValue:
    """edge.slice → subview if it is one range of bytes, else portable slice; exact."""
    require_stored(op.input)
    source, type = b.value(op.input), storage_type(op.output.type)
    shape, dim, start = shape_of(op.input), int_of(op.dim), int_of(op.start)
    if is_outermost(shape, dim):
        return b.add(SubviewOp(source, start * numel(shape[dim + 1 :]), type))
    end = start + shape_of(op.output)[dim]
    return b.portable("aten.slice_copy.Tensor", source, dim, start, end, 1, type=type)


def expand(op: ExpandOp, b: KernelBuilder) -> SSAValue:
    """edge.expand → portable expand_copy; exact."""
    require_stored(op.input)
    return expanded(b, b.value(op.input), shape_of(op.output))


def expanded(b: KernelBuilder, value: SSAValue, shape: tuple[int, ...]) -> SSAValue:
    """`value` repeated to `shape`; a view if it already has as many elements."""
    if numel(shape_of(value)) == numel(shape):
        return b.view(value, shape)
    type = TensorType(element_of(value), list(shape))
    return b.portable("aten.expand_copy.default", value, shape, False, type=type)


def cat(op: CatOp, b: KernelBuilder) -> SSAValue:
    """edge.cat → join if the operands are ranges of bytes, else portable cat; exact.

    An operand of another quantized type than the result is first requantized: exactly if both are
    int8, else rounded once.
    """
    target, dim, type = quantized_element(op.output.type), int_of(op.dim), op.output.type
    if target is not None:
        require_stored(op.output)
    parts = [b.value(v) if target is None else value_as(b, v, target) for v in op.inputs]
    if is_outermost(shape_of(op.output), dim):
        return b.add(JoinOp(parts, storage_type(type)))
    if target is None:
        raise Unsupported("a float cat within rows has no cortex_m kernel")
    return b.portable("aten.cat.default", parts, dim, type=storage_type(type))


def transposes(
    shape: tuple[int, ...], perm: tuple[int, ...]
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """(shape, perm) of the transposes, of rank 4 at most, that make up a permutation.

    The list is empty if only dimensions of size 1 move. Beyond rank 4, each transpose moves one
    run of adjacent dimensions to its final place.
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
    """The same transpose; with rank 3, if the matrix is too large for the kernel for matrices."""
    if transpose_limit(shape, perm) is None:
        return shape, perm
    return (*shape, 1), (*perm, len(perm))
