"""Which divisors may be zero: the kernels for division do not give the quotient by zero."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation, SSAValue

from cmopt.arithmetic.activation_ranges import activation_range
from cmopt.arithmetic.functions import activation_bounds
from cmopt.arithmetic.lookup_tables import EVERY_INT8, lookup_of
from cmopt.dialects.constants import constant_of
from cmopt.dialects.edge import CatOp, MovementOp, PadOp
from cmopt.dialects.quant import qtype_of


def is_zero(value: SSAValue) -> NDArray[np.int8]:
    """A lookup table: 1 for the zero point of an int8 value, else 0."""
    steps = EVERY_INT8.astype(np.int64) - qtype_of(value).zero_point
    return np.equal(steps, 0).astype(np.int8)


def may_be_zero(value: SSAValue) -> bool:
    """Whether a quantized value may hold its zero point, as far as its producers show.

    It cannot if its storage range is without the zero point, or if it comes from constants, lookup
    tables and clamps without it, also through movement of elements. Any other value may.
    """
    zero, seen, open_values = qtype_of(value).zero_point, set[SSAValue](), [value]
    low, high = qtype_of(value).storage_range
    if not low <= zero <= high:
        return False
    while open_values:
        source = open_values.pop()
        if source in seen:
            continue
        seen.add(source)
        owner = source.owner
        if isinstance(owner, CatOp | MovementOp) and not isinstance(owner, PadOp):
            if any(qtype_of(operand) != qtype_of(value) for operand in owner.operands):
                return True
            open_values += owner.operands
        elif (stored := _stored_values(source)) is None or bool((stored == zero).any()):
            return True
    return False


def _stored_values(value: SSAValue) -> NDArray[np.generic] | None:
    """What a constant, a lookup table's result or a clamped result may hold; None for others."""
    if (stored := constant_of(value)) is not None:
        return stored
    owner = value.owner
    if not isinstance(owner, Operation):
        return None
    if activation_bounds(owner) != (None, None):
        low, high = activation_range(owner, qtype_of(value))
        return np.arange(low, high + 1)
    if (found := lookup_of(owner)) is None:
        return None
    source, table = found
    low, high = qtype_of(source).storage_range
    return table[low + 128 : high + 129]
