"""An LSTM in one call gives the bytes of the kernels that it replaces.

Each model is compiled with and without `fuse-lstm-steps`. The interpreter of the unfused program is
the reference for the interpreter of each stage, for ExecuTorch's runtime on the host, and for the C
source, which is built with sanitizers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from xdsl.dialects.builtin import ModuleOp

import cmopt
from cmopt.codegen.c.program import emit_program
from cmopt.dialects.arrays import Array
from cmopt.dialects.cmopt import LstmOp
from cmopt.dialects.parsing import make_context
from cmopt.dialects.program import inputs_of, main_function
from cmopt.dialects.shapes import shape_of
from cmopt.interpreters.run import Session
from cmopt.pipeline.board import Host
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.pipeline.program import Program
from cmopt.support.diagnostics import CompileError
from cmopt.support.targets import Isa

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))
from host_c import run_c, sanitized_host
from int16_kernels import random_calls, random_values
from models.silero_vad import silero_vad

pytestmark = pytest.mark.filterwarnings("ignore")

SPLIT = cmopt.LstmConfig(split_gates=True)


class Model(nn.Module):
    """A layer, and what is taken of its results."""

    def __init__(self, layer: nn.Module, run: Callable[..., Any]):
        super().__init__()
        self.layer, self.run = layer, run

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.run(self.layer, *inputs)


class CellWithBuffers(nn.Module):
    """A cell whose state is in buffers. The input is as long as the state."""

    def __init__(self, batch: int, size: int):
        super().__init__()
        self.cell = nn.LSTMCell(size, size)
        self.register_buffer("h", torch.zeros(batch, size))
        self.register_buffer("c", torch.zeros(batch, size))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h, c = self.cell(x, (self.h, self.c))
        self.h.copy_(h)
        self.c.copy_(c)
        return torch.relu(h) + x


class LayerWithBuffers(nn.Module):
    def __init__(self, batch: int, inputs: int, units: int):
        super().__init__()
        self.layer = nn.LSTM(inputs, units)
        self.register_buffer("h", torch.zeros(1, batch, units))
        self.register_buffer("c", torch.zeros(1, batch, units))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y, (h, c) = self.layer(x, (self.h, self.c))
        self.h.copy_(h)
        self.c.copy_(c)
        return y


def outputs(layer: nn.Module, x: torch.Tensor) -> Any:
    return layer(x)[0]


def outputs_and_state(layer: nn.Module, x: torch.Tensor, *state: torch.Tensor) -> Any:
    y, (h, c) = layer(x, state) if state else layer(x)
    return y, h, c


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[tuple[int, ...], ...], int]] = {
    "all outputs": (lambda: Model(nn.LSTM(5, 4), outputs), ((6, 2, 5),), 1),
    "outputs and state": (lambda: Model(nn.LSTM(5, 7), outputs_and_state), ((6, 2, 5),), 1),
    "the last output": (lambda: Model(nn.LSTM(5, 4), lambda m, x: m(x)[0][-1]), ((6, 1, 5),), 1),
    "the cell state": (lambda: Model(nn.LSTM(5, 4), lambda m, x: m(x)[1][1]), ((6, 2, 5),), 1),
    "given state": (
        lambda: Model(nn.LSTM(5, 7), outputs_and_state), ((6, 2, 5), (1, 2, 7), (1, 2, 7)), 1,
    ),
    "one value for both states": (
        lambda: Model(nn.LSTM(5, 7), lambda m, x, h: m(x, (h, h))[1]), ((6, 2, 5), (1, 2, 7)), 1,
    ),
    "one step": (
        lambda: Model(nn.LSTM(5, 7), outputs_and_state), ((1, 2, 5), (1, 2, 7), (1, 2, 7)), 1,
    ),
    "without biases": (lambda: Model(nn.LSTM(5, 4, bias=False), outputs), ((6, 1, 5),), 1),
    "without a batch": (lambda: Model(nn.LSTM(5, 4), outputs), ((6, 5),), 1),
    "two layers": (lambda: Model(nn.LSTM(5, 4, 2), outputs), ((6, 2, 5),), 2),
    "both directions": (
        lambda: Model(nn.LSTM(5, 4, bidirectional=True), outputs_and_state), ((6, 2, 5),), 2,
    ),
    "projection": (lambda: Model(nn.LSTM(5, 4, proj_size=3), outputs), ((6, 2, 5),), 1),
    "one unit": (lambda: Model(nn.LSTM(1, 1), outputs), ((3, 1, 1),), 1),
    "odd sizes": (lambda: Model(nn.LSTM(33, 13), outputs), ((9, 3, 33),), 1),
    "cell": (
        lambda: Model(nn.LSTMCell(5, 4), lambda m, x, h, c: m(x, (h, c))),
        ((2, 5), (2, 4), (2, 4)), 1,
    ),
    "cell that reads its state as input": (
        lambda: Model(nn.LSTMCell(4, 4), lambda m, h, c: m(h, (h, c))), ((2, 4), (2, 4)), 1,
    ),
    "cell with state in buffers": (lambda: CellWithBuffers(1, 8), ((1, 8),), 1),
    "layer with state in buffers": (lambda: LayerWithBuffers(2, 5, 4), ((3, 2, 5),), 1),
}  # fmt: skip
"""A model, the shapes of its inputs, and the calls of `cmopt.lstm` in its program."""

OF_SPLIT = ("outputs and state", "given state", "both directions", "odd sizes")
"""Those that are also compiled with split gates."""


@pytest.fixture
def host() -> Host:
    return sanitized_host()


def compiled(
    model: nn.Module, shapes: tuple[tuple[int, ...], ...], io: str = "int8", **options: Any
) -> Program:
    torch.manual_seed(1)
    samples = [tuple(torch.randn(shape) for shape in shapes) for _ in range(3)]
    exported = cmopt.quantize(
        model.eval(), samples[0], calibration=samples, kernels="cmopt", **options
    )
    return cmopt.compile(exported, kernels="cmopt", io=io)


def unfused(program: Program) -> ModuleOp:
    """Stage cortex_m without `fuse-lstm-steps`."""
    module = program.module("layout").clone()
    passes = "convert-edge-to-portable,convert-edge-to-cortex-m{kernels=cmopt},canonicalize,cse,dce"
    run_passes(make_context(), module, parse_pipeline(passes))
    assert not calls(module)
    return module


def calls(module: ModuleOp) -> list[LstmOp]:
    return [op for op in module.walk() if isinstance(op, LstmOp)]


def random_inputs(module: ModuleOp, rng: np.random.Generator) -> list[Array]:
    """Any int8, or its ends only."""
    shapes = [shape_of(value) for value in inputs_of(main_function(module))]
    if rng.integers(3) == 0:
        return [rng.choice(np.array([-128, 127], np.int8), shape) for shape in shapes]
    return [rng.integers(-128, 128, shape).astype(np.int8) for shape in shapes]


@pytest.mark.parametrize(
    ("name", "config"), [*((name, None) for name in MODELS), *((name, SPLIT) for name in OF_SPLIT)]
)
def test_a_fused_program_gives_the_same_bytes(
    name: str, config: cmopt.LstmConfig | None, host: Host
) -> None:
    make, shapes, count = MODELS[name]
    torch.manual_seed(0)
    program = compiled(make(), shapes, lstm=config)
    assert len(calls(program.module("cortex_m"))) == count
    assert program.report.float_ops == 0
    rng, session = np.random.default_rng(0), Session(unfused(program))
    batch = [random_inputs(program.module("layout"), rng) for _ in range(4)]
    wanted = [session.run(inputs) for inputs in batch]
    for inputs, arrays in zip(batch, wanted, strict=True):
        given = [torch.from_numpy(value) for value in inputs]
        results = program.run(*given)
        stages = [program.interpret(*given, stage=stage) for stage in ("cortex_m", "planned")]
        for result in (results, *stages):
            for a, b in zip(result, arrays, strict=True):
                assert np.array_equal(a.numpy(), b)
    written = run_c(host, program.module("planned"), batch)
    assert written == b"".join(value.tobytes() for arrays in wanted for value in arrays)


@pytest.mark.parametrize("seed", range(4))
def test_random_calls_in_c(seed: int, host: Host) -> None:
    """With sanitizers; all sizes from 1 up."""
    module = random_calls([seed], 25, Isa.SCALAR, "lstm")
    rng = np.random.default_rng(seed)
    batch = [random_values(module, rng) for _ in range(3)]
    session = Session(module)
    wanted = b"".join(value.tobytes() for inputs in batch for value in session.run(inputs))
    assert run_c(host, module, batch) == wanted


def test_weights_that_are_not_constant_have_no_c_form() -> None:
    module = random_calls([0], 1, Isa.SCALAR, "lstm")
    (op,) = calls(module)
    op.operands[list(op.operands).index(op.input_weights)] = op.input
    with pytest.raises(CompileError, match="weights and tables are not constants"):
        emit_program(main_function(module), "net")


def test_the_calls_of_a_layer() -> None:
    """100 units on 64 steps of 100 values, all outputs: one call, which nothing has to prepare."""
    program = compiled(Model(nn.LSTM(100, 100), outputs), ((64, 1, 100),))
    assert program.report.ops == {"cmopt.lstm": 1}
    assert [step.multiplications for step in program.report.steps] == [64 * 400 * 200]


def test_a_loop_of_other_types_stays() -> None:
    """A step with an int16 part."""
    config = cmopt.LstmConfig(cell_state="int16")
    program = compiled(Model(nn.LSTM(5, 4), outputs), ((6, 1, 5),), lstm=config)
    assert "cmopt.lstm" not in program.report.ops and "jump" in program.report.ops


def test_stock_kernels_have_the_loop() -> None:
    torch.manual_seed(0)
    sample = (torch.randn(6, 1, 5),)
    exported = cmopt.quantize(Model(nn.LSTM(5, 4), outputs).eval(), sample)
    assert "jump" in cmopt.compile(exported, io="int8").report.ops


class Detector(nn.Module):
    """Silero's network with its state in a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.network = silero_vad()
        self.register_buffer("state", torch.zeros(2, 1, 128))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        speech, state = self.network(x, self.state)
        self.state.copy_(state)
        return speech


@pytest.mark.parametrize(
    ("io", "keeps_state"), [("int8", False), ("float", False), ("float", True)]
)
def test_the_calls_of_a_detector(io: str, keeps_state: bool) -> None:
    torch.manual_seed(0)
    shapes = ((1, 576),) if keeps_state else ((1, 576), (2, 1, 128))
    program = compiled(Detector() if keeps_state else silero_vad(), shapes, io)
    assert sum(program.report.ops.values()) <= 20
    assert program.report.ops["cmopt.lstm"] == 1


def test_state_is_renewed_in_place() -> None:
    program = compiled(CellWithBuffers(1, 8), ((1, 8),))
    assert set(program.report.ops) <= {"cmopt.lstm", "cortex_m.quantized_activation",
                                       "cortex_m.quantized_add"}  # fmt: skip
