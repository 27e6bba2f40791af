"""Make the values that a loop carries stay in one place."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import BlockArgument, Operation, SSAValue
from xdsl.passes import ModulePass

from cmopt.codegen.copy_joined_operands import copied, root
from cmopt.codegen.lifetimes import in_place_delta
from cmopt.dialects.cortex_m import JoinOp, KernelOp, SubviewOp, ViewOp
from cmopt.dialects.edge import CallOp, ScanOp
from cmopt.dialects.program import bodies

_REASON = "a loop keeps its carried values in one place"


def _readers(value: SSAValue) -> list[Operation]:
    """The ops that read a value, also through views; those in a loop do not count."""
    found: list[Operation] = []
    for use in value.uses:
        if isinstance(use.operation, ViewOp | SubviewOp):
            found += _readers(use.operation.results[0])
        else:
            found.append(use.operation)
    return found


def _can_move(value: SSAValue) -> bool:
    """Whether a value is all that a kernel makes, and its place is not fixed by a join."""
    source = root(value)
    if not isinstance(source.owner, KernelOp | CallOp) or len(source.owner.results) != 1:
        return False
    return not any(isinstance(reader, JoinOp) for reader in _readers(source))


def _is_free(argument: BlockArgument, value: SSAValue) -> bool:
    """Whether `value` may be written where `argument` is: nothing reads this one afterwards."""
    maker = root(value).owner
    assert isinstance(maker, Operation)
    block = maker.parent_block()
    position = {op: index for index, op in enumerate(block.ops)} if block else {}
    for reader in _readers(argument):
        if position[reader] > position[maker]:
            return False
        if reader is maker:
            names = maker.INPLACE if isinstance(maker, KernelOp) else ()
            taken = [name for name in names if getattr(maker, name) is argument]
            if not taken or any(in_place_delta(maker, name) != 0 for name in taken):
                return False
            if list(maker.operands).count(argument) > 1:
                return False
    return True


def carry_in_place(scan: ScanOp) -> None:
    """Copy values at the border of a loop, so that each carried value can have one place.

    The initial value must be a new one that only the loop reads. A new carried value must be made
    when the old one is not read any more.
    """
    taken: set[SSAValue] = set()
    for index, value in enumerate(list(scan.initial)):
        source = root(value)
        is_ours = _can_move(value) and _readers(source) == [scan] and source not in taken
        if not is_ours:
            scan.operands[index] = copied(value, scan, _REASON)
        taken.add(root(scan.operands[index]))
    end = scan.end
    for index, value in enumerate(list(scan.renewed)):
        if value is not scan.carried[index] and not _can_move(value):
            # An old value, which its successor may overwrite.
            end.operands[index] = copied(value, end, _REASON)
    placed: set[SSAValue] = set()
    for index, argument in enumerate(scan.carried):
        value = end.values[index]
        if value is argument:
            continue
        if root(value) in placed or not _is_free(argument, value):
            end.operands[index] = copied(value, end, _REASON)
        placed.add(root(end.values[index]))


@dataclass(frozen=True)
class CopyCarriedValuesPass(ModulePass):
    """Copy carried values of loops that cannot be made in the place of the value before."""

    name = "copy-carried-values"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for body in list(bodies(op)):
            if isinstance(body, ScanOp):
                carry_in_place(body)
