"""The noise of a case on other inputs than those that calibrated it."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))
from peer_suites.other_inputs import noise_on, other_inputs


def test_other_inputs_have_the_ranges_of_the_given_ones() -> None:
    image = torch.randn(1, 3, 4, 5).to(memory_format=torch.channels_last)
    first, second = other_inputs((image, [image * 2], 7), 2)
    assert not torch.equal(first[0], second[0])
    for other, given in ((first[0], image), (first[1][0], image * 2)):
        assert other.stride() == given.stride()
        assert given.min() <= other.min() < 0 < other.max() <= given.max()
    assert first[2] == 7
    again = other_inputs((image, [image * 2], 7), 2)
    assert torch.equal(again[1][0], second[0])


def test_what_is_not_a_range_of_floats_stays() -> None:
    integers, nothing = torch.arange(5), torch.full((2,), torch.nan)
    partly = torch.tensor([1.0, torch.inf, 2.0])
    ((a, b, c, d),) = other_inputs((integers, nothing, torch.zeros(3), partly), 1)
    assert torch.equal(a, integers)
    assert b.isnan().all()
    assert torch.equal(c, torch.zeros(3))
    assert ((d >= 1) & (d <= 2)).all()


def test_a_range_of_one_number_is_that_to_zero() -> None:
    ((a, b),) = other_inputs((torch.ones(9), -2 * torch.ones(9)), 1)
    assert 0 <= a.min() < a.max() <= 1
    assert -2 <= b.min() < b.max() <= 0


def test_the_noise_is_that_of_all_samples_together() -> None:
    samples = [(torch.ones(2),), (3 * torch.ones(2),)]

    def model(inputs: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
        return [inputs[0], inputs[0] * 2]

    def program(inputs: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
        return [inputs[0] + 0.1, inputs[0] * 2]

    assert noise_on(samples, model, program) == 27.0  # (1 + 9) / (2 * 0.01)
    assert noise_on(samples, model, lambda _: None) is None
