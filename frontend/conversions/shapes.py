"""Reshapes and permutations in all their spellings."""

from __future__ import annotations

import torch

from cmopt.dialects import edge
from cmopt.frontend.call import Call, Conversion, Converted


def _reshape(call: Call) -> Converted:
    """The result's shape is in the exported program; the arguments say nothing more."""
    value = call.stored(call.node.all_input_nodes[0])
    if value.type == call.result_type:
        return value
    return call.emit(edge.ReshapeOp([value], call.result_type))


def _permutation(call: Call) -> list[int]:
    """Where each dimension of the result comes from.

    Asks PyTorch, by permuting the strides of a tensor whose dimensions can be told apart.
    """
    rank = call.fake_result.dim()
    probe = torch.empty(tuple(range(2, rank + 2)), device="meta")
    first = call.target._schema.arguments[0].name
    rest = {name: value for name, value in call.arguments.items() if name != first}
    return [size - 2 for size in call.target(probe, **rest).shape]


def _permute(call: Call) -> Converted:
    value = call.stored(call.node.all_input_nodes[0])
    perm = _permutation(call)
    if perm == list(range(len(perm))):
        return value
    return call.emit(edge.PermuteOp.of(value, perm))


_RESHAPES = (
    "_reshape_copy.default",
    "_unsafe_view.default",
    "flatten.using_ints",
    "reshape.default",
    "squeeze.default",
    "squeeze.dim",
    "squeeze.dims",
    "squeeze_copy.default",
    "squeeze_copy.dim",
    "squeeze_copy.dims",
    "unflatten.int",
    "unsqueeze.default",
    "unsqueeze_copy.default",
    "view.default",
    "view_as.default",
    "view_copy.default",
)
_PERMUTATIONS = (
    "movedim.int",
    "movedim.intlist",
    "moveaxis.int",
    "moveaxis.intlist",
    "numpy_T.default",
    "permute.default",
    "permute_copy.default",
    "swapaxes.default",
    "swapdims.default",
    "t.default",
    "t_copy.default",
    "transpose.int",
    "transpose_copy.int",
)

CONVERSIONS: dict[str, Conversion] = {
    **{f"aten.{name}": _reshape for name in _RESHAPES},
    **{f"aten.{name}": _permute for name in _PERMUTATIONS},
}
