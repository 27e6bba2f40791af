"""The block of a delegate's region, its arguments and its constants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import (
    BytesAttr,
    DenseIntOrFPElementsAttr,
    IntegerAttr,
    IntegerType,
    TensorType,
    i8,
    i32,
)
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.rewriter import Rewriter

from cmopt.dialects import tosa
from cmopt.dialects.ethos_u import YieldOp
from cmopt.dialects.shapes import element_of
from cmopt.dialects.tosa.constants import dtype_of

Ints = Sequence[int]

COPY = "tosa.copy"
"""The attribute with the number of an op that is equal to another one on purpose."""


class Region:
    """Appends `tosa` ops to a block. Equal ops and constants are made only once.

    `inputs` lists the values outside that the block's arguments stand for, in order.
    """

    def __init__(self) -> None:
        self.block = Block()
        self.inputs: list[SSAValue] = []
        self.source: Operation | None = None
        self._ops: dict[tuple[object, ...], SSAValue] = {}
        self._copies = 0

    def finish(self, results: Sequence[SSAValue]) -> None:
        """End the region with its results. Unused ops and arguments are dropped."""
        self.block.add_op(YieldOp(results))
        for op in reversed(self.block.ops):
            if op.results and not any(value.uses for value in op.results):
                Rewriter.erase_op(op)
        for argument, outside in zip(list(self.block.args), list(self.inputs), strict=True):
            if not argument.uses:
                self.block.erase_arg(argument)
                self.inputs.remove(outside)

    def add(self, op: Operation, *, shared: bool = True) -> SSAValue:
        """Append an op, if it is not `shared` or no equal one exists; returns its first result.

        Equal ops that are not shared are numbered, so that `cse` keeps them apart.
        """
        properties = sorted(op.properties.items(), key=lambda entry: entry[0])
        key = (type(op), *op.operands, *op.result_types, *properties)
        if shared and key in self._ops:
            op.erase()
            return self._ops[key]
        if key in self._ops:
            self._copies += 1
            op.attributes[COPY] = IntegerAttr(self._copies, i32)
        if self.source is not None:
            op.location = self.source.location
        self.block.add_op(op)
        self._ops[key] = op.results[0]
        return op.results[0]

    def constant(self, array: NDArray[np.generic], hint: str | None = None) -> SSAValue:
        """A `tosa.const` of int8, int16 or int32; of int48 if the array is of int64."""
        constant = self.add(constant_op(array))
        constant.name_hint = constant.name_hint or hint
        return constant

    def number(self, value: int, type: Attribute = i8) -> SSAValue:
        """A constant of one element: a zero point, a shift."""
        return self.constant(np.array([value], dtype_of(type)))

    def sizes(self, values: Ints) -> SSAValue:
        """A `tosa.const_shape`."""
        return self.add(tosa.ConstShapeOp.of(values))


def constant_op(array: NDArray[np.generic]) -> tosa.ConstOp:
    """A `tosa.const` of integers. An array of int64 holds i48."""
    width = array.dtype.itemsize * 8
    type = TensorType(IntegerType(48 if width == 64 else width), array.shape)
    data = BytesAttr(np.asarray(array, order="C").tobytes())
    return tosa.ConstOp(DenseIntOrFPElementsAttr(type, data))


def like(value: SSAValue, shape: Ints) -> TensorType:
    """The tensor type with a value's element type and `shape`."""
    return TensorType(element_of(value), shape)
