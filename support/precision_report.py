"""What an automatic choice of precision measured and chose."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class LayerPrecision:
    """A value or a weight of a program, and what its rounding adds to the outputs' errors.

    layer: the module that gives it, or the operator's name outside of modules. operator: its name.
    what: "activations" or "weights". bits: 8 or 16, as chosen.
    error_before, error_after: the energy of the error that rounding it to 8 bits gives the output
    that it disturbs most, divided by the energy of that output; the same as chosen.
    bytes, products: what 16 bits cost: the bytes that it grows by, and the products of the layer
    that have a wider operand then.
    """

    layer: str
    operator: str
    what: str
    bits: int
    error_before: float
    error_after: float
    bytes: int
    products: int


@dataclass(frozen=True)
class PrecisionReport:
    """The target and the result of a choice, as signal-to-noise ratios of the worst output in dB,
    and its table: the largest errors first.

    snr_int8 is of the program in int8, snr of the chosen one, both on the calibration data. An
    infinite ratio is None.
    """

    min_snr: float
    snr_int8: float | None
    snr: float | None
    layers: tuple[LayerPrecision, ...] = ()

    @property
    def share_in_int16(self) -> float:
        """The part of the activations in the table that are int16."""
        values = [layer.bits for layer in self.layers if layer.what == "activations"]
        return values.count(16) / len(values) if values else 0.0

    def to_json(self) -> str:
        """All of it as text."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> PrecisionReport:
        """The report that `to_json` wrote."""
        facts = json.loads(text)
        layers = tuple(LayerPrecision(**layer) for layer in facts.pop("layers"))
        return PrecisionReport(**facts, layers=layers)
