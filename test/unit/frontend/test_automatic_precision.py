"""precision="auto": what disturbs the outputs most gets 16 bits."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.export import ExportedProgram

import cmopt

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function, is_conversion

pytestmark = pytest.mark.filterwarnings("ignore")

Samples = list[tuple[torch.Tensor, ...]]


def _samples(*shapes: tuple[int, ...], count: int = 12) -> Samples:
    generator = torch.Generator().manual_seed(1)
    return [tuple(torch.randn(s, generator=generator) for s in shapes) for _ in range(count)]


def _auto(module: nn.Module, samples: Samples, min_snr: float, **options: Any) -> ExportedProgram:
    return cmopt.quantize(
        module, samples[0], calibration=iter(samples), precision="auto", min_snr=min_snr,
        **{"kernels": "cmopt", **options},
    )  # fmt: skip


def _report(program: ExportedProgram) -> cmopt.PrecisionReport:
    report = cmopt.precision_report(program)
    assert report is not None
    return report


def _dtypes(program: ExportedProgram) -> list[torch.dtype]:
    nodes = [n for n in program.graph.nodes if is_conversion(n, "quantize_per_tensor")]
    return [n.args[5] for n in nodes]


def _snr(program: ExportedProgram, module: nn.Module, samples: Samples) -> float:
    """Signal to noise of the worst output in dB."""
    run = program.module(check_guards=False)
    with torch.no_grad():
        pairs = [(module(*x), run(*x)) for x in samples]
    ratios = []
    for index in range(len(pairs[0][0]) if isinstance(pairs[0][0], tuple) else 1):
        one = [(a[index], b[index]) if isinstance(a, tuple) else (a, b) for a, b in pairs]
        signal = sum(float(a.square().sum()) for a, _ in one)
        ratios.append(sum(float((a - b).square().sum()) for a, b in one) / signal)
    return float(-10 * torch.log10(torch.tensor(max(ratios))))


class Narrow(nn.Module):
    """A layer whose result has a few large values and many small ones that matter, then others."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.wide = nn.Linear(8, 8)
        self.last = nn.Linear(8, 4)
        with torch.no_grad():
            self.wide.weight[0] *= 60
            self.last.weight[:, 0] *= 0.001

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(torch.tanh(self.first(x)) + self.wide(x))


def _narrow() -> nn.Module:
    torch.manual_seed(0)
    return Narrow().eval()


SHAPE = (4, 8)


def test_a_program_that_is_exact_enough_stays_int8() -> None:
    torch.manual_seed(0)
    module, samples = nn.Linear(8, 4).eval(), _samples(SHAPE)
    program = _auto(module, samples, 25.0)
    report = _report(program)
    assert set(_dtypes(program)) == {torch.int8}
    assert report.layers == () and report.snr == report.snr_int8 and report.share_in_int16 == 0
    plain = cmopt.quantize(module, samples[0], calibration=samples)
    assert str(plain.graph) == str(program.graph)


def test_only_what_disturbs_the_outputs_is_raised() -> None:
    module, samples = _narrow(), _samples(SHAPE)
    program = _auto(module, samples, 38.0)
    report = _report(program)
    assert report.snr_int8 is not None and report.snr is not None
    assert report.snr_int8 < 30 < 38 <= report.snr
    wide = {layer.layer for layer in report.layers if layer.bits == 16}
    assert "wide" in wide
    assert 0 < report.share_in_int16 < 0.7
    assert {torch.int8, torch.int16} == set(_dtypes(program))
    assert _snr(program, module, samples) > 37


@pytest.mark.parametrize("min_snr", [30.0, 40.0, 50.0, 54.0])
def test_the_program_is_as_exact_as_the_report_says(min_snr: float) -> None:
    module, samples = _narrow(), _samples(SHAPE)
    program = _auto(module, samples, min_snr)
    report = _report(program)
    assert report.snr is not None and report.snr >= min_snr == report.min_snr
    assert _snr(program, module, samples) > report.snr - 1.5


