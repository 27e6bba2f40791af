"""Calibration data in the forms that people have it, as the samples that a model is called with."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import cmopt
from cmopt.frontend.samples import samples_of
from cmopt.frontend.structure import Arguments

X, Y = torch.randn(1, 3), torch.arange(1)
ONE, NAMED = Arguments((X,), {}), Arguments((X,), {"mask": X})


@pytest.mark.parametrize(
    ("given", "example", "count"),
    [
        (X, ONE, 1),
        ((X, Y), ONE, 1),
        ([X, Y], ONE, 1),
        (X.numpy(), ONE, 1),
        ([X.numpy(), 3], ONE, 1),
        (torch.cat([X, X, X]), ONE, 3),
        ([torch.cat([X, X]), torch.arange(2)], ONE, 2),
        (X[0], ONE, 1),
        ({"x": X, "labels": Y}, ONE, 1),
        (((X,), {"mask": X}), NAMED, 1),
        ({"x": X, "mask": X}, NAMED, 1),
        ({"mask": torch.cat([X, X]), "x": torch.cat([X, X]).numpy(), "y": 1}, NAMED, 2),
        ((torch.cat([X, X]), 2.0), Arguments((X, 2.0), {}), 2),
        (([X, X], Y), Arguments(([X, X],), {}), 1),
        ([X, X], Arguments(([X, X],), {}), 1),
        ({"x": X}, Arguments(({"x": X},), {}), 1),
        (torch.zeros(0, 3), ONE, 0),
    ],
)
def test_forms(given: Any, example: Arguments, count: int) -> None:
    samples = samples_of(given, example, ["x", "mask"], "sample")
    assert len(samples) == count
    for sample in samples:
        assert len(sample.tensors) == len(example.tensors)
        for tensor in sample.tensors:
            assert torch.equal(tensor, X)


@pytest.mark.parametrize(
    ("given", "example", "message"),
    [
        ((X, X, X), ONE, "has 3 inputs, not 1"),
        (torch.zeros(2, 4), ONE, r"is torch.float32 \[2, 4\], but the example is .* \[1, 3\]"),
        (torch.zeros(2, 3), Arguments((torch.zeros(4, 3),), {}), r"\[2, 3\], but the example"),
        ((torch.zeros(2, 3), X), Arguments((X, X), {}), r"input 0 is torch.float32 \[2, 3\]"),
        (X.double().numpy(), ONE, "is torch.float64"),
        ({"y": X}, ONE, "its structure is not that of the example|must be a tensor, got dict"),
    ],
)
def test_what_does_not_fit(given: Any, example: Arguments, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        samples_of(given, example, ["x"], "sample")


def test_a_data_loader_gives_the_same_program_as_its_samples() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU()).eval()
    data = torch.randn(10, 3)
    loader = DataLoader(TensorDataset(data, torch.zeros(10)), batch_size=4)
    one_by_one = [(data[i : i + 1],) for i in range(10)]
    quantized = [cmopt.quantize(model, (X,), calibration=given) for given in (loader, one_by_one)]
    programs = [cmopt.compile(each) for each in quantized]
    assert programs[0].pte == programs[1].pte
    assert programs[0].pte != cmopt.compile(cmopt.quantize(model, (X,), calibration=[X])).pte


def test_the_automatic_choice_takes_a_data_loader_too() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU()).eval()
    loader = DataLoader(TensorDataset(torch.randn(8, 3), torch.zeros(8)), batch_size=4)
    cmopt.quantize(model, (X,), calibration=loader, precision="auto", kernels="cmopt")
