"""A loop as instructions of ExecuTorch's runtime.

The runtime's own `map` operator becomes the same instructions: a counter, `select_copy` of the
counted slice, the body, `et_copy_index`, and a jump back unless the counter is at its end. Numbers
keep their values between two runs, so the counter is set first.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from xdsl.ir import SSAValue

from cmopt.codegen.operator_schemas import parse_schema
from cmopt.dialects.cortex_m import View, place_of
from cmopt.dialects.edge import ScanOp
from cmopt.support.diagnostics import CompileError

if TYPE_CHECKING:
    from cmopt.codegen.emit_pte import FunctionEmitter

MOST_INSTRUCTIONS = 10_000_000
"""The runtime ends a run with more instructions (`ET_MAX_INSTRUCTIONS`)."""

SELECT = parse_schema(
    "aten::select_copy.int_out(Tensor self, int dim, SymInt index, *, Tensor(a!) out) -> Tensor(a!)"
)


def emit_scan(op: ScanOp, emitter: FunctionEmitter) -> None:
    """Append the instructions of a loop. Raises CompileError if it runs too many."""
    builder = emitter.builder
    number = depth(op)
    counter, is_done = builder.variable("Int", number), builder.variable("Bool", number)
    zero = builder.add_int(0)
    first, step, end = op.order.start, op.order.step, op.order.stop
    builder.primitive("mul", "Scalar", [counter, zero, counter])
    if first:
        builder.primitive("add", "Scalar", [counter, builder.add_int(first), counter])
    start = len(builder.instructions)
    for sequence, part in zip(op.sequences, op.slices, strict=True):
        source, target = (emitter.value(value, View.CONTIGUOUS) for value in (sequence, part))
        builder.call(SELECT, [source, zero, counter, target], returned=target)
    emitter.block(op.body.block)
    for stack, value in zip(op.stacked, op.parts, strict=True):
        arguments = [growing(emitter, stack), emitter.value(value, View.CONTIGUOUS), counter]
        builder.primitive("et_copy_index", "tensor", arguments)
    builder.primitive("add", "Scalar", [counter, builder.add_int(step), counter])
    builder.primitive("eq", "Scalar", [counter, builder.add_int(end), is_done])
    builder.jump_unless(is_done, start)
    length = len(builder.instructions) - start
    if length * op.count > MOST_INSTRUCTIONS:
        raise CompileError(
            f"runs {length * op.count:,} instructions, and ExecuTorch's runtime ends a run after "
            f"{MOST_INSTRUCTIONS:,}",
            op=op,
            hint="emit C source, or run the model on shorter sequences",
        )


def instructions_of(op: ScanOp) -> Counter[str]:
    """The instructions of a loop besides those of its body."""
    names = Counter({"aten.select_copy.int": len(op.sequences)})
    names["executorch_prim.et_copy_index.tensor"] = len(op.stacked)
    names["executorch_prim.mul.Scalar"] = 1
    names["executorch_prim.add.Scalar"] = 1 + bool(op.order.start)
    names["executorch_prim.eq.Scalar"] = 1
    names["jump"] = 1
    return +names


def growing(emitter: FunctionEmitter, stack: SSAValue) -> int:
    """The EValue that `et_copy_index` writes a stacked result to: it sets the number of slices."""
    from cmopt.codegen.emit_pte import view_of

    view = view_of(stack, View.CONTIGUOUS)
    return emitter.builder.tensor(view, place=place_of(stack), grows=True)


def depth(op: ScanOp) -> int:
    """In how many loops a loop is. Loops of one depth share their counter."""
    parent = op.parent_op()
    return 1 + depth(parent) if isinstance(parent, ScanOp) else 0
