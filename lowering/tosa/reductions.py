"""Reductions of one dimension."""

from __future__ import annotations

from xdsl.dialects.builtin import I32, IntegerAttr, i32
from xdsl.ir import Operation, SSAValue

from cmopt.dialects import tosa
from cmopt.dialects.shapes import shape_of
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.tosa.builder import RegionBuilder
from cmopt.lowering.tosa.region import like

MANY_ROWS = 16
"""The channels that an NPU reads at once. Fewer rows are not worth a transpose."""


def reduce(kind: type[Operation], value: SSAValue, dim: int, b: RegionBuilder) -> SSAValue:
    """A reduction of one dimension, which keeps a size of 1."""
    shape = shape_of(value)
    axis: IntegerAttr[I32] = IntegerAttr(dim, i32)
    type = like(value, (*shape[:dim], 1, *shape[dim + 1 :]))
    return b.add(kind.create(operands=[value], result_types=[type], properties={"axis": axis}))


def maximum_of_rows(rows: SSAValue, b: RegionBuilder) -> SSAValue:
    """[1,1,R,N] → [1,1,R,1]: the largest element of each row.

    Along the last dimension the NPU takes four cycles for an element. With the rows as channels it
    takes one, the transpose included.
    """
    count = shape_of(rows)[2]
    if count < MANY_ROWS:
        return reduce(tosa.ReduceMaxOp, rows, 3, b)
    columns = b.transpose(rows, (0, 1, 3, 2))
    return b.reshape(reduce(tosa.ReduceMaxOp, columns, 2, b), (1, 1, count, 1))


def sum_of_rows(rows: SSAValue, reach: int, b: RegionBuilder) -> SSAValue:
    """[1,1,R,N] → [1,1,R,1] in int32: the sum of each row, exact.

    reach: the largest absolute value. Raises Unsupported if a sum might overflow.
    """
    if shape_of(rows)[3] * reach >= 1 << 31:
        raise Unsupported(f"a sum of {shape_of(rows)[3]} numbers may have more than 32 bits")
    return reduce(tosa.ReduceSumOp, b.rescale(rows, 1.0, to=i32), 3, b)
