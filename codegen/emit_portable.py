"""Emit `edge.call`: a call of a PyTorch operator's out-variant in the portable kernel library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdsl.ir import SSAValue

from cmopt.codegen.arguments import ArgumentEmitter, plain
from cmopt.codegen.stock_calls import portable_call, temp_bytes
from cmopt.dialects.cortex_m import View
from cmopt.dialects.edge import CallOp
from cmopt.support.diagnostics import CompileError

if TYPE_CHECKING:
    from cmopt.codegen.emit_pte import FunctionEmitter


def emit_call(op: CallOp, emitter: FunctionEmitter) -> None:
    """Emit one kernel call.

    Every tensor is contiguous, which every portable kernel accepts. In `data_format` "NHWC" the
    first operand and the results are channels last.
    """
    schema, values = portable_call(op)
    format = View.CONTIGUOUS if op.data_format is None else View.CHANNELS_LAST
    formatted = (*op.operands_[:1], *op.results)

    def tensor(value: SSAValue) -> int:
        return emitter.value(value, format if value in formatted else View.CONTIGUOUS)

    arguments = ArgumentEmitter(emitter.builder, tensor, op.operands_)
    indices = []
    for argument in schema.inputs:
        try:
            value = plain(values[argument.name], op.operands_)
            indices.append(arguments.emit(argument.type, value))
        except (KeyError, OverflowError, ValueError) as error:
            message = f"{op.target.data}: argument {argument.name}: {error}"
            raise CompileError(message, op=op) from error
    emitter.builder.temp_bytes = max(emitter.builder.temp_bytes, temp_bytes(op, schema, values))
    outs = [tensor(result) for result in op.results]
    takes_list = any("[]" in argument.type for argument in schema.outs)
    is_list = takes_list or len(outs) > 1
    returned = emitter.builder.add_tensor_list(outs) if is_list else outs[0]
    written = [returned] if takes_list else outs
    emitter.builder.call(schema, [*indices, *written], returned=returned)
