"""Reductions over whole dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge.base import EdgeOp, I64Array, verify_elements
from cmopt.dialects.shapes import element_of, ints, ints_of, numel, shape_of, verify_shape


class ReductionOp(EdgeOp):
    """One value for all elements along `dims` (ascending), which stay as dimensions of size 1."""

    input = operand_def(TensorType)
    dims = prop_def(I64Array)
    output = result_def(TensorType)

    assembly_format: ClassVar[str] = "$input attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        verify_elements(self)
        shape, dims = shape_of(self.input), ints_of(self.dims)
        if not dims or list(dims) != sorted(set(dims)) or not 0 <= dims[0] <= dims[-1] < len(shape):
            raise VerifyException(
                f"dims {list(dims)} must be ascending dimensions of rank {len(shape)}"
            )
        if numel(shape) == 0:
            raise VerifyException("reduces no elements")
        verify_shape(self.name, "result", shape_of(self.output), reduced_shape(shape, dims))


def reduced_shape(shape: Sequence[int], dims: Sequence[int]) -> tuple[int, ...]:
    """`shape` with size 1 in `dims`."""
    return tuple(1 if d in dims else size for d, size in enumerate(shape))


@irdl_op_definition
class MeanOp(ReductionOp):
    """The mean (aten.mean)."""

    name = "edge.mean"


@irdl_op_definition
class SumOp(ReductionOp):
    """The sum (aten.sum)."""

    name = "edge.sum"


@irdl_op_definition
class AmaxOp(ReductionOp):
    """The largest element (aten.amax, max)."""

    name = "edge.amax"


@irdl_op_definition
class AminOp(ReductionOp):
    """The smallest element (aten.amin, min)."""

    name = "edge.amin"


def reduction(
    kind: type[ReductionOp], input: SSAValue, dims: Sequence[int], element: Attribute | None = None
) -> ReductionOp:
    """A reduction of `input`; the result has its element type, or `element`."""
    shape = reduced_shape(shape_of(input), dims)
    type = TensorType(element_of(input) if element is None else element, shape)
    return kind([input], type, {"dims": ints(sorted(dims))})
