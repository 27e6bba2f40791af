"""Recurrent layers are loops: one cell, quantized once for all steps."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch._higher_order_ops.map import map as map_rows
from torch._higher_order_ops.scan import scan

import cmopt
from cmopt.dialects.edge import ScanOp
from cmopt.frontend.recurrent_cells import GruCell, LstmCell, ReluCell, TanhCell
from cmopt.pipeline.program import Program

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function

pytestmark = pytest.mark.filterwarnings("ignore")


def noise(result: torch.Tensor, expected: torch.Tensor) -> float:
    """The error relative to the values, in dB."""
    ratio = (result - expected).square().sum() / expected.square().sum()
    return float(10 * torch.log10(ratio))


def compiled(model: nn.Module, shape: tuple[int, ...], **options: Any) -> Program:
    torch.manual_seed(1)
    samples = [(torch.randn(shape),) for _ in range(8)]
    exported = cmopt.quantize(model.eval(), samples[0], calibration=samples, **options)
    return cmopt.compile(exported, **{k: v for k, v in options.items() if k != "precision"})


def check(model: nn.Module, program: Program, shape: tuple[int, ...], most_noise: float) -> None:
    """Integers only; host, interpreter and plan agree to the bit; close to the float model."""
    torch.manual_seed(2)
    x = torch.randn(shape)
    with torch.no_grad():
        expected = model(x)
    expected = expected if isinstance(expected, tuple) else (expected,)
    assert program.report.float_ops == 0
    results = program.run(x)
    for result, want in zip(results, expected, strict=True):
        assert noise(result, want) < most_noise
    for stage in ("cortex_m", "planned"):
        for a, b in zip(program.interpret(x, stage=stage), results, strict=True):
            assert torch.equal(a, b)
    for a, b in zip(program.run(x), results, strict=True):
        assert torch.equal(a, b), "a second run begins anew"


def loops(program: Program, stage: str = "cortex_m") -> list[ScanOp]:
    return [op for op in program.module(stage).walk() if isinstance(op, ScanOp)]


LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int]] = {
    "lstm": (lambda: nn.LSTM(6, 8), (7, 1, 6), 1),
    "lstm, batches first": (lambda: nn.LSTM(6, 8, batch_first=True), (3, 5, 6), 1),
    "lstm, two layers, both directions": (
        lambda: nn.LSTM(6, 8, 2, bidirectional=True), (5, 1, 6), 4,
    ),
    "lstm, projected": (lambda: nn.LSTM(6, 8, proj_size=3), (5, 2, 6), 1),
    "lstm, without biases": (lambda: nn.LSTM(6, 8, bias=False), (5, 1, 6), 1),
    "gru": (lambda: nn.GRU(6, 8), (7, 1, 6), 1),
    "gru, three layers": (lambda: nn.GRU(6, 8, 3, batch_first=True), (1, 6, 6), 3),
    "tanh": (lambda: nn.RNN(6, 8), (7, 2, 6), 1),
    "relu, both directions": (
        lambda: nn.RNN(6, 8, nonlinearity="relu", bidirectional=True), (7, 1, 6), 2,
    ),
    "one input": (lambda: nn.LSTM(1, 8), (7, 1, 1), 1),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_outputs_and_final_state(name: str) -> None:
    make, shape, count = LAYERS[name]
    torch.manual_seed(0)
    layer = make()
    model = Function(_outputs_and_state, layer)
    program = compiled(model, shape)
    check(model, program, shape, -20.0)
    assert len(loops(program)) == count
    for loop in loops(program):
        assert loop.count == shape[1 if "first" in name or "three" in name else 0]
        assert all("xi8" in str(value.type) for value in (*loop.operands, *loop.results))


def _outputs_and_state(layer: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    outputs, state = layer(x)
    return (outputs, *_leaves(state))


def _leaves(state: Any) -> tuple[torch.Tensor, ...]:
    return state if isinstance(state, tuple) else (state,)


@pytest.mark.parametrize(("kind", "cell"), [(nn.LSTM, LstmCell), (nn.GRU, GruCell)])
def test_a_cell_computes_what_the_layer_does(kind: Any, cell: Any) -> None:
    layer, x = kind(5, 4), torch.randn(1, 2, 5)
    state = [torch.randn(1, 2, 4) for _ in range(2 if kind is nn.LSTM else 1)]
    given = tuple(state) if kind is nn.LSTM else state[0]
    with torch.no_grad():
        outputs, final = layer(x, given)
        *carried, output = cell(layer._flat_weights, True)(*(s[0] for s in state), x[0])
    torch.testing.assert_close(output, outputs[0])
    for one, other in zip(carried, _leaves(final), strict=True):
        torch.testing.assert_close(one, other[0])


@pytest.mark.parametrize(("nonlinearity", "cell"), [("tanh", TanhCell), ("relu", ReluCell)])
def test_the_cell_of_a_plain_layer(nonlinearity: str, cell: Any) -> None:
    layer, x, h = (
        nn.RNN(5, 4, nonlinearity=nonlinearity),
        torch.randn(1, 2, 5),
        torch.randn(1, 2, 4),
    )
    with torch.no_grad():
        torch.testing.assert_close(
            cell(layer._flat_weights, True)(h[0], x[0])[1], layer(x, h)[0][0]
        )


def test_a_given_initial_state() -> None:
    layer = nn.LSTM(4, 6)
    model = Function(lambda layer, x, h, c: layer(x, (h, c))[0], layer).eval()
    torch.manual_seed(3)
    samples = [
        (torch.randn(5, 1, 4), *(torch.randn(1, 1, 6) * 0.5 for _ in "hc")) for _ in range(8)
    ]
    program = cmopt.compile(cmopt.quantize(model, samples[0], calibration=samples))
    assert program.report.float_ops == 0
    with torch.no_grad():
        assert noise(program.run(*samples[3])[0], model(*samples[3])) < -20


def test_layers_between_and_behind() -> None:
    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.front, self.rnn = nn.Linear(5, 6), nn.GRU(6, 8, batch_first=True)
            self.back = nn.Linear(8, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = self.back(torch.relu(self.rnn(torch.relu(self.front(x)))[0]))
            return result

    torch.manual_seed(0)
    program = compiled(model := Network(), (1, 6, 5))
    check(model, program, (1, 6, 5), -20.0)
    # The loop reads what the layer in front of it makes, and gives what the one behind it reads.
    assert program.report.ops["cortex_m.quantize_per_tensor"] == 1
    assert program.report.ops["cortex_m.dequantize_per_tensor"] == 1


def test_a_longer_sequence_is_no_larger_program() -> None:
    short, long = (
        compiled(Function(lambda r, x: r(x)[0], nn.LSTM(4, 4)), (t, 1, 4)) for t in (6, 90)
    )
    assert sum(long.report.ops.values()) == sum(short.report.ops.values()) <= 24
    assert abs(len(long.pte) - len(short.pte)) < 200


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_int16(kind: Any) -> None:
    torch.manual_seed(0)
    model = Function(lambda r, x: r(x)[0], kind(6, 8))
    options = {"kernels": "cmopt", "precision": cmopt.Precision("int16")}
    program = compiled(model, (8, 1, 6), **options)
    check(model, program, (8, 1, 6), -40.0)
    assert len(loops(program)) == 1


def test_a_few_steps_are_one_delegate() -> None:
    model = Function(lambda r, x: r(x)[0], nn.GRU(8, 8))
    program = compiled(model, (4, 1, 8), target="cortex-m55+ethos-u55-128")
    assert loops(program) == []
    assert len(program.report.delegates) == 1


def test_of_many_steps_each_is_a_call_of_the_npu() -> None:
    model = Function(lambda r, x: r(x)[0], nn.GRU(8, 8))
    program = compiled(model, (20, 1, 8), target="cortex-m55+ethos-u55-128")
    assert [loop.count for loop in loops(program)] == [20]
    (delegate,) = program.report.delegates
    assert program.report.npu_cycles == 20 * delegate.figures.cycles
    torch.manual_seed(2)
    x = torch.randn(20, 1, 8)
    result = program.interpret(x, stage="planned")[0]
    assert torch.equal(result, program.interpret(x)[0])
    with torch.no_grad():
        assert noise(result, model(x)) < -20


def test_the_users_line_is_on_the_ops_of_the_loop() -> None:
    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.memory = nn.LSTM(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = self.memory(x)[0]  # this line
            return result

    program = compiled(Network(), (5, 1, 4))
    line = next(i for i, text in enumerate(Path(__file__).read_text().splitlines(), 1)
                if text.endswith("# this line"))  # fmt: skip
    steps = [step for step in program.report.steps if step.kernel == "quantized_linear"]
    assert len(steps) == 2
    for step in steps:
        assert f"test_recurrent_layers.py:{line}" in step.where
        assert "memory" in step.where
        assert step.times == 5


def test_a_scan_of_the_user() -> None:
    """A float loop, with a value that the body captures, run backwards."""

    class Decay(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(4))

        def forward(self, xs: torch.Tensor, k: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            def step(h: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
                h = h * self.weight.sigmoid() + x * k
                return h, torch.relu(h)

            final, outputs = scan(step, torch.zeros(4), xs, reverse=True)
            return final, outputs

    model, inputs = Decay().eval(), (torch.randn(6, 4), torch.randn(4))
    program = cmopt.compile(torch.export.export(model, inputs), allow_float=True)
    (loop,) = loops(program, "edge")
    assert len(loop.invariants) == 1, "the sigmoid of the weight is a constant of the body"
    for result, expected in zip(program.run(*inputs), model(*inputs), strict=True):
        torch.testing.assert_close(result, expected)
    assert loops(program, "planned")[0].reverse is not None


def test_a_map_of_the_user() -> None:
    class Rows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(4))

        def forward(self, xs: torch.Tensor, y: torch.Tensor) -> Any:
            return map_rows(lambda x, y: torch.relu(x * self.weight + y), xs, y)

    model, inputs = Rows().eval(), (torch.randn(5, 4), torch.randn(4))
    program = cmopt.compile(torch.export.export(model, inputs), allow_float=True)
    (loop,) = loops(program, "planned")
    assert (len(loop.initial), len(loop.sequences), len(loop.invariants)) == (0, 1, 1)
    torch.testing.assert_close(program.run(*inputs)[0], model(*inputs))
