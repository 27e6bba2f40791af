"""Give every value its place in the arena."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from cmopt.codegen.lifetimes import align
from cmopt.codegen.row_lifetimes import best_placement
from cmopt.dialects.cortex_m import JoinOp, PlaceAttr, nbytes, place_of
from cmopt.dialects.program import (
    ARENA_BOUND,
    ARENA_BYTES,
    PLAN_LIMIT,
    STATE_BYTES,
    functions,
    states,
    update,
)
from cmopt.lowering.verify_stage import check_stage
from cmopt.support.diagnostics import CompileError


def plan(func: FuncOp) -> None:
    """Add a place to the type of every value of one function that is not a constant."""
    placement = best_placement(func)
    for buffer, offset in placement.offsets.items():
        for value, start in buffer.values:
            assert isinstance(value.type, TensorType)
            at = PlaceAttr.arena(offset + start)
            planned = TensorType(value.type.element_type, value.type.get_shape(), at)
            hint = value.name_hint
            Rewriter.replace_value_with_new_type(value, planned).name_hint = hint
    _check_joins(func)
    update(func)
    func.attributes[ARENA_BYTES] = IntegerAttr(placement.size, 64)
    if kept := states(func):
        ends = [place_of(s.argument) + align(nbytes(s.argument.type)) for s in kept]  # type: ignore[operator]
        func.attributes[STATE_BYTES] = IntegerAttr(max(ends), 64)
    func.attributes[ARENA_BOUND] = IntegerAttr(placement.bound, 64)
    if placement.size > placement.bound:
        func.attributes[PLAN_LIMIT] = StringAttr(
            f"the arena has {placement.size:,} bytes; every plan of this order of operators needs "
            f"{placement.bound:,} or more, and a smaller plan was not found"
        )


def _check_joins(func: FuncOp) -> None:
    for op in func.walk():
        if isinstance(op, JoinOp):
            start = place_of(op.output)
            wanted = [None if start is None else start + offset for offset in op.byte_offsets()]
            if [place_of(value) for value in op.inputs] != wanted:
                raise CompileError(
                    "an operand cannot be placed inside the joined value",
                    op=op,
                    hint="run copy-joined-operands",
                )


@dataclass(frozen=True)
class PlanMemoryPass(ModulePass):
    """Assign every value a place, by lifetimes from the op order; views and in-place results share.

    Tries with and without in-place results and keeps the smaller arena. If it is larger than a
    lower bound, an exact search follows, which chooses for each result, up to a limit. Attributes
    of the function are the bytes it needs (`cortex_m.arena_bytes`) and the bytes that any plan of
    this op order would need (`cortex_m.arena_bound`); `cortex_m.plan_limit` says that they differ.
    """

    name = "plan-memory"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        check_stage(op, "cortex_m")
        for func in functions(op):
            plan(func)
