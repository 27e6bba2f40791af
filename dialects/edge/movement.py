"""Ops that move elements, and memory orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from xdsl.dialects.builtin import IntegerAttr, IntegerType, NoneAttr, TensorType, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    var_operand_def,
)
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge.base import DimOrderAttr, EdgeOp, I64Array, verify_tensors
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import (
    broadcast_shape,
    element_of,
    int_of,
    ints,
    ints_of,
    numel,
    permuted,
    resized,
    shape_of,
    verify_dim,
    verify_permutation,
)


class MovementOp(EdgeOp):
    """Each element of the result is an element of the operand, or a constant of the op."""

    input = operand_def(TensorType)
    output = result_def(TensorType)

    def infer_element(self) -> Attribute:
        if (element := quantized_element(self.input.type)) is not None and element.is_per_axis:
            raise VerifyException("does not take a tensor that is quantized per axis")
        return element_of(self.input)

    def verify_(self) -> None:
        verify_tensors(self)
        self.verify_result()


@irdl_op_definition
class BitcastOp(EdgeOp):
    """The same bytes as integers of another type of the same width (aten.view.dtype).

    A bool is a byte, 0 or 1.
    """

    name = "edge.bitcast"

    input = operand_def(TensorType)
    output = result_def(TensorType)

    def verify_(self) -> None:
        super().verify_()
        kinds = [element_of(value) for value in (self.input, self.output)]
        widths = {
            max(kind.width.data, 8) if isinstance(kind, IntegerType) else None for kind in kinds
        }
        if None in widths or len(widths) != 1:
            raise VerifyException(f"needs integers of one width, got {kinds[0]} and {kinds[1]}")


@irdl_op_definition
class ReshapeOp(MovementOp):
    """The same elements, in row-major order, under another shape (view, flatten, squeeze, …).

    A quantized axis keeps its size and stride. If several dimensions have them, which are then of
    size 1, any of them can be the result's axis.
    """

    name = "edge.reshape"

    @classmethod
    def of(cls, input: SSAValue, shape: Sequence[int]) -> Self:
        """`input` under `shape`. Raises VerifyException if that splits a quantized axis."""
        return cls.inferred([input], shape=shape)

    def infer_type(self) -> TensorType:
        source, target = shape_of(self.input), shape_of(self.output)
        if numel(source) != numel(target):
            raise VerifyException(
                f"cannot reshape {numel(source)} elements {list(source)} "
                f"to {numel(target)} {list(target)}"
            )
        quantized, given = quantized_element(self.input.type), quantized_element(self.output.type)
        if quantized is None or not quantized.is_per_axis:
            return TensorType(element_of(self.input), target)
        axis, named = quantized.axis.data, -1 if given is None else given.axis.data
        kept = [d for d in range(len(target)) if keeps_axis(source, axis, target, d)]
        if not kept:
            raise VerifyException(f"splits or merges the quantized axis {axis}")
        return TensorType(quantized.with_axis(named if named in kept else kept[0]), target)


def keeps_axis(source: Sequence[int], axis: int, target: Sequence[int], new_axis: int) -> bool:
    """Whether a reshape keeps the size and stride of an axis."""
    return source[axis] == target[new_axis] and numel(source[axis:]) == numel(target[new_axis:])


@irdl_op_definition
class PermuteOp(MovementOp):
    """`out.shape[i] = in.shape[perm[i]]` (permute, transpose, moveaxis).

    The axis of a per-axis quantized type moves with its dimension.
    """

    name = "edge.permute"

    perm = prop_def(I64Array)

    @classmethod
    def of(cls, input: SSAValue, perm: Sequence[int]) -> Self:
        """`input` permuted."""
        return cls.inferred([input], {"perm": ints(perm)})

    def infer_type(self) -> TensorType:
        perm = ints_of(self.perm)
        verify_permutation(perm, len(shape_of(self.input)))
        return permuted_type(self.input.type, perm)


def permuted_type(type: Attribute, perm: Sequence[int]) -> TensorType:
    """The result type of `edge.permute`. A quantized axis moves with its dimension."""
    assert isinstance(type, TensorType)
    element = type.element_type
    if (quantized := quantized_element(type)) is not None and quantized.is_per_axis:
        element = quantized.with_axis(list(perm).index(quantized.axis.data))
    return TensorType(element, permuted(type.get_shape(), perm))


@irdl_op_definition
class ExpandOp(MovementOp):
    """The input repeated to a shape it broadcasts to under NumPy's rules (expand, repeat)."""

    name = "edge.expand"

    @classmethod
    def of(cls, input: SSAValue, shape: Sequence[int]) -> Self:
        """`input` repeated to `shape`."""
        return cls.inferred([input], shape=shape)

    def infer_shape(self) -> Sequence[int]:
        source, target = shape_of(self.input), shape_of(self.output)
        if broadcast_shape(source, target) != target:
            raise VerifyException(f"shape {list(source)} does not broadcast to {list(target)}")
        return target


