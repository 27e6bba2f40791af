"""Operators without a kernel of their own: they are made of others, and nothing is float."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

import cmopt

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function

pytestmark = pytest.mark.filterwarnings("ignore")

Tensor = torch.Tensor


def random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


X, V, ROW = random(4, 6, 8), random(3, 6, 8), torch.tensor([1, 0, 2])
MASK = random(4, 6, 8) > 0.3
IMAGE = random(1, 2, 6, 6)
A, B = random(3, 4), random(4, 5)

CASES: dict[str, tuple[Callable[..., Any], tuple[Tensor, ...]]] = {
    "embedding": (lambda w: (lambda i: F.embedding(i, w)), (torch.tensor([[0, 3], [2, 2]]),)),
    "index_put": (lambda x, v, i: x.index_put((i,), v), (X, V, ROW)),
    "index_put of two": (
        lambda x, v, i: x.index_put((torch.arange(3), i), v), (X, random(3, 8), ROW),
    ),
    "index_copy": (lambda x, v, i: x.index_copy(0, i, v), (X, V, ROW)),
    "slice_scatter": (lambda x, v: torch.slice_scatter(x, v, 1, 1, 6, 2), (X, random(4, 3, 8))),
    "select_scatter": (lambda x, v: torch.select_scatter(x, v, 1, 2), (X, random(4, 8))),
    "scatter": (lambda x, v, i: x.scatter(0, i, v), (X, V, torch.zeros(3, 6, 8).long())),
    "topk": (lambda x: torch.topk(x, 3, dim=1), (X,)),
    "max with indices": (lambda x: torch.max(x, 1), (X,)),
    "max_pool with indices": (lambda x: F.max_pool2d(x, 2, return_indices=True), (IMAGE,)),
    "masked_fill": (lambda x, m: x.masked_fill(m, 0.5), (X, MASK)),
    "log_softmax": (lambda x: F.log_softmax(x, 1), (X,)),
    "log_softmax of long rows": (lambda x: F.log_softmax(x, -1), (random(1, 1024),)),
    "softmax of long rows": (lambda x: F.softmax(x, 1), (random(2, 700),)),
    "softmax of a number": (lambda x: F.softmax(x.sum(), 0) + x, (X,)),
    "log_softmax of a number": (lambda x: F.log_softmax(x.sum(), 0) + x, (X,)),
    "cumsum": (lambda x: torch.cumsum(x, 1), (X,)),
    "cumsum of the last": (lambda x: x.cumsum(-1), (X,)),
    "var": (lambda x: torch.var(x, 1), (X,)),
    "var, biased": (lambda x: torch.var(x, (0, 2), correction=0, keepdim=True), (X,)),
    "var of all": (lambda x: (torch.var(x) * x).sum(0), (X,)),
    "var by the old name": (lambda x: x.var(unbiased=False) * x, (X,)),
    "var_mean": (lambda x: torch.var_mean(x, 1), (X,)),
    "norm": (lambda x: torch.linalg.vector_norm(x, dim=-1), (X,)),
    "norm 1": (lambda x: torch.linalg.vector_norm(x, ord=1, dim=(0, 1)), (X,)),
    "norm 3": (lambda x: torch.linalg.vector_norm(x, ord=3, dim=-1, keepdim=True), (X,)),
    "norm inf": (lambda x: torch.linalg.vector_norm(x, ord=torch.inf, dim=1), (X,)),
    "norm -inf": (lambda x: torch.linalg.vector_norm(x, ord=-torch.inf, dim=1) + 1, (X,)),
    "norm of all": (lambda x: x * x.norm(), (X,)),
    "addmm": (torch.addmm, (random(3, 5), A, B)),
    "addmm with factors": (
        lambda c, a, b: torch.addmm(c, a, b, beta=0.5, alpha=2), (random(5), A, B),
    ),
    "divisor_override": (lambda x: F.avg_pool2d(x, 2, divisor_override=3), (IMAGE,)),
    "divisor_override, ceil_mode": (
        lambda x: F.avg_pool2d(x, 3, 2, ceil_mode=True, divisor_override=5), (IMAGE,),
    ),
    "divisor_override, padded, ceil_mode": (
        lambda x: F.avg_pool2d(x, (3, 2), (4, 3), 1, ceil_mode=True, divisor_override=5), (IMAGE,),
    ),
    "divisor_override, padded": (
        lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False, divisor_override=5), (IMAGE,),
    ),
    "bilinear": (
        lambda x: F.interpolate(x, size=(9, 4), mode="bilinear"), (random(2, 3, 5, 7),),
    ),
    "bilinear, corners aligned": (
        lambda x: F.interpolate(x, size=(9, 11), mode="bilinear", align_corners=True), (IMAGE,),
    ),
    "bilinear to one pixel": (lambda x: F.interpolate(x, size=(1, 1), mode="bilinear"), (IMAGE,)),
    "bilinear by a fraction": (
        lambda x: F.interpolate(x, scale_factor=1.7, mode="bilinear"), (IMAGE,),
    ),
    "bilinear, antialiased": (
        lambda x: F.interpolate(x, size=(3, 4), mode="bilinear", antialias=True), (IMAGE,),
    ),
    "bicubic": (lambda x: F.interpolate(x, scale_factor=2, mode="bicubic"), (IMAGE,)),
    "linear": (lambda x: F.interpolate(x, size=11, mode="linear"), (random(2, 3, 7),)),
    "linear in channels-last": (
        lambda x: F.interpolate(x, size=(7, 6), mode="bilinear"),
        (IMAGE.to(memory_format=torch.channels_last),),
    ),
    "uneven pool": (lambda x: F.adaptive_avg_pool2d(x, (4, 5)), (random(2, 3, 7, 6),)),
    "uneven pool of one image": (lambda x: F.adaptive_avg_pool2d(x, (4, 5)), (random(3, 7, 6),)),
    "pool to more pixels": (lambda x: F.adaptive_avg_pool2d(x, (8, 3)), (random(1, 2, 3, 3),)),
    "uneven pool over one dimension": (lambda x: F.adaptive_avg_pool1d(x, 3), (random(2, 3, 7),)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_float(name: str) -> None:
    function, inputs = CASES[name]
    if name == "embedding":
        function = function(random(5, 8))
    program = cmopt.compile(cmopt.quantize(Function(function), inputs))
    assert program.report.float_ops == 0
    found, expected = program.run(*inputs), function(*inputs)
    for again, value in zip(program.interpret(*inputs), found, strict=True):
        assert torch.equal(again, value)
    expected = expected if isinstance(expected, tuple) else (expected,)
    for value, wanted in zip(found, expected, strict=True):
        assert value.shape == wanted.shape and value.dtype == wanted.dtype
        if wanted.is_floating_point():
            noise = (value - wanted).square().mean() / wanted.square().mean()
            assert -10 * noise.clamp_min(1e-12).log10() > 30
