"""The names of PyTorch and ExecuTorch that are not public, and what they are needed for.

A new release may change them; this is where to look then. (`registration` names two modules more.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch.fx import Node

# No public module has the types of operators, of which a graph's nodes are calls.
Overload: TypeAlias = torch._ops.OpOverload
HigherOrder: TypeAlias = torch._ops.HigherOrderOperator


def arguments_of(target: Overload) -> Sequence[torch.Argument]:
    """What an operator takes, by its schema, which nothing public gives."""
    return target._schema.arguments


def wrapped_overload(node: Node) -> object:
    """The ATen operator that an operator of the Edge dialect stands for; None for any other.

    Its class is not imported, which takes seconds, and it has no public name for what it wraps.
    """
    is_edge = type(node.target).__name__ == "EdgeOpOverload"
    return getattr(node.target, "_op", None) if is_edge else None


class GroupRanges:
    """Stands before ExecuTorch's `SharedQspecQuantizer` among the bases of a class.

    That quantizer finds the operators that share a range and the ranges to choose from in one
    method, which is not public. `ranges_of` is for a subclass to choose.
    """

    def _get_shared_clique(self, root_node: Node) -> tuple[set[Node], list[Any], bool, bool]:
        nodes, specs, *rest = super()._get_shared_clique(root_node)  # type: ignore[misc]
        return nodes, self.ranges_of(nodes, specs), *rest

    def ranges_of(self, nodes: set[Node], specs: list[Any]) -> list[Any]:
        """Which of the ranges around these operators they may share; the first is taken."""
        return specs
