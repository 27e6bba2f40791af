"""Reading and setting what a graph's observers have found."""

from __future__ import annotations

from collections import Counter

import torch
from torch.fx import GraphModule, Node
from torchao.quantization.pt2e import DerivedObserverOrFakeQuantize
from torchao.quantization.pt2e.observer import ObserverBase

from cmopt.frontend.graph_building import attribute_of


def observer_of(observed: GraphModule, node: Node) -> ObserverBase | None:
    """The observer that a node calls; None for any other node."""
    if node.op != "call_module":
        return None
    found = observed.get_submodule(str(node.target))
    return found if isinstance(found, ObserverBase) else None


def set_parameters(observer: ObserverBase, scale: torch.Tensor, zero_point: torch.Tensor) -> None:
    """Let an observer give these parameters from now on, whatever it has seen."""
    observer.calculate_qparams = lambda: (scale, zero_point)


def replace_observer(observed: GraphModule, old: ObserverBase, new: ObserverBase) -> None:
    """Let the graph call another observer, in place. Biases whose scale follows from the old one
    follow the new one."""
    for node in observed.graph.nodes:
        found = observer_of(observed, node)
        if found is old and found is not new:
            setattr(observed, str(node.target), new)
        elif isinstance(found, DerivedObserverOrFakeQuantize):
            found.obs_or_fqs = [new if one is old else one for one in found.obs_or_fqs]


def uses_of_observers(observed: GraphModule) -> Counter[ObserverBase]:
    """How often the graph calls each observer. One may have several names."""
    found = (observer_of(observed, node) for node in observed.graph.nodes)
    return Counter(observer for observer in found if observer is not None)


def constant_behind(observed: GraphModule, node: Node) -> torch.Tensor | None:
    """The value of a constant, also behind its observer; None for any other node."""
    if node.op == "call_module" and node.all_input_nodes:
        node = node.all_input_nodes[0]
    return attribute_of(observed, node)
