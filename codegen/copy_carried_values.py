"""Let state, and the values that a loop carries, stay in one place each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import BlockArgument, Operation, SSAValue
from xdsl.passes import ModulePass

from cmopt.codegen.copy_joined_operands import copied, root
from cmopt.codegen.lifetimes import in_place_delta
from cmopt.dialects.cortex_m import JoinOp, KernelOp, SubviewOp, ViewOp
from cmopt.dialects.edge import CallOp, ScanOp
from cmopt.dialects.program import Body, bodies, states, terminator
from cmopt.lowering.verify_stage import check_stage

_REASON = "state and carried values have one place each"


def readers_of(value: SSAValue) -> list[Operation]:
    """The ops that read a value, also through views and joins. For a loop, this is its op."""
    found: list[Operation] = []
    for use in value.uses:
        found.append(use.operation)
        if isinstance(use.operation, ViewOp | SubviewOp | JoinOp):
            found += readers_of(use.operation.results[0])
    return found


def _can_move(value: SSAValue, joined_by: JoinOp | None = None) -> bool:
    """Whether a value is a whole result of a kernel, or a join of such values, and its place is not
    fixed by another join than `joined_by`."""
    source = root(value)
    if any(isinstance(op, JoinOp) and op is not joined_by for op in readers_of(source)):
        return False
    if isinstance(source.owner, JoinOp):
        return joined_by is None and all(_can_move(v, source.owner) for v in source.owner.inputs)
    if isinstance(source.owner, KernelOp):
        return True
    return isinstance(source.owner, CallOp) and len(source.owner.results) == 1


def _is_free(argument: BlockArgument, value: SSAValue, *, is_part: bool = False) -> bool:
    """Whether `value` may be written where `argument` is: nothing reads this one afterwards.

    is_part: whether the value is only a part of what is written there.
    """
    maker = root(value).owner
    assert isinstance(maker, Operation)
    if isinstance(maker, JoinOp):
        return all(_is_free(argument, part, is_part=True) for part in maker.inputs)
    block = maker.parent_block()
    position = {op: index for index, op in enumerate(block.ops)} if block else {}
    for reader in readers_of(argument):
        if position[reader] > position[maker]:
            return False
        if reader is maker:
            names = maker.INPLACE if isinstance(maker, KernelOp) else ()
            taken = [name for name in names if root(getattr(maker, name)) is argument]
            if is_part or not taken or any(in_place_delta(maker, name) != 0 for name in taken):
                return False
            if [root(operand) for operand in maker.operands].count(argument) > 1:
                return False
    return True


def take_initial_values(scan: ScanOp) -> None:
    """Copy initial values of a loop that something else holds: each must be a new value that only
    the loop reads, because the loop overwrites it."""
    taken: set[SSAValue] = set()
    for index, value in enumerate(list(scan.initial)):
        source = root(value)
        readers = [op for op in readers_of(source) if not isinstance(op, ViewOp)]
        is_ours = _can_move(value) and readers == [scan] and source not in taken
        if not is_ours:
            scan.operands[index] = copied(value, scan, _REASON)
        taken.add(root(scan.operands[index]))


def carried_pairs(body: Body) -> list[tuple[BlockArgument, int]]:
    """The old values of a loop or of state, and the numbers of their new ones among the operands
    of the terminator."""
    if isinstance(body, ScanOp):
        return [(old, index) for index, old in enumerate(body.carried)]
    return [(state.argument, state.result) for state in states(body)]


def renew_in_place(body: Body, pairs: Sequence[tuple[BlockArgument, int]]) -> None:
    """Copy new values that cannot be made in the place of the old ones.

    pairs: as `carried_pairs` gives them. A new value must be made when nothing reads the old one
    any more.
    """
    end = terminator(body)
    for argument, index in pairs:
        value = end.operands[index]
        if value is not argument and not _can_move(value):
            # An old value, which its successor may overwrite.
            end.operands[index] = copied(value, end, _REASON)
    placed: set[SSAValue] = set()
    for argument, index in pairs:
        value = end.operands[index]
        if value is argument:
            continue
        if root(value) in placed or not _is_free(argument, value):
            end.operands[index] = copied(value, end, _REASON)
        placed.add(root(end.operands[index]))


@dataclass(frozen=True)
class CopyCarriedValuesPass(ModulePass):
    """Copy values of state, and those that loops carry, that cannot stay in one place."""

    name = "copy-carried-values"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        check_stage(op, "cortex_m")
        for body in list(bodies(op)):
            if isinstance(body, ScanOp):
                take_initial_values(body)
            renew_in_place(body, carried_pairs(body))
