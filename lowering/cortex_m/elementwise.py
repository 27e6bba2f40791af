"""Functions of one int8 tensor → quantized_activation (a lookup table)."""

from __future__ import annotations

from xdsl.ir import Operation, SSAValue

from cmopt.arithmetic.lookup_tables import lookup_of
from cmopt.dialects.arrays import Array
from cmopt.lowering.cortex_m.builder import KernelBuilder
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.weights import require_int8


def function_of_one(op: Operation, b: KernelBuilder) -> SSAValue:
    """Any function of one int8 tensor → quantized_activation; at most 1 step.

    Exact except for the last float32 bits of the function itself.
    """
    require_int8(op.results[0])
    if (found := lookup_of(op)) is None:
        raise Unsupported(f"takes int8 per tensor, got {op.operands[0].type}")
    return looked_up(found, b)


def looked_up(found: tuple[SSAValue, Array], b: KernelBuilder) -> SSAValue:
    """The lookup that `lookup_of` has found: an int8 value, and its table."""
    source, table = found
    return b.lookup(b.value(source), table)
