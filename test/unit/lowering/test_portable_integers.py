"""Integers in programs are those of PyTorch, where the portable kernels differ too."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import cmopt

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function

Tensor = torch.Tensor
INDEX = torch.tensor([[0, 1, 2], [1, 0, 2]], dtype=torch.int32)
WITH_INDICES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "gather": lambda x, i, y: torch.gather(x, 0, i) + y,
    "gather by constants": lambda x, i, y: torch.gather(x, 0, INDEX) + y,
    "scatter": lambda x, i, y: torch.scatter(x, 0, i, y),
    "scatter a number": lambda x, i, y: torch.scatter(x, 0, i, 1.5),
    "scatter_add": lambda x, i, y: torch.scatter_add(x, 0, i, y),
    "index_select": lambda x, i, y: torch.index_select(x, 0, i[0]),
    "index": lambda x, i, y: x[i[0]],
    "index_put": lambda x, i, y: torch.index_put(x, (i[0, :2],), y),
    "embedding": lambda x, i, y: torch.nn.functional.embedding(i, x),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bool, torch.int8])
@pytest.mark.parametrize("name", WITH_INDICES)
def test_int32_indices(name: str, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randint(0, 2, shape, generator=generator).to(dtype) for shape in ((4, 3), (2, 3)))
    function = Function(WITH_INDICES[name])
    program = cmopt.compile(torch.export.export(function, (x, INDEX, y)), allow_float=True)
    expected = function(x, INDEX, y)
    for (actual,) in (program.run(x, INDEX, y), program.interpret(x, INDEX, y)):
        assert torch.equal(actual, expected)


DIVIDEND = torch.tensor([7, -7, 7, -7, 5, 0, -128, 127, -1, 3])
DIVISOR = torch.tensor([3, 3, -3, -3, 5, 2, -1, -2, 7, -7])
OF_SIGNED: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "remainder": torch.remainder,
    "remainder, a number": lambda x, y: x % -3,
    "remainder of another type": lambda x, y: torch.remainder(x, y.to(torch.int64)),
    "remainder, broadcast": lambda x, y: torch.remainder(x[:, None], y[:3]),
    "fmod": torch.fmod,
    "floor_divide": torch.floor_divide,
    "quotient, cut off": lambda x, y: torch.div(x, y, rounding_mode="trunc"),
    "power": lambda x, y: torch.pow(x, y.abs() % 3),
    "shift": lambda x, y: x >> (y.abs() % 4),
    "sum": lambda x, y: x.sum() + y,
    "sum in a type": lambda x, y: x.sum(dtype=torch.int32),
    "sum of columns": lambda x, y: x.reshape(2, 5).sum(0),
    "running sum": lambda x, y: x.cumsum(0),
}


@pytest.mark.parametrize("dtype", [torch.int8, torch.int16, torch.int32, torch.int64])
@pytest.mark.parametrize("name", OF_SIGNED)
def test_signed_integers(name: str, dtype: torch.dtype) -> None:
    function, inputs = Function(OF_SIGNED[name]), (DIVIDEND.to(dtype), DIVISOR.to(dtype))
    program = cmopt.compile(torch.export.export(function, inputs), allow_float=True)
    expected = function(*inputs)
    for (actual,) in (program.run(*inputs), program.interpret(*inputs)):
        assert actual.dtype == expected.dtype
        assert torch.equal(actual, expected)


def test_a_number_that_does_not_fit_wraps() -> None:
    function = Function(lambda x: torch.div(x, -3, rounding_mode="floor"))
    inputs = (torch.tensor([7, 0, 253, 255], dtype=torch.uint8),)
    program = cmopt.compile(torch.export.export(function, inputs), allow_float=True)
    for (actual,) in (program.run(*inputs), program.interpret(*inputs)):
        assert torch.equal(actual, function(*inputs))
