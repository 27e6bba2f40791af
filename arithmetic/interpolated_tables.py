"""Functions of one int16 tensor as tables of their results at some places, with interpolation.

A table has its places in one of two ways, which its length tells:

* `UNIFORM`: 513 entries, one for each 128 steps: TOSA's TABLE, and the tables of CMSIS-NN's int16
  softmax. Good for functions that are smooth over the whole range.
* `OCTAVES`: 641 entries for the values from 0 on, then 641 for those from 0 down. The distance of
  two places is 1/64 of the greatest power of two below them, and 1 for small values. Good for
  functions that are steep near 0: logarithms, roots, quotients.

Between two places a result is interpolated in integers and rounded half up.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import IntegerType
from xdsl.ir import Operation, SSAValue

from cmopt.arithmetic.functions import apply_binary, apply_unary
from cmopt.arithmetic.lookup_tables import with_nearest_defined
from cmopt.arithmetic.maps import apply_map
from cmopt.dialects.arrays import dequantize, quantize
from cmopt.dialects.constants import float_constant_of
from cmopt.dialects.edge import BinaryOp, MapOp, UnaryOp
from cmopt.dialects.quant import UniformQuantizedType, qtype_of, quantized_element
from cmopt.dialects.shapes import shape_of

Int16Array = NDArray[np.int16]

EVERY_INT16 = np.arange(-(1 << 15), 1 << 15, dtype=np.int64)

FRACTION_BITS = 7
"""Bits of a value below the places of a uniform table."""

OCTAVE_BITS = 6
"""The places of one octave are 2 to the power of this many."""

HALF = (16 - OCTAVE_BITS) * (1 << OCTAVE_BITS) + 1
"""The entries of one sign of a table by octaves."""


class Spacing(Enum):
    """How a table has its places; the value is the number of its entries."""

    UNIFORM = 513
    OCTAVES = 2 * HALF


def places(spacing: Spacing) -> NDArray[np.int64]:
    """The values at which a table has its entries; the greatest is 32768."""
    if spacing is Spacing.UNIFORM:
        return (np.arange(513, dtype=np.int64) << FRACTION_BITS) - (1 << 15)
    index = np.arange(HALF, dtype=np.int64)
    octave = np.maximum((index >> OCTAVE_BITS) - 1, 0)
    magnitudes = (index - (octave << OCTAVE_BITS)) << octave
    return np.concatenate([magnitudes, -magnitudes])


def _cells(values: NDArray[np.int64], spacing: Spacing) -> tuple[NDArray[np.int64], ...]:
    """For each value: the entry before it (nearer to 0 by octaves), and how far it lies behind that
    entry's place, as a number and the bits of its unit."""
    if spacing is Spacing.UNIFORM:
        shifted = values + (1 << 15)
        bits = np.full_like(values, FRACTION_BITS)
        return shifted >> FRACTION_BITS, shifted & ((1 << FRACTION_BITS) - 1), bits
    magnitudes = np.abs(values)
    _, exponents = np.frexp(magnitudes.astype(np.float64))
    octave = np.maximum(exponents.astype(np.int64) - 1 - OCTAVE_BITS, 0)
    index = (magnitudes >> octave) + (octave << OCTAVE_BITS)
    fraction = magnitudes & ((np.int64(1) << octave) - 1)
    return np.where(values < 0, index + HALF, index), fraction, octave


def interpolate(entries: Int16Array, values: NDArray[np.generic]) -> Int16Array:
    """The results of int16 `values` by a table, exactly as the kernels compute them."""
    wide = entries.astype(np.int64)
    index, fraction, bits = _cells(values.astype(np.int64), Spacing(len(entries)))
    # The last place by octaves, 32768 and -32768, has no entry behind it, and its fraction is 0.
    slope = wide[np.minimum(index + 1, len(entries) - 1)] - wide[index]
    half = (np.int64(1) << bits) >> 1
    result: Int16Array = (wide[index] + ((slope * fraction + half) >> bits)).astype(np.int16)
    return result


def wide_type(element: UniformQuantizedType) -> UniformQuantizedType:
    """The int16 type that holds each value of an int8 type exactly, in steps of 1/128 of its step;
    an int16 type itself."""
    if element.storage.width.data == 16:
        return element
    return UniformQuantizedType.get(IntegerType(16), element.scale / 128, 0)


@dataclass(frozen=True)
class InterpolatedTable:
    """A function of one tensor.

    error, noise: the most steps of `target` between a result and that of the function, and the root
    of the mean square of all, over all int16 values.
    """

    entries: Int16Array
    error: int
    noise: float
    target: UniformQuantizedType


