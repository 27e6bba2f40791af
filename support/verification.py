"""Verify a module and name the innermost failing op, without printing the module.

xDSL's `verify` prints the whole module into the exception, which takes seconds if constants are
large. It also does not check that a value is defined before it is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xdsl.dialects.builtin import ModuleOp, TensorType, UnregisteredOp
from xdsl.ir import Block, ErasedSSAValue, Operation, Region, SSAValue
from xdsl.traits import IsTerminator, NoTerminator
from xdsl.utils.exceptions import VerifyException

from cmopt.support.diagnostics import CompileError


class TensorPart:
    """An element type or an encoding that does not fit every shape of a tensor."""

    def verify_shape(self, shape: Sequence[int]) -> None:
        """Raise VerifyException if a tensor of this shape cannot have this part."""
        raise NotImplementedError


class Verifier:
    """Checks one module. Callers use `cmopt.support.diagnostics.verify`."""

    def __init__(self, after: str | None):
        self._after = f" (after pass '{after}')" if after else ""
        self._defined: set[SSAValue] = set()

    def _fail(self, op: Operation, message: str) -> CompileError:
        return CompileError(f"{message}{self._after}", op=op)

    def operation(self, op: Operation) -> None:
        """Raise a located `CompileError` for the first op in `op`, innermost first, that fails."""
        self._structure(op)
        for region in op.regions:
            self._region(region, op)
        try:
            _verify_tensors(op.results)
            op.verify_()
        except VerifyException as error:
            raise self._fail(op, str(error)) from None
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise self._fail(op, f"internal error in its verifier: {what}") from error

    def _structure(self, op: Operation) -> None:
        """Check operands, terminators and successors, which a correct rewrite never breaks."""
        for index, operand in enumerate(op.operands):
            if isinstance(operand, ErasedSSAValue):
                raise self._fail(op, f"operand #{index} is the result of an erased op")
        block = op.parent
        region = None if block is None else block.parent
        if op.successors and (block is None or region is None):
            raise self._fail(op, "has successors but is not inside a region")
        if block is None or region is None:
            return
        if op.successors:
            if block.last_op is not op:
                raise self._fail(op, "has successors and must terminate its block")
            if any(successor.parent is not region for successor in op.successors):
                raise self._fail(op, "branches to a block of another region")
        last = block.last_op is op and _needs_terminator(region)
        if last and not op.has_trait(IsTerminator, value_if_unregistered=True):
            raise self._fail(op, "is the last op of its block but not a terminator")

    def _region(self, region: Region, parent: Operation) -> None:
        blocks = tuple(region.blocks)
        # Order is dominance only in a region with one block. It has no meaning in a graph region,
        # such as a module's body or the region of an unregistered op.
        ordered = len(blocks) == 1 and not isinstance(parent, ModuleOp | UnregisteredOp)
        local: list[SSAValue] = []
        if not ordered:
            for block in blocks:
                local += block.args
                local += (result for op in block.ops for result in op.results)
            self._defined.update(local)
        for block in blocks:
            self._block(block, parent, local, ordered)
        self._defined.difference_update(local)

    def _block(self, block: Block, parent: Operation, local: list[SSAValue], ordered: bool) -> None:
        if block.parent is None or block.parent.parent is not parent:
            raise self._fail(parent, "holds a block that belongs to another op")
        if block.first_op is None and _needs_terminator(block.parent):
            raise self._fail(parent, "has an empty block where at least a terminator is needed")
        try:
            _verify_tensors(block.args)
        except VerifyException as error:
            raise self._fail(parent, str(error)) from None
        if ordered:
            local += block.args
            self._defined.update(block.args)
        for op in block.ops:
            if op.parent is not block:
                raise self._fail(parent, f"holds '{op.name}', which belongs to another block")
            for index, operand in enumerate(op.operands):
                if operand not in self._defined and not isinstance(operand, ErasedSSAValue):
                    raise self._fail(op, f"operand #{index} does not dominate this use")
            self.operation(op)
            if ordered:
                local += op.results
                self._defined.update(op.results)


def _verify_tensors(values: Iterable[SSAValue]) -> None:
    """Raise VerifyException if a tensor's element type or encoding does not fit its shape."""
    for value in values:
        if isinstance(value.type, TensorType):
            for part in (value.type.element_type, value.type.encoding):
                if isinstance(part, TensorPart):
                    part.verify_shape(value.type.get_shape())


def _needs_terminator(region: Region) -> bool:
    parent = region.parent
    if parent is None:
        return False
    several = region.first_block is not region.last_block
    return several or not parent.has_trait(NoTerminator, value_if_unregistered=True)
