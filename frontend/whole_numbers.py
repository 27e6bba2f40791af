"""A step of 1 for integers that are cast to float, such as the pixels of an image in int32."""

from __future__ import annotations

import torch
from torch.fx import GraphModule, Node
from torchao.quantization.pt2e.observer import ObserverBase

from cmopt.frontend.annotation import RangeObserver
from cmopt.frontend.observers import observer_of, replace_observer
from cmopt.frontend.operators import MOVEMENTS
from cmopt.frontend.overloads import operator_name

_CASTS = {"to", "type_as"}
_INTEGERS = (torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8)

_MOST = 255
"""The largest difference between two of the integers that int8 has."""


class WholeObserver(RangeObserver):
    """In int8 a step of 1 if that holds everything between 0 and the calibration's numbers.

    Then nothing is rounded, and the cast needs no float; see `keep-calls-in-integers`.
    """

    def calculate_qparams(self) -> tuple[torch.Tensor, torch.Tensor]:
        low, high = min(0.0, float(self.min_val)), max(0.0, float(self.max_val))
        if self.dtype == torch.int8 and high - low <= _MOST:
            return torch.tensor([1.0]), torch.tensor([round(-128 - low)])
        scale, zero_point = super().calculate_qparams()
        return scale, zero_point


def observe_whole_numbers(observed: GraphModule) -> None:
    """Observe casts of integers to float, in place, and values with the same elements."""
    values: dict[ObserverBase, list[Node]] = {}
    for node in observed.graph.nodes:
        if (observer := observer_of(observed, node)) is not None:
            values.setdefault(observer, []).append(node.all_input_nodes[0])
    for old, nodes in values.items():
        if type(old) is RangeObserver and old.dtype == torch.int8 and all(map(_is_whole, nodes)):
            new = WholeObserver(dtype=torch.int8, qscheme=torch.per_tensor_affine)
            replace_observer(observed, old, new)


def _is_whole(node: Node) -> bool:
    """Whether a node casts integers to float, or moves the elements of such a cast."""
    while node.all_input_nodes and (
        node.op == "call_module" or operator_name(node) in MOVEMENTS | _CASTS
    ):
        result, node = node, node.all_input_nodes[0]
        if result.op != "call_module" and node.op != "call_module":
            before, after = (one.meta["val"].dtype for one in (node, result))
            if before != after:
                return before in _INTEGERS
    return False
