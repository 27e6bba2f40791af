"""PyTorch's operators that pad or pick elements: the imported ops, and that they mean the same."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cmopt.dialects.edge import EdgeOp
from cmopt.frontend.importer import import_program
from cmopt.interpreters.run import run_module

sys.path.insert(0, str(Path(__file__).parents[1]))
from small_models import Function, random_inputs

pytestmark = pytest.mark.filterwarnings("ignore")

CALLS: dict[str, tuple[Any, tuple[int, ...], list[str]]] = {
    "zero pad": (lambda x: F.pad(x, (1, 0, 0, 2)), (2, 3, 4), ["pad"]),
    "crop": (lambda x: F.pad(x, (-1, 2), value=-3.0), (2, 5), ["slice", "pad"]),
    "no pad": (lambda x: F.pad(x, (0, 0)) + x, (2, 5), ["add"]),
    "reflect 1d": (lambda x: F.pad(x, (3, 1), mode="reflect"), (2, 3, 4), ["take"]),
    "reflect 3d": (
        lambda x: F.pad(x, (1, 1, 0, 1, 2, 0), mode="reflect"), (1, 2, 3, 4, 5), ["take"] * 3
    ),
    "replicate": (lambda x: F.pad(x, (0, 0, 0, 5), mode="replicate"), (1, 2, 3, 4), ["take"]),
    "circular": (lambda x: F.pad(x, (2, 1), mode="circular"), (1, 2, 3), ["take"]),
    "nearest 1d": (lambda x: F.interpolate(x, scale_factor=3), (1, 2, 4), ["take"]),
    "nearest 2d": (lambda x: F.interpolate(x, size=(5, 7)), (1, 2, 4, 4), ["take"] * 2),
    "nearest 3d": (lambda x: F.interpolate(x, scale_factor=2), (1, 1, 2, 3, 2), ["take"] * 3),
    "nearest uneven": (lambda x: F.interpolate(x, scale_factor=1.7), (1, 2, 5), ["take"]),
    "nearest smaller": (lambda x: F.interpolate(x, size=(2, 9)), (1, 2, 6, 4), ["take"] * 2),
    "exact": (
        lambda x: F.interpolate(x, size=(5, 3), mode="nearest-exact"), (1, 2, 4, 4), ["take"] * 2
    ),
    "flip": (lambda x: x.flip(0, -1), (2, 3, 4), ["take"] * 2),
    "fliplr": (lambda x: torch.fliplr(x), (2, 3), ["take"]),
    "roll": (lambda x: x.roll((1, -1), (0, 2)), (2, 3, 4), ["take"] * 2),
    "repeat": (lambda x: x.repeat(3, 1, 2), (2, 3), ["reshape", "take", "take"]),
    "tile": (lambda x: x.tile((2, 1)), (2, 3), ["take"]),
    "interleave": (lambda x: x.repeat_interleave(2, dim=1), (2, 3), ["take"]),
    "index": (lambda x: x[:, [1, 1, 0]], (2, 3), ["take"]),
    "index_select": (lambda x: x.index_select(-1, torch.tensor([2])), (2, 3), ["take"]),
    "step": (lambda x: x[::2, 1::2], (5, 4), ["take", "take"]),
    "integers": (lambda x: x.to(torch.int32).flip(0), (3,), ["take"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_means_what_pytorch_computes(name: str) -> None:
    function, shape, expected = CALLS[name]
    (x,) = random_inputs([shape], 0)
    module = import_program(torch.export.export(Function(function).eval(), (x,)))
    ops = [op.name.removeprefix("edge.") for op in module.walk() if isinstance(op, EdgeOp)]
    assert ops == expected
    np.testing.assert_array_equal(run_module(module, [x.numpy()])[0], function(x).numpy())


@pytest.mark.parametrize(
    ("function", "target"),
    [
        (lambda x: F.pad(x.to(torch.int32), (1, 1)), "aten.constant_pad_nd.default"),
        (lambda x: x.gather(1, x.argmax(1, keepdim=True)), "aten.gather.default"),
    ],
    ids=["integer pad", "computed indices"],
)
def test_what_is_no_constant_choice_stays_a_call(function: Any, target: str) -> None:
    (x,) = random_inputs([(2, 3)], 0)
    module = import_program(torch.export.export(Function(function).eval(), (x,)))
    calls = [op.properties["target"].data for op in module.walk() if op.name == "edge.call"]  # type: ignore[attr-defined]
    assert target in calls
    np.testing.assert_array_equal(run_module(module, [x.numpy()])[0], function(x).numpy())
