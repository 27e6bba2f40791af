"""Fold constant factors and offsets of channels into layers, before observers are placed.

A layer norm in front of linear layers, a layer scale behind one, and an image's normalization in
front of a convolution then take no operator of their own, and no rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.fx import GraphModule, Node

from cmopt.frontend.channel_steps import ChannelStep
from cmopt.frontend.graph_building import (
    attribute_of,
    constant_of,
    filled_arguments,
    finish_rewrite,
    insert_constant,
)
from cmopt.frontend.overloads import operator_name
from cmopt.frontend.precision import choice_of

Tensor = torch.Tensor

_CONVOLUTIONS = {"conv1d", "conv2d", "conv3d"}
_TRANSPOSED = {"conv_transpose1d", "conv_transpose2d", "conv_transpose3d"}
_MOVES = {
    "permute", "transpose", "unsqueeze", "select", "slice", "view", "reshape", "flatten",
    "unflatten", "clone", "contiguous", "mean",
}  # fmt: skip
"""The moves, and the mean, behind which a linear layer still reads whole rows of channels."""
MOST_NOISE = 4.0
"""How much more noise the rounding of a layer's weights may bring into its results with factors in
the weights: weights that share a step have the step of the largest. In int8, the results have less
noise nevertheless, because a product's and a sum's roundings are gone. 4.0 are 6 dB."""
MOST_NOISE_OF_WEIGHTS = 1.12
"""The same if the weights bring most of the noise: with int16 values, or weights of 4 bits."""


def fold_factors(module: GraphModule) -> None:
    """Fold products and sums of a value and a constant for each channel into layers, in place.

    Behind a layer whose result has no other reader. In front of layers if nothing else reads the
    product or the sum; an offset only in front of layers that do not pad. In front of linear
    layers, rows of channels may also be moved, picked or averaged first. The results change only
    by float rounding. Weights that several layers share are not changed, because each layer would
    get its own copy.
    """
    changed = False
    for node in list(module.graph.nodes):
        step = ChannelStep.of(module, node)
        changed |= step is not None and _fold_behind(step)
    for node in reversed(list(module.graph.nodes)):
        step = ChannelStep.of(module, node)
        changed |= step is not None and _fold_ahead(step)
    if changed:
        finish_rewrite(module)


@dataclass
class _Layer:
    """A linear layer or a convolution whose weight and bias are float constants."""

    module: GraphModule
    node: Node
    name: str
    weight: Tensor
    bias: Tensor | None
    groups: int

    @staticmethod
    def of(module: GraphModule, node: object) -> _Layer | None:
        if not isinstance(node, Node) or node.op != "call_function":
            return None
        name = operator_name(node)
        if name not in {"linear"} | _CONVOLUTIONS | _TRANSPOSED:
            return None
        given = filled_arguments(node)
        weight, bias = constant_of(module, given[1]), constant_of(module, given[2])
        if weight is None or (bias is None and given[2] is not None):
            return None
        if given[0].meta["val"].dim() < weight.dim() and name != "linear":
            return None  # without a batch dimension the channels are dimension 0
        return _Layer(module, node, name, weight, bias, 1 if name == "linear" else given[6])

    @property
    def source(self) -> Node:
        source: Node = filled_arguments(self.node)[0]
        return source

    @property
    def dim(self) -> int:
        """The dimension of the channels in the input and in the result."""
        return self.node.meta["val"].dim() - 1 if self.name == "linear" else 1

    @property
    def has_own_weight(self) -> bool:
        """Whether nothing else reads the weight, also not under another name."""
        place, readers = self.weight.data_ptr(), 0
        for node in self.module.graph.nodes:
            value = attribute_of(self.module, node)
            if value is not None and value.data_ptr() == place:
                readers += len(node.users)
        return readers == 1

    @property
    def pads(self) -> bool:
        """Whether some results read fewer inputs than others."""
        if self.name == "linear":
            return False
        padding = filled_arguments(self.node)[4]
        is_valid = padding == "valid" or not any(padding if padding != "same" else [1])
        return self.name in _TRANSPOSED or not is_valid

    def grouped(self) -> Tensor:
        """The weight as [groups, outputs of a group, inputs of a group, taps]."""
        groups = self.groups
        if self.name in _TRANSPOSED:
            inputs, outputs = self.weight.shape[0] // groups, self.weight.shape[1]
            return self.weight.reshape(groups, inputs, outputs, -1).transpose(1, 2)
        outputs, inputs = self.weight.shape[0] // groups, self.weight.shape[1]
        return self.weight.reshape(groups, outputs, inputs, -1)

    def with_factors(self, factors: Tensor) -> Tensor | None:
        """`grouped` times factors; None if the weights' rounding would bring much more noise.

        The int8 weights of a linear layer with int8 values have one step; otherwise there is one
        for each output.
        """
        choice = choice_of(self.node)
        weights = self.grouped()
        product = weights * factors
        is_common = self.name == "linear" and not choice.is_wide and choice.weight_bits == 8
        dims = (0, 1, 2, 3) if is_common else (2, 3)
        before, after = weights.abs().amax(dims), product.abs().amax(dims)
        wanted = (before**2 * (factors**2).mean(dims)).sum()
        is_most_noise = choice.is_wide or choice.weight_bits < 8
        limit = MOST_NOISE_OF_WEIGHTS if is_most_noise else MOST_NOISE
        return product if bool((after**2).sum() <= limit * wanted) else None

    def replace(self, grouped: Tensor | None, bias: Tensor | None) -> None:
        """Give the layer another weight, in the form of `grouped`, or another bias."""
        given: list[Any] = filled_arguments(self.node)
        if grouped is not None:
            inner = grouped.transpose(1, 2) if self.name in _TRANSPOSED else grouped
            given[1] = self._constant(inner.reshape(self.weight.shape), given[1].name)
        if bias is not None:
            old = f"{self.node.name}_bias" if given[2] is None else given[2].name
            given[2] = self._constant(bias, old)
        self.node.args, self.node.kwargs = tuple(given), {}

    def _constant(self, value: Tensor, name: str) -> Node:
        """A new constant, named after the one that it replaces."""
        value = value.to(self.weight.dtype).contiguous()
        with self.module.graph.inserting_before(self.node):
            return insert_constant(self.module, self.node, value, prefix=f"{name}_")


def _fold_behind(step: ChannelStep) -> bool:
    """Into the layer that makes the source."""
    layer = _Layer.of(step.module, step.source)
    if layer is None or len(step.source.users) != 1:
        return False
    constants = step.channels(layer.dim)
    if constants is None:
        return False
    bias = torch.zeros_like(constants) if layer.bias is None else layer.bias.double()
    if step.is_sum:
        layer.replace(None, bias + constants)
    else:
        grouped = layer.with_factors(constants.reshape(layer.groups, -1, 1, 1))
        if grouped is None or not layer.has_own_weight:
            return False
        layer.replace(grouped, None if layer.bias is None else bias * constants)
    step.drop()
    return True


def _fold_ahead(step: ChannelStep) -> bool:
    """Into all layers that read the result."""
    folded: list[tuple[_Layer, Tensor | None, Tensor | None]] = []
    for user, read in _readers(step.node):
        layer = _Layer.of(step.module, user)
        if layer is None or layer.source is not read:
            return False
        is_linear = layer.name == "linear"
        if read is not step.node and not is_linear:
            return False
        constants = step.channels(step.node.meta["val"].dim() - 1 if is_linear else layer.dim)
        if constants is None or (layer.pads if step.is_sum else not layer.has_own_weight):
            return False
        constants = constants.reshape(layer.groups, 1, -1, 1)
        if step.is_sum:
            sums = (layer.grouped() * constants).sum((2, 3)).reshape(-1)
            folded.append((layer, None, sums if layer.bias is None else sums + layer.bias))
        elif (grouped := layer.with_factors(constants)) is not None:
            folded.append((layer, grouped, None))
        else:
            return False
    for layer, grouped, bias in folded:
        layer.replace(grouped, bias)
    if folded:
        step.drop()
    return bool(folded)


def _readers(node: Node) -> Iterator[tuple[Node, Node]]:
    """What reads a value, and what it reads: the value, or a move or a mean of it in which channels
    stay in the last dimension."""
    for user in node.users:
        if _keeps_last(user):
            yield from _readers(user)
        else:
            yield user, node


def _keeps_last(node: Node) -> bool:
    if node.op != "call_function" or operator_name(node) not in _MOVES or not node.users:
        return False
    source, *given = filled_arguments(node)
    before, after = source.meta["val"].shape, node.meta["val"].shape
    if not before or not after or before[-1] != after[-1]:
        return False
    last = len(before) - 1
    match operator_name(node):
        case "permute":
            return bool(given[0][-1] % len(before) == last)
        case "transpose":
            return last not in {dim % len(before) for dim in given[:2]}
        case "unsqueeze":
            return bool(given[0] % len(after) != len(after) - 1)
        case "select" | "slice":
            return bool(given[0] % len(before) != last)
        case "mean":
            return given[0] is not None and last not in {dim % len(before) for dim in given[0]}
    return True
