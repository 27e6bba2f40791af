"""Bias correction: the mean error of each layer's result goes into its bias.

Rounded weights give every output channel an error whose mean over the calibration data is not 0.
The mean costs nothing to remove. The part of it that may be chance is left. Layers are corrected in
the order of the graph, each with the errors that reach it from corrected layers before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.fx import GraphModule, Node

from cmopt.frontend.graph_building import attribute_of, insert_constant
from cmopt.frontend.observers import observer_of, uses_of_observers
from cmopt.frontend.overloads import operator_name
from cmopt.frontend.simulation import Simulation, noise_ratios, quantizer_of
from cmopt.frontend.structure import Arguments
from cmopt.frontend.wide_types import LAYERS, layers_of

_ADDED = "_corrected_bias_"
"""The beginning of the names of biases that this file adds."""

MOST_SAMPLES = 128
MOST_ELEMENTS = 2**28
"""Bounds of the time that a correction takes: samples, and elements of all their results."""


def add_biases(module: GraphModule) -> None:
    """Give each layer with a constant weight and without a bias one of zeros, in place.

    Layers of one weight get one bias.
    """
    added: dict[str, Node] = {}
    for node in list(module.graph.nodes):
        if operator_name(node) not in LAYERS or operator_name(node) == "addmm":
            continue
        weight = attribute_of(module, node.args[1])
        bias = node.args[2] if len(node.args) > 2 else node.kwargs.get("bias")
        if bias is not None or weight is None:
            continue
        key = str(node.args[1].target)
        if key not in added:
            with module.graph.inserting_before(node):
                zeros = torch.zeros(node.meta["val"].shape[channel_axis(node)])
                added[key] = insert_constant(module, node, zeros, _ADDED)
        node.kwargs = {k: v for k, v in node.kwargs.items() if k != "bias"}
        node.args = (*node.args[:2], added[key], *node.args[3:])
    module.recompile()


def channel_axis(layer: Node) -> int:
    """The axis of a layer's result that has its channels, counted from the end."""
    name = operator_name(layer)
    rank: int = layer.meta["val"].dim()
    if name == "convolution":
        return 1 - rank
    return {"conv1d": -2, "conv_transpose1d": -2, "linear": -1, "addmm": -1}.get(name, -3)


class _Correction:
    """Corrects the layers of each bias while a simulation runs."""

    def __init__(self, observed: GraphModule):
        self._observed = observed
        self._biases: dict[Node, str] = {}
        first: dict[int, str] = {}
        for layer in layers_of(observed):
            constant = None if layer.bias is None else layer.bias.all_input_nodes[0]
            if constant is not None and attribute_of(observed, constant) is not None:
                name = str(constant.target)
                self._biases[layer.node] = first.setdefault(id(_owned(observed, name)), name)
        readers = Counter(self._biases.values())
        self._shared = {name for name, count in readers.items() if count > 1}
        self._errors: dict[str, list[torch.Tensor]] = {}
        self.names = list(dict.fromkeys(self._biases.values()))
        """Of the biases, in the order in which they are first read. One tensor may have several
        names; it is known by its first."""
        self._used: set[str] = set()

    def use(self, names: Sequence[str]) -> None:
        """Correct only these from now on."""
        self._used = set(names)

    def observe(self, node: Node, exact: list[Any], rounded: list[Any]) -> list[Any]:
        """Note the mean errors of layers that share a bias; it gets the mean of them."""
        if (name := self._biases.get(node)) in self._shared:
            assert name is not None
            self._errors.setdefault(name, []).append(mean_error(node, exact, rounded))
        return rounded

    def correct(self, node: Node, exact: list[Any], rounded: list[Any]) -> list[Any]:
        """Correct the results of a layer."""
        name = self._biases.get(node)
        if name is None or name not in self._used:
            return rounded
        if name not in self._shared:
            self._errors[name] = [mean_error(node, exact, rounded)]
        return shifted(node, rounded, self._shift(name))

    def _shift(self, name: str) -> torch.Tensor:
        return torch.stack(self._errors[name]).mean(0)

    def shifts(self) -> dict[str, torch.Tensor]:
        """By the name of a bias, what was last added to it."""
        return {name: self._shift(name) for name in self._used}