@dataclass(frozen=True)
class FunctionOfOne:
    """An op that computes each element of its result from one element of `source` alone."""

    op: Operation
    source: SSAValue

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """The function in float32; None if it has no definition without torch."""
        with np.errstate(all="ignore"):
            match self.op:
                case MapOp():
                    return apply_map(self.op, x)
                case UnaryOp():
                    return apply_unary(self.op, x)
                case BinaryOp(lhs=lhs, rhs=rhs):
                    operands = [x if v is self.source else _splat(v) for v in (lhs, rhs)]
                    first, second = operands
                    assert first is not None and second is not None
                    return apply_binary(self.op, first, second)
        return None


def function_of_one(op: Operation) -> FunctionOfOne | None:
    """The function, if an op is an elementwise function of one tensor of int8 or int16; a function
    of a tensor and one number, or of a tensor and itself, is one too."""
    match op:
        case UnaryOp():
            source = op.input
        case BinaryOp() if op.lhs is op.rhs or _splat(op.rhs) is not None:
            source = op.lhs
        case BinaryOp() if _splat(op.lhs) is not None:
            source = op.rhs
        case _:
            return None
    element = quantized_element(source.type)
    if element is None or element.is_per_axis or shape_of(source) != shape_of(op.results[0]):
        return None
    return FunctionOfOne(op, source)


def _splat(value: SSAValue) -> NDArray[np.float32] | None:
    """The number of a constant of one value, as an array of one element; else None."""
    values = float_constant_of(value)
    if values is None or values.size == 0:
        return None
    first = values.reshape(-1)[:1].astype(np.float32)
    return first if (values == first).all() else None


def interpolated_table(function: FunctionOfOne, *spacings: Spacing) -> InterpolatedTable | None:
    """The table of a function with the least noise, of the `spacings` that are allowed.

    The table is for values of `wide_type` of the source's type, and its results are of `wide_type`
    of the result's type. Where the function is undefined, its value is that at the nearest place
    where it is defined. None if the function has no definition without torch.
    """
    source = wide_type(qtype_of(function.source))
    target = wide_type(qtype_of(function.op.results[0]))
    every = EVERY_INT16
    if (exact := function(dequantize(every, source))) is None:
        return None
    wanted = quantize(exact, target).astype(np.int64)
    # An int8 value is exact at each 128th place; nothing between them occurs.
    occurs = np.ones(len(every), bool)
    if qtype_of(function.source).storage.width.data == 8:
        occurs = every % 128 == 0
    defined = occurs & ~np.isnan(exact)
    if not defined.any():
        return None
    found: InterpolatedTable | None = None
    for spacing in spacings:
        for entries in _candidates(function, source, target, spacing):
            difference = np.abs(interpolate(entries, every).astype(np.int64) - wanted)[defined]
            noise = float(np.sqrt(np.square(difference, dtype=np.float64).mean()))
            if found is None or noise < found.noise:
                error = int(difference.max(initial=0))
                found = InterpolatedTable(entries, error, noise, target)
    return found


def _candidates(
    function: FunctionOfOne,
    source: UniformQuantizedType,
    target: UniformQuantizedType,
    spacing: Spacing,
) -> list[Int16Array]:
    """The results at the places; and these, each moved by half of the error in the middle of the
    cell behind it, which halves the error of a curve that bends to one side."""
    at = places(spacing)
    values = function(dequantize(at, source))
    assert values is not None
    results = _defined(values, spacing)
    entries = quantize(results, target).astype(np.int16)
    behind = np.append(at[1:], at[-1])
    if spacing is Spacing.OCTAVES:
        behind[HALF - 1] = at[HALF - 1]
    middle = function(((at + behind) / 2).astype(np.float32) * np.float32(source.scale))
    assert middle is not None
    following = np.append(results[1:], results[-1])
    with np.errstate(invalid="ignore", over="ignore"):
        bend = np.where(behind == at, 0, middle - (results + following) / 2)
        moved = np.where(np.isfinite(bend), results + bend / 2, results)
    return [entries, quantize(moved.astype(np.float32), target).astype(np.int16)]


def _defined(results: NDArray[np.float32], spacing: Spacing) -> NDArray[np.float32]:
    """Each NaN replaced by the nearest result; by octaves, in the order of the values."""
    if spacing is Spacing.UNIFORM:
        return with_nearest_defined(results)
    order = np.argsort(places(spacing), kind="stable")
    filled = np.empty_like(results)
    filled[order] = with_nearest_defined(results[order])
    return filled
