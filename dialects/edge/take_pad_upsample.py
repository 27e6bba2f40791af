"""Ops that repeat, reorder or pad along single dimensions, and upsampling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from xdsl.dialects.builtin import AnyFloat, FloatAttr, IntegerAttr, TensorType, i64
from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge.base import EdgeOp, I64Array
from cmopt.dialects.edge.movement import MovementOp
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import (
    element_of,
    int_of,
    ints,
    ints_of,
    resized,
    shape_of,
    verify_dim,
    verify_ints,
)


@irdl_op_definition
class TakeOp(MovementOp):
    """`out[…, j, …] = in[…, indices[j], …]` along dimension `dim`.

    It expresses flip, roll, tile, index_select, a slice with a step, nearest upsampling, and
    reflection, replication and circular padding, with one op for each dimension.
    """

    name = "edge.take"

    dim = prop_def(IntegerAttr)
    indices = prop_def(I64Array)

    @classmethod
    def of(cls, input: SSAValue, dim: int, indices: Sequence[int]) -> Self:
        """The elements of `input` at `indices` of dimension `dim`."""
        return cls.inferred([input], {"dim": IntegerAttr(dim, i64), "indices": ints(indices)})

    def steps(self) -> tuple[int, int, int] | None:
        """(start, end, step) of an equal slice, or None if the indices do not rise evenly."""
        indices = ints_of(self.indices)
        if len(indices) < 2 or (step := indices[1] - indices[0]) < 1:
            return None
        start, end = indices[0], indices[-1] + 1
        return (start, end, step) if indices == tuple(range(start, end, step)) else None

    def infer_shape(self) -> Sequence[int]:
        shape, dim, indices = shape_of(self.input), int_of(self.dim), ints_of(self.indices)
        verify_dim(dim, len(shape))
        if indices and not 0 <= min(indices) <= max(indices) < shape[dim]:
            raise VerifyException(f"an index is outside dimension {dim} of {shape[dim]}")
        return resized(shape, dim, len(indices))


@irdl_op_definition
class PadOp(MovementOp):
    """`low[i]` elements of `value` before dimension i and `high[i]` after it.

    `value` is a real number: a quantized result holds its quantization.
    """

    name = "edge.pad"

    low = prop_def(I64Array)
    high = prop_def(I64Array)
    value = prop_def(FloatAttr)

    @classmethod
    def of(cls, input: SSAValue, low: Sequence[int], high: Sequence[int], value: FloatAttr) -> Self:
        """`input` with `low` and `high` elements of `value` around it."""
        return cls.inferred([input], {"low": ints(low), "high": ints(high), "value": value})

    def infer_shape(self) -> Sequence[int]:
        shape = shape_of(self.input)
        low = verify_ints("low", self.low, len(shape), 0)
        high = verify_ints("high", self.high, len(shape), 0)
        return [a + n + b for a, n, b in zip(low, shape, high, strict=True)]

    def verify_(self) -> None:
        super().verify_()
        is_real = isinstance(element_of(self.input), AnyFloat)
        if not is_real and quantized_element(self.input.type) is None:
            raise VerifyException(f"pads floats or quantized tensors, got {self.input.type}")


@irdl_op_definition
class UpsampleBilinear2dOp(EdgeOp):
    """Bilinear upsampling of [N,C,H,W] by whole factors (aten.upsample_bilinear2d).

    The edges of the images are aligned, not the centres of their corner pixels (PyTorch's
    `align_corners=False`).
    """

    name = "edge.upsample_bilinear2d"

    input = operand_def(TensorType)
    output = result_def(TensorType)

    @property
    def factors(self) -> tuple[int, int]:
        """The result's height and width divided by the input's, rounded down."""
        (_, _, height, width), (_, _, rows, columns) = shape_of(self.input), shape_of(self.output)
        return rows // height, columns // width

    def infer_shape(self) -> Sequence[int]:
        shape, result = shape_of(self.input), shape_of(self.output)
        if len(shape) != 4 or len(result) != 4 or 0 in shape:
            raise VerifyException(f"works on four dimensions, none empty, got {self.input.type}")
        sizes = (n * max(1, f) for n, f in zip(shape[2:], self.factors, strict=True))
        return (*shape[:2], *sizes)
