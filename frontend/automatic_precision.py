"""The choice of types by measurement: which values need int16, and which weights 16 bits.

Each value is rounded to int8 alone, with all else in float, and the error that this gives the
outputs is measured; likewise each weight, without its mean error, which bias correction removes.
Errors of independent roundings add up in energy. So the largest ones are raised to 16 bits until
the sum, and then a run of all together, meets the target.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.fx import GraphModule, Node
from torchao.quantization.pt2e.observer import ObserverBase

from cmopt.frontend.bias_correction import mean_error, shifted
from cmopt.frontend.locations import module_path
from cmopt.frontend.observers import observer_of
from cmopt.frontend.operators import MOVEMENTS
from cmopt.frontend.overloads import operator_name
from cmopt.frontend.simulation import (
    Quantizer,
    Simulation,
    decibels,
    noise_ratios,
    quantizer_of,
)
from cmopt.frontend.structure import Arguments
from cmopt.frontend.wide_types import (
    LAYERS,
    Layer,
    layers_of,
    set_layer_weight_type,
    set_weight_type,
    values_of_observers,
    widen,
)
from cmopt.support.precision_report import LayerPrecision, PrecisionReport
from cmopt.support.progress import progress

MOST_SAMPLES = 32
MOST_ELEMENTS = 2**26
"""Bounds of the samples to measure on: their number, and the elements of all their results, which
are kept in memory."""

_HEADROOM = 1.26
"""Errors are raised until their sum is this much, 1 dB, below the target; if that does not do, it
is tried again with as much more."""

_NOTHING = 1e-3
"""A part of the error that is left when all has 16 bits. Raising less than this does not help."""


@dataclass
class Candidate:
    """Values of one range, or a weight of one or more layers, that may have 16 bits."""

    observer: ObserverBase
    values: list[Node]
    """For a weight, the layers."""
    layers: list[Layer]
    """The layers of a weight; none for values."""
    narrow: Quantizer
    wide: Quantizer
    errors: list[float] = field(default_factory=list)
    """For each output, the noise ratio that rounding to 8 bits gives it."""
    wide_errors: list[float] = field(default_factory=list)
    is_wide: bool = False

    @property
    def quantizer(self) -> Quantizer:
        """As chosen."""
        return self.wide if self.is_wide else self.narrow


class Choice:
    """The search on one graph after calibration, which does not change.

    Values and weights have the types of their observers at first.
    """

    def __init__(self, observed: GraphModule, samples: Sequence[Arguments]):
        self._simulation = Simulation(observed, samples)
        self._simulation.keep_exact()
        self._layers = {layer.node: layer for layer in layers_of(observed)}
        self.candidates = [
            Candidate(observer, values, [], quantizer_of(observer), _widened(observer, values))
            for observer, values in values_of_observers(observed).items()
        ]
        layers: dict[ObserverBase, list[Layer]] = {}
        for layer in self._layers.values():
            observer = observer_of(observed, layer.weight)
            assert observer is not None
            layers.setdefault(observer, []).append(layer)
        for observer, readers in layers.items():
            nodes = [layer.node for layer in readers]
            wide = copy.deepcopy(observer)
            set_weight_type(wide, 16)
            narrow = quantizer_of(observer)
            self.candidates.append(Candidate(observer, nodes, readers, narrow, quantizer_of(wide)))

    def noise(self) -> list[float]:
        """The noise ratios of the outputs as chosen now."""
        return self._noise({c.observer: c.quantizer for c in self.candidates})

    def _noise(self, quantizers: dict[ObserverBase, Quantizer]) -> list[float]:
        return noise_ratios(*self._simulation.run(quantizers, self._without_means))

    def _without_means(self, node: Node, exact: list[Any], rounded: list[Any]) -> list[Any]:
        """A layer's results as bias correction makes them."""
        if node not in self._layers or rounded is exact:
            return rounded
        return shifted(node, rounded, mean_error(node, exact, rounded))

    def measure(self) -> None:
        """Find the errors of the candidates, with scales for each channel of all weights."""
        for candidate in self.candidates:
            if candidate.layers:
                by_channel = copy.deepcopy(candidate.observer)
                set_weight_type(by_channel, 8)
                candidate.narrow = quantizer_of(by_channel)
        for candidate in progress(self.candidates, "measuring layers"):
            candidate.errors = self._noise({candidate.observer: candidate.narrow})
            candidate.wide_errors = self._noise({candidate.observer: candidate.wide})

    def choose(self, least: float) -> None:
        """Choose 16 bits for candidates until all noise ratios are at most `least`, or nothing
        helps any more."""
        floor = [_NOTHING * sum(c.wide_errors[o] for c in self.candidates) for o in self._outputs]
        aim = least / _HEADROOM
        while True:
            while (best := self._best(aim, floor)) is not None:
                best.is_wide = True
            if max(self.noise(), default=0.0) <= least or self._best(0.0, floor) is None:
                return
            aim /= _HEADROOM

    @property
    def _outputs(self) -> range:
        return range(len(self.candidates[0].errors) if self.candidates else 0)

    def _predicted(self) -> list[float]:
        """The sums of the candidates' errors as chosen."""
        return [
            sum((c.wide_errors if c.is_wide else c.errors)[o] for c in self.candidates)
            for o in self._outputs
        ]

    def _best(self, aim: float, floor: list[float]) -> Candidate | None:
        """The candidate with the largest error in the output that misses the aim most; None if all
        outputs reach it, or nothing helps those that do not."""
        predicted = self._predicted()
        for worst in sorted(self._outputs, key=lambda o: -predicted[o]):
            if predicted[worst] <= aim:
                break
            helps = [c for c in self.candidates if not c.is_wide and c.errors[worst] > floor[worst]]
            if helps:
                return max(helps, key=lambda c: c.errors[worst] - c.wide_errors[worst])
        return None

    def apply(self, observed: GraphModule) -> None:
        """Give the observers of the graph the chosen types, in place."""
        for candidate in self.candidates:
            if not candidate.layers and candidate.is_wide:
                widen(candidate.observer, candidate.values)
            for layer in candidate.layers:
                set_layer_weight_type(observed, layer, 16 if candidate.is_wide else 8)

    def rows(self) -> list[LayerPrecision]:
        """The table of the report, the largest errors first."""
        rows = [_row(candidate) for candidate in self.candidates]
        return sorted(rows, key=lambda row: -row.error_before)


