"""Reductions over whole dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge.base import EdgeOp, I64Array
from cmopt.dialects.shapes import ints, ints_of, numel, shape_of


class ReductionOp(EdgeOp):
    """One value for all elements along `dims` (ascending), which stay as dimensions of size 1."""

    input = operand_def(TensorType)
    dims = prop_def(I64Array)
    output = result_def(TensorType)

    @classmethod
    def of(cls, input: SSAValue, dims: Sequence[int], element: Attribute | None = None) -> Self:
        """The reduction of `input`, in its element type or in `element`."""
        return cls.inferred([input], {"dims": ints(sorted(dims))}, element=element)

    def infer_shape(self) -> Sequence[int]:
        shape, dims = shape_of(self.input), ints_of(self.dims)
        if not dims or list(dims) != sorted(set(dims)) or not 0 <= dims[0] <= dims[-1] < len(shape):
            raise VerifyException(
                f"dims {list(dims)} must be ascending dimensions of rank {len(shape)}"
            )
        if numel(shape) == 0:
            raise VerifyException("reduces no elements")
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