def _add(observed: GraphModule, shifts: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Add to biases, in place. Returns their values before."""
    before = {name: _owned(observed, name).detach().clone() for name in shifts}
    for name, shift in shifts.items():
        _owned(observed, name).detach().add_(shift)
    return before


def _owned(observed: GraphModule, name: str) -> torch.Tensor:
    """The parameter or buffer of a name, itself."""
    path, _, last = name.rpartition(".")
    value: torch.Tensor = getattr(observed.get_submodule(path), last)
    return value


def shifted(layer: Node, values: Sequence[Any], shift: torch.Tensor) -> list[Any]:
    """Results of a layer, with a number for each channel added."""
    shift = shift.reshape([-1, *[1] * (-1 - channel_axis(layer))])
    return [value + shift for value in values]


def mean_error(layer: Node, exact: Sequence[Any], rounded: Sequence[Any]) -> torch.Tensor:
    """The mean of `exact - rounded` for each channel, less what may be chance.

    A mean of n errors differs from that of all inputs by the errors' variance / n in the mean
    square. All channels are multiplied by one number from 0 to 1, the positive part of the
    estimator of James and Stein (1961): 1 - the sum of these over the sum of the means' squares. So
    many errors are corrected by their mean, and a single one is not corrected.
    """
    axis = channel_axis(layer)
    by_sample = [(a - b).movedim(axis, 0) for a, b in zip(exact, rounded, strict=True)]
    errors = torch.cat([error.reshape(len(error), -1) for error in by_sample], dim=1)
    count = errors.shape[1]
    mean = errors.mean(1)
    if count < 2:
        return torch.zeros_like(mean)
    chance, power = float(errors.var(1).sum()) / count, float(mean.square().sum())
    return mean * max(0.0, 1 - chance / power) if power else mean


def correct_biases(observed: GraphModule, samples: Sequence[Arguments]) -> None:
    """Correct the biases of a graph after calibration, in place.

    The energy of the outputs' errors, each divided by that of the output, does not grow in sum on
    `samples`. If it would, the last layers are left as they are: 1 of them, 2, 4 and so on. A layer
    before a sigmoid is such a case: its mean error is that of results so large that the sigmoid
    does not show it.
    """
    correction = _Correction(observed)
    if not correction.names:
        return
    quantizers = {observer: quantizer_of(observer) for observer in uses_of_observers(observed)}
    simulation = Simulation(observed, samples)
    expected, uncorrected = simulation.run(quantizers, correction.observe)
    before = sum(noise_ratios(expected, uncorrected))
    left = 0
    while left < len(correction.names):
        correction.use(correction.names[: len(correction.names) - left])
        simulation.run(quantizers, correction.correct)
        old = _add(observed, correction.shifts())
        # The biases are rounded now, and so are values that have moved across a boundary.
        _, corrected = simulation.run(quantizers)
        if sum(noise_ratios(expected, corrected)) <= before:
            break
        for name, value in old.items():
            _owned(observed, name).detach().copy_(value)
        left = max(1, 2 * left)
    _drop_zeros(observed)


def _drop_zeros(observed: GraphModule) -> None:
    """Remove the biases that were added and are 0 when they are quantized."""
    for layer in layers_of(observed):
        if layer.bias is None or (observer := observer_of(observed, layer.bias)) is None:
            continue
        (constant,) = layer.bias.all_input_nodes
        value = attribute_of(observed, constant)
        if value is None or not str(constant.target).startswith(_ADDED):
            continue
        if not bool(quantizer_of(observer)(value).any()):
            layer.node.update_arg(2, None)
    observed.graph.eliminate_dead_code()
    observed.recompile()
