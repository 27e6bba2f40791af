"""Functions of one tensor → tables, clamps and rescales."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import i32
from xdsl.ir import Operation, SSAValue

from cmopt.arithmetic.activation_ranges import clamp_range
from cmopt.arithmetic.functions import clamp_bounds
from cmopt.arithmetic.interpolated_tables import (
    EVERY_INT16,
    FunctionOfOne,
    function_of_one,
    wide_type,
)
from cmopt.arithmetic.lookup_tables import lookup_of, with_nearest_defined
from cmopt.dialects import tosa
from cmopt.dialects.arrays import dequantize
from cmopt.dialects.ethos_u import MAX_AXIS
from cmopt.dialects.quant import DCastOp, QCastOp, qtype_of
from cmopt.dialects.shapes import numel, shape_of
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.tosa.activations import are_int8, reach, require_activations
from cmopt.lowering.tosa.builder import RegionBuilder, i16
from cmopt.lowering.tosa.pieces import Piece, pieces_of
from cmopt.lowering.tosa.scales import check_rescale, factors_to
from cmopt.lowering.tosa.tables import int16_table

LANES = 16
"""The channels that an NPU keeps together."""


def one_tensor(op: Operation, b: RegionBuilder) -> SSAValue:
    """Any function of one tensor.

    A requantization and a clamp have the bound of `RegionBuilder.requantize`. From int8 to int8, a
    function is a table, ≤ 1 step: exact except for the last float32 bits of the function itself.
    Else it is a sum of tables of 513 entries, whose error is what `pieces.error_of` finds: for
    smooth functions, at most SMALL_ERROR steps, and in the mean near that of rounding.
    """
    if isinstance(op, QCastOp) and isinstance(op.input.owner, DCastOp):
        source = op.input.owner.input
        require_activations(source, op.output)
        return b.value_as(source, qtype_of(op.output))
    if (bounds := clamp_bounds(op)) is not None:
        require_activations(op.operands[0], op.results[0])
        source = op.operands[0]
        kind, target = qtype_of(source), qtype_of(op.results[0])
        if kind == target:
            return b.clamp(b.value(source), *clamp_range(bounds, target))
        return b.requantize(b.value(source), kind, target, bounds)
    if are_int8(op.results[0]) and (found := lookup_of(op)) is not None:
        return b.table(b.value(found[0]), found[1])
    if op.name == "edge.neg":
        return linear(op, op.operands[0], -1.0, b)
    return _interpolated(op, b)


def linear(op: Operation, source: SSAValue, factor: float, b: RegionBuilder) -> SSAValue:
    """`source · factor`, a product with the sign of the factor and a rescale; ≤ 1 step."""
    require_activations(source, op.results[0])
    kind, target = qtype_of(source), qtype_of(op.results[0])
    scaled = float(factors_to(kind.scale * abs(factor), target))
    check_rescale(reach(source), scaled)
    result = b.scaled(
        b.value(source), math.copysign(scaled, factor), to=target.storage,
        input_zp=kind.zero_point, output_zp=target.zero_point,
    )  # fmt: skip
    return b.clamp(result, *target.storage_range)


def _interpolated(op: Operation, b: RegionBuilder) -> SSAValue:
    """A function that reads or makes int16: widened, looked up, and narrowed if it makes int8."""
    if (function := function_of_one(op)) is None:
        raise Unsupported("is not a function of one tensor")
    source, target = qtype_of(function.source), qtype_of(op.results[0])
    require_activations(function.source, op.results[0])
    value = b.requantize(b.value(function.source), source, wide_type(source))
    result = sum_of_tables(value, tables_of(function), b)
    return b.requantize(result, wide_type(target), target)


def sum_of_tables(value: SSAValue, pieces: Sequence[Piece], b: RegionBuilder) -> SSAValue:
    """The sum of what tables have for an int16 value, in int16."""
    shape = shape_of(value)
    if len(pieces) > 1:
        value = b.reshape(value, _lanes(shape))
    result = int16_table(_place(value, pieces[0], b), pieces[0].entries, b)
    for piece in pieces[1:]:
        part = int16_table(_place(value, piece, b), piece.entries, b)
        wide = [b.rescale(number, 1.0, to=i32) for number in (result, part)]
        result = b.rescale(b.arithmetic(tosa.AddOp, *wide), 1.0, to=i16)
    return b.reshape(result, shape)


def _lanes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape in which as many elements take the least time.

    Between two operations, an NPU keeps channels in groups of LANES, the last one filled up.
    """
    count = numel(shape)
    if (shape and shape[-1] % LANES == 0) or count > MAX_AXIS:
        return shape
    channels = LANES if count % LANES == 0 else count
    return (1, 1, count // channels, channels)


def _place(value: SSAValue, piece: Piece, b: RegionBuilder) -> SSAValue:
    """Where a piece is read: `(value - middle) · 2^zoom`, saturated."""
    if piece.zoom == 0:
        return value
    half = np.full((1,) * len(shape_of(value)), piece.middle // 2, np.int16)
    middle = b.rescale(b.constant(half), 2.0, to=i32)
    distance = b.arithmetic(tosa.SubOp, b.rescale(value, 1.0, to=i32), middle)
    return b.rescale(distance, 2.0**piece.zoom, to=i16)


def tables_of(function: FunctionOfOne) -> list[Piece]:
    """The tables whose sum is the function, from and to `wide_type`s.

    Raises Unsupported if it has no definition without torch, or jumps by more than 15 bits.
    """
    source, target = (wide_type(qtype_of(v)) for v in (function.source, function.op.results[0]))
    if (results := function(dequantize(EVERY_INT16, source))) is None:
        raise Unsupported(f"{function.op.name} has no definition as a table")
    defined = ~np.isnan(results)
    if are_int8(function.source):  # Nothing between two int8 values occurs.
        places = np.arange(len(EVERY_INT16))
        filled = with_nearest_defined(results[::128])
        results = np.interp(places, places[::128], filled).astype(np.float32)
    real = with_nearest_defined(results).astype(np.float64) / target.scale
    return pieces_of(real.clip(*target.storage_range), defined)