@irdl_op_definition
class SliceOp(MovementOp):
    """Elements `start … start + size` of dimension `dim` (slice, narrow, select, split)."""

    name = "edge.slice"

    dim = prop_def(IntegerAttr)
    start = prop_def(IntegerAttr)

    @classmethod
    def of(cls, input: SSAValue, dim: int, start: int, size: int) -> Self:
        """`size` elements of `input` from `start` on along `dim`."""
        properties = {"dim": IntegerAttr(dim, i64), "start": IntegerAttr(start, i64)}
        return cls.inferred([input], properties, shape=resized(shape_of(input), dim, size))

    def infer_shape(self) -> Sequence[int]:
        shape, dim, start = shape_of(self.input), int_of(self.dim), int_of(self.start)
        result = shape_of(self.output)
        if not 0 <= dim < len(shape) or len(result) != len(shape):
            raise VerifyException(f"dim {dim} and the result's rank must fit {list(shape)}")
        if start < 0 or start + result[dim] > shape[dim]:
            raise VerifyException(
                f"slice {start}..{start + result[dim]} is outside dimension {dim} of {shape[dim]}"
            )
        return resized(shape, dim, result[dim])


@irdl_op_definition
class CatOp(EdgeOp):
    """Tensors one after the other along dimension `dim` (aten.cat).

    Quantized operands may have other parameters than the result: each is requantized.
    """

    name = "edge.cat"

    inputs = var_operand_def(TensorType)
    dim = prop_def(IntegerAttr)
    output = result_def(TensorType)

    @classmethod
    def of(cls, inputs: Sequence[SSAValue], dim: int, element: Attribute | None = None) -> Self:
        """`inputs` along `dim`, in the element type of the first or in `element`."""
        return cls.inferred([inputs], {"dim": IntegerAttr(dim, i64)}, element=element)

    def infer_shape(self) -> Sequence[int]:
        if not self.inputs:
            raise VerifyException("needs at least one operand")
        parts, dim = [shape_of(value) for value in self.inputs], int_of(self.dim)
        verify_dim(dim, len(parts[0]))
        whole = resized(parts[0], dim, 0)
        for part in parts:
            if len(part) != len(whole) or resized(part, dim, 0) != whole:
                raise VerifyException(f"{list(part)} does not fit {list(parts[0])} along {dim}")
        return resized(whole, dim, sum(part[dim] for part in parts))

    def verify_(self) -> None:
        super().verify_()
        plain = [element_of(v) for v in self.inputs if quantized_element(v.type) is None]
        if any(element != element_of(self.output) for element in plain):
            raise VerifyException("operands and result must be of one element type")


@irdl_op_definition
class ToDimOrderOp(EdgeOp):
    """The same tensor in another memory order (clone, contiguous, to(memory_format=…))."""

    name = "edge.to_dim_order"

    input = operand_def(TensorType)
    output = result_def(TensorType)

    def infer_element(self) -> Attribute:
        return element_of(self.input)

    def verify_(self) -> None:
        self.verify_result()


def dim_order(type: Attribute) -> tuple[int, ...]:
    """Dimensions of a tensor type from outermost to innermost in memory."""
    assert isinstance(type, TensorType)
    if isinstance(type.encoding, DimOrderAttr):
        return ints_of(type.encoding.order)
    return tuple(range(type.get_num_dims()))


def with_dim_order(type: TensorType, order: Sequence[int]) -> TensorType:
    """`type` in memory order `order`. The default order has no encoding."""
    default = tuple(order) == tuple(range(len(order)))
    encoding = NoneAttr() if default else DimOrderAttr(ints(order))
    return TensorType(type.element_type, type.get_shape(), encoding)
