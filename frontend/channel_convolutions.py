"""Compute factors and offsets of channels by a depthwise convolution, before observers are placed.

A batch norm behind a sum or a concatenation, and a layer norm at the end of a block, are one kernel
then, and their results are rounded once. An 8-bit weight for each channel holds the factors
exactly. A product and a sum are two kernels; where channels are not the innermost dimension, they
cannot broadcast their constants on a core, and take many cycles for it on an NPU.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.fx import GraphModule, Node

from cmopt.frontend.channel_steps import ChannelStep
from cmopt.frontend.graph_building import finish_rewrite, insert, insert_constant

aten = torch.ops.aten

FEWEST_ROWS = 8
"""With fewer rows of channels, a product and a sum take fewer cycles on an NPU."""


def convolve_channels(module: GraphModule) -> None:
    """Replace products and sums of a value and constants for channels, in place.

    Channels are dimension 1 of three or more, or the last one. For the last one, a product or a sum
    alone stays: a kernel broadcasts its constants, in about the same time. The results change only
    by float rounding.
    """
    replaced: set[Node] = set()
    for node in list(module.graph.nodes):
        chain = None if node in replaced else _Chain.beginning_at(module, node)
        if chain is not None and chain.pays:
            replaced.update(chain.nodes)
            chain.convolve()
    if replaced:
        finish_rewrite(module)


@dataclass
class _Chain:
    """`source * factors + offsets`, computed by steps that nothing else reads."""

    module: GraphModule
    source: Node
    dim: int
    nodes: list[Node]
    factors: torch.Tensor | None = None
    offsets: torch.Tensor | None = None

    @staticmethod
    def beginning_at(module: GraphModule, node: Node) -> _Chain | None:
        """The longest chain whose first step is a node; None if the node is no step."""
        step = ChannelStep.of(module, node)
        if step is None:
            return None
        rank = step.source.meta["val"].dim()
        dims = (1, rank - 1) if rank > 1 else ()
        dim = next((d for d in dims if step.channels(d) is not None), None)
        if dim is None:
            return None
        chain = _Chain(module, step.source, dim, [])
        while step is not None and (constants := step.channels(dim)) is not None:
            chain._append(step, constants)
            readers = list(step.node.users)
            following = ChannelStep.of(module, readers[0]) if len(readers) == 1 else None
            step = following if following and following.source is step.node else None
        return chain

    def _append(self, step: ChannelStep, constants: torch.Tensor) -> None:
        self.nodes.append(step.node)
        if bool((constants == (0 if step.is_sum else 1)).all()):
            return
        if step.is_sum:
            self.offsets = constants if self.offsets is None else self.offsets + constants
            return
        self.factors = constants if self.factors is None else self.factors * constants
        if self.offsets is not None:
            self.offsets = self.offsets * constants

    @property
    def pays(self) -> bool:
        """Whether a convolution takes less than the steps."""
        shape = self.source.meta["val"].shape
        rows: int = math.prod(shape) // shape[self.dim]
        given = [self.factors is not None, self.offsets is not None]
        if self.dim < len(shape) - 1:
            return any(given) and rows > 1
        return all(given) and rows >= FEWEST_ROWS

    def convolve(self) -> None:
        """Compute the result by a depthwise convolution of one tap."""
        end, shape = self.nodes[-1], list(self.source.meta["val"].shape)
        channels = shape[self.dim]
        with self.module.graph.inserting_before(end):
            if self.dim < len(shape) - 1:
                image = self._reshaped(self.source, [*shape[:2], math.prod(shape[2:-1]), shape[-1]])
                result = self._convolved(image, channels)
            else:
                rows = self._reshaped(self.source, [1, 1, math.prod(shape[:-1]), channels])
                image = self._call(aten.permute.default, rows, [0, 3, 1, 2])
                result = self._convolved(image, channels)
                result = self._call(aten.permute.default, result, [0, 2, 3, 1])
            end.replace_all_uses_with(self._reshaped(result, shape))
        for node in reversed(self.nodes):
            self.module.graph.erase_node(node)

    def _convolved(self, image: Node, channels: int) -> Node:
        factors = torch.ones(channels) if self.factors is None else self.factors
        weight = self._constant(factors.reshape(channels, 1, 1, 1))
        bias = None if self.offsets is None else self._constant(self.offsets)
        ones, zeros = [1, 1], [0, 0]
        return self._call(aten.conv2d.default, image, weight, bias, ones, zeros, ones, channels)

    def _constant(self, value: torch.Tensor) -> Node:
        return insert_constant(self.module, self.nodes[-1], value.float().contiguous())

    def _reshaped(self, value: Node, shape: list[int]) -> Node:
        if list(value.meta["val"].shape) == shape:
            return value
        return self._call(aten.reshape.default, value, shape)

    def _call(self, target: torch._ops.OpOverload, *arguments: object) -> Node:
        return insert(self.module.graph, self.nodes[-1], target, *arguments)
