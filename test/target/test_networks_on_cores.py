"""Whole networks on emulated cores give the bytes of the interpreter and of the host's run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from execution import execute
from networks import MLPERF_TINY, NETWORKS
from torch import nn

import cmopt
from cmopt.pipeline.board import Board
from cmopt.support.cores import EMULATED

TARGETS = ("cortex-m3", "cortex-m7", "cortex-m55")
"""The instruction sets: scalar, DSP, MVE. Scratch and linear's bias differ between them."""


def check(board: Board, name: str, program: cmopt.Program, inputs: Sequence[torch.Tensor]) -> None:
    """Run one emulation, and compare each input with the interpreter and with ExecuTorch's run."""
    batch = [[x.numpy()] for x in inputs]
    outputs = execute(board, name, program.module("planned"), batch)
    for x, (y,) in zip(inputs, outputs, strict=True):
        (interpreted,) = program.interpret(x, stage="planned")
        (ran,) = program.run(x)
        assert y.tobytes() == interpreted.numpy().tobytes() == ran.numpy().tobytes()
    assert len({y.tobytes() for (y,) in outputs}) > 1, "the network ignores its input"


@pytest.mark.parametrize("target", TARGETS)
def test_ds_cnn(board: Callable[[str], Board], target: str) -> None:
    network = NETWORKS["ds_cnn"]()
    program = cmopt.compile(network.exported, target=target, io="int8")
    random = np.random.default_rng(0)
    inputs = [
        torch.from_numpy(random.integers(-128, 128, network.shape, np.int8)) for _ in range(20)
    ]
    check(board(target), "ds_cnn", program, inputs)


@pytest.mark.parametrize("target", TARGETS)
def test_float_io(board: Callable[[str], Board], target: str) -> None:
    """The core quantizes and dequantizes: in software on M3, with an FPU on the others."""
    network = NETWORKS["digits"]()
    program = cmopt.compile(network.exported, target=target)
    check(board(target), "digits", program, network.inputs(20))


