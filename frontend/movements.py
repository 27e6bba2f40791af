"""Movements of elements before annotation, as others that are observed."""

from __future__ import annotations

import torch
from torch.fx import GraphModule, Node

from cmopt.frontend.graph_building import filled_arguments, insert

aten = torch.ops.aten


def expand_as(module: GraphModule, node: Node) -> Node:
    """x expanded to the shape of y: without y, whose values are not used."""
    return insert(module.graph, node, aten.expand.default, node.args[0], [*node.meta["val"].shape])


def unfold_number(module: GraphModule, node: Node) -> Node | None:
    """`unfold` of a tensor without dimensions: a window of one element."""
    operand, _, size, _ = filled_arguments(node)
    if operand.meta["val"].dim() or size != 1:
        return None
    return insert(module.graph, node, aten.reshape.default, operand, [1])
