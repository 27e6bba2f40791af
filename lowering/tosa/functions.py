"""Functions of one tensor → tables, clamps and rescales."""

from __future__ import annotations

import math

import numpy as np
from xdsl.dialects.builtin import i32
from xdsl.ir import Operation, SSAValue

from cmopt.arithmetic.activation_ranges import clamp_range
from cmopt.arithmetic.functions import clamp_bounds
from cmopt.arithmetic.interpolated_tables import (
    Spacing,
    function_of_one,
    interpolated_table,
    wide_type,
)
from cmopt.arithmetic.lookup_tables import lookup_of
from cmopt.dialects.quant import DCastOp, QCastOp, qtype_of
from cmopt.dialects.shapes import shape_of
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.tosa.activations import are_int8, reach, require_activations
from cmopt.lowering.tosa.builder import RegionBuilder
from cmopt.lowering.tosa.scales import check_rescale, factors_to
from cmopt.lowering.tosa.tables import int16_table


def one_tensor(op: Operation, b: RegionBuilder) -> SSAValue:
    """Any function of one tensor.

    A requantization and a clamp have the bound of `RegionBuilder.requantize`. From int8 to int8, a
    function is a table, ≤ 1 step: exact except for the last float32 bits of the function itself.
    Else it is a table of 513 entries, with the error that `interpolated_table` finds.
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
    value = b.rescale(b.value(source), 1.0, to=i32, input_zp=kind.zero_point)
    sign = b.constant(np.full((1,) * len(shape_of(value)), math.copysign(1, factor), np.int8))
    scaled = float(factors_to(kind.scale * abs(factor), target))
    check_rescale(reach(source), scaled)
    product = b.multiply(value, b.rescale(sign, 1.0, to=i32))
    result = b.rescale(product, scaled, output_zp=target.zero_point, to=target.storage)
    return b.clamp(result, *target.storage_range)


def _interpolated(op: Operation, b: RegionBuilder) -> SSAValue:
    """A function that reads or makes int16: widened, looked up, and narrowed if it makes int8."""
    if (function := function_of_one(op)) is None:
        raise Unsupported("is not a function of one tensor")
    source, target = qtype_of(function.source), qtype_of(op.results[0])
    require_activations(function.source, op.results[0])
    if (table := interpolated_table(function, Spacing.UNIFORM)) is None:
        raise Unsupported(f"{op.name} has no definition as a table")
    value = b.requantize(b.value(function.source), source, wide_type(source))
    result = int16_table(value, table.entries.astype(np.int64), b)
    return b.requantize(result, table.target, target)
