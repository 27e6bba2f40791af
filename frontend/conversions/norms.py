"""Norms of rows: `layer_norm` and `rms_norm`."""

from __future__ import annotations

import torch

from cmopt.dialects import edge
from cmopt.frontend.call import Call, Converted
from cmopt.frontend.overloads import reads_more_than_first


def _norm(call: Call, name: str, epsilon: float, centered: bool) -> Converted:
    """The norm of the argument `name`, with its weight and bias."""
    x, row = call.fake(name), list(call["normalized_shape"])
    if not x.numel():
        return call.constant(torch.zeros(x.shape, dtype=x.dtype))
    weight = call.optional_tensor("weight")
    bias = call.optional_tensor("bias") if centered else None
    if weight is None and bias is not None:
        weight = call.constant(torch.ones(row, dtype=x.dtype))
    parameters = [value for value in (weight, bias) if value is not None]
    norm = edge.LayerNormOp.of(call.tensor(name), parameters, len(row), epsilon, centered)
    return call.emit(norm)


def layer_norm(call: Call) -> Converted:
    """`layer_norm`."""
    return _norm(call, "input", call["eps"], True)


def native_layer_norm(call: Call) -> Converted:
    """`native_layer_norm`, only if nothing reads the mean and the factor of the rows."""
    if reads_more_than_first(call.node):
        return None
    normalized = layer_norm(call)
    return None if normalized is None else [normalized]  # type: ignore[list-item]


def rms_norm(call: Call) -> Converted:
    """`rms_norm`. Its default epsilon is that of the type."""
    epsilon = call["eps"]
    if epsilon is None:
        epsilon = torch.finfo(call.fake("input").dtype).eps
    return _norm(call, "input", epsilon, False)
