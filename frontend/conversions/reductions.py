"""All forms of reductions over whole dimensions."""

from __future__ import annotations

import torch
from torch.fx import Node

from cmopt.dialects import edge
from cmopt.frontend.call import Call, Conversion, Converted
from cmopt.frontend.conversions.identities import reduction_of_scalar


def _dims(call: Call) -> list[int]:
    """The reduced dimensions, ascending; all dimensions if none is given."""
    rank = call.fake("self").dim()
    given = call.arguments.get("dim")
    dims = given if isinstance(given, list | tuple) else [given] if given is not None else []
    return sorted({d % rank for d in dims}) or list(range(rank))


def reduction(kind: type[edge.ReductionOp]) -> Conversion:
    def convert(call: Call) -> Converted:
        if (same := reduction_of_scalar(call)) is not None:
            return same
        value, result = call.fake("self"), call.fake_result
        if value.dim() == 0 or not value.numel() or {value.dtype, result.dtype} != {torch.float32}:
            return None
        reduced = call.emit(kind.of(call.tensor("self"), _dims(call)))
        return call.reshaped(reduced, result.shape)

    return convert


def values_of(convert: Conversion) -> Conversion:
    """`max.dim`, `min.dim`: only if nothing reads the indices."""

    def index(user: Node) -> object:
        return user.args[1]

    def converted(call: Call) -> Converted:
        if any(index(user) != 0 and user.users for user in call.node.users):
            return None
        values = convert(call)
        return None if values is None else [values]  # type: ignore[list-item]

    return converted
