"""Ops that move data, of any element type."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import (
    I32,
    DenseArrayBase,
    IntegerAttr,
    IntegerType,
    TensorType,
    i8,
    i32,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, var_operand_def
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.shapes import (
    element_of,
    int_of,
    ints_of,
    numel,
    permuted,
    resized,
    shape_of,
    verify_permutation,
)
from cmopt.dialects.tosa.base import ShapeType, TosaOp, sizes_of, verify_one, verify_sizes
from cmopt.dialects.tosa.enums import EnumDictOp, ResizeMode, ResizeModeAttr

_SUMS: dict[Attribute, Attribute] = {i8: i32, IntegerType(16): IntegerType(48)}


class _MovementOp(TosaOp):
    """The result has the input's element type."""

    input1 = operand_def(TensorType)
    output = result_def(TensorType)


@irdl_op_definition
class ReshapeOp(_MovementOp):
    """The same elements in order, under another shape."""

    name = "tosa.reshape"

    input1 = operand_def(TensorType)
    shape = operand_def(ShapeType)

    def infer_shape(self) -> Sequence[int]:
        sizes = sizes_of(self.shape)
        if numel(sizes) != numel(shape_of(self.input1)):
            raise VerifyException(f"{self.input1.type} cannot take the shape {list(sizes)}")
        return sizes


@irdl_op_definition
class TransposeOp(_MovementOp):
    """`out.shape[i] = in.shape[perms[i]]`."""

    name = "tosa.transpose"

    perms = prop_def(DenseArrayBase)

    def infer_shape(self) -> Sequence[int]:
        shape, perms = shape_of(self.input1), ints_of(self.perms)
        verify_permutation(perms, len(shape))
        return permuted(shape, perms)


@irdl_op_definition
class PadOp(_MovementOp):
    """`padding` holds [before, after] for each dimension; `pad_const` is the value."""

    name = "tosa.pad"

    input1 = operand_def(TensorType)
    padding = operand_def(ShapeType)
    pad_const = operand_def(TensorType)

    def infer_shape(self) -> Sequence[int]:
        shape = shape_of(self.input1)
        padding = verify_sizes(self.padding, "padding", 2 * len(shape))
        verify_one(self.pad_const, "pad_const", element_of(self.input1))
        if min(padding, default=0) < 0:
            raise VerifyException(f"padding {list(padding)} must not be negative")
        return [a + n + b for a, n, b in zip(padding[::2], shape, padding[1::2], strict=True)]


@irdl_op_definition
class SliceOp(_MovementOp):
    """`size` elements from `start` on, in each dimension."""

    name = "tosa.slice"

    input1 = operand_def(TensorType)
    start = operand_def(ShapeType)
    size = operand_def(ShapeType)

    def infer_shape(self) -> Sequence[int]:
        shape = shape_of(self.input1)
        start = verify_sizes(self.start, "start", len(shape))
        size = verify_sizes(self.size, "size", len(shape))
        if any(s < 0 or n < 1 or s + n > d for s, n, d in zip(start, size, shape, strict=True)):
            raise VerifyException(f"slice {list(start)}, {list(size)} is not inside {list(shape)}")
        return size


@irdl_op_definition
class TileOp(_MovementOp):
    """The whole input `multiples` times along each dimension."""

    name = "tosa.tile"

    input1 = operand_def(TensorType)
    multiples = operand_def(ShapeType)

    def infer_shape(self) -> Sequence[int]:
        shape = shape_of(self.input1)
        multiples = verify_sizes(self.multiples, "multiples", len(shape))
        if min(multiples, default=1) < 1:
            raise VerifyException(f"multiples {list(multiples)} must be positive")
        return [n * m for n, m in zip(shape, multiples, strict=True)]


@irdl_op_definition
class ConcatOp(TosaOp):
    """The inputs one after the other along `axis`."""

    name = "tosa.concat"

    input1 = var_operand_def(TensorType)
    axis = prop_def(IntegerAttr[I32])
    output = result_def(TensorType)

    def __init__(self, tensors: Sequence[SSAValue], axis: IntegerAttr, output_type: TensorType):
        super().__init__([tensors], output_type, {"axis": axis})

    def infer_shape(self) -> Sequence[int]:
        if not self.input1:
            raise VerifyException("needs at least one operand")
        shape, axis = shape_of(self.input1[0]), int_of(self.axis)
        if not 0 <= axis < len(shape):
            raise VerifyException(f"axis {axis} is outside rank {len(shape)}")
        around = resized(shape, axis, 0)
        for other in map(shape_of, self.input1):
            if len(other) != len(shape) or resized(other, axis, 0) != around:
                raise VerifyException(f"{list(other)} does not join {list(shape)} on axis {axis}")
        return resized(shape, axis, sum(shape_of(value)[axis] for value in self.input1))

    def verify_(self) -> None:
        super().verify_()
        if len({element_of(value) for value in self.input1}) != 1:
            raise VerifyException("must keep the element type")


@irdl_op_definition
class ReverseOp(_MovementOp):
    """The elements along `axis` from the last to the first."""

    name = "tosa.reverse"

    axis = prop_def(IntegerAttr[I32])

    def infer_shape(self) -> Sequence[int]:
        shape = shape_of(self.input1)
        if not 0 <= int_of(self.axis) < len(shape):
            raise VerifyException(f"axis {int_of(self.axis)} is outside rank {len(shape)}")
        return shape


@irdl_op_definition
class ResizeOp(EnumDictOp):
    """Resample [N,H,W,C] in height and width.

    scale [y_n, y_d, x_n, x_d]: the factor is n/d; offset [y, x] and border [y, x] in units of 1/n.
    The result has `((H - 1)·y_n - offset_y + border_y) / y_d + 1` rows. `NEAREST_NEIGHBOR` keeps
    the element type; `BILINEAR` of int8 gives int32, y_n·x_n times the mean.
    """

    name = "tosa.resize"

    input = operand_def(TensorType)
    scale = operand_def(ShapeType)
    offset = operand_def(ShapeType)
    border = operand_def(ShapeType)
    mode = prop_def(ResizeModeAttr)
    output = result_def(TensorType)

    def infer_element(self) -> Attribute:
        element = element_of(self.input)
        if self.mode.data != ResizeMode.BILINEAR:
            return element
        if element not in _SUMS:
            raise VerifyException(f"BILINEAR works on i8 and i16, got {self.input.type}")
        return _SUMS[element]

    def infer_shape(self) -> Sequence[int]:
        if len(shape := shape_of(self.input)) != 4:
            raise VerifyException(f"input must have rank 4, got {self.input.type}")
        scale = verify_sizes(self.scale, "scale", 4)
        offset = verify_sizes(self.offset, "offset", 2)
        border = verify_sizes(self.border, "border", 2)
        rows, columns = (
            _resampled(*axis)
            for axis in zip(shape[1:3], scale[::2], scale[1::2], offset, border, strict=True)
        )
        return (shape[0], rows, columns, shape[3])


def _resampled(size: int, n: int, d: int, offset: int, border: int) -> int:
    """The new size of one dimension, resampled by n/d. The limits are TOSA's."""
    if not (1 <= n <= 1 << 11 and 1 <= d < 16 * n):
        raise VerifyException(f"scale {n}/{d} must be 1…2048 over 1…16·{n} - 1")
    if not (-n <= offset < 16 * n and -16 * n <= border < n):
        raise VerifyException(f"offset {offset} or border {border} is too far for a scale of {n}")
    span = (size - 1) * n - offset + border
    if span < 0 or span % d:
        raise VerifyException(f"steps of {d} do not end at the last of {size} elements: {span}")
    return span // d + 1
