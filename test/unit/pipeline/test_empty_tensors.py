"""Programs on tensors without elements run: a call that would compute nothing is left out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

import cmopt

FUNCTIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "amax": lambda x: x.amax(1),
    "amin": lambda x: x.amin(1),
    "argmax": lambda x: x.argmax(1),
    "cumsum": lambda x: x.cumsum(1),
    "index": lambda x: x[:, [0, 1]],
    "max": lambda x: x.max(1)[0],
    "mean": lambda x: x.mean(1),
    "softmax": lambda x: x.softmax(1),
    "sum": lambda x: x.sum(0),
    "topk": lambda x: x.topk(2, 1)[0],
}


class Function(nn.Module):
    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]):
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


@pytest.mark.parametrize("quantized", [False, True])
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_no_elements(name: str, quantized: bool) -> None:
    x, model = torch.randn(0, 5), Function(FUNCTIONS[name])
    if quantized:
        exported = cmopt.quantize(model, (x,), calibration=[(x,)])
    else:
        exported = torch.export.export(model, (x,))
    program = cmopt.compile(exported, allow_float=True)
    (ran,), (interpreted,) = program.run(x), program.interpret(x)
    expected = model(x)
    assert torch.equal(ran, expected) and torch.equal(interpreted, expected)
    if name == "amin":  # whose portable kernel ends the process
        assert "aten.amin.default" not in program.report.ops
