"""Integers in programs are those of PyTorch, where the portable kernels differ too."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

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
    "clamp of one side": lambda x, y: torch.clamp_min(x, -3) + torch.clamp_max(y, 2),
    "relu6 and threshold": lambda x, y: F.relu6(x) + F.threshold(y, 1, 2),
    "square": lambda x, y: torch.square(x) - y,
    "product of matrices": lambda x, y: x.reshape(2, 5) @ y.reshape(5, 2),
    "linear": lambda x, y: F.linear(x.reshape(2, 5), y.reshape(2, 5)),
    "pool": lambda x, y: F.max_pool2d(x.reshape(1, 2, 5), 2),
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


def check(function: Callable[[Tensor], Tensor], x: Tensor) -> None:
    """The runtime and the interpreter compute what PyTorch computes."""
    module = Function(function)
    program = cmopt.compile(torch.export.export(module, (x,)), allow_float=True)
    expected = module(x)
    for (actual,) in (program.run(x), program.interpret(x)):
        assert actual.dtype == expected.dtype
        assert torch.equal(actual, expected)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.div(x, -3, rounding_mode="floor"),
        lambda x: torch.clamp(x, -3, 4),
        lambda x: torch.clamp(x, min=-3),
        lambda x: torch.add(x, x.flip(0), alpha=-3),
        lambda x: torch.sub(x, 2, alpha=-3),
        lambda x: torch.fmod(x, 300),
        lambda x: torch.fmod(x, -3),
        lambda x: x / -3,
        lambda x: x / 300,
    ],
)
def test_a_number_that_does_not_fit(function: Callable[[Tensor], Tensor]) -> None:
    check(function, torch.tensor([7, 0, 253, 255], dtype=torch.uint8))


COUNTS = torch.tensor([-128, -9, -1, 0, 1, 7, 8, 9, 31, 127])
OF_SHIFTS: dict[str, Callable[[Tensor], Tensor]] = {
    "left": lambda x: x << COUNTS.to(x.dtype),
    "right": lambda x: x >> COUNTS.to(x.dtype),
    "left, computed": lambda x: (x * 3) << x,
    "right, computed": lambda x: (x * 3) >> x,
    "left, a number": lambda x: (x << 70) + (x << -1) + (x << 3),
    "right, a number": lambda x: (x >> 70) + (x >> -1) + (x >> 3),
}


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int32, torch.int64])
@pytest.mark.parametrize("name", OF_SHIFTS)
def test_shifts_by_any_count(name: str, dtype: torch.dtype) -> None:
    check(OF_SHIFTS[name], COUNTS.to(dtype))


@pytest.mark.parametrize("dtype", [torch.int8, torch.int32, torch.int64])
def test_powers_wrap(dtype: torch.dtype) -> None:
    check(lambda x: x**13 + x**2, DIVIDEND.to(dtype))


def test_powers_to_a_tensor_wrap() -> None:
    check(lambda x: torch.pow(3, x) + torch.pow(x, x), torch.arange(1, 13, dtype=torch.int16))


def test_joined_numbers_of_other_types() -> None:
    x = torch.tensor([[1, -2], [3, 4]], dtype=torch.int32)
    check(lambda x: torch.cat([x * 0.5, x, x.to(torch.int8)], 1), x)


@pytest.mark.parametrize("function", [lambda x: x % 3, lambda x: x / True])
def test_arithmetic_with_truth_values(function: Callable[[Tensor], Tensor]) -> None:
    check(function, torch.tensor([True, False]))
    check(function, torch.tensor([5, -7], dtype=torch.int16))


def test_truth_values_are_padded_by_one() -> None:
    check(lambda x: F.pad(x, (1, 2), value=0.5), torch.tensor([[True, False]]))
