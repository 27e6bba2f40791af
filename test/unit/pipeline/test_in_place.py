"""Writes in place: to a value of the model's own, and to an input that only the model reads."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import cmopt
from cmopt.support.diagnostics import Diagnostic, diagnostics_to

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function

pytestmark = pytest.mark.filterwarnings("ignore")

Tensor = torch.Tensor
X = torch.randn(4, 6, generator=torch.Generator().manual_seed(1))
Z = torch.randn(4, generator=torch.Generator().manual_seed(2))


def column(x: Tensor, z: Tensor) -> Tensor:
    y = x.clone()
    y[:, 0] = z
    return torch.relu(y)


def columns(x: Tensor, z: Tensor) -> Tensor:
    y = x.clone()
    y[:, 1:3] = z.unsqueeze(1)
    return y * 2


def interleaved(x: Tensor, z: Tensor) -> Tensor:
    y = torch.zeros_like(x)
    y[:, ::2] = x[:, ::2]
    y[:, 1::2] = z.unsqueeze(1) * 2
    return y


def copied(x: Tensor) -> Tensor:
    y = torch.zeros(4, 6)
    y.copy_(x[0])
    return y + 1


def steps_collected(x: Tensor) -> Tensor:
    out = torch.zeros(4, 3, 6)
    for step in range(3):
        out[:, step] = torch.tanh(x * (step + 1))
    return out


def shifted(x: Tensor) -> Tensor:
    y = x.clone()
    y[1:] = x[:-1]
    y[0] = 0.25
    return y


def exchanged(x: Tensor) -> Tensor:
    y = x.clone()
    y[:, 0], y[:, 1] = x[:, 1], x[:, 0]
    return y


def points(x: Tensor, z: Tensor) -> Tensor:
    y = x * 2
    y[torch.tensor([0, 3]), torch.tensor([1, 2])] = z[:2]
    return y


def listed_columns(x: Tensor, z: Tensor) -> Tensor:
    y = x * 2
    y[:, [3, 1]] = z.unsqueeze(1)
    return y


def put(x: Tensor, z: Tensor) -> Tensor:
    return (x + 1).index_put_((torch.tensor([2]),), z[0])


def negative_set(x: Tensor) -> Tensor:
    y = x.clone()
    y[y < 0] = 0.5
    return y


def rows_by_mask(x: Tensor) -> Tensor:
    y = x.clone()
    y[torch.tensor([True, False, True, False])] = 0.5
    return y


def filled_by_mask(x: Tensor) -> Tensor:
    y = x + 1
    y.masked_fill_(x < 0, 0.25)
    return y


def filled_by_constant_mask(x: Tensor) -> Tensor:
    y = x + 1
    y.masked_fill_(torch.eye(4, 6, dtype=torch.bool), 0.25)
    return y


def zero_state(x: Tensor) -> Tensor:
    h = torch.zeros(4, 1)
    h.t_()
    h.unsqueeze_(0)
    h.squeeze_(0)
    h = h @ x + x[:1]
    return torch.tanh(h.squeeze_(0))


def view_of_value(x: Tensor) -> Tensor:
    y = x + 1
    y.view(-1).mul_(2)
    y[0].add_(1)
    y.t()[1].zero_()
    return y


def part_filled(x: Tensor) -> Tensor:
    y = x * 1
    y[:, 1].fill_(0.5)
    return y


def diagonal_filled(x: Tensor) -> Tensor:
    y = x.clone()
    y.diagonal().fill_(1.0)
    return y


def scattered(x: Tensor) -> Tensor:
    y = x.clone()
    y.scatter_(1, torch.tensor([[0], [1], [2], [3]]), 2.0)
    return y


def scattered_rows(x: Tensor, z: Tensor) -> Tensor:
    return x.clone().scatter_(1, torch.tensor([[0], [1], [2], [3]]), z.unsqueeze(1))


def columns_filled(x: Tensor) -> Tensor:
    return x.clone().index_fill_(1, torch.tensor([0, 2]), 0.0)


def column_copied(x: Tensor, z: Tensor) -> Tensor:
    return x.clone().index_copy_(1, torch.tensor([2]), z.unsqueeze(1))


def arithmetic(x: Tensor, z: Tensor) -> Tensor:
    y = torch.sigmoid_(x - 1)
    y += z.unsqueeze(1)
    y.mul_(2).sub_(0.5).clamp_(-1, 1)
    return F.relu_(y)


def one_element(x: Tensor) -> Tensor:
    y = x * 2
    y[1, 2] = x[3, 4]
    return y


def by_computed_mask(x: Tensor) -> Tensor:
    y = x.clone()
    y[x.mean(1) > 0] = 0.25
    return y


def given_out(x: Tensor) -> Tensor:
    y = torch.empty(4, 6)
    torch.mul(x, 2, out=y)
    return y + 1


def unsliced(x: Tensor) -> Tensor:
    y = x * 2
    y[:] = x.flip(0)
    y[:, 0:0] = 1.0
    return y


def scores_masked(x: Tensor) -> Tensor:
    y = x.clone()
    y.masked_fill_(x > 1, -1e9)
    return y.softmax(-1)


LOCAL = [
    arithmetic, by_computed_mask, column, column_copied, columns, columns_filled, copied,
    diagonal_filled, exchanged, filled_by_constant_mask, filled_by_mask, given_out, interleaved,
    listed_columns, negative_set, one_element, part_filled, points, put, rows_by_mask, scattered,
    scattered_rows, scores_masked, shifted, steps_collected, unsliced, view_of_value, zero_state,
]  # fmt: skip


def inputs_of(function: Callable[..., Tensor]) -> tuple[Tensor, ...]:
    return tuple(given.clone() for given in (X, Z)[: function.__code__.co_argcount])


def noise_ratio(wanted: Tensor, found: Tensor) -> float:
    error = (found.double() - wanted).square().mean()
    return float(10 * torch.log10(wanted.double().square().mean() / error))


def check(program: cmopt.Program, inputs: tuple[Tensor, ...], expected: Tensor) -> None:
    """In integers throughout, the same bytes in runtime and interpreter, and near the model."""
    assert program.report.float_ops == 0
    (ran,) = program.run(*inputs)
    assert torch.equal(ran, program.interpret(*inputs, stage="planned")[0])
    assert noise_ratio(expected, ran) > 35


@pytest.mark.parametrize("function", LOCAL, ids=lambda f: f.__name__)
def test_a_write_to_a_value_of_the_models_own(function: Callable[..., Tensor]) -> None:
    inputs = inputs_of(function)
    said: list[Diagnostic] = []
    with diagnostics_to(said.append):
        program = cmopt.compile(cmopt.quantize(Function(function), inputs))
    assert not said
    check(program, inputs, function(*inputs_of(function)))


@pytest.mark.parametrize("function", LOCAL, ids=lambda f: f.__name__)
def test_in_a_float_program_too(function: Callable[..., Tensor]) -> None:
    inputs = inputs_of(function)
    exported = torch.export.export(Function(function), inputs)
    program = cmopt.compile(exported, allow_float=True)
    (ran,) = program.run(*inputs)
    assert torch.allclose(ran, function(*inputs_of(function)), atol=1e-6)


INTEGERS = torch.arange(-4, 4, dtype=torch.int32)
OF_INTEGERS: dict[str, Callable[[Tensor], Tensor]] = {
    "a sum": lambda y: y.add_(1),
    "a sum in a smaller type": lambda y: y.add_(torch.arange(8)),
    "of floats and integers": lambda y: y.to(torch.float32).mul_(y).div_(INTEGERS + 5),
    "a remainder": lambda y: y.remainder_(3),
    "a quotient": lambda y: y.floor_divide_(2),
    "a clamp": lambda y: y.clamp_(0, 3),
    "a clamp of one side": lambda y: y.clamp_min_(1).clamp_max_(2),
    "bits": lambda y: y.bitwise_and_(1),
    "a comparison": lambda y: y.lt_(2).mul_(3),
    "relu and threshold": lambda y: F.threshold_(y.relu_(), 1, 7),
}


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8])
@pytest.mark.parametrize("name", OF_INTEGERS)
def test_of_integers(name: str, dtype: torch.dtype) -> None:
    def function(x: Tensor) -> tuple[Tensor, Tensor]:
        y = x.clone()
        return OF_INTEGERS[name](y), y + x

    x = INTEGERS.to(dtype)
    program = cmopt.compile(torch.export.export(Function(function), (x,)), allow_float=True)
    for actual in (program.run(x), program.interpret(x)):
        for a, e in zip(actual, function(x), strict=True):
            assert a.dtype == e.dtype
            assert torch.equal(a, e)


def add_to_input(x: Tensor, z: Tensor) -> Tensor:
    x += z.unsqueeze(1)
    return torch.relu(x)


def put_into_input(x: Tensor, z: Tensor) -> Tensor:
    return x.index_put_((torch.tensor([1, 2]),), z[:2].unsqueeze(1))


def copy_to_input(x: Tensor, z: Tensor) -> Tensor:
    x.copy_(z.unsqueeze(1))
    return x * 2


def part_of_input(x: Tensor, z: Tensor) -> Tensor:
    x[:, 0] = z
    return x + 1


def view_of_input(x: Tensor) -> Tensor:
    flat = x.view(-1)
    x.mul_(2)
    return flat + 1


def part_that_is_read(x: Tensor) -> Tensor:
    row = x[0]
    row.add_(1)
    return row * 2


def input_itself(x: Tensor) -> Tensor:
    x.view(-1).sigmoid_()
    return x


def queue(x: Tensor, z: Tensor) -> Tensor:
    x[:, :-1] = x[:, 1:].clone()
    x[:, -1] = z
    return x.mean(1)


WRITTEN = [
    add_to_input, copy_to_input, input_itself, part_of_input, part_that_is_read, put_into_input,
    queue, view_of_input,
]  # fmt: skip


@pytest.mark.parametrize("function", WRITTEN, ids=lambda f: f.__name__)
@pytest.mark.parametrize("is_quantized", [True, False], ids=["int8", "float"])
def test_a_write_to_an_input_that_the_model_reads(
    function: Callable[..., Tensor], is_quantized: bool
) -> None:
    """The compiled program computes the same, and leaves the input unchanged."""
    inputs, expected = inputs_of(function), function(*inputs_of(function))
    said: list[Diagnostic] = []
    with diagnostics_to(said.append):
        if is_quantized:
            exported = cmopt.quantize(Function(function), inputs)
        else:
            exported = torch.export.export(Function(function), inputs)
        program = cmopt.compile(exported, allow_float=not is_quantized)
    assert torch.equal(inputs[0], X)
    (warning,) = said
    assert "quantized.py:" in str(warning)  # where the model calls the function
    assert "in place; the compiled program leaves it unchanged" in warning.message
    if is_quantized:
        check(program, inputs, expected)
    else:
        assert torch.allclose(program.run(*inputs)[0], expected, atol=1e-6)
    assert torch.equal(inputs[0], X)


def unread(x: Tensor, z: Tensor) -> Tensor:
    y = torch.relu(x + 1)
    x.copy_(y)
    return y


def read_then_written(x: Tensor) -> Tensor:
    x += 1
    y = torch.relu(x)
    x.zero_()
    return y


@pytest.mark.parametrize("function", [unread, read_then_written], ids=lambda f: f.__name__)
def test_a_write_that_only_the_caller_can_read_is_refused(function: Callable[..., Tensor]) -> None:
    with pytest.raises(cmopt.CompileError, match=r"quantized\.py:\d+.*changes its input"):
        cmopt.quantize(Function(function), inputs_of(function))
    exported = torch.export.export(Function(function), inputs_of(function))
    with pytest.raises(cmopt.CompileError, match=r"quantized\.py:\d+.*changes its input"):
        cmopt.compile(exported, allow_float=True)


class Network(nn.Module):
    """Layers that stay whole, around a write to a part of a value."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3, padding="same"), nn.BatchNorm2d(4)
        self.up, self.linear = nn.ConvTranspose2d(4, 4, 2, stride=2), nn.Linear(8, 8)
        self.scale, self.lstm = nn.LayerNorm(8), nn.LSTM(8, 8, batch_first=True)
        self.heads = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu_(self.norm(self.conv(x)))
        y = self.up(F.max_pool2d(y, 2)).mean(1)
        y = self.lstm(self.scale(self.linear(y)))[0]
        y = self.heads(y, y, y)[0]
        z = y.clone()
        z[:, 0] = y[:, 1]
        return self.linear(z)


def test_layers_around_a_write_stay_whole() -> None:
    torch.manual_seed(0)
    model, x = Network().eval(), torch.randn(1, 3, 8, 8)
    program = cmopt.compile(cmopt.quantize(model, (x,)))
    ops = program.report.ops
    assert ops["cortex_m.quantized_conv2d"] >= 1
    assert not [op for op in ops if "batch_norm" in op or "lstm" in op]
    assert program.report.float_ops == 0
    assert noise_ratio(model(x).detach(), program.run(x)[0]) > 20
    assert '"conv"(' in program.ir("edge", debuginfo=True)
