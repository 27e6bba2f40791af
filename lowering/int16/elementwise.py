"""Elementwise ops on int16 → tables, requantizations, and the kernels of two tensors."""

from __future__ import annotations

import numpy as np
from xdsl.ir import Operation, SSAValue

from cmopt.arithmetic.accumulators import shift_overflow
from cmopt.arithmetic.fixed_point import fixed_point
from cmopt.arithmetic.functions import clamp_bounds
from cmopt.arithmetic.interpolated_tables import (
    Spacing,
    function_of_one,
    interpolated_table,
    wide_type,
)
from cmopt.dialects import cmopt as own
from cmopt.dialects.arrays import quantize
from cmopt.dialects.constants import float_constant_of, is_known
from cmopt.dialects.edge import (
    AddOp,
    BinaryOp,
    DivOp,
    HypotOp,
    MaximumOp,
    MinimumOp,
    MulOp,
    SubOp,
    UnaryOp,
)
from cmopt.dialects.quant import qtype_of, stored_bits
from cmopt.dialects.shapes import MAX_CONSTANT_BYTES, numel, shape_of
from cmopt.lowering.cortex_m.binary import scaled_by
from cmopt.lowering.cortex_m.builder import KernelBuilder
from cmopt.lowering.int16.division import div
from cmopt.lowering.int16.values import (
    clamp_of,
    int16_tensor,
    own_call,
    requantize,
    require_activation,
    require_int16,
    spread,
)
from cmopt.lowering.rules import Rule, Unsupported, rule_of

LARGEST_NOISE = 64.0
"""Steps of int16. A table whose results are off by more, as a root mean square, is not used."""


def unary(op: UnaryOp, b: KernelBuilder) -> SSAValue:
    """A function of one tensor → a requantization if it only clamps, else a table.

    A clamp: at most 1 step. A table: at most its error, found over all int16 values, which is below
    2 steps for smooth functions; see `interpolated_tables`. A function that jumps or is too steep
    for either kind of table has no kernel.
    """
    require_activation(op.input)
    require_int16(op.results[0])
    if clamp_bounds(op) is not None:
        source, target = qtype_of(op.input), qtype_of(op.results[0])
        low, high = clamp_bounds(op) or (None, None)
        bounds = [
            end if bound is None else int(quantize(np.array([bound], np.float32), target)[0])
            for bound, end in zip((low, high), target.storage_range, strict=True)
        ]
        return requantize(b, b.value(op.input), source, target, (min(bounds), bounds[1]))
    return looked_up(op, b)


def looked_up(op: Operation, b: KernelBuilder) -> SSAValue:
    """The result of a function of one tensor by a table."""
    function = function_of_one(op)
    if function is None or (found := interpolated_table(function, *Spacing)) is None:
        raise Unsupported(f"no integer kernel for {op.name.removeprefix('edge.')} of int16")
    if found.noise > LARGEST_NOISE:
        raise Unsupported(
            f"{op.name.removeprefix('edge.')} is too steep for a table of int16: "
            f"off by up to {found.error} steps of {found.target.scale:g}"
        )
    element = qtype_of(function.source)
    stored = requantize(b, b.value(function.source), element, wide_type(element))
    stored = b.view(stored, shape_of(op.results[0]))
    table = b.constant(found.entries, "table")
    return own_call(b, own.LookupOp([stored, table], stored.type, {}))


def binary(op: BinaryOp, b: KernelBuilder) -> SSAValue:
    """A function of two int16 tensors by the rule in `BINARY`, a quotient by the stock kernel; of a
    tensor and one number, or of a tensor and itself, as a function of one tensor."""
    if isinstance(op, DivOp) and all(stored_bits(v) == 16 for v in (op.lhs, op.rhs, op.output)):
        return div(op, b)
    if (function := function_of_one(op)) is not None:
        require_activation(function.source)
        require_int16(op.output)
        return looked_up(op, b)
    require_int16(op.lhs, op.rhs, op.output)
    is_constant = any(is_known(value) for value in (op.lhs, op.rhs))
    if is_constant and (size := 2 * numel(shape_of(op.output))) > MAX_CONSTANT_BYTES:
        raise Unsupported(f"a constant broadcast to {size} bytes is too large")
    if (rule := rule_of(op, BINARY)) is None:
        raise Unsupported(f"no integer kernel for {op.name.removeprefix('edge.')} of int16")
    return rule(op, b)


