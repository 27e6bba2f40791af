"""What an `edge.scan` computes, at any stage."""

from __future__ import annotations

import numpy as np
from xdsl.interpreter import (
    Interpreter,
    InterpreterFunctions,
    PythonValues,
    ReturnedValues,
    TerminatorValue,
    impl,
    impl_terminator,
    register_impls,
)

from cmopt.dialects.arrays import Array, numpy_dtype
from cmopt.dialects.edge import ScanOp, YieldOp
from cmopt.dialects.shapes import element_of, shape_of


def empty_stacks(op: ScanOp) -> list[Array]:
    """Arrays for the stacked results; the steps write every element."""
    return [np.empty(shape_of(v), numpy_dtype(element_of(v))) for v in op.stacked]


@register_impls
class ScanFunctions(InterpreterFunctions):
    """Scans, and the ends of their bodies and of those of maps."""

    @impl(ScanOp)
    def scan(self, interpreter: Interpreter, op: ScanOp, args: PythonValues) -> PythonValues:
        carries, first = len(op.initial), len(op.initial) + len(op.sequences)
        carried, sequences, invariants = args[:carries], args[carries:first], args[first:]
        stacks = empty_stacks(op)
        for t in op.order:
            slices = tuple(sequence[t] for sequence in sequences)
            yielded = interpreter.run_ssacfg_region(
                op.body, (*carried, *slices, *invariants), op.name
            )
            carried = yielded[:carries]
            for stack, part in zip(stacks, yielded[carries:], strict=True):
                stack[t] = part
        return (*carried, *stacks)

    @impl_terminator(YieldOp)
    def end_of_body(
        self, interpreter: Interpreter, op: YieldOp, args: PythonValues
    ) -> tuple[TerminatorValue, PythonValues]:
        return ReturnedValues(args), ()
