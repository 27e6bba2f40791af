"""The C of ring buffers."""

from __future__ import annotations

from cmopt.codegen.c.step import Rules, Step
from cmopt.dialects import cortex_m as cm

RING_BUFFERS = Rules()
"""By op."""


@RING_BUFFERS.of(cm.ShiftOp)
def _shift(op: cm.ShiftOp, step: Step) -> None:
    size, item = cm.nbytes(op.output.type), cm.itemsize(op.output.type)
    moved = op.step * item
    place, source = cm.place_of(op.output), cm.place_of(op.buffer)
    assert place is not None and source is not None
    if size > moved:
        step.lines.append(f"memmove({place}, {source + moved}, {size - moved});")
    target = place + (size - moved)
    for value in op.parts:
        part = cm.nbytes(value.type)
        if part:
            step.lines.append(f"memcpy({target}, {step.pointer(value, 'part')}, {part});")
        target += part
    step.lines.append("return 0;")