@pytest.mark.parametrize("target", TARGETS)
def test_transposed_convolutions(board: Callable[[str], Board], target: str) -> None:
    """One whose filter is reversed, and one that needs zeros in its filter."""
    torch.manual_seed(0)
    reversed, direct = nn.ConvTranspose2d(17, 16, 2, 2), nn.ConvTranspose2d(16, 3, 3, 2, 1, 1)
    model = nn.Sequential(reversed, nn.ReLU(), direct).eval()
    batches = [(torch.randn(1, 17, 6, 7),) for _ in range(4)]
    exported = cmopt.quantize(model, batches[0], calibration=batches, target=target)
    program = cmopt.compile(exported, target=target)
    calls = [op.name for op in program.module("planned").walk()]
    assert calls.count("cortex_m.quantized_transpose_conv2d") == 2
    check(board(target), "transposed", program, [x for (x,) in batches])


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(6, 8, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.lstm(x)[0]
        return outputs


class Streaming(nn.Module):
    """A window of past samples, a recurrent layer with its state, frame by frame."""

    def __init__(self) -> None:
        super().__init__()
        self.window, self.gru = nn.Conv1d(6, 8, 3), nn.GRU(8, 8, batch_first=True)
        self.register_buffer("past", torch.zeros(1, 2, 6))
        self.register_buffer("hidden", torch.full((1, 1, 8), 0.25))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        samples = torch.cat([self.past, x], 1)
        self.past.copy_(samples[:, -2:])
        features = torch.relu(self.window(samples.transpose(1, 2))).transpose(1, 2)
        outputs, hidden = self.gru(features, self.hidden)
        self.hidden.copy_(hidden)
        return outputs


@pytest.mark.parametrize("target", EMULATED)
@pytest.mark.parametrize("kernels", ["stock", "cmopt"])
def test_state_and_loops(board: Callable[[str], Board], target: str, kernels: str) -> None:
    """Frames one after the other: each depends on those before it."""
    torch.manual_seed(0)
    batches = [(torch.randn(1, 5, 6),) for _ in range(6)]
    options = {} if kernels == "stock" else {"precision": cmopt.Precision("int16")}
    exported = cmopt.quantize(
        Streaming().eval(), batches[0], calibration=batches, target=target, kernels=kernels,
        **options,
    )  # fmt: skip
    program = cmopt.compile(exported, target=target, kernels=kernels)
    assert program.report.float_ops == 0
    check(board(target), "streaming", program, [x for (x,) in batches])


@pytest.mark.parametrize("split", [False, True])
def test_gates_of_several_types(board: Callable[[str], Board], split: bool) -> None:
    torch.manual_seed(0)
    config = cmopt.LstmConfig(split, "int16", "uint8", cell_state="int16", hidden_state="int8")
    batches = [(torch.randn(1, 5, 6),) for _ in range(4)]
    exported = cmopt.quantize(
        Recurrent().eval(), batches[0], calibration=batches, kernels="cmopt", lstm=config
    )
    program = cmopt.compile(exported, kernels="cmopt")
    check(board("cortex-m55"), "gates", program, [x for (x,) in batches])


@pytest.mark.parametrize("target", TARGETS)
def test_packed_weights(board: Callable[[str], Board], target: str) -> None:
    """Filters that begin within a byte, in groups, next to a depthwise layer in bytes."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 10, 3, padding=1), nn.ReLU(), nn.Conv2d(10, 10, 3, stride=2, groups=10),
        nn.Conv2d(10, 6, (3, 1), groups=2), nn.ReLU(), nn.Flatten(), nn.Linear(48, 7),
    ).eval()  # fmt: skip
    batches = [(torch.randn(1, 3, 9, 10),) for _ in range(4)]
    precision = cmopt.Precision(weights={"*": 4})
    exported = cmopt.quantize(
        model, batches[0], calibration=batches, target=target, precision=precision
    )
    program = cmopt.compile(exported, target=target, kernels="cmopt")
    assert program.report.ops["cmopt.packed_conv2d"] == 3
    check(board(target), "packed", program, [x for (x,) in batches])


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.LayerNorm(8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        attended: torch.Tensor = self.attention(x, x, x, need_weights=False)[0]
        return self.norm(x + attended)


@pytest.mark.parametrize("target", EMULATED)
@pytest.mark.parametrize(("make", "features"), [(Recurrent, 6), (Attention, 8)])
def test_sequences(
    board: Callable[[str], Board], target: str, make: Callable[[], nn.Module], features: int
) -> None:
    """Gates, products of activations, softmax, norms and moves, on every core."""
    torch.manual_seed(0)
    model, batches = make().eval(), [(torch.randn(1, 5, features),) for _ in range(4)]
    exported = cmopt.quantize(model, batches[0], calibration=batches, target=target)
    program = cmopt.compile(exported, target=target)
    assert program.report.float_ops == 0
    check(board(target), "sequence", program, [x for (x,) in batches])


@pytest.mark.parametrize("name", sorted(MLPERF_TINY))
def test_mlperf_tiny(board: Callable[[str], Board], name: str) -> None:
    network = MLPERF_TINY[name]()
    program = cmopt.compile(network.exported, target="cortex-m55")
    check(board("cortex-m55"), name, program, network.inputs(10))


@pytest.mark.parametrize("target", TARGETS)
def test_strips_of_rows(board: Callable[[str], Board], target: str) -> None:
    """Residual blocks in strips: borders that pad, and borders that do not."""
    network = MLPERF_TINY["resnet8"]()
    whole = cmopt.compile(network.exported, target=target, io="int8")
    program = cmopt.compile(network.exported, target=target, io="int8", max_arena=26_000)
    assert sum(strips.extra_products for strips in program.report.row_strips) > 0
    random = np.random.default_rng(0)
    inputs = [
        torch.from_numpy(random.integers(-128, 128, network.shape, np.int8)) for _ in range(4)
    ]
    check(board(target), "resnet8_strips", program, inputs)
    for x in inputs:
        assert torch.equal(program.run(x)[0], whole.run(x)[0])
