"""Weights that are computed from other parameters are constants before calibration."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrize, prune, spectral_norm, weight_norm
from torch.nn.utils.parametrizations import orthogonal
from torch.nn.utils.parametrizations import spectral_norm as new_spectral_norm
from torch.nn.utils.parametrizations import weight_norm as new_weight_norm

import cmopt

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function

pytestmark = pytest.mark.filterwarnings("ignore")

Tensor = torch.Tensor


class Weight(nn.Module):
    """A parametrization by a function."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, weight: Tensor) -> Tensor:
        return self.function(weight)


def by(function: Callable[[Tensor], Tensor]) -> Callable[..., nn.Module]:
    def parametrized(layer: nn.Module, name: str = "weight") -> nn.Module:
        parametrize.register_parametrization(layer, name, Weight(function))
        return layer

    return parametrized


def standardized(weight: Tensor) -> Tensor:
    variance, mean = torch.var_mean(weight, tuple(range(1, weight.dim())), keepdim=True)
    return (weight - mean) / torch.sqrt(variance + 1e-5)


def in_place(weight: Tensor) -> Tensor:
    weight = F.relu_(weight * 2)
    weight[0] = 0.5
    return weight.sub_(0.1)


def halves_exchanged(weight: Tensor) -> Tensor:
    first, second = weight.chunk(2)
    return torch.cat([second, first])


def of_low_rank(weight: Tensor) -> Tensor:
    u, s, v = torch.linalg.svd(weight.flatten(1), full_matrices=False)
    return (u @ torch.diag(s.clamp(max=0.5)) @ v).view_as(weight)


def largest(weight: Tensor) -> Tensor:
    values, _ = weight.abs().flatten().topk(weight.numel() // 2)
    return torch.where(weight.abs() >= values[-1], weight, 0.0)


def pruned(layer: nn.Module, name: str = "weight") -> nn.Module:
    result: nn.Module = prune.l1_unstructured(layer, name, amount=0.5)
    return result


def by_cayley(layer: nn.Module, name: str = "weight") -> nn.Module:
    return orthogonal(layer, name, orthogonal_map="cayley")


def twice(layer: nn.Module, name: str = "weight") -> nn.Module:
    return by(standardized)(new_weight_norm(layer, name), name)


WAYS: dict[str, Callable[..., nn.Module]] = {
    "weight_norm": weight_norm,
    "weight_norm, new": new_weight_norm,
    "spectral_norm": spectral_norm,
    "spectral_norm, new": new_spectral_norm,
    "pruned": pruned,
    "standardized": by(standardized),
    "in place": by(in_place),
    "halves exchanged": by(halves_exchanged),
    "of low rank": by(of_low_rank),
    "largest": by(largest),
    "in float64": by(lambda weight: (weight.double() * 1.1).float()),
    "twice": twice,
}
LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "linear": (lambda: nn.Linear(8, 6), (3, 8)),
    "conv1d": (lambda: nn.Conv1d(3, 4, 3), (1, 3, 9)),
    "conv2d": (lambda: nn.Conv2d(3, 4, 3), (1, 3, 6, 6)),
    "depthwise": (lambda: nn.Conv2d(4, 4, 3, groups=4), (1, 4, 6, 6)),
    "conv_transpose2d": (lambda: nn.ConvTranspose2d(4, 2, 2, stride=2), (1, 4, 5, 5)),
    "conv1d and batch norm": (
        lambda: nn.Sequential(nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4), nn.ReLU()),
        (1, 3, 9),
    ),
}


def compiled(model: nn.Module, x: Tensor) -> cmopt.Program:
    return cmopt.compile(cmopt.quantize(model, (x,)))


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("way", WAYS)
def test_a_computed_weight_is_a_weight(way: str, layer: str) -> None:
    """The same program, to the byte, as with the computed weight written into a plain layer."""
    torch.manual_seed(0)
    make, shape = LAYERS[layer]
    plain = make().eval()
    model = make().eval()
    inner = model[0] if isinstance(model, nn.Sequential) else model
    WAYS[way](inner)
    x = torch.randn(shape)
    with torch.no_grad():
        wanted = model(x)
        target = plain[0] if isinstance(plain, nn.Sequential) else plain
        target.weight.copy_(inner.weight)
        target.bias.copy_(inner.bias)
    found = compiled(model, x)
    expected = compiled(plain, x)
    assert found.report.ops == expected.report.ops
    assert found.report.float_ops == 0
    assert torch.equal(found.run(x)[0], expected.run(x)[0])
    error = (found.run(x)[0] - wanted).square().mean()
    assert float(10 * torch.log10(wanted.square().mean() / error)) > 30


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.LSTM | nn.GRU], way: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.layer = kind(8, 8, batch_first=True)
        for name in ("weight_hh_l0", "weight_ih_l0"):
            way(self.layer, name)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.layer(x)[0]
        return result


@pytest.mark.parametrize("way", ["weight_norm", "weight_norm, new", "standardized", "pruned"])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_weights_of_a_recurrent_layer(kind: type[nn.LSTM | nn.GRU], way: str) -> None:
    torch.manual_seed(0)
    model, x = Recurrent(kind, WAYS[way]).eval(), torch.randn(2, 4, 8)
    program = compiled(model, x)
    assert program.report.float_ops == 0
    wanted, (ran,) = model(x).detach(), program.run(x)
    assert torch.equal(ran, program.interpret(x, stage="planned")[0])
    error = (ran - wanted).square().mean()
    assert float(10 * torch.log10(wanted.square().mean() / error)) > 30


@pytest.mark.parametrize("way", ["weight_norm", "spectral_norm", "pruned"])
def test_a_weight_with_a_history(way: str) -> None:
    """These leave the weight of the last call, the result of a computation, in the module."""
    model, x = WAYS[way](nn.Linear(8, 6)), torch.randn(3, 8)
    model(x).sum().backward()
    assert not model.weight.is_leaf
    program = compiled(model, x)
    assert program.report.float_ops == 0
    assert float((program.run(x)[0] - model.eval()(x)).abs().max()) < 0.1


def test_a_matrix_from_a_linear_system() -> None:
    torch.manual_seed(0)
    model, x = by_cayley(nn.Linear(8, 8)).eval(), torch.randn(3, 8)
    program = compiled(model, x)
    assert program.report.ops["cortex_m.quantized_linear"] == 1
    assert program.report.float_ops == 0
    assert float((program.run(x)[0] - model(x)).abs().max()) < 0.1


def test_the_parts_of_a_constant_that_is_used_twice() -> None:
    matrix = torch.randn(8, 8, generator=torch.Generator().manual_seed(0))

    def function(x: Tensor) -> Tensor:
        q, r = torch.linalg.qr(matrix)
        return x @ q + x @ r

    x = torch.randn(3, 8, generator=torch.Generator().manual_seed(1))
    program = compiled(Function(function), x)
    assert program.report.ops["cortex_m.quantized_linear"] == 2
    assert program.report.float_ops == 0
    assert float((program.run(x)[0] - function(x)).abs().max()) < 0.3
