"""The names of PyTorch and ExecuTorch that are not public, and why they are needed.

If a new release changes them, change them here. (`registration` has two more names of modules.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch.fx import Node

# No public module has the types of the operators that a graph's nodes call.
Overload: TypeAlias = torch._ops.OpOverload
HigherOrder: TypeAlias = torch._ops.HigherOrderOperator


def arguments_of(target: Overload) -> Sequence[torch.Argument]:
    """The arguments in an operator's schema; no public function gives them."""
    return target._schema.arguments


def wrapped_overload(node: Node) -> object:
    """The ATen operator that an operator of the Edge dialect stands for; None for any other.

    The Edge class is not imported, because that takes seconds. Its attribute `_op` is not public.
    """
    is_edge = type(node.target).__name__ == "EdgeOpOverload"
    return getattr(node.target, "_op", None) if is_edge else None


class GroupRanges:
    """Stands before ExecuTorch's `SharedQspecQuantizer` among the bases of a class.

    That quantizer has one method, not public, that finds the operators that share a range and the
    ranges to choose from. A subclass overrides `ranges_of` to choose.
    """

    def _get_shared_clique(self, root_node: Node) -> tuple[set[Node], list[Any], bool, bool]:
        nodes, specs, *rest = super()._get_shared_clique(root_node)  # type: ignore[misc]
        return nodes, self.ranges_of(nodes, specs), *rest

    def ranges_of(self, nodes: set[Node], specs: list[Any]) -> list[Any]:
        """Which of the ranges around these operators they may share; the first is taken."""
        return specs
