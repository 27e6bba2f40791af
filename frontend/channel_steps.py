"""Products and sums of a value and a constant for each of its channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.fx import GraphModule, Node

from cmopt.frontend.graph_building import constant_of

aten = torch.ops.aten

_STEPS: dict[Any, str] = {
    aten.mul.Tensor: "mul",
    aten.div.Tensor: "div",
    aten.add.Tensor: "add",
    aten.sub.Tensor: "sub",
}


@dataclass
class ChannelStep:
    """`source * constant` or, as a sum, `source + constant`; the constant is in float64."""

    module: GraphModule
    node: Node
    source: Node
    is_sum: bool
    constant: torch.Tensor

    @staticmethod
    def of(module: GraphModule, node: Node) -> ChannelStep | None:
        """The step that a node computes; None if it is none, or if it changes the shape.

        The source is float32. The constant has at least two elements, and broadcasts to the source.
        """
        name = _STEPS.get(node.target)
        if name is None or node.kwargs.get("alpha", 1) != 1:
            return None
        pairs = [tuple(node.args[:2])]
        if name in ("mul", "add"):
            pairs.append(pairs[0][::-1])
        for source, other in pairs:
            constant = constant_of(module, other)
            if not isinstance(source, Node) or constant is None or constant.numel() < 2:
                continue
            if constant_of(module, source) is not None or source.meta["val"].dtype != torch.float32:
                continue
            if source.meta["val"].shape != node.meta["val"].shape:
                continue
            value = constant.double()
            value = {"div": 1 / value, "sub": -value}.get(name, value)
            return ChannelStep(module, node, source, name in ("add", "sub"), value)
        return None

    def channels(self, dim: int) -> torch.Tensor | None:
        """The constants of the channels, which are dimension `dim`; None if the constant differs
        along another dimension, or is not finite."""
        shape = self.source.meta["val"].shape
        full = [1] * (len(shape) - self.constant.dim()) + list(self.constant.shape)
        if full != [size if d == dim else 1 for d, size in enumerate(shape)]:
            return None
        return self.constant.reshape(-1) if bool(self.constant.isfinite().all()) else None

    def drop(self) -> None:
        """Let what reads the result read the source."""
        self.node.replace_all_uses_with(self.source)
        self.module.graph.erase_node(self.node)
