"""The search for a range gives the same bits as torchao's own observer."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchao.quantization.pt2e.observer import HistogramObserver

from cmopt.frontend.annotation import LEAST_STEP, RangeObserver, all_finite


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 2**31),
    st.sampled_from(["normal", "cubed", "positive", "constant", "two", "outlier"]),
    st.sampled_from([1, 7, 300, 20000]),
    st.sampled_from([1e-3, 1.0, 400.0]),
)
def test_the_search_finds_what_torchaos_finds(seed: int, kind: str, size: int, by: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    ours = RangeObserver(dtype=torch.int8)
    theirs = HistogramObserver(dtype=torch.int8, eps=LEAST_STEP)
    for _ in range(3):
        x = torch.randn(size, generator=generator)
        x = {
            "normal": x,
            "cubed": x**3,
            "positive": x.relu() + 0.1,
            "constant": torch.ones(size),
            "two": (x > 1).float() + 1,
            "outlier": torch.cat([x, torch.tensor([50.0])]),
        }[kind] * by
        ours(x)
        theirs(x)
    for mine, other in zip(ours.calculate_qparams(), theirs.calculate_qparams(), strict=True):
        assert mine.dtype == other.dtype
        assert torch.equal(mine, other)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (torch.tensor([1.0, -2.0]), True),
        (torch.tensor([1.0, torch.nan, 2.0]), False),
        (torch.tensor([1.0, torch.inf]), False),
        (torch.tensor([-torch.inf, 1.0]), False),
        (torch.tensor([]), True),
        (torch.tensor([3, 4]), True),
    ],
)
def test_finiteness_of_a_tensor(value: torch.Tensor, expected: bool) -> None:
    assert all_finite(value) == expected
