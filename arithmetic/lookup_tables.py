"""Functions of one int8 tensor as tables of their 256 results."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation, SSAValue

from cmopt.arithmetic.functions import apply_binary, apply_unary, clamp
from cmopt.arithmetic.maps import apply_map
from cmopt.dialects.arrays import dequantize, quantize
from cmopt.dialects.constants import float_constant_of
from cmopt.dialects.edge import BinaryOp, MapOp, UnaryOp
from cmopt.dialects.quant import (
    DCastOp,
    QCastOp,
    UniformQuantizedType,
    is_int8,
    qtype_of,
    quantized_element,
)
from cmopt.dialects.shapes import shape_of

Function = Callable[[NDArray[np.float32]], NDArray[np.float32] | None]
"""Of each element; None if it has no definition without torch."""

_PLACES = 64
"""The number of places in a cell at which a function is computed, to take its mean."""

EVERY_INT8 = np.arange(-128, 128).astype(np.int8)


def requantization_table(
    source: UniformQuantizedType,
    target: UniformQuantizedType,
    bounds: tuple[float | None, float | None] = (None, None),
) -> NDArray[np.generic]:
    """Each int8 of `source`, clamped to `bounds` and requantized to `target`."""
    return quantize(clamp(dequantize(EVERY_INT8, source), *bounds), target)


def with_nearest_defined(results: NDArray[np.float32]) -> NDArray[np.float32]:
    """`results` with each NaN replaced by the nearest entry that is a number or an infinity.

    Of two entries at the same distance, the one before is taken. If all are NaN, they stay.
    """
    defined = np.flatnonzero(~np.isnan(results))
    if defined.size in (0, results.size):
        return results
    middles = (defined[1:] + defined[:-1]) / 2  # the last places nearest to an entry
    nearest = defined[np.searchsorted(middles, np.arange(results.size))]
    filled: NDArray[np.float32] = results[nearest]
    return filled


def with_defined_parts(
    results: NDArray[np.float32], function: Function, source: UniformQuantizedType
) -> NDArray[np.float32]:
    """`results` with each NaN replaced by the mean of the function where its cell has numbers.

    results: of the 256 integers of `source`. The cell of an integer is all that is rounded to it.
    The end of a domain may lie in it: in steps of 4000, 0 stands for 1 to 2000 in `acosh`. An
    integer stays NaN if the function is not finite in its whole cell.
    """
    undefined = np.flatnonzero(np.isnan(results))
    if not undefined.size:
        return results
    places = (np.arange(_PLACES) + 0.5) / _PLACES - 0.5
    reals = (EVERY_INT8[undefined].astype(np.float64) - source.zero_point)[:, None] + places
    values = function((reals * source.scale).astype(np.float32))
    filled = results.copy()
    if values is not None:
        finite = np.isfinite(values)
        counts = finite.sum(1)
        sums = np.where(finite, values, 0).sum(1, dtype=np.float64)
        filled[undefined[counts > 0]] = sums[counts > 0] / counts[counts > 0]
    return filled


def lookup_of(op: Operation) -> tuple[SSAValue, NDArray[np.generic]] | None:
    """The int8 tensor that `op` is a function of, and the 256 results from -128 on; else None.

    `op` is an elementwise function, a requantization, or a function of a tensor and itself or a
    constant of one value. The table is exact except for the last float32 bits of the function.
    Where a function of one tensor is undefined, the entry follows from the part of the integer's
    cell where it is defined; see `with_defined_parts`. If there is none, the entry is that of the
    nearest integer that has one: acos(-1) is then not zero if the end of the range was rounded to
    below -1. Where a function of two is undefined (0 / 0), the entry is the zero point.
    """
    match op:
        case UnaryOp() if is_int8(quantized_element(op.input.type)):
            source = op.input
            function: Function = partial(apply_unary, op)
            if isinstance(op, MapOp):
                function = partial(apply_map, op)
            result = function(dequantize(EVERY_INT8, qtype_of(source)))
            if result is not None:
                result = with_defined_parts(result, function, qtype_of(source))
                result = with_nearest_defined(result)
        case QCastOp() if isinstance(op.input.owner, DCastOp):
            source = op.input.owner.input
            if not is_int8(qtype_of(source)) or not is_int8(qtype_of(op.output)):
                return None
            result = dequantize(EVERY_INT8, qtype_of(source))
        case BinaryOp() if is_int8(quantized_element(op.output.type)):
            if (found := _function_of_one(op)) is None:
                return None
            source, result = found
        case _:
            return None
    if result is None:
        return None
    return source, quantize(result, qtype_of(op.results[0]))


def _function_of_one(op: BinaryOp) -> tuple[SSAValue, NDArray[np.float32] | None] | None:
    if op.lhs is op.rhs:
        every = dequantize(EVERY_INT8, qtype_of(op.lhs))
        return op.lhs, apply_binary(op, every, every)
    for constant, source in ((op.lhs, op.rhs), (op.rhs, op.lhs)):
        values = float_constant_of(constant)
        if values is None or values.size == 0 or shape_of(source) != shape_of(op.output):
            continue
        splat = values.reshape(-1)[:1].astype(np.float32)
        if not (values == splat).all():
            continue
        every = dequantize(EVERY_INT8, qtype_of(source))
        operands = (splat, every) if source is op.rhs else (every, splat)
        return source, apply_binary(op, *operands)
    return None
