"""PyTorch's samples of its operators, as cases of the peer suites."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils import _pytree

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))
from peer_suites.pytorch_samples import SAMPLES, NoSample, Sample, cases
from peer_suites.suites import SUITES, Case

CASES = {case.key: case for case in cases(SUITES["pytorch"])}


class Runner:
    """Keeps the models that it is given."""

    def __init__(self) -> None:
        self.models: list[Sample] = []

    def lower_and_run_model(self, model: nn.Module, inputs: Any) -> None:
        assert isinstance(model, Sample)
        assert inputs == model.inputs
        self.models.append(model)


def models_of(case: Case) -> list[Sample]:
    """The models of the cases of one operator. Raises NoSample if it has too few."""
    runner = Runner()
    case.function(runner)
    return runner.models


def test_every_operator_has_the_same_number_of_cases() -> None:
    assert len(CASES) > 1500 and not len(CASES) % len(SAMPLES)
    assert "pytorch/std::unbiased#2" in CASES
    assert CASES["pytorch/nn.functional.linear::linear#3"].index == 2


def test_tensors_are_inputs_and_the_rest_is_part_of_the_model() -> None:
    first, *_ = models_of(CASES["pytorch/cat::cat"])
    assert len(first.inputs) == 2 and not list(first.buffers())
    assert torch.equal(first(*first.inputs), torch.cat(first.inputs, dim=1))


def test_weights_of_layers_are_constants() -> None:
    for model in models_of(CASES["pytorch/nn.functional.linear::linear"]):
        (x,) = model.inputs
        expected = nn.functional.linear(x, *model.buffers())
        assert torch.equal(model(x), expected)


def test_the_result_is_that_of_the_operator() -> None:
    from torch.testing._internal.common_methods_invocations import op_db

    (clamp,) = [op for op in op_db if op.name == "clamp"]
    torch.manual_seed(0)
    samples = list(clamp.sample_inputs("cpu", torch.float32))
    for sample in samples:
        model = Sample(clamp, sample)
        expected = clamp.op(sample.input, *sample.args, **sample.kwargs)
        assert torch.equal(model(*model.inputs), expected)
    assert any(len(_pytree.tree_leaves(sample.args)) == 2 for sample in samples)


@pytest.mark.parametrize(
    "name, reason",
    [
        ("nn.functional.logsigmoid::logsigmoid", "PyTorch has 3 samples"),
        ("nn.functional.dropout::dropout", "the result is random"),
        ("new_empty::new_empty", "the result is random"),
        ("linspace::linspace", "the operator takes no tensor"),
    ],
)
def test_what_has_no_case(name: str, reason: str) -> None:
    with pytest.raises(NoSample, match=reason):
        models_of(CASES[f"pytorch/{name}"])
