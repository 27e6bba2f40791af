"""The quantized types of activations that the rules take."""

from __future__ import annotations

from xdsl.ir import SSAValue

from cmopt.dialects.quant import is_int8, qtype_of, quantized_element
from cmopt.lowering.rules import Unsupported


def require_activations(*values: SSAValue) -> None:
    """Raise Unsupported unless all values are int8 or int16 with one scale each.

    The zero point of int16 must be 0: TOSA has no other.
    """
    for value in values:
        kind = quantized_element(value.type)
        if is_int8(kind):
            continue
        if kind is None or kind.is_per_axis or kind.storage.width.data != 16:
            raise Unsupported(f"takes int8 or int16 per tensor, got {value.type}")
        if kind.zero_point:
            raise Unsupported(f"takes int16 with zero point 0, not {kind.zero_point}")


def are_int8(*values: SSAValue) -> bool:
    """Whether all values are stored in 8 bits."""
    return all(is_int8(qtype_of(value)) for value in values)


def reach(value: SSAValue) -> int:
    """The greatest distance of a stored value from the zero point."""
    kind = qtype_of(value)
    bits = kind.storage.width.data
    return (1 << bits - 1) + abs(kind.zero_point)
