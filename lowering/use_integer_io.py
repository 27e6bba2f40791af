"""Pass quantized tensors, not floats, across the function's border."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import AnyFloat, ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from cmopt.dialects.edge import ToDimOrderOp
from cmopt.dialects.program import (
    border_names,
    functions,
    inputs_of,
    outputs_of,
    retype_argument,
    selected,
    terminator,
    update,
)
from cmopt.dialects.quant import DCastOp, QCastOp, quantization_of_users
from cmopt.dialects.shapes import element_of, with_element
from cmopt.support.diagnostics import CompileError


def _quantize_before_moves(argument: SSAValue) -> None:
    """`qcast(to_dim_order(x))` → `to_dim_order(qcast(x))`, so that the qcast reads the argument."""
    moves = [use.operation for use in argument.uses if isinstance(use.operation, ToDimOrderOp)]
    for move in moves:
        for op in [use.operation for use in move.output.uses]:
            if isinstance(op, QCastOp):
                cast = QCastOp.of(argument, element_of(op.output))
                again = ToDimOrderOp([cast.output], op.output.type)
                _replace(op, [cast, again])
        if not move.output.uses:
            Rewriter.erase_op(move)


def _dequantize_after_move(value: SSAValue) -> None:
    """`to_dim_order(dcast(x))` → `dcast(to_dim_order(x))`, so that a result is a dcast."""
    move = value.owner
    if isinstance(move, ToDimOrderOp) and isinstance(cast := move.input.owner, DCastOp):
        type = with_element(move.output.type, element_of(cast.input))
        again = ToDimOrderOp([cast.input], type)
        _replace(move, [again, DCastOp(again.output, move.output.type)])
        if not cast.output.uses:
            Rewriter.erase_op(cast)


def _replace(op: Operation, new: Sequence[Operation]) -> None:
    """Replace an op with one result by others, at its source line."""
    for other in new:
        other.location = op.location
    new[-1].results[0].name_hint = op.results[0].name_hint
    Rewriter.replace_op(op, new)


def _is_float(value: SSAValue) -> bool:
    return isinstance(element_of(value), AnyFloat)


def quantize_border(func: FuncOp, names: Sequence[str] = ()) -> None:
    """Make float arguments and results quantized. Raises CompileError if one is used as float.

    names: those to change, all if it is empty.
    """
    inputs, outputs = border_names(func)
    selected(names, "input or output", [*inputs, *outputs], func)
    for index, argument in enumerate(inputs_of(func)):
        if names and inputs[index] not in names:
            continue
        _quantize_before_moves(argument)
        if (element := quantization_of_users(argument)) is None:
            if _is_float(argument) and argument.uses:
                _refuse(func, f"input {index} is used as a float inside the model")
            continue
        quantized = retype_argument(func, index, with_element(argument.type, element))
        for cast in [use.operation for use in quantized.uses]:
            cast.results[0].replace_all_uses_with(quantized)
            Rewriter.erase_op(cast)
    end = terminator(func)
    for index, value in enumerate(list(outputs_of(func))):
        if names and outputs[index] not in names:
            continue
        _dequantize_after_move(value)
        value = end.operands[index]
        if isinstance(value.owner, DCastOp):
            end.operands[index] = value.owner.input
            if not value.uses:
                Rewriter.erase_op(value.owner)
        elif _is_float(value):
            _refuse(func, f"output {index} comes from a float operator")
    update(func)


def _refuse(func: FuncOp, what: str) -> None:
    raise CompileError(
        f"{func.sym_name.data}: {what}, so it cannot be passed as int8",
        hint='compile with io="float", or quantize the operators at the border',
    )


@dataclass(frozen=True)
class UseIntegerIoPass(ModulePass):
    """Drop the quantization of inputs and the dequantization of outputs: the caller passes int8.

    names: the inputs and outputs to change; all by default.
    """

    name = "use-integer-io"

    names: tuple[str, ...] = ()

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for func in functions(op):
            quantize_border(func, self.names)
