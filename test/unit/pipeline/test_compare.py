"""`Program.compare`: which layer lost the accuracy."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import cmopt
from cmopt.pipeline import cm_compile, cm_run

sys.path.insert(0, str(Path(__file__).parents[1]))
from networks import digits, quantize


class OneBadLayer(nn.Module):
    """The middle layer's outputs differ by four orders of magnitude, so int8 loses small ones."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.bad = nn.Linear(8, 8)
        self.last = nn.Linear(8, 8)
        self.bad.weight.data[0] *= 1e4

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.first(x))
        x = torch.relu(self.bad(x))  # so that no layer takes the factors below into its result
        return self.last(x * torch.tensor([1e-4] + [1.0] * 7))


def test_the_bad_layer_comes_before_the_good_one() -> None:
    torch.manual_seed(0)
    network = quantize("bad", OneBadLayer().eval(), (4, 8))
    program = cmopt.compile(network.exported)
    rows = {row.location: row for row in program.compare(network.inputs(3)).rows}
    by_name = {
        name: next(row for place, row in rows.items() if place and f"({name})" in place)
        for name in ("first", "bad", "last")
    }
    assert by_name["last"].snr_db < by_name["first"].snr_db - 10
    snrs = [row.snr_db for row in program.compare(network.inputs(3)).rows]
    assert snrs == sorted(snrs)


def test_values_on_an_npu_are_compared() -> None:
    network = digits()
    program = cmopt.compile(network.exported, target="cortex-m55+ethos-u55-128")
    (x,) = network.inputs(1)
    comparison = program.compare(x)
    last = next(row for row in comparison.rows if row.op == "edge.linear")
    outputs = [program.interpret(x, stage=stage)[0] for stage in ("quantized", "ethos_u")]
    difference = (outputs[0] - outputs[1]).abs().max().item()
    assert last.steps == round(difference / network.output_step)
    assert len(comparison.rows) > 5


def test_rows_are_measured_against_pytorch_and_float() -> None:
    network = digits()
    program = cmopt.compile(network.exported)
    inputs = network.inputs(5)
    rows = program.compare(inputs).rows
    kernels = {row.op for row in rows}
    assert {"edge.conv2d", "edge.add", "edge.linear", "quant.qcast"} <= kernels
    assert all(row.location and "digits_net.py" in row.location for row in rows)
    # The last value is the program's output, so its distance can also be measured directly.
    steps = max(
        round(
            float((program.run(x)[0] - network.exported.module()(x)).abs().max())
            / network.output_step
        )
        for x in inputs
    )
    linear = next(row for row in rows if row.op == "edge.linear")
    assert linear.steps == steps
    assert all(math.isfinite(row.snr_db) and row.snr_db > 10 for row in rows)
    assert "SNR to float" in str(program.compare(inputs[0]))


def test_a_program_with_integer_inputs_and_a_chain_is_compared() -> None:
    """The float values are those of the dequantized inputs."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 4), nn.Softsign()).eval()
    exported = cmopt.quantize(model, (torch.randn(64, 8),))
    program = cmopt.compile(exported, io="int8")
    x = torch.randint(-40, 40, (64, 8), dtype=torch.int8)
    rows = {row.op: row for row in program.compare(x).rows}
    assert set(rows) == {"edge.linear", "edge.map"}
    assert all(row.steps <= 1 and row.snr_db > 30 for row in rows.values())


@pytest.mark.parametrize("inputs", [(), (torch.randn(3),), ("x",), (torch.randn(2, 8), 1)])
def test_inputs_that_do_not_fit_are_refused(inputs: tuple[object, ...]) -> None:
    program = cmopt.compile(cmopt.quantize(nn.Linear(8, 4).eval(), (torch.randn(2, 8),)))
    with pytest.raises(cmopt.CompileError, match="input"):
        program.compare(*inputs)


def test_cm_run_compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, mlir, inputs = (tmp_path / name for name in ("d.pt2", "d.mlir", "in.npz"))
    torch.export.save(digits().exported, model)
    np.savez(inputs, x=np.zeros((1, 1, 8, 8), np.float32))
    for stage, code in (("quantized", 0), ("cortex_m", 1)):
        arguments = [str(model), "--emit", "mlir", "--stage", stage, "-o", str(mlir)]
        assert cm_compile.main(arguments) == 0
        arguments = [str(mlir), "--input", str(inputs), "--compare", "cortex-m55"]
        assert cm_run.main(arguments) == code
        captured = capsys.readouterr()
        assert ("SNR to float" in captured.out) == (code == 0)
        assert captured.err.count("\n") == code


class Streaming(nn.Module):
    """A recurrent layer whose state is a buffer, and a layer behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.head = nn.GRU(4, 6), nn.Linear(6, 3)
        self.register_buffer("hidden", torch.zeros(1, 1, 6))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs, hidden = self.gru(x, self.hidden)
        self.hidden.copy_(hidden)
        result: torch.Tensor = self.head(outputs)
        return result


def test_state_goes_on_from_sample_to_sample() -> None:
    torch.manual_seed(0)
    samples = [torch.randn(5, 1, 4) for _ in range(12)]
    exported = cmopt.quantize(
        Streaming().eval(), (samples[0],), calibration=[(x,) for x in samples]
    )
    comparison = cmopt.compile(exported).compare(samples)
    rows = {row.op: row for row in comparison.rows}
    assert {"edge.linear", "quant.qcast"} <= rows.keys()
    assert all(row.snr_db > 25 for row in comparison.rows), "in float, the loop is the same loop"
