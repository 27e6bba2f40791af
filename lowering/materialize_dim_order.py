"""Turn memory orders on the function's border into row-major tensors and permutes."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Operation
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from cmopt.dialects.edge import PermuteOp, ToDimOrderOp, dim_order
from cmopt.dialects.program import (
    DIM_ORDER,
    functions,
    note_on_border,
    retype_argument,
    terminator,
    update,
)
from cmopt.dialects.shapes import ints, permuted
from cmopt.support.diagnostics import CompileError


def physical(type: Attribute) -> TensorType:
    """The row-major tensor type with the same bytes as `type` in its memory order."""
    assert isinstance(type, TensorType)
    return TensorType(type.element_type, permuted(type.get_shape(), dim_order(type)))


def is_default(order: tuple[int, ...]) -> bool:
    """Whether a dim order is row-major."""
    return order == tuple(range(len(order)))


def materialize(func: FuncOp) -> None:
    """Make one function row-major. Every `to_dim_order` in it becomes a permute."""
    casts = [op for op in func.body.block.ops if isinstance(op, ToDimOrderOp)]
    moves = [(op, dim_order(op.input.type), dim_order(op.output.type)) for op in casts]
    args = [dim_order(argument.type) for argument in func.body.block.args]
    results = [dim_order(value.type) for value in terminator(func).operands]
    for index, order in enumerate(args):
        if not is_default(order):
            argument = func.body.block.args[index]
            for use in argument.uses:
                if not isinstance(use.operation, ToDimOrderOp | ReturnOp):
                    _refuse(use.operation)
            retype_argument(func, index, physical(argument.type))
    for op, source, target in moves:
        _replace(op, [source.index(dim) for dim in target])
    for op in func.body.block.ops:
        tensors = (r.type for r in op.results if isinstance(r.type, TensorType))
        if not all(is_default(dim_order(type)) for type in tensors):
            _refuse(op)
    update(func)
    note_on_border(
        func,
        DIM_ORDER,
        {i: ints(order) for i, order in enumerate(args) if not is_default(order)},
        {i: ints(order) for i, order in enumerate(results) if not is_default(order)},
    )


def _refuse(op: Operation) -> None:
    raise CompileError("works in the default memory order only; insert edge.to_dim_order", op=op)


def _replace(op: ToDimOrderOp, perm: list[int]) -> None:
    """Replace an `edge.to_dim_order` by the permute of its bytes."""
    permute = PermuteOp.of(op.input, perm)
    permute.location = op.location
    permute.output.name_hint = op.output.name_hint
    Rewriter.insert_op(permute, InsertPoint.before(op))
    op.output.replace_all_uses_with(permute.output)
    Rewriter.erase_op(op)


@dataclass(frozen=True)
class MaterializeDimOrderPass(ModulePass):
    """Make `#edge.dim_order` arguments and results row-major, with a visible permute inside.

    A [1,3,8,8] argument in order [0,2,3,1] becomes [1,8,8,3] with the argument attribute
    `edge.dim_order = [0,2,3,1]`: the same bytes, so nothing changes for the caller.
    """

    name = "materialize-dim-order"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for func in functions(op):
            materialize(func)