def _widened(observer: ObserverBase, values: list[Node]) -> Quantizer:
    wide = copy.deepcopy(observer)
    widen(wide, values)
    return quantizer_of(wide)


def _row(candidate: Candidate) -> LayerPrecision:
    calls = [v for v in candidate.values if v.op == "call_function"]
    makers = [v for v in calls if operator_name(v) not in MOVEMENTS] or candidate.values
    first = makers[0]
    worst = max(range(len(candidate.errors)), key=candidate.errors.__getitem__, default=None)
    before, wide = (
        (0.0, 0.0) if worst is None else (candidate.errors[worst], candidate.wide_errors[worst])
    )
    if candidate.layers:
        size = _shown(candidate.layers[0].weight).numel()
        products = sum(_products(layer.node) for layer in candidate.layers)
    else:
        size = sum(_shown(value).numel() for value in makers)
        products = sum(_products(value) for value in makers)
    return LayerPrecision(
        layer=module_path(first) or first.name,
        operator=operator_name(first) or first.op,
        what="weights" if candidate.layers else "activations",
        bits=16 if candidate.is_wide else 8,
        error_before=before,
        error_after=wide if candidate.is_wide else before,
        bytes=size,
        products=products,
    )


def _products(node: Node) -> int:
    """The products that a convolution or linear layer adds up; 0 for any other operator."""
    if operator_name(node) not in LAYERS:
        return 0
    source, weight = node.args[:2]
    sizes = _shown(weight).shape
    is_transposed = operator_name(node).startswith("conv_transpose")
    return (_shown(source) if is_transposed else _shown(node)).numel() * math.prod(sizes[1:])


def _shown(value: Any) -> torch.Tensor:
    """The sizes of a value, also behind its observer."""
    shown: torch.Tensor = (value if "val" in value.meta else value.all_input_nodes[0]).meta["val"]
    return shown


def snr_in_int8(observed: GraphModule, samples: Sequence[Arguments]) -> float:
    """The signal-to-noise ratio of the worst output with the types of all observers, in dB."""
    return decibels(max(Choice(observed, samples).noise(), default=0.0))


def report_of_int8(min_snr: float, snr: float) -> PrecisionReport:
    """The report if nothing has to be raised."""
    return PrecisionReport(min_snr, _finite(snr), _finite(snr))


def choose_types(
    observed: GraphModule, samples: Sequence[Arguments], min_snr: float, snr_int8: float
) -> PrecisionReport:
    """Give values and weights 16 bits until the worst output reaches `min_snr`, in place.

    snr_int8: of the program in int8, for the report. Magnitudes are in int16 in any case.
    """
    choice = Choice(observed, samples)
    choice.measure()
    for candidate in choice.candidates:
        candidate.is_wide = any(operator_name(value) == "hypot" for value in candidate.values)
    choice.choose(10 ** (-min_snr / 10))
    snr = decibels(max(choice.noise(), default=0.0))
    choice.apply(observed)
    return PrecisionReport(min_snr, _finite(snr_int8), _finite(snr), tuple(choice.rows()))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