def test_what_does_not_help_stays_int8() -> None:
    """The target cannot be met. A branch with a factor of almost 0 makes no difference."""

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.main = nn.Linear(8, 4)
            self.idle = nn.Linear(8, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.main(x) + self.idle(x) * 1e-7

    torch.manual_seed(0)
    module, samples = Model().eval(), _samples(SHAPE)
    report = _report(_auto(module, samples, 300.0))
    assert report.snr is not None and 60 < report.snr < 300
    bits = {(layer.layer, layer.what): layer.bits for layer in report.layers}
    assert bits["main", "weights"] == 16
    assert bits["idle", "weights"] == 8
    assert bits["idle", "activations"] == 8


def test_the_worst_output_counts() -> None:
    def function(wide: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.relu(x), wide(x)[:, 1:]

    torch.manual_seed(0)
    linear = nn.Linear(8, 8)
    with torch.no_grad():
        linear.weight[0] *= 100
    module, samples = Function(function, linear).eval(), _samples(SHAPE)
    program = _auto(module, samples, 35.0)
    assert _snr(program, module, samples) > 34
    report = _report(program)
    assert report.snr_int8 is not None and report.snr_int8 < 30


def test_the_costs_of_a_layer() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.ConvTranspose2d(4, 2, 2, 2)).eval()
    report = _report(_auto(module, _samples((1, 3, 6, 5)), 200.0))
    costs = {(layer.layer, layer.what): (layer.bytes, layer.products) for layer in report.layers}
    assert costs["0", "weights"] == (4 * 3 * 9, 4 * 4 * 3 * 27)
    assert costs["2", "weights"] == (4 * 2 * 4, 4 * 4 * 3 * 8)
    assert costs["2", "activations"] == (2 * 8 * 6, 4 * 4 * 3 * 8)
    errors = [layer.error_before for layer in report.layers]
    assert errors == sorted(errors, reverse=True)
    assert all(layer.error_after <= layer.error_before for layer in report.layers)


def test_the_report_reaches_the_program_and_survives_a_file(tmp_path: Path) -> None:
    module, samples = _narrow(), _samples(SHAPE)
    program = _auto(module, samples, 38.0)
    torch.export.save(program, tmp_path / "program.pt2")
    loaded = torch.export.load(tmp_path / "program.pt2")
    assert cmopt.precision_report(loaded) == _report(program)
    compiled = cmopt.compile(loaded, kernels="cmopt")
    assert compiled.report.precision == _report(program)
    assert "% of the activations in int16" in " ".join(str(compiled.report).split())
    facts = json.loads(compiled.report.to_json())["precision"]
    assert facts["layers"][0]["layer"] == _report(program).layers[0].layer
    text = compiled.ir("edge")
    assert text.count("edge.precision") == 1


def test_other_programs_have_no_report() -> None:
    (x,) = _samples(SHAPE, count=1)
    program = cmopt.quantize(_narrow(), x)
    assert cmopt.precision_report(program) is None
    assert cmopt.compile(program).report.precision is None


def test_an_npu() -> None:
    module, samples = _narrow(), _samples(SHAPE)
    program = _auto(module, samples, 38.0, target="cortex-m55+ethos-u85-256", kernels="stock")
    assert torch.int16 in _dtypes(program)


def test_a_magnitude_is_int16_as_soon_as_int8_does_not_do() -> None:
    module = Function(lambda a, b: (a**2 + b**2).sqrt())
    samples = _samples((2, 40), (2, 40))
    report = _report(_auto(module, samples, 55.0))
    bits = {layer.operator: layer.bits for layer in report.layers}
    assert bits["hypot"] == 16


def test_without_calibration_data() -> None:
    program = cmopt.quantize(
        _narrow(), _samples(SHAPE, count=1)[0], kernels="cmopt", precision="auto"
    )
    assert _report(program).min_snr == 40.0


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"precision": "int16"}, "auto"),
        ({"kernels": "stock"}, 'kernels="cmopt"'),
        ({"min_snr": "40"}, "min_snr"),
        ({"min_snr": float("inf")}, "min_snr"),
        ({"min_snr": True}, "min_snr"),
    ],
)
def test_invalid_arguments(options: dict[str, Any], match: str) -> None:
    (x,) = _samples(SHAPE, count=1)
    with pytest.raises(ValueError, match=match):
        cmopt.quantize(_narrow(), x, **{"kernels": "cmopt", "precision": "auto", **options})
