"""Reading and setting what a graph's observers have found."""

from __future__ import annotations

import torch
from torch.fx import GraphModule, Node
from torchao.quantization.pt2e.observer import ObserverBase


def observer_of(observed: GraphModule, node: Node) -> ObserverBase | None:
    """The observer that a node calls; None for any other node."""
    if node.op != "call_module":
        return None
    found = observed.get_submodule(str(node.target))
    return found if isinstance(found, ObserverBase) else None


def set_parameters(observer: ObserverBase, scale: torch.Tensor, zero_point: torch.Tensor) -> None:
    """Let an observer give these parameters from now on, whatever it has seen."""
    observer.calculate_qparams = lambda: (scale, zero_point)


def is_used_once(observed: GraphModule, observer: ObserverBase) -> bool:
    """Whether only one node of the graph calls an observer."""
    return sum(observer_of(observed, node) is observer for node in observed.graph.nodes) == 1
