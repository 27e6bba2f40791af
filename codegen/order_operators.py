"""Choose the order of operators that needs the smallest arena."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass

from cmopt.codegen.lifetimes import analyze
from cmopt.codegen.order_model import has_loops, model_of, reorder
from cmopt.codegen.order_search import MOST_STATES, find_order
from cmopt.codegen.placement import place
from cmopt.dialects.program import ORDER_BOUND, ORDER_LIMIT, functions
from cmopt.lowering.verify_stage import check_stage


def order(func: FuncOp, most_states: int) -> None:
    """Reorder one function if that makes its arena smaller."""
    if has_loops(func):
        return
    model = model_of(func)
    found = find_order(model.graph, most_states)
    func.attributes[ORDER_BOUND] = IntegerAttr(found.bound, 64)
    if not found.is_proven:
        func.attributes[ORDER_LIMIT] = StringAttr(
            f"the order of operators is the best of {most_states:,} states: {found.peak:,} bytes "
            f"are live, and at least {found.bound:,} are in every order"
        )
    if found.order == list(range(len(model.operators))):
        return
    before = place(analyze(func)).size
    reorder(func, [model.operators[index] for index in found.order])
    if place(analyze(func)).size >= before:
        reorder(func, model.operators)


@dataclass(frozen=True)
class OrderOperatorsPass(ModulePass):
    """Order operators such that the fewest bytes are live at one time; exact up to a limit.

    Views, joined values and in-place results count as `plan-memory` places them. `most_states`
    limits the search. The function's attribute `cortex_m.order_bound` is a number of bytes below
    which no order stays, and `cortex_m.order_limit` says that the search ended at its limit. The
    order is kept if no other gives a smaller arena.
    """

    name = "order-operators"

    most_states: int = MOST_STATES

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        check_stage(op, "cortex_m")
        for func in functions(op):
            order(func, self.most_states)
