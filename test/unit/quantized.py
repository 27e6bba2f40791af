"""Questions about a quantized program, for tests of the quantizer."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram
from torch.fx import Node

from cmopt.frontend.overloads import is_getitem

# Activations that share the quantize operator of the operator before them.
FUSED = {"relu", "relu_", "hardtanh", "hardtanh_", "clamp"}


class Function(nn.Module):
    """A module of one function."""

    def __init__(self, function: Any, *modules: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.parts = nn.ModuleList(modules)

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(*self.parts, *inputs)


def name_of(node: Node) -> str:
    return str(node.target).split(".")[-2] if "." in str(node.target) else str(node.target)


def is_conversion(node: Node, kind: str) -> bool:
    return node.op == "call_function" and name_of(node).startswith(kind)


def readers(node: Node) -> list[Node]:
    """The users of a node, or of its parts if it has several results."""
    return [r for u in node.users for r in (readers(u) if is_getitem(u) else [u])]


def float_operators(program: ExportedProgram) -> list[str]:
    """Operators with a float operand that is not dequantized, or a float result that is not
    quantized. A fused activation counts as a part of the operator before it."""
    result = []
    for node in program.graph.nodes:
        if node.op != "call_function" or "quantize_per" in name_of(node) or is_getitem(node):
            continue
        inputs_are_integers = all(
            is_conversion(i, "dequantize")
            or (name_of(node) in FUSED and name_of(i) in ("conv2d", "conv1d", "linear", "add"))
            for i in node.all_input_nodes
            if i.meta["val"].dtype.is_floating_point
        )
        outputs_are_integers = all(
            is_conversion(u, "quantize") or name_of(u) in FUSED for u in readers(node)
        )
        if not (inputs_are_integers and outputs_are_integers):
            result.append(name_of(node))
    return result


def run(program: ExportedProgram, *inputs: torch.Tensor) -> Any:
    return program.module(check_guards=False)(*inputs)
