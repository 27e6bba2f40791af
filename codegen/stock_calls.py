"""Which kernel of a stock ExecuTorch build an `edge.call` calls, and the limits of that kernel.

A stock device build registers the operators of two files of the installed ExecuTorch: those for
Cortex-M and the portable library (see `operator_schemas`). A program that needs another operator is
refused when it is compiled.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from xdsl.dialects.builtin import IntegerType, ModuleOp, Signedness, TensorType

from cmopt.codegen.operator_schemas import (
    Schema,
    cortex_m_schemas,
    own_schemas,
    parse_schema,
    portable_operators,
)
from cmopt.dialects.cortex_m import KernelOp, ShiftOp
from cmopt.dialects.edge import CallOp
from cmopt.dialects.shapes import element_of, int_of, shape_of
from cmopt.support.diagnostics import CompileError
from cmopt.support.targets import OWN, STOCK

MAX_RANK = 16
"""The runtime's `kTensorDimensionLimit`."""

BYTE = IntegerType(8, Signedness.UNSIGNED)

HINT = "replace the operator in the model"


@dataclass(frozen=True)
class Limit:
    """What PyTorch's operator accepts, and a portable kernel refuses or computes otherwise.

    ranks: allowed ranks of the first tensor. reason: why the kernel cannot be called at all.
    of_bytes: why it cannot be called on uint8.
    """

    ranks: range | None = None
    reason: str | None = None
    of_bytes: str | None = None


_ROUNDS = "rounds uint8 otherwise than PyTorch"
LIMITS: dict[str, Limit] = {
    "aten::_conj_physical.out": Limit(reason="takes complex tensors only"),
    "aten::_upsample_bilinear2d_aa.out": Limit(of_bytes=_ROUNDS),
    "aten::convolution.out": Limit(ranks=range(3, 5)),
    "aten::upsample_bilinear2d.vec_out": Limit(of_bytes=_ROUNDS),
}
"""By operator, found by running the kernels. Other kernels compute what PyTorch computes, or
`lowering.portable_integers` rewrites their calls."""


CAT = parse_schema("aten::cat.out(Tensor[] tensors, int dim=0, *, Tensor(a!) out) -> Tensor(a!)")
"""The portable operator that `cortex_m.shift` calls."""


def kernel_schema(op: KernelOp) -> Schema:
    """The operator that a kernel op calls. Raises CompileError if the build has none."""
    if isinstance(op, ShiftOp):
        return CAT
    name = f"{op.name.replace('.', '::', 1)}.out"
    schema = (own_schemas() if name.startswith("cmopt::") else cortex_m_schemas()).get(name)
    if schema is None:
        raise CompileError(f"the installed ExecuTorch has no operator {name}", op=op)
    return schema


def portable_call(op: CallOp) -> tuple[Schema, dict[str, Any]]:
    """The portable operator for a call, and the call's arguments by name.

    Raises CompileError if the stock build has none, or if its kernel cannot take these tensors.
    """
    if (found := _out_variant(op.target.data)) is None:
        message = f"{op.target.data} has no out-variant, so no ExecuTorch kernel"
        raise CompileError(message, op=op, hint=HINT)
    names, schema = found
    if schema.qualified not in portable_operators():
        raise _refusal(op, f"{schema.qualified}, which a stock ExecuTorch build does not have")
    limit = LIMITS.get(schema.qualified, Limit())
    if limit.reason is not None:
        raise _refusal(op, f"{schema.qualified}, which {limit.reason}")
    if limit.ranks is not None and (rank := len(shape_of(op.operands_[0]))) not in limit.ranks:
        least, most = limit.ranks[0], limit.ranks[-1]
        taken = f"which takes {least} to {most} dimensions, not {rank}"
        raise _refusal(op, f"{schema.qualified}, {taken}")
    if limit.of_bytes is not None and element_of(op.outputs[0]) == BYTE:
        hint = "convert the image to float32 first, and round the result"
        raise _refusal(op, f"{schema.qualified}, which {limit.of_bytes}", hint)
    return schema, dict(zip(names, op.arguments.data, strict=True))


def _refusal(op: CallOp, kernel: str, hint: str = HINT) -> CompileError:
    return CompileError(f"{op.target.data} needs the kernel {kernel}", op=op, hint=hint)


_OPTIONS = frozenset({"dtype", "layout", "device", "pin_memory"})
"""Arguments for a new tensor. An out-variant may lack them, because its tensor is given."""


@cache
def _out_variant(target: str) -> tuple[tuple[str, ...], Schema] | None:
    """The names of an operator's arguments and the schema of its out-variant; None without one."""
    import torch

    namespace, name, overload = target.split(".")
    try:
        packet = getattr(getattr(torch.ops, namespace), name)
        functional = getattr(packet, overload)
        out = getattr(packet, f"{overload}_out", None) or _out_overload(packet, functional)
    except (AttributeError, StopIteration):
        return None
    names = tuple(argument.name for argument in functional._schema.arguments)
    return names, parse_schema(str(out._schema))


def _out_overload(packet: Any, functional: Any) -> Any:
    """The overload with the same arguments and `out`. Raises StopIteration if there is none."""

    def inputs(overload: Any, without: frozenset[str]) -> list[tuple[str, str]]:
        arguments = [a for a in overload._schema.arguments if not a.is_out]
        return [(a.name, str(a.type)) for a in arguments if a.name not in without]

    overloads = [getattr(packet, name) for name in packet.overloads()]
    outs = [o for o in overloads if any(a.is_out for a in o._schema.arguments)]
    return next(
        out
        for without in (frozenset[str](), _OPTIONS)
        for out in outs
        if inputs(out, without) == inputs(functional, without)
    )


def temp_bytes(op: CallOp, schema: Schema, values: dict[str, Any]) -> int:
    """Bytes that a portable kernel takes from the runtime's temp allocator on a 32-bit core.

    Only topk takes any: an element and its index, aligned to 16 bytes, for each element of the
    sorted dimension.
    """
    if schema.qualified != "aten::topk.values":
        return 0
    shape = shape_of(op.operands_[0])
    return 16 * (shape[int_of(values["dim"])] if shape else 1)


def check_calls(module: ModuleOp, kernels: str = STOCK) -> None:
    """Check that a build can load a module of stage "cortex_m" or "planned".

    kernels: the operator libraries of the build, a name of `KERNEL_LIBRARIES`. Raises CompileError,
    at the user's line, for the first operator that such a build does not have or that cannot take
    its tensors, and for a tensor of more than 16 dimensions.
    """
    for op in module.walk():
        types = [v.type for v in (*op.operands, *op.results) if isinstance(v.type, TensorType)]
        if types and (rank := max(len(type.get_shape()) for type in types)) > MAX_RANK:
            message = f"has a tensor of {rank} dimensions, the runtime takes {MAX_RANK} at most"
            raise CompileError(message, op=op)
        if isinstance(op, KernelOp):
            if kernels != OWN and op.name.startswith("cmopt."):
                message = "is not an operator of a stock ExecuTorch build"
                raise CompileError(message, op=op, hint='compile with kernels="cmopt"')
            kernel_schema(op)
        elif isinstance(op, CallOp):
            portable_call(op)
