"""Emit `edge.call`: the out-variant of a PyTorch operator, from the portable kernel library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cmopt.codegen.arguments import ArgumentEmitter, plain
from cmopt.codegen.operator_schemas import parse_schema, portable_operators
from cmopt.dialects.cortex_m import View
from cmopt.dialects.edge import CallOp
from cmopt.pipeline.diagnostics import CompileError

if TYPE_CHECKING:
    from cmopt.codegen.emit_pte import FunctionEmitter


def out_variant(op: CallOp) -> tuple[Any, Any]:
    """The functional and the out overload of a call. Raises `CompileError` if there is none."""
    import torch
    from executorch.exir.operator.convert import to_out_variant

    namespace, name, overload = op.target.data.split(".")
    try:
        packet = getattr(getattr(torch.ops, namespace), name)
        functional = getattr(packet, overload)
        # ExecuTorch's search fails on an operator that has overloads of numbers too, as pow has.
        named = getattr(packet, f"{overload}_out", None)
        out = named if named is not None else to_out_variant(functional)[0]
    except (AttributeError, RuntimeError, AssertionError) as error:
        raise CompileError(
            f"{op.target.data} has no out-variant, so no ExecuTorch kernel",
            op=op,
            hint="decompose it before export, or quantize it",
        ) from error
    return functional, out


def emit_call(op: CallOp, emitter: FunctionEmitter) -> None:
    """One kernel call; every tensor is contiguous, which every portable kernel takes."""
    functional, out = out_variant(op)
    schema = parse_schema(str(out._schema))
    if schema.qualified not in portable_operators():
        raise CompileError(
            f"{op.target.data} needs the kernel {schema.qualified}, which ExecuTorch's "
            "portable library does not have",
            op=op,
            hint="replace the operator in the model, or quantize it",
        )
    names = [argument.name for argument in functional._schema.arguments]
    values = dict(zip(names, op.arguments.data, strict=True))
    arguments = ArgumentEmitter(
        emitter.builder, lambda value: emitter.value(value, View.CONTIGUOUS), op.operands_
    )
    indices = []
    for argument in schema.inputs:
        try:
            value = plain(values[argument.name], op.operands_)
            indices.append(arguments.emit(argument.type, value))
        except (KeyError, ValueError) as error:
            message = f"{op.target.data}: argument {argument.name}: {error}"
            raise CompileError(message, op=op) from error
    outs = [emitter.value(result, View.CONTIGUOUS) for result in op.results]
    takes_list = any("[]" in argument.type for argument in schema.outs)
    is_list = takes_list or len(outs) > 1
    returned = emitter.builder.add_tensor_list(outs) if is_list else outs[0]
    written = [returned] if takes_list else outs
    emitter.builder.call(schema, [*indices, *written], returned=returned)
