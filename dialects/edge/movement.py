"""Ops that move elements, and memory orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import (
    IntegerAttr,
    NoneAttr,
    TensorType,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    var_operand_def,
)
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge.base import DimOrderAttr, EdgeOp, I64Array, verify_elements, verify_tensors
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import (
    broadcast_shape,
    element_of,
    int_of,
    ints,
    ints_of,
    numel,
    permuted,
    shape_of,
    verify_permutation,
    verify_shape,
)


class MovementOp(EdgeOp):
    """Each element of the result is one of the operand, or a constant the op names."""

    input = operand_def(TensorType)
    output = result_def(TensorType)

    assembly_format: ClassVar[str] = "$input attr-dict `:` functional-type(operands, results)"

    def _verify_element(self, verb: str) -> None:
        """One element type on both sides; `verb` says what cannot be done per axis."""
        if element_of(self.input) != element_of(self.output):
            raise VerifyException("must keep the element type")
        if (element := quantized_element(self.input.type)) is not None and element.is_per_axis:
            raise VerifyException(f"cannot {verb} a tensor that is quantized per axis")


@irdl_op_definition
class ReshapeOp(MovementOp):
    """The same elements, in row-major order, under another shape (view, flatten, squeeze, …)."""

    name = "edge.reshape"

    def verify_(self) -> None:
        verify_tensors(self)
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
            if not keeps_axis(source, before.axis.data, target, axis):
                raise VerifyException(f"splits or merges the quantized axis {before.axis.data}")
        elif element_of(self.input) != element_of(self.output):
            raise VerifyException("must keep the element type")


def keeps_axis(source: Sequence[int], axis: int, target: Sequence[int], new_axis: int) -> bool:
    """Whether a reshape leaves one axis as it is: same size, same stride, same place."""
    return (
        0 <= new_axis < len(target)
        and source[axis] == target[new_axis]
        and numel(source[axis:]) == numel(target[new_axis:])
    )


def reshaped_type(type: Attribute, shape: Sequence[int]) -> TensorType:
    """The type of a tensor under another shape; a quantized axis keeps its size and stride.

    Raises ValueError where the reshape would split or merge that axis.
    """
    assert isinstance(type, TensorType)
    element = type.element_type
    if (quantized := quantized_element(type)) is not None and quantized.is_per_axis:
        source, axis = type.get_shape(), quantized.axis.data
        kept = [d for d in range(len(shape)) if keeps_axis(source, axis, shape, d)]
        if not kept:
            raise ValueError(f"{type} as {list(shape)} splits or merges the quantized axis {axis}")
        element = quantized.with_axis(kept[0])
    return TensorType(element, shape)


@irdl_op_definition
class PermuteOp(MovementOp):
    """`out.shape[i] = in.shape[perm[i]]` (permute, transpose, moveaxis).

    The axis of a per-axis quantized type moves along.
    """

    name = "edge.permute"

    perm = prop_def(I64Array)

    @staticmethod
    def of(input: SSAValue, perm: Sequence[int]) -> PermuteOp:
        """Permute `input`; the result type follows."""
        type = permuted_type(input.type, perm)
        return PermuteOp([input], type, {"perm": ints(perm)})

    def verify_(self) -> None:
        verify_tensors(self)
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
class ExpandOp(MovementOp):
    """The input repeated to a shape it broadcasts to under NumPy's rules (expand, repeat)."""

    name = "edge.expand"

    input = operand_def(TensorType)
    output = result_def(TensorType)

    assembly_format = "$input attr-dict `:` functional-type(operands, results)"

    @staticmethod
    def of(input: SSAValue, shape: Sequence[int]) -> ExpandOp:
        """Expand `input` to `shape`, with its element type."""
        return ExpandOp([input], TensorType(element_of(input), shape))

    def verify_(self) -> None:
        verify_tensors(self)
        source, target = shape_of(self.input), shape_of(self.output)
        if broadcast_shape(source, target) != target:
            raise VerifyException(f"shape {list(source)} does not broadcast to {list(target)}")
        if element_of(self.input) != element_of(self.output):
            raise VerifyException("must keep the element type")
        if (element := quantized_element(self.input.type)) is not None and element.is_per_axis:
            raise VerifyException("cannot expand a tensor that is quantized per axis")


@irdl_op_definition
class SliceOp(MovementOp):
    """Elements `start … start + size` of dimension `dim` (slice, narrow, select, split)."""

    name = "edge.slice"

    dim = prop_def(IntegerAttr)
    start = prop_def(IntegerAttr)

    def verify_(self) -> None:
        verify_tensors(self)
        shape, dim, start = shape_of(self.input), int_of(self.dim), int_of(self.start)
        result = shape_of(self.output)
        if not 0 <= dim < len(shape) or len(result) != len(shape):
            raise VerifyException(f"dim {dim} and the result's rank must fit {list(shape)}")
        if start < 0 or start + result[dim] > shape[dim]:
            raise VerifyException(
                f"slice {start}..{start + result[dim]} is outside dimension {dim} of {shape[dim]}"
            )
        verify_shape(self.name, "result", result, (*shape[:dim], result[dim], *shape[dim + 1 :]))
        self._verify_element("slice")


@irdl_op_definition
class CatOp(EdgeOp):
    """Tensors one after the other along dimension `dim` (aten.cat).

    Quantized operands may have other parameters than the result: each is requantized.
    """

    name = "edge.cat"

    inputs = var_operand_def(TensorType)
    dim = prop_def(IntegerAttr)
    output = result_def(TensorType)

    assembly_format = "$inputs attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        verify_tensors(self)
        verify_elements(self)
        if not self.inputs:
            raise VerifyException("needs at least one operand")
        shape, dim, total = shape_of(self.output), int_of(self.dim), 0
        if not 0 <= dim < len(shape):
            raise VerifyException(f"dim {dim} is outside rank {len(shape)}")
        for value in self.inputs:
            part = shape_of(value)
            if len(part) != len(shape) or any(
                d != dim and part[d] != shape[d] for d in range(len(shape))
            ):
                raise VerifyException(f"{list(part)} does not fit {list(shape)} along {dim}")
            total += part[dim]
            if quantized_element(value.type) is None and element_of(value) != element_of(
                self.output
            ):
                raise VerifyException("operands and result must be of one element type")
        if total != shape[dim]:
            raise VerifyException(f"the parts make {total} along {dim}, not {shape[dim]}")


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
