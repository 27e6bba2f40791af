"""Copy the operands of joins that cannot be placed inside the join's result."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import (
    IntegerAttr,
    IntegerType,
    ModuleOp,
    NoneType,
    StringAttr,
    TensorType,
    i64,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from cmopt.dialects.constants import constant_of, constant_op, is_constant
from cmopt.dialects.cortex_m import JoinOp, PadOp, Properties, SubviewOp, ViewOp
from cmopt.dialects.edge import CallOp, OperandAttr
from cmopt.dialects.program import Body, bodies
from cmopt.dialects.shapes import element_of, numel, shape_of

_REASON = "it is joined twice, a constant, or a part of another value"


def root(value: SSAValue) -> SSAValue:
    """The value that a chain of views starts from."""
    while isinstance(value.owner, ViewOp):
        value = value.owner.input
    return value


def copy_operands(body: Body) -> None:
    """Make every operand of a join a whole value that is used by this join only once."""
    joined: set[SSAValue] = set()
    for op in body.body.block.ops:
        if not isinstance(op, JoinOp):
            continue
        for index, value in enumerate(list(op.operands)):
            source = root(value)
            movable = not is_constant(source) and not isinstance(source.owner, SubviewOp | JoinOp)
            if not movable or source in joined:
                op.operands[index] = copied(value, op, _REASON)
            joined.add(root(op.operands[index]))


def copied(value: SSAValue, op: Operation, reason: str) -> SSAValue:
    """A copy of a value, made before `op`. reason: why, in case no kernel of ours can do it."""
    is_int8 = element_of(value) == IntegerType(8)
    new_ops = padded_with_nothing(value) if is_int8 else cloned(value, reason)
    for new in new_ops:
        new.location = op.location
    Rewriter.insert_op(new_ops, InsertPoint.before(op))
    new_ops[-1].results[0].name_hint = value.name_hint
    return new_ops[-1].results[0]


def padded_with_nothing(value: SSAValue) -> list[Operation]:
    """A copy of an int8 value, made by the pad kernel."""
    flat: Operation = ViewOp(value, TensorType(IntegerType(8), [numel(shape_of(value))]))
    if (constant := constant_of(value)) is not None:
        flat = constant_op(constant.reshape(-1), value.name_hint)
    none: Properties = {"pre_pad": (0, 0, 0, 0), "post_pad": (0, 0, 0, 0), "pad_value": 0}
    pad = PadOp([flat.results[0]], flat.results[0].type, none)
    return [flat, pad, ViewOp(pad.output, value.type)]


def cloned(value: SSAValue, reason: str) -> list[Operation]:
    """A copy of a value of another type, made by a portable kernel."""
    arguments: list[Attribute] = [OperandAttr(IntegerAttr(0, i64)), NoneType()]
    call = CallOp("aten.clone.default", [value], arguments, [value.type])
    call.reason = StringAttr(reason)
    return [call]


@dataclass(frozen=True)
class CopyJoinedOperandsPass(ModulePass):
    """Copy operands of joins that are constants, parts of other values, or joined already."""

    name = "copy-joined-operands"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for body in bodies(op):
            copy_operands(body)
