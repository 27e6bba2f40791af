"""Ops that repeat, reorder and surround elements along single dimensions, and upsampling."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import AnyFloat, FloatAttr, IntegerAttr, TensorType, i64
from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge.base import EdgeOp, I64Array, verify_elements, verify_tensors
from cmopt.dialects.edge.movement import MovementOp
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import (
    element_of,
    int_of,
    ints,
    ints_of,
    shape_of,
    verify_ints,
    verify_shape,
)


@irdl_op_definition
class TakeOp(MovementOp):
    """`out[…, j, …] = in[…, indices[j], …]` along dimension `dim`.

    What flip, roll, tile, index_select, a slice with a step, nearest upsampling, reflection,
    replication and circular padding do, one op for each dimension.
    """

    name = "edge.take"

    dim = prop_def(IntegerAttr)
    indices = prop_def(I64Array)

    @staticmethod
    def of(input: SSAValue, dim: int, indices: Sequence[int]) -> TakeOp:
        """Take along one dimension; the result type follows."""
        shape = shape_of(input)
        type = TensorType(element_of(input), (*shape[:dim], len(indices), *shape[dim + 1 :]))
        return TakeOp([input], type, {"dim": IntegerAttr(dim, i64), "indices": ints(indices)})

    def steps(self) -> tuple[int, int, int] | None:
        """(start, end, step) of the slice that takes the same, if the indices rise evenly."""
        indices = ints_of(self.indices)
        if len(indices) < 2 or (step := indices[1] - indices[0]) < 1:
            return None
        start, end = indices[0], indices[-1] + 1
        return (start, end, step) if indices == tuple(range(start, end, step)) else None

    def verify_(self) -> None:
        verify_tensors(self)
        shape, dim, indices = shape_of(self.input), int_of(self.dim), ints_of(self.indices)
        if not 0 <= dim < len(shape):
            raise VerifyException(f"dim {dim} is outside rank {len(shape)}")
        if indices and not 0 <= min(indices) <= max(indices) < shape[dim]:
            raise VerifyException(f"an index is outside dimension {dim} of {shape[dim]}")
        expected = (*shape[:dim], len(indices), *shape[dim + 1 :])
        verify_shape(self.name, "result", shape_of(self.output), expected)
        self._verify_element("take from")


@irdl_op_definition
class PadOp(MovementOp):
    """`low[i]` elements of `value` before dimension i and `high[i]` behind it.

    The elements are real: a quantized result holds the quantization of `value`.
    """

    name = "edge.pad"

    low = prop_def(I64Array)
    high = prop_def(I64Array)
    value = prop_def(FloatAttr)

    @staticmethod
    def of(input: SSAValue, low: Sequence[int], high: Sequence[int], value: FloatAttr) -> PadOp:
        """Pad `input`; the result type follows."""
        sizes = [a + n + b for a, n, b in zip(low, shape_of(input), high, strict=True)]
        type = TensorType(element_of(input), sizes)
        return PadOp([input], type, {"low": ints(low), "high": ints(high), "value": value})

    def verify_(self) -> None:
        verify_tensors(self)
        shape = shape_of(self.input)
        low = verify_ints(self.name, "low", self.low, len(shape), 0)
        high = verify_ints(self.name, "high", self.high, len(shape), 0)
        expected = [a + n + b for a, n, b in zip(low, shape, high, strict=True)]
        verify_shape(self.name, "result", shape_of(self.output), expected)
        self._verify_element("pad")
        is_real = isinstance(element_of(self.input), AnyFloat)
        if not is_real and quantized_element(self.input.type) is None:
            raise VerifyException(f"pads floats or quantized tensors, got {self.input.type}")


@irdl_op_definition
class UpsampleBilinear2dOp(EdgeOp):
    """Bilinear upsampling of [N,C,H,W] by whole factors (aten.upsample_bilinear2d).

    The corners' pixels, not their centres, are aligned (PyTorch's `align_corners=False`).
    """

    name = "edge.upsample_bilinear2d"

    input = operand_def(TensorType)
    output = result_def(TensorType)

    assembly_format = "$input attr-dict `:` functional-type(operands, results)"

    @property
    def factors(self) -> tuple[int, int]:
        """How often the height and the width go into the result's."""
        (_, _, height, width), (_, _, rows, columns) = shape_of(self.input), shape_of(self.output)
        return rows // height, columns // width

    def verify_(self) -> None:
        verify_elements(self)
        shape, result = shape_of(self.input), shape_of(self.output)
        if len(shape) != 4 or len(result) != 4 or 0 in shape:
            raise VerifyException(f"works on four dimensions, none empty, got {self.input.type}")
        expected = (
            *shape[:2],
            *(n * max(1, f) for n, f in zip(shape[2:], self.factors, strict=True)),
        )
        verify_shape(self.name, "result", result, expected)
