"""Give every value its place in the arena."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from cmopt.codegen.hot_values import place_in_both
from cmopt.codegen.lifetimes import align
from cmopt.codegen.placement import Placement
from cmopt.codegen.row_lifetimes import best_placement
from cmopt.dialects.cortex_m import JoinOp, Place, PlaceAttr, nbytes, place_of
from cmopt.dialects.program import (
    ARENA_BOUND,
    ARENA_BYTES,
    DTCM_BYTES,
    PLAN_LIMIT,
    STATE_BYTES,
    functions,
    states,
    update,
)
from cmopt.lowering.verify_stage import check_stage
from cmopt.support.diagnostics import CompileError


def plan(func: FuncOp, dtcm: int = 0, max_arena: int = 0) -> None:
    """Add a place to the type of every value of one function that is not a constant.

    dtcm: the bytes of the fast memory, 0 for none. max_arena: see `place_in_both`.
    """
    if dtcm:
        both = place_in_both(func, dtcm, max_arena)
        placement = both.arena
        _set_places(both.dtcm, "dtcm")
        if both.dtcm.size:
            func.attributes[DTCM_BYTES] = IntegerAttr(both.dtcm.size, 64)
    else:
        placement = best_placement(func)
    _set_places(placement, "arena")
    _check_joins(func)
    update(func)
    func.attributes[ARENA_BYTES] = IntegerAttr(placement.size, 64)
    if kept := states(func):
        places = [(place_of(s.argument), align(nbytes(s.argument.type))) for s in kept]
        ends = [place.offset + size for place, size in places if place is not None]
        func.attributes[STATE_BYTES] = IntegerAttr(max(ends), 64)
    func.attributes[ARENA_BOUND] = IntegerAttr(placement.bound, 64)
    if placement.size > placement.bound:
        func.attributes[PLAN_LIMIT] = StringAttr(
            f"the arena has {placement.size:,} bytes; every plan of this order of operators needs "
            f"{placement.bound:,} or more, and a smaller plan was not found"
        )


def _set_places(placement: Placement, region: str) -> None:
    for buffer, offset in placement.offsets.items():
        for value, start in buffer.values:
            assert isinstance(value.type, TensorType)
            at = PlaceAttr.of(Place(region, offset + start))
            planned = TensorType(value.type.element_type, value.type.get_shape(), at)
            hint = value.name_hint
            Rewriter.replace_value_with_new_type(value, planned).name_hint = hint


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

    dtcm: the bytes of a fast memory, for the values that are read and written most; 0 for none.
    max_arena: the bytes of the arena that are wanted at most: if there are more, the fast memory
    holds the values without which the arena is smallest. 0 is no limit.
    """

    name = "plan-memory"
    dtcm: int = 0
    max_arena: int = 0

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        check_stage(op, "cortex_m")
        for func in functions(op):
            plan(func, self.dtcm, self.max_arena)
