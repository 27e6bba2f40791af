"""Products of activations, softmax and attention compute in integers only."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cmopt.frontend.importer import import_program
from cmopt.interpreters.run import run_module

sys.path.insert(0, str(Path(__file__).parents[1]))
from small_models import Function, check, compiled, kernels, random_inputs

pytestmark = pytest.mark.filterwarnings("ignore")

PRODUCTS: dict[str, tuple[Any, list[tuple[int, ...]]]] = {
    "mm": (torch.mm, [(3, 4), (4, 5)]),
    "bmm": (torch.bmm, [(2, 3, 4), (2, 4, 5)]),
    "one rhs": (torch.matmul, [(2, 3, 5, 4), (4, 7)]),
    "one lhs": (torch.matmul, [(5, 4), (3, 4, 2)]),
    "batches broadcast": (torch.matmul, [(2, 1, 5, 4), (3, 4, 2)]),
    "vector rhs": (torch.matmul, [(2, 3, 4), (4,)]),
    "vector lhs": (torch.matmul, [(4,), (2, 4, 3)]),
    "vectors": (torch.matmul, [(4,), (4,)]),
    "transposed": (lambda x, y: x @ y.transpose(-1, -2), [(2, 3, 4), (2, 5, 4)]),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_mean_what_pytorch_computes(name: str) -> None:
    function, shapes = PRODUCTS[name]
    inputs = random_inputs(shapes, 0)
    module = import_program(torch.export.export(Function(function), inputs))
    assert any(op.name == "edge.matmul" for op in module.walk())
    (result,) = run_module(module, [x.numpy() for x in inputs])
    np.testing.assert_allclose(result, function(*inputs).numpy(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["bmm", "transposed", "one rhs"])
@pytest.mark.parametrize("target", ["cortex-m55", "cortex-m7", "cortex-m0"])
def test_products(name: str, target: str) -> None:
    function, shapes = PRODUCTS[name]
    program = compiled(Function(function), *shapes, target=target)
    assert kernels(program).count("quantized_batch_matmul") == 1
    assert ("transpose" in kernels(program)) == (name != "transposed")
    check(program, *shapes, steps=1)


def test_product_with_a_bias_in_front() -> None:
    """The result of a linear layer can be an operand."""
    module = Function(lambda f, x, y: torch.bmm(x, f(y)), nn.Linear(6, 5))
    shapes = (2, 3, 4), (2, 4, 6)
    program = compiled(module, *shapes)
    check(program, *shapes, steps=3)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_softmax_over_any_dimension(dim: int) -> None:
    shape = (2, 3, 4, 5)
    program = compiled(Function(lambda x: x.softmax(dim)), shape)
    assert kernels(program) == (["softmax"] if dim == 3 else ["transpose", "softmax", "transpose"])
    check(program, shape, steps=1)


def test_softmax_over_the_channels_of_a_convolution() -> None:
    """In the convolution's layout, the channels are the last dimension."""
    shape = (1, 2, 6, 6)
    program = compiled(Function(lambda c, x: c(x).softmax(1), nn.Conv2d(2, 5, 3)), shape)
    assert kernels(program) == ["transpose", "quantized_conv2d", "softmax", "transpose"]
    check(program, shape, steps=4)


class Attention(nn.Module):
    """Attention with two heads, written out."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(16, 16) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (
            layer(x).view(1, 6, 2, 8).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        weights = (q @ k.transpose(-1, -2) * 8**-0.5).softmax(-1)
        return (weights @ v).transpose(1, 2).reshape(1, 6, 16)


class Fused(Attention):
    """The same with `scaled_dot_product_attention`."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (
            layer(x).view(1, 6, 2, 8).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(1, 6, 16)


class Ready(nn.Module):
    """PyTorch's attention module."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x, need_weights=False)[0]  # type: ignore[no-any-return]


@pytest.mark.parametrize("model", [Attention, Fused, Ready])
def test_attention(model: type[nn.Module]) -> None:
    torch.manual_seed(0)
    shape = (1, 6, 16)
    program = compiled(model(), shape)
    assert kernels(program).count("quantized_batch_matmul") == 2
    assert kernels(program).count("softmax") == 1
    check(program, shape, steps=4)


class MaskedAttention(nn.Module):
    def __init__(self, mask: torch.Tensor):
        super().__init__()
        self.mask = mask

    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=self.mask)


@pytest.mark.parametrize("is_bool", [False, True])
@pytest.mark.parametrize("hides_rows", [False, True])
def test_masks(is_bool: bool, hides_rows: bool) -> None:
    """A row in which all is masked is 0, as in PyTorch, and only then there is a product for it."""
    shapes = [(1, 2, 6, 8)] * 3
    mask = torch.ones(6, 6).tril().bool()
    mask[3] &= not hides_rows
    given = mask if is_bool else torch.where(mask, 0.0, -torch.inf)
    program = compiled(MaskedAttention(given), *shapes)
    assert program.report.float_ops == 0
    assert kernels(program).count("quantized_mul") == int(hides_rows)
    inputs = random_inputs(shapes, 1)
    (ran,), expected = program.run(*inputs), MaskedAttention(given)(*inputs)
    assert float(((ran - expected) ** 2).mean() / (expected**2).mean()) < 1e-2
    assert not hides_rows or not ran[:, :, 3].any()
