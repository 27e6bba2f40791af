"""Runs a graph with observers in float and as it will be quantized, node by node.

All samples go through a node before the next node runs. So what is learnt from a node's results,
such as the mean error of a layer, can change these results before anything reads them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch.fx import GraphModule, Node
from torch.fx.node import map_arg
from torch.utils._pytree import tree_leaves
from torchao.quantization.pt2e.observer import ObserverBase
from torchao.quantization.pt2e.utils import is_per_channel

from cmopt.frontend.aliasing import written_nodes
from cmopt.frontend.graph_building import attribute_of
from cmopt.frontend.observers import observer_of
from cmopt.frontend.structure import Arguments
from cmopt.support.progress import progress

Change: TypeAlias = Callable[[Node, list[Any], list[Any]], list[Any]]
"""Called with a node, and its results in float and quantized, one of each for each sample. Returns
the quantized ones to go on with."""

Outputs: TypeAlias = list[list[torch.Tensor]]
"""For each output that is a float tensor, its values, one for each sample."""

Quantizer: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
"""Rounds a float tensor to the values that its type has."""


def exactly(value: torch.Tensor) -> torch.Tensor:
    """The quantizer that keeps every value."""
    return value


def quantizer_of(observer: ObserverBase) -> Quantizer:
    """Quantizes and dequantizes as the converted program does."""
    scale, zero_point = observer.calculate_qparams()
    low, high = int(observer.quant_min), int(observer.quant_max)
    axis = observer.ch_axis if is_per_channel(observer.qscheme) else None
    if axis is None:  # for a tensor without dimensions too
        scale, zero_point = scale.reshape(()), zero_point.reshape(())

    def quantize(value: torch.Tensor) -> torch.Tensor:
        if value.dtype != torch.float32:
            return value
        steps, zeros = scale, zero_point
        if axis is not None:
            shape = [-1 if i == axis else 1 for i in range(value.dim())]
            steps, zeros = scale.reshape(shape), zero_point.reshape(shape)
        if high - low > 2**24:  # a bias, whose steps float32 cannot count
            exact: torch.Tensor = (value.double() / steps).round() * steps.double()
            return exact.float()
        integers = torch.clamp(torch.round(value * (1.0 / steps)) + zeros, low, high)
        rounded: torch.Tensor = (integers - zeros) * steps
        return rounded

    return quantize


class KeptSamples:
    """Some of many samples, spread evenly over them; the same ones each time.

    limit: the most that are kept, at least 2. They are copies.
    """

    def __init__(self, limit: int):
        self._limit = limit
        self._distance = 1
        self._count = 0
        self.samples: list[Arguments] = []

    def offer(self, sample: Arguments) -> None:
        """The next sample of all."""
        if self._count % self._distance == 0:
            if len(self.samples) == self._limit:
                self.samples = self.samples[::2]
                self._distance *= 2
            if self._count % self._distance == 0:
                self.samples.append(
                    sample.with_tensors([value.clone() for value in sample.tensors])
                )
        self._count += 1


def spread(samples: Sequence[Arguments], most: int) -> list[Arguments]:
    """Some of the samples, at most this many, spread evenly over them."""
    kept = KeptSamples(most)
    for sample in samples:
        kept.offer(sample)
    return kept.samples


def samples_within(observed: GraphModule, most: int, elements: int) -> int:
    """How many samples to run so that all results together have at most this many elements; 2 at
    least and `most` at most."""
    values = (leaf for n in observed.graph.nodes for leaf in tree_leaves(n.meta.get("val")))
    size = sum(value.numel() for value in values if isinstance(value, torch.Tensor))
    return max(2, min(most, elements // max(1, size)))


class Simulation:
    """A graph after calibration, and samples to run through it.

    Nodes that get the same tensors give the same result, so that a constant is computed once, and
    what no rounding reaches once for both.
    """

    def __init__(self, observed: GraphModule, samples: Sequence[Arguments]):
        self._observed = observed
        self._samples = [tree_leaves((sample.args, sample.kwargs)) for sample in samples]
        self._dead_after = _dead_after(observed)
        self._kept: dict[Node, list[Any]] | None = None

    def keep_exact(self) -> None:
        """Keep all values in float, so that a run computes only what a rounding reaches."""
        self._kept = {}
        self.run({})

    @torch.no_grad()
    def run(
        self, quantizers: Mapping[ObserverBase, Quantizer], change: Change | None = None
    ) -> tuple[Outputs, Outputs]:
        """The outputs in float and quantized. An observer without a quantizer keeps its values."""
        exact: dict[Node, list[Any]] = {} if self._kept is None else self._kept
        rounded: dict[Node, list[Any]] = {}
        placeholders = 0
        for node in progress(list(self._observed.graph.nodes), "simulating"):
            if node.op == "output":
                return _outputs(node, exact), _outputs(node, rounded)
            known: dict[tuple[int, ...], Any] = {}
            observer = observer_of(self._observed, node)
            if node not in exact:
                if node.op == "placeholder":
                    exact[node] = [sample[placeholders] for sample in self._samples]
                    placeholders += 1
                elif observer is not None:
                    exact[node] = exact[node.all_input_nodes[0]]
                else:
                    exact[node] = self._results(node, exact, known)
            if observer is not None:
                quantizer = quantizers.get(observer, exactly)
                rounded[node] = _each(quantizer, rounded[node.all_input_nodes[0]])
            elif all(rounded[operand] is exact[operand] for operand in node.all_input_nodes):
                rounded[node] = exact[node]
            else:
                rounded[node] = self._results(node, rounded, known)
            if change is not None:
                rounded[node] = change(node, exact[node], rounded[node])
            for dead in self._dead_after.get(node, ()):
                del rounded[dead]
                if self._kept is None:
                    del exact[dead]
        raise AssertionError("every graph has an output")

    def _results(
        self, node: Node, values: Mapping[Node, list[Any]], known: dict[tuple[int, ...], Any]
    ) -> list[Any]:
        """The results of a node for each sample. known: those of some operands, by their ids."""
        results = []
        for index in range(len(self._samples)):
            key = tuple(id(values[operand][index]) for operand in node.all_input_nodes)
            if key not in known:
                mine = {operand: values[operand][index] for operand in node.all_input_nodes}
                known[key] = self._result(node, mine)
            results.append(known[key])
        return results

    def _result(self, node: Node, values: Mapping[Node, Any]) -> Any:
        if node.op == "get_attr":
            return attribute_of(self._observed, node)
        written = written_nodes(node)

        def operand(source: Node) -> Any:
            return values[source].clone() if source in written else values[source]

        args, kwargs = map_arg((node.args, node.kwargs), operand)
        if node.op == "call_module":
            return self._observed.get_submodule(str(node.target))(*args, **kwargs)
        assert callable(node.target), node
        return node.target(*args, **kwargs)


def _each(function: Quantizer, values: list[Any]) -> list[Any]:
    """The function of each value; the same object for the same object."""
    if function is exactly:
        return values
    known: dict[int, Any] = {}
    for value in values:
        if id(value) not in known:
            known[id(value)] = function(value)
    return [known[id(value)] for value in values]


def _outputs(output: Node, values: Mapping[Node, list[Any]]) -> Outputs:
    """The float tensors among the outputs, for each output its values."""
    nodes = [leaf for leaf in tree_leaves(output.args[0]) if isinstance(leaf, Node)]
    kept = (values[node] for node in nodes)
    return [v for v in kept if isinstance(v[0], torch.Tensor) and v[0].is_floating_point()]


def _dead_after(observed: GraphModule) -> dict[Node, list[Node]]:
    """For each node the values that nothing reads after it."""
    last: dict[Node, Node] = {}
    for node in observed.graph.nodes:
        last[node] = node
        for operand in node.all_input_nodes:
            last[operand] = node
    found: dict[Node, list[Node]] = {}
    for value, reader in last.items():
        found.setdefault(reader, []).append(value)
    return found


def noise_ratios(expected: Outputs, got: Outputs) -> list[float]:
    """For each output the energy of the error, divided by that of the signal."""
    return [
        _ratio(
            sum(float((a - b).double().square().sum()) for a, b in zip(one, other, strict=True)),
            sum(float(a.double().square().sum()) for a in one),
        )
        for one, other in zip(expected, got, strict=True)
    ]


def _ratio(noise: float, signal: float) -> float:
    return noise / signal if signal else (math.inf if noise else 0.0)


def decibels(noise_ratio: float) -> float:
    """The signal-to-noise ratio in dB; infinite without noise."""
    if noise_ratio == 0:
        return math.inf
    return -math.inf if noise_ratio == math.inf else -10 * math.log10(noise_ratio)
