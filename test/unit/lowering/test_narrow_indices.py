"""Indices of int32, which PyTorch takes and some portable kernels do not."""

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
CALLS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
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
@pytest.mark.parametrize("name", CALLS)
def test_runs_as_in_pytorch(name: str, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randint(0, 2, shape, generator=generator).to(dtype) for shape in ((4, 3), (2, 3)))
    function = Function(CALLS[name])
    program = cmopt.compile(torch.export.export(function, (x, INDEX, y)), allow_float=True)
    expected = function(x, INDEX, y)
    for (actual,) in (program.run(x, INDEX, y), program.interpret(x, INDEX, y)):
        assert torch.equal(actual, expected)
