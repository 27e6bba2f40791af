"""Pass quantized tensors, not floats, across the function's border."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from cmopt.dialects.quant import DCastOp, QCastOp, quantized_element
from cmopt.dialects.signature import functions, retype_argument, terminator, update
from cmopt.pipeline.diagnostics import CompileError


def _quantizations(argument: SSAValue) -> list[QCastOp] | None:
    """The users of a float argument, if all quantize it to one type."""
    users = [use.operation for use in argument.uses]
    casts = [user for user in users if isinstance(user, QCastOp)]
    if not casts or len(casts) != len(users) or len({c.output.type for c in casts}) != 1:
        return None
    return casts


def quantize_border(func: FuncOp) -> None:
    """Retype arguments that are only quantized, and results that are only dequantized."""
    for index, argument in enumerate(func.body.block.args):
        casts = _quantizations(argument)
        if casts is None:
            if quantized_element(argument.type) is None and argument.uses:
                _refuse(func, f"input {index} is used as a float inside the model")
            continue
        quantized = retype_argument(func, index, casts[0].output.type)
        for cast in casts:
            cast.output.replace_all_uses_with(quantized)
            Rewriter.erase_op(cast)
    end = terminator(func)
    for index, value in enumerate(list(end.operands)):
        if isinstance(value.owner, DCastOp):
            end.operands[index] = value.owner.input
            if not value.uses:
                Rewriter.erase_op(value.owner)
        elif quantized_element(value.type) is None:
            _refuse(func, f"output {index} comes from a float operator")
    update(func)


def _refuse(func: FuncOp, what: str) -> None:
    raise CompileError(
        f"{func.sym_name.data}: {what}, so it cannot be passed as int8",
        hint='compile with io="float", or quantize the operators at the border',
    )


@dataclass(frozen=True)
class UseIntegerIoPass(ModulePass):
    """Drop the quantization of inputs and the dequantization of outputs: callers pass int8."""

    name = "use-integer-io"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for func in functions(op):
            quantize_border(func)
