"""Portable operators that move or compare elements work on stored integers, byte for byte."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1]))
from small_models import Function, compiled, random_inputs

pytestmark = pytest.mark.filterwarnings("ignore")

SHAPE = (2, 3, 6, 6)
FUNCTIONS: dict[str, Callable[[torch.Tensor], Any]] = {
    "argmax": lambda y: y.argmax(1),
    "argmax, all": lambda y: y.argmax(),
    "argmin": lambda y: y.argmin(-1, keepdim=True),
    "scores and argmax": lambda y: (y, y.argmax(1)),
    "compared with itself": lambda y: y >= y.flip(2),
    "gather": lambda y: torch.gather(y, 1, y.argmax(1, keepdim=True)),
    "index": lambda y: y[y.argmax(0)[0, 0]],
    "index_select": lambda y: torch.index_select(y, 2, y.argmax(2)[0, 0]),
    "where": lambda y: torch.where(y > y.flip(3), y, y.flip(2)),
}


@pytest.mark.parametrize("target", ["cortex-m55", "cortex-m55+ethos-u55-128"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_computes_on_integers(name: str, target: str) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 4, 3)
    module = Function(lambda conv, x: FUNCTIONS[name](conv(x)), conv)
    program = compiled(module, SHAPE, target=target)
    assert program.report.float_ops == 0
    inputs = random_inputs([SHAPE], 7)
    meant = program.interpret(*inputs, stage="edge")
    quantized = program.interpret(*inputs, stage="quantized")
    assert all(map(np.array_equal, map(np.asarray, quantized), map(np.asarray, meant)))
    if "ethos" not in target:
        ran, planned = program.run(*inputs), program.interpret(*inputs, stage="planned")
        assert all(map(np.array_equal, map(np.asarray, ran), map(np.asarray, planned)))
