"""The parts of a recurrent cell have types by their roles; gates are together or split."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torchao.quantization.pt2e import MinMaxObserver
from torchao.quantization.pt2e.quantizer import QuantizationSpec

import cmopt
from cmopt import GruConfig, LstmConfig
from cmopt.dialects.edge import BinaryOp, LinearOp, ScanOp, UnaryOp
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import shape_of
from cmopt.pipeline.program import Program

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function

pytestmark = pytest.mark.filterwarnings("ignore")

STEPS, INPUTS, HIDDEN = 6, 5, 8
TWO_STEPS = 2 / 128
"""Of the hidden state in int8, which is between -1 and 1."""


def compiled(layer: nn.Module, *, kernels: str = "stock", **options: Any) -> tuple[Program, Any]:
    torch.manual_seed(1)
    samples = [(torch.randn(STEPS, 1, INPUTS),) for _ in range(8)]
    model = Function(lambda layer, x: layer(x)[0], layer).eval()
    exported = cmopt.quantize(model, samples[0], calibration=samples, kernels=kernels, **options)
    return cmopt.compile(exported, kernels=kernels), exported


def body(program: Program) -> list[Any]:
    (loop,) = (op for op in program.module("quantized").walk() if isinstance(op, ScanOp))
    return list(loop.body.block.ops)


def widths(ops: list[Any], kind: Any, name: str = "") -> list[int]:
    return [
        quantized_element(op.results[0].type).storage.width.data
        for op in ops
        if isinstance(op, kind) and name in op.name
    ]


def check(program: Program, exported: Any, most: float) -> None:
    """No float, the same on host, interpreter and plan; at most so far from PyTorch."""
    assert program.report.float_ops == 0
    torch.manual_seed(2)
    x = torch.randn(STEPS, 1, INPUTS)
    result = program.run(x)[0]
    assert torch.equal(result, program.interpret(x)[0])
    assert torch.equal(result, program.interpret(x, stage="planned")[0])
    assert (result - exported.module()(x)).abs().max() <= most


@pytest.mark.parametrize("split", [False, True])
def test_types_by_role(split: bool) -> None:
    torch.manual_seed(0)
    config = LstmConfig(split, "int16", "uint8", cell_state="int16", hidden_state="int8")
    program, exported = compiled(nn.LSTM(INPUTS, HIDDEN), kernels="cmopt", lstm=config)
    ops = body(program)
    assert set(widths(ops, LinearOp)) == {16}
    assert set(widths(ops, UnaryOp, "sigmoid")) == {8}
    assert set(widths(ops, UnaryOp, "tanh")) == {8}
    assert widths(ops, BinaryOp, "mul") == [16, 16, 8], "two products of the cell, the output"
    sigmoid = next(op for op in ops if op.name == "edge.sigmoid")
    assert quantized_element(sigmoid.results[0].type).zero_point == -128, "0 of a uint8"
    check(program, exported, TWO_STEPS)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_split_gates(kind: Any, bias: bool) -> None:
    """No tensor holds all gates, and the arena is smaller."""
    torch.manual_seed(0)
    layer = kind(INPUTS, HIDDEN, bias=bias)
    gates = 4 if kind is nn.LSTM else 3
    config = {"lstm": LstmConfig(True)} if kind is nn.LSTM else {"gru": GruConfig(True)}
    split, exported = compiled(layer, **config)
    merged, _ = compiled(layer)
    assert [shape_of(op.output) for op in body(split) if isinstance(op, LinearOp)] == [
        (1, HIDDEN)
    ] * (2 * gates)
    assert [shape_of(op.output) for op in body(merged) if isinstance(op, LinearOp)] == [
        (1, gates * HIDDEN)
    ] * 2
    assert split.report.arena_bytes <= merged.report.arena_bytes
    check(split, exported, TWO_STEPS)


def test_each_gate_has_a_range_of_its_own() -> None:
    torch.manual_seed(0)
    layer = nn.LSTM(INPUTS, HIDDEN)
    with torch.no_grad():
        layer.weight_ih_l0[:HIDDEN] *= 30  # the input gate
    program, _ = compiled(layer, lstm=LstmConfig(split_gates=True))
    sums = [op for op in body(program) if op.name == "edge.add"][:4]
    scales = [quantized_element(op.results[0].type).scale for op in sums]
    assert max(scales) > 5 * min(scales)


def test_observers_and_specs_of_the_user() -> None:
    torch.manual_seed(0)
    narrow = QuantizationSpec(
        dtype=torch.int8,
        observer_or_fake_quant_ctr=MinMaxObserver,
        quant_min=-16,
        quant_max=15,
        qscheme=torch.per_tensor_affine,
    )
    wide = MinMaxObserver.with_args(
        dtype=torch.qint32,
        quant_min=-(2**15),
        quant_max=2**15 - 1,
        qscheme=torch.per_tensor_symmetric,
    )
    config = LstmConfig(linear=wide, tanh=narrow)
    program, exported = compiled(nn.LSTM(INPUTS, HIDDEN), kernels="cmopt", lstm=config)
    ops = body(program)
    assert set(widths(ops, LinearOp)) == {16}
    ranges = {
        quantized_element(op.results[0].type).storage_range for op in ops if op.name == "edge.tanh"
    }
    assert ranges == {(-16, 15)}
    check(program, exported, TWO_STEPS)


def test_a_gru_in_parts() -> None:
    torch.manual_seed(0)
    config = GruConfig(True, linear="int16", hidden_state="int16")
    program, exported = compiled(nn.GRU(INPUTS, HIDDEN), kernels="cmopt", gru=config)
    ops = body(program)
    assert set(widths(ops, LinearOp)) == {16}
    assert set(widths(ops, UnaryOp)) == {8}
    check(program, exported, TWO_STEPS)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"lstm": GruConfig()}, TypeError, "lstm must be a cmopt.LstmConfig"),
        ({"lstm": LstmConfig(linear="int16")}, ValueError, 'need kernels="cmopt"'),
        ({"gru": GruConfig(), "precision": "auto", "kernels": "cmopt"}, ValueError, "auto"),
    ],
)
def test_rejects(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        cmopt.quantize(nn.Linear(2, 2), (torch.randn(1, 2),), **options)


@pytest.mark.parametrize(("value", "error"), [("int7", ValueError), (3, TypeError)])
def test_a_role_must_be_a_type(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="linear must be"):
        LstmConfig(linear=value)
