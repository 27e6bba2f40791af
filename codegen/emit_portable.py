"""Emit `edge.call`: the out-variant of a PyTorch operator, from the portable kernel library."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
from xdsl.dialects.builtin import ArrayAttr, FloatAttr, IntegerAttr, NoneType, StringAttr
from xdsl.ir import Attribute

from cmopt.codegen.emit_pte import scalar_type
from cmopt.dialects.cortex_m import View
from cmopt.dialects.edge import CallOp, OperandAttr
from cmopt.pipeline.diagnostics import CompileError

if TYPE_CHECKING:
    from cmopt.codegen.emit_pte import FunctionEmitter


@cache
def portable_operators() -> frozenset[str]:
    """The operators of ExecuTorch's portable library: "add.out", "convolution.out", …"""
    import yaml

    text = files("executorch").joinpath("kernels/portable/functions.yaml").read_text()
    names = (entry.get("op") or entry["func"].partition("(")[0] for entry in yaml.safe_load(text))
    return frozenset(name.removeprefix("aten::") for name in names)


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
    qualified = out._schema.name, out._schema.overload_name
    short = f"{qualified[0].split('::')[1]}.{qualified[1]}"
    if short not in portable_operators():
        raise CompileError(
            f"{op.target.data} needs the kernel {qualified[0]}.{qualified[1]}, which ExecuTorch's "
            "portable library does not have",
            op=op,
            hint="replace the operator in the model, or quantize it",
        )
    by_name = {
        argument.name: value
        for argument, value in zip(functional._schema.arguments, op.arguments.data, strict=True)
    }
    builder = emitter.builder
    indices = []
    for argument in out._schema.arguments:
        if argument.is_out:
            continue
        value = by_name.get(argument.name)
        if value is None:
            raise CompileError(f"{op.target.data}: no value for argument {argument.name}", op=op)
        indices.append(_argument(op, emitter, str(argument.type), value))
    outs = [emitter.value(result, View.CONTIGUOUS) for result in op.results]
    # Generated kernel wrappers count their arguments, and the returned value is one of them.
    takes_list = any(a.is_out and "List" in str(a.type) for a in out._schema.arguments)
    together = outs[0] if len(outs) == 1 and not takes_list else None
    returned = builder.add_value_list("TensorList", outs) if together is None else together
    indices.extend([returned] if takes_list else outs)
    indices.append(returned)
    builder.call(builder.operator(*qualified), indices)


def _argument(op: CallOp, emitter: FunctionEmitter, type: str, value: Attribute) -> int:
    """The EValue for one argument of the type the schema gives."""
    builder = emitter.builder
    base = type.removeprefix("Optional[").removesuffix("]") if "Optional" in type else type
    match value:
        case NoneType():
            return builder.add_null()
        case OperandAttr():
            return emitter.value(op.operands_[value.index.value.data], View.CONTIGUOUS)
        case StringAttr() if "ScalarType" in base or base == "int":
            return builder.add_int(int(scalar_type(np.dtype(value.data))))
        case StringAttr():
            return builder.add_string(value.data)
        case IntegerAttr() if value.type.bitwidth == 1:
            return builder.add_bool(bool(value.value.data))
        case IntegerAttr() if base == "float":
            return builder.add_double(float(value.value.data))
        case IntegerAttr():
            return builder.add_int(value.value.data)
        case FloatAttr():
            return builder.add_double(value.value.data)
        case ArrayAttr():
            return _list(op, emitter, base, value)
    raise CompileError(f"{op.target.data}: cannot pass {value}", op=op)


def _list(op: CallOp, emitter: FunctionEmitter, type: str, value: ArrayAttr) -> int:
    builder, items = emitter.builder, value.data
    if "Tensor" in type:
        kind = "OptionalTensorList" if any(isinstance(i, NoneType) for i in items) else "TensorList"
        indices = [
            -1 if isinstance(i, NoneType) else _argument(op, emitter, "Tensor", i) for i in items
        ]
        return builder.add_value_list(kind, indices)
    numbers = [i.value.data for i in items if isinstance(i, IntegerAttr | FloatAttr)]
    if "bool" in type:
        return builder.add_scalars("BoolList", [bool(n) for n in numbers])
    if "float" in type:
        return builder.add_scalars("DoubleList", [float(n) for n in numbers])
    return builder.add_int_list([int(n) for n in numbers])
