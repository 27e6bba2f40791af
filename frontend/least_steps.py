"""Steps of results that are too fine for the numbers they are computed from.

A sum that cancels, or a layer whose weights are almost 0, may have a result that is millions of
times smaller than its operands' steps. All of it is rounding noise of the operands, and the
kernel's 32-bit arithmetic overflows when it enlarges the noise to int8.
"""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch.fx import GraphModule, Node
from torchao.quantization.pt2e.observer import ObserverBase

from cmopt.frontend.annotation import RangeObserver
from cmopt.frontend.observers import constant_behind, observer_of, set_parameters
from cmopt.frontend.overloads import operator_name

_PRODUCTS = {
    *("addmm", "bmm", "conv1d", "conv2d", "conv_transpose2d", "convolution", "linear", "matmul"),
    *("mm", "mul"),
}
_SUMS = {"add", "sub"}

_OF_A_PRODUCT = 2.0**-8
_OF_A_SUM = 2.0**-16
_LARGEST_BIAS = 2.0**-16
"""The finest step of a result, as a fraction of the step of the exact product or of an operand; and
the finest step of an accumulator, as a fraction of the bias, if the input was always 0."""

_MOST_STEPS_OF_BIAS = 2.0**30
"""A bias has 32 bits. One bit is left to the sum of the products."""


def raise_least_steps(observed: torch.nn.Module) -> None:
    """Raise each result's step to the least that its operands' steps justify, in place.

    observed: a graph after calibration. Such a result is 0 after that, or a few steps.
    """
    assert isinstance(observed, GraphModule)
    for node in observed.graph.nodes:
        _make_room_for_bias(observed, node)
        _raise_steps_of_weights(observed, node)
        least = _least_step(observed, node)
        for reader in node.users if least else ():
            observer = observer_of(observed, reader)
            if isinstance(observer, RangeObserver):
                scale, zero_point = observer.calculate_qparams()
                if float(scale) < least:
                    set_parameters(observer, torch.full_like(scale, least), zero_point)


_Layer: TypeAlias = tuple[RangeObserver, ObserverBase, torch.Tensor]
"""The observers of a layer's input and weight, and its bias, which has elements."""


def _layer(observed: GraphModule, node: Node) -> _Layer | None:
    inputs = node.all_input_nodes
    if operator_name(node) not in _PRODUCTS or len(inputs) != 3:
        return None
    observer, weights = (observer_of(observed, operand) for operand in inputs[:2])
    bias = constant_behind(observed, inputs[2])
    if not isinstance(observer, RangeObserver) or weights is None:
        return None
    return None if bias is None or not bias.numel() else (observer, weights, bias)


def _make_room_for_bias(observed: GraphModule, node: Node) -> None:
    """Give an input that was always 0 a step with which the layer's bias fits in 32 bits."""
    if (layer := _layer(observed, node)) is None:
        return
    observer, weights, bias = layer
    if float(observer.min_val) != 0 or float(observer.max_val) != 0:
        return
    scale, zero_point = observer.calculate_qparams()
    steps = weights.calculate_qparams()[0]
    least = float((bias.abs() / steps).max()) * _LARGEST_BIAS
    set_parameters(observer, torch.full_like(scale, max(float(scale), least)), zero_point)


def _raise_steps_of_weights(observed: GraphModule, node: Node) -> None:
    """Give weights a step with which the layer's bias fits in 32 bits.

    The products are then so much smaller than the bias that coarser weights change nothing.
    """
    if (layer := _layer(observed, node)) is None:
        return
    observer, weights, bias = layer
    steps, zero_points = weights.calculate_qparams()
    least = bias.abs() / (float(observer.calculate_qparams()[0]) * _MOST_STEPS_OF_BIAS)
    least = (least if steps.numel() == least.numel() else least.max()).to(steps.dtype)
    if bool((least > steps).any()):
        set_parameters(weights, torch.maximum(steps, least), zero_points)


def _least_step(observed: GraphModule, node: Node) -> float:
    """The least step of a node's result; 0 if its operands set no limit."""
    name = operator_name(node)
    if name not in _PRODUCTS | _SUMS or len(node.all_input_nodes) < 2:
        return 0.0
    observers = [observer_of(observed, operand) for operand in node.all_input_nodes[:2]]
    if None in observers:
        return 0.0
    first, second = (float(o.calculate_qparams()[0].max()) for o in observers if o is not None)
    if name in _SUMS:
        return max(first, second) * _OF_A_SUM
    return first * second * _OF_A_PRODUCT
