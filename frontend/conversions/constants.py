"""Tensors made in the graph."""

from __future__ import annotations

import torch

from cmopt.frontend.call import Call, Converted


def create(call: Call) -> Converted:
    """An operator without tensor arguments: evaluate it."""
    arguments = {k: v for k, v in call.arguments.items() if k not in ("device", "pin_memory")}
    value = call.target(**arguments)
    call.importer.known[call.node] = value
    return call.constant(value)


def fill_like(call: Call) -> Converted:
    """A tensor of the shape of another, filled with one number."""
    value = {"zeros_like": 0, "ones_like": 1}.get(call.name.split(".")[1])
    number = call["fill_value"] if value is None else value
    result = torch.full(tuple(call.fake_result.shape), number, dtype=call.fake_result.dtype)
    call.importer.known[call.node] = result
    return call.constant(result)