def add(op: AddOp | SubOp, b: KernelBuilder) -> SSAValue:
    """Add and sub → quantized_add, both operands at twice the larger scale; at most 1 step."""
    shape, output = shape_of(op.output), qtype_of(op.output)
    common = 2 * max(qtype_of(op.lhs).scale, qtype_of(op.rhs).scale)
    factor = common / (1 << own.WIDE_ADD_LEFT_SHIFT) / output.scale
    _require_room(1 << (15 + own.WIDE_ADD_LEFT_SHIFT), factor)
    numbers = scaled_by(
        {
            "self": qtype_of(op.lhs).scale / common,
            "other": qtype_of(op.rhs).scale / common,
            "output": factor,
        }
    )
    if isinstance(op, SubOp):
        numbers["other_multiplier"] *= -1
    operands = [spread(b, value, shape) for value in (op.lhs, op.rhs)]
    properties = {**numbers, **clamp_of(op)}
    return own_call(b, own.QuantizedAddOp(operands, int16_tensor(shape), properties))


def mul(op: MulOp, b: KernelBuilder) -> SSAValue:
    """mul → quantized_mul; at most 1 step."""
    shape, output = shape_of(op.output), qtype_of(op.output)
    factor = qtype_of(op.lhs).scale * qtype_of(op.rhs).scale / output.scale
    _require_room(1 << 30, factor)
    operands = [spread(b, value, shape) for value in (op.lhs, op.rhs)]
    properties = {**scaled_by({"output": factor}), **clamp_of(op)}
    return own_call(b, own.QuantizedMulOp(operands, int16_tensor(shape), properties))


def hypot(op: HypotOp, b: KernelBuilder) -> SSAValue:
    """hypot of tensors of one scale → quantized_hypot; at most 1 step.

    Operands of different scales are first brought to the larger one: half a step more.
    """
    shape, output = shape_of(op.output), qtype_of(op.output)
    wide = max((qtype_of(op.lhs), qtype_of(op.rhs)), key=lambda element: element.scale)
    operands = [
        requantize(b, spread(b, value, shape), qtype_of(value), wide) for value in (op.lhs, op.rhs)
    ]
    multiplier, shift = fixed_point(wide.scale / output.scale)
    if not -16 <= shift <= 15:
        raise Unsupported("the output's scale is too far from the input's for the kernel's shifts")
    numbers = {"output_multiplier": multiplier, "output_shift": shift}
    return own_call(b, own.QuantizedHypotOp(operands, int16_tensor(shape), numbers))


def extremum(op: MinimumOp | MaximumOp, b: KernelBuilder) -> SSAValue:
    """minimum and maximum → the portable kernel on the result's type; at most 1 step.

    Operands of another type are requantized first; else it is exact.
    """
    target, shape = qtype_of(op.output), shape_of(op.output)
    operands = []
    for value in (op.lhs, op.rhs):
        if (real := float_constant_of(value)) is not None:
            operands.append(b.constant(quantize(real, target), value.name_hint))
        else:
            operands.append(requantize(b, b.value(value), qtype_of(value), target))
    name = "minimum" if isinstance(op, MinimumOp) else "maximum"
    return b.portable(f"aten.{name}.default", *operands, type=int16_tensor(shape))


def _require_room(largest: int, factor: float) -> None:
    if (reason := shift_overflow(largest, factor)) is not None:
        raise Unsupported(reason)


BINARY: dict[type[BinaryOp], Rule] = {
    AddOp: add,
    HypotOp: hypot,
    MaximumOp: extremum,
    MinimumOp: extremum,
    MulOp: mul,
    SubOp: add,
}
"""The rules of functions of two tensors, by the op's class."""
