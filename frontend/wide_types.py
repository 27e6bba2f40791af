"""Giving observers the type int16 after calibration.

The observers of one value are one module, however many operators read it, and so are those of
operators that share a range. The type of a value is therefore the type of its observer.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.fx import GraphModule, Node
from torchao.quantization.pt2e import DerivedObserverOrFakeQuantize
from torchao.quantization.pt2e.observer import FixedQParamsObserver, ObserverBase

from cmopt.frontend.annotation import MASK_STEP, RangeObserver, WeightObserver
from cmopt.frontend.observers import observer_of
from cmopt.frontend.operators import MOVEMENTS
from cmopt.frontend.overloads import operator_name
from cmopt.frontend.precision import choice_of

UNIT_STEP = 2.0**-15
"""The step of results between -1 and 1: of `UNIT_FUNCTIONS`."""

_SOFTMAX = {"_softmax", "softmax", "special_softmax"}
UNIT_FUNCTIONS = {*_SOFTMAX, "sigmoid", "tanh"}

WIDE_MASK_STEP = MASK_STEP / 128
"""The step of a mask in int16. Its lowest value is as low as in int8."""

LAYERS = {
    *("addmm", "conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d", "convolution"),
    *("linear",),
}
"""Operators with a weight, the second operand, and perhaps a bias, the third."""


@dataclass(frozen=True)
class Layer:
    """A convolution or linear layer with a quantized weight, in a graph with observers."""

    node: Node
    weight: Node
    """The observer's call."""
    bias: Node | None
    """The observer's call."""

    @property
    def channel_axis(self) -> int:
        """The axis of the weight that has the output channels."""
        return 1 if operator_name(self.node).startswith("conv_transpose") else 0


def layers_of(observed: GraphModule) -> list[Layer]:
    """The layers whose weight has an observer of weights, in the order of the graph."""
    found = []
    for node in observed.graph.nodes:
        if operator_name(node) not in LAYERS or len(node.args) < 2:
            continue
        weight, bias = node.args[1], node.args[2] if len(node.args) > 2 else None
        if isinstance(weight, Node) and is_of_weights(observer_of(observed, weight)):
            found.append(Layer(node, weight, bias if isinstance(bias, Node) else None))
    return found


def is_of_weights(observer: ObserverBase | None) -> bool:
    """Whether an observer is neither of activations nor of a bias."""
    return observer is not None and not is_of_activations(observer) and hasattr(observer, "min_val")


def is_of_activations(observer: ObserverBase | None) -> bool:
    """Whether an observer gives a value its type, int8 or int16."""
    return isinstance(observer, RangeObserver | FixedQParamsObserver)


def values_of_observers(observed: GraphModule) -> dict[ObserverBase, list[Node]]:
    """The values that each observer of activations sees, in the order of the graph."""
    found: dict[ObserverBase, list[Node]] = {}
    for node in observed.graph.nodes:
        observer = observer_of(observed, node)
        if observer is not None and is_of_activations(observer):
            values = found.setdefault(observer, [])
            if (value := node.all_input_nodes[0]) not in values:
                values.append(value)
    return found


def widen_chosen(observed: GraphModule, *, for_npu: bool = False) -> None:
    """Give the values that are chosen for int16 this type, and weights their bits, in place.

    observed: a graph after calibration, from a program that was marked. for_npu: as for `widen`.
    """
    for observer, values in values_of_observers(observed).items():
        if is_wide(observed, values):
            widen(observer, values, for_npu=for_npu)
    for layer in layers_of(observed):
        chosen = choice_of(layer.node)
        if chosen.is_wide or chosen.weight_bits != 8:
            set_layer_weight_type(observed, layer, chosen.weight_bits)


def is_wide(observed: GraphModule, values: list[Node]) -> bool:
    """Whether values that share an observer are int16.

    They are if one of the operators that give them is, or, if all of them are inputs and constants,
    if one of the operators that read them is.
    """
    calls = [value for value in values if value.op == "call_function"]
    return any(choice_of(node).is_wide for node in calls or _readers(observed, values))


def _readers(observed: GraphModule, values: list[Node]) -> list[Node]:
    """The operators that read values through their observers."""
    observers = [user for value in values for user in value.users if observer_of(observed, user)]
    return [reader for observer in observers for reader in observer.users]


def widen(observer: ObserverBase, values: list[Node], *, for_npu: bool = False) -> None:
    """Give an observer of activations the type int16, in place. values: what it sees.

    for_npu: the results of sigmoid and tanh may have smaller steps than on the core.
    """
    observer.dtype = torch.int16
    observer.quant_min, observer.quant_max = -(2**15), 2**15 - 1
    if isinstance(observer, FixedQParamsObserver):
        is_mask = float(observer.scale) == MASK_STEP
        step = WIDE_MASK_STEP if is_mask else UNIT_STEP
        observer.scale = torch.full_like(observer.scale, step)
        observer.zero_point = torch.zeros_like(observer.zero_point)
    elif isinstance(observer, RangeObserver):
        makers = {operator_name(v) or v.op for v in values if operator_name(v) not in MOVEMENTS}
        observer.fixed_step = UNIT_STEP if makers and makers <= UNIT_FUNCTIONS else None
        observer.may_be_finer = for_npu and makers.isdisjoint(_SOFTMAX)


def mark_sums(observed: GraphModule) -> None:
    """Tell the observers of layers' results that they see sums of many products, in place."""
    for layer in layers_of(observed):
        results = [layer.node]
        for result in results:  # it grows: functions that the layer computes itself
            for user in result.users:
                observer = observer_of(observed, user)
                if observer is None:
                    results.append(user)
                elif isinstance(observer, RangeObserver):
                    observer.is_of_sums = True


def set_layer_weight_type(observed: GraphModule, layer: Layer, bits: int) -> None:
    """Give a weight a scale for each output channel and this number of bits, in place.

    A transposed convolution in groups keeps its one scale. The bias gets the scales that follow.
    """
    observer = observer_of(observed, layer.weight)
    assert observer is not None
    set_weight_type(observer, bits)
    bias = None if layer.bias is None else observer_of(observed, layer.bias)
    if isinstance(observer, WeightObserver) and isinstance(bias, DerivedObserverOrFakeQuantize):
        bias.qscheme, bias.ch_axis = torch.per_channel_symmetric, 0


def set_weight_type(observer: ObserverBase, bits: int) -> None:
    """Let an observer of a weight give a scale for each channel, if it can, and these bits."""
    if bits == 16:
        observer.dtype = torch.int16
    if bits != 8:  # those of 8 bits have a range already
        observer.quant_min, observer.quant_max = 1 - 2 ** (bits - 1), 2 ** (bits - 1) - 1
    if isinstance(observer, WeightObserver):
        observer.qscheme = torch.per_channel_symmetric
