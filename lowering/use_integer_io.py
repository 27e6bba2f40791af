"""Pass quantized tensors, not floats, across the function's border."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import AnyFloat, ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern
from xdsl.rewriter import Rewriter

from cmopt.dialects.edge import ToDimOrderOp
from cmopt.dialects.program import (
    functions,
    inputs_of,
    outputs_of,
    retype_argument,
    terminator,
    update,
)
from cmopt.dialects.quant import DCastOp, QCastOp
from cmopt.dialects.shapes import element_of, with_element
from cmopt.lowering.rewrite import apply_patterns
from cmopt.support.diagnostics import CompileError


class QuantizeBeforeDimOrder(RewritePattern):
    """`qcast(to_dim_order(x))` → `to_dim_order(qcast(x))`, so that the qcast reads the argument."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: QCastOp, rewriter: PatternRewriter) -> None:
        if isinstance(move := op.input.owner, ToDimOrderOp):
            element = op.output.type.element_type
            cast = QCastOp.of(move.input, element)
            rewriter.replace(op, [cast, ToDimOrderOp([cast.output], op.output.type)])


class DequantizeAfterDimOrder(RewritePattern):
    """`to_dim_order(dcast(x))` → `dcast(to_dim_order(x))`, so that a result is a dcast."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ToDimOrderOp, rewriter: PatternRewriter) -> None:
        if isinstance(cast := op.input.owner, DCastOp):
            type = with_element(op.output.type, element_of(cast.input))
            move = ToDimOrderOp([cast.input], type)
            rewriter.replace(op, [move, DCastOp(move.output, op.output.type)])


def _quantizations(argument: SSAValue) -> list[QCastOp] | None:
    """The users of a float argument, if all quantize it to one type."""
    users = [use.operation for use in argument.uses]
    casts = [user for user in users if isinstance(user, QCastOp)]
    if not casts or len(casts) != len(users) or len({c.output.type for c in casts}) != 1:
        return None
    return casts


def _is_float(value: SSAValue) -> bool:
    return isinstance(element_of(value), AnyFloat)


def quantize_border(func: FuncOp) -> None:
    """Make float arguments and results quantized. Raises CompileError if one is used as float."""
    for index, argument in enumerate(inputs_of(func)):
        casts = _quantizations(argument)
        if casts is None:
            if _is_float(argument) and argument.uses:
                _refuse(func, f"input {index} is used as a float inside the model")
            continue
        quantized = retype_argument(func, index, casts[0].output.type)
        for cast in casts:
            cast.output.replace_all_uses_with(quantized)
            Rewriter.erase_op(cast)
    end = terminator(func)
    for index, value in enumerate(list(outputs_of(func))):
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
    """Drop the quantization of inputs and the dequantization of outputs: the caller passes int8."""

    name = "use-integer-io"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, QuantizeBeforeDimOrder(), DequantizeAfterDimOrder())
        for func in functions(op):
            quantize_border(func)
