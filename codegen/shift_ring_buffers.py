"""Renew ring buffers where they are: one call, and each byte moves once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import BlockArgument, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from cmopt.codegen.copy_carried_values import carried_pairs, readers_of
from cmopt.codegen.copy_joined_operands import root
from cmopt.dialects.cortex_m import JoinOp, ShiftOp, SubviewOp, ViewOp, nbytes
from cmopt.dialects.program import Body, bodies, terminator
from cmopt.lowering.verify_stage import check_stage

MOST_ROWS = 64
"""A longer buffer is copied: each row is a tensor of the program file."""


def _source(value: SSAValue) -> SSAValue:
    """The value that a chain of views and parts starts from."""
    while isinstance(value.owner, ViewOp | SubviewOp):
        value = value.owner.input
    return value


def appended(argument: BlockArgument, value: SSAValue) -> Sequence[SSAValue] | None:
    """What is appended to a buffer that drops its first elements, if `value` is made so."""
    join = root(value).owner
    if not isinstance(join, JoinOp) or not join.inputs:
        return None
    first, *parts = join.inputs
    kept = root(first).owner
    if not isinstance(kept, SubviewOp) or root(kept.input) is not argument:
        return None
    dropped, size = kept.byte_offset, nbytes(argument.type)
    if dropped + nbytes(kept.output.type) != size or nbytes(value.type) != size or not dropped:
        return None
    if any(_source(part) is argument for part in parts) or size > dropped * (MOST_ROWS + 1):
        return None
    return parts


def shift(body: Body, argument: BlockArgument, index: int) -> None:
    """Make operand `index` of the terminator from `argument` in one call, if it is a ring buffer
    that nothing reads any more when its next value is read."""
    end = terminator(body)
    value = end.operands[index]
    if (parts := appended(argument, value)) is None:
        return
    join = root(value).owner
    assert isinstance(join, JoinOp)
    ours = {end, join, *_ops_behind(join), *_only_for(join)}
    order = {op: number for number, op in enumerate(body.body.block.ops)}
    others = [op for op in readers_of(argument) if op not in ours]
    readers = [op for op in readers_of(join.output) if not isinstance(op, ViewOp) and op is not end]
    last = max((join, *others), key=order.__getitem__)
    if any(order[reader] < order[last] for reader in readers):
        return
    made = ShiftOp(argument, parts, join.output.type)
    made.location = join.location
    made.output.name_hint = join.output.name_hint
    Rewriter.insert_op(made, InsertPoint.after(last))
    for old in reversed(_ops_behind(join)):
        view = ViewOp(made.output, old.output.type)
        view.output.name_hint = old.output.name_hint
        Rewriter.insert_op(view, InsertPoint.after(made))
        old.output.replace_all_uses_with(view.output)
        Rewriter.erase_op(old)
    join.output.replace_all_uses_with(made.output)
    Rewriter.erase_op(join)


def _ops_behind(join: JoinOp) -> list[ViewOp]:
    """The views of a join's result, each before those that are views of it."""
    found: list[ViewOp] = []
    open: list[SSAValue] = [join.output]
    while open:
        views = [u.operation for u in open.pop().uses if isinstance(u.operation, ViewOp)]
        found += views
        open += [view.output for view in views]
    return found


def _only_for(join: JoinOp) -> set[Operation]:
    """The views and parts in front of a join that nothing else reads."""
    found: set[Operation] = set()
    value: SSAValue = join.inputs[0]
    while isinstance(owner := value.owner, ViewOp | SubviewOp) and value.has_one_use():
        found.add(owner)
        value = owner.input
    return found


@dataclass(frozen=True)
class ShiftRingBuffersPass(ModulePass):
    """Replace the joins that renew ring buffers, in state and in loops, by shifts in place."""

    name = "shift-ring-buffers"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        check_stage(op, "cortex_m")
        for body in bodies(op):
            for argument, index in carried_pairs(body):
                shift(body, argument, index)
