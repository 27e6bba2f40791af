"""Copy the operands of joins whose bytes cannot stand where the join wants them."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerType, ModuleOp, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from cmopt.dialects.cortex_m import JoinOp, PadOp, Properties, SubviewOp, ViewOp
from cmopt.dialects.shapes import element_of, numel, shape_of
from cmopt.dialects.signature import functions
from cmopt.lowering.constants import constant_of, constant_op, is_constant
from cmopt.pipeline.diagnostics import CompileError


def root(value: SSAValue) -> SSAValue:
    """What a value is another shape of."""
    while isinstance(value.owner, ViewOp):
        value = value.owner.input
    return value


def copy_operands(func: FuncOp) -> None:
    """Give every join operands that are whole values of their own, each joined once."""
    joined: set[SSAValue] = set()
    for op in func.body.block.ops:
        if not isinstance(op, JoinOp):
            continue
        for index, value in enumerate(list(op.operands)):
            source = root(value)
            movable = not is_constant(source) and not isinstance(source.owner, SubviewOp | JoinOp)
            if not movable or source in joined:
                op.operands[index] = copied(value, op)
            joined.add(root(op.operands[index]))


def copied(value: SSAValue, op: Operation) -> SSAValue:
    """A copy of an int8 value, made before `op` by padding it with nothing."""
    if element_of(value) != IntegerType(8):
        raise CompileError(f"cannot copy a part of type {value.type}", op=op)
    flat: Operation = ViewOp(value, TensorType(IntegerType(8), [numel(shape_of(value))]))
    if (constant := constant_of(value)) is not None:
        flat = constant_op(constant.reshape(-1), value.name_hint)
    none: Properties = {"pre_pad": (0, 0, 0, 0), "post_pad": (0, 0, 0, 0), "pad_value": 0}
    pad = PadOp([flat.results[0]], flat.results[0].type, none)
    back = ViewOp(pad.output, value.type)
    for new in (flat, pad, back):
        new.location = op.location
    Rewriter.insert_op([flat, pad, back], InsertPoint.before(op))
    back.output.name_hint = value.name_hint
    return back.output


@dataclass(frozen=True)
class CopyJoinedOperandsPass(ModulePass):
    """Copy a join's operand that is constant, part of another value, or joined already."""

    name = "copy-joined-operands"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for func in functions(op):
            copy_operands(func)
