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
from xdsl.dialects.builtin import i8

import cmopt
from cmopt.dialects.arrays import dequantize
from cmopt.dialects.quant import UniformQuantizedType
from cmopt.lowering.keep_calls_in_integers import WITH_NUMBER, stored_comparison

sys.path.insert(0, str(Path(__file__).parents[1]))
from hypothesis import given
from hypothesis import strategies as st
from small_models import Function, compiled, random_inputs

pytestmark = pytest.mark.filterwarnings("ignore")

SHAPE = (2, 3, 6, 6)


def written(y: torch.Tensor, places: Any, values: torch.Tensor) -> torch.Tensor:
    y = y.clone()
    y[places] = values
    return y


FUNCTIONS: dict[str, Callable[[torch.Tensor], Any]] = {
    "argmax": lambda y: y.argmax(1),
    "argmax, all": lambda y: y.argmax(),
    "argmin": lambda y: y.argmin(-1, keepdim=True),
    "scores and argmax": lambda y: (y, y.argmax(1)),
    "compared with itself": lambda y: y >= y.flip(2),
    "gather": lambda y: torch.gather(y, 1, y.argmax(1, keepdim=True)),
    "index": lambda y: y[y.argmax(0)[0, 0]],
    "index_select": lambda y: torch.index_select(y, 2, y.argmax(2)[0, 0]),
    "compared with a number": lambda y: y > 0.25,
    "masked by a number": lambda y: torch.where(y < -0.1, y.flip(2), y),
    "where": lambda y: torch.where(y > y.flip(3), y, y.flip(2)),
    "many places": lambda y: written(y, (slice(None), slice(None), EVERY_OTHER), y[:, :, :2]),
    "many columns of a number": lambda y: y.index_fill(3, EVERY_OTHER, 0.5),
    "scattered places": lambda y: y.scatter(1, DIAGONAL, y[:, :1]),
    "compared with a number out of reach": lambda y: (y > 1e3, y <= 1e3, y == 0.12345, y != 1e9),
    "added at places": lambda y: y.index_put((TWICE,), y[:1], accumulate=True),
    "added at computed places": lambda y: y.index_add(1, y.argmax(1)[0, 0], y),
    "scattered and added": lambda y: y.scatter_add(1, y.argmax(1, keepdim=True), y[:, :1]),
    "median": lambda y: (y.median(), y.median(1, keepdim=True)[0]),
    "place of the median": lambda y: y.median(2),
    "third smallest": lambda y: (y.kthvalue(3, 1)[0], y.kthvalue(1)[0]),
    "points": lambda y: written(y, (slice(None), DIAGONAL[0, 0, 0], EVERY_OTHER), y[:, :2, 0]),
}
TWICE = torch.tensor([1, 1])
EVERY_OTHER = torch.tensor([0, 2])
DIAGONAL = torch.tensor([[0, 1], [3, 2]]).expand(1, 1, 2, 2)
WRITES = [name for name in FUNCTIONS if "places" in name or "columns" in name]


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


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_order_statistics_are_pytorchs(size: int) -> None:
    """To one step: the values have a range of their own."""
    x = torch.randn(3, size, 4, generator=torch.Generator().manual_seed(size))

    def function(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return x.median(), x.median(1)[0], x.kthvalue(size, -2, keepdim=True)[0]

    program = cmopt.compile(cmopt.quantize(Function(function), (x,)))
    step = float(x.max() - x.min()) / 255
    for found, meant in zip(program.run(x), function(x), strict=True):
        assert found.shape == meant.shape
        assert (found - meant).abs().max() <= 1.01 * step


@pytest.mark.parametrize("name", WRITES)
def test_many_places_are_written_by_one_call(name: str) -> None:
    """As a join of parts, each part would be a copy."""
    program = compiled(
        Function(lambda conv, x: FUNCTIONS[name](conv(x)), nn.Conv2d(3, 4, 3)), SHAPE
    )
    written = [op for op in program.report.ops if "index_put" in op or "scatter" in op]
    assert [program.report.ops[op] for op in written] == [1]
    assert "aten.cat.default" not in program.report.ops


@given(
    st.sampled_from(sorted(WITH_NUMBER)),
    st.floats(1e-3, 10),
    st.integers(-128, 127),
    st.floats(-200, 200, width=32),
    st.booleans(),
)
def test_a_comparison_with_a_number_is_one_with_an_integer(
    target: str, scale: float, zero_point: int, number: float, is_held: bool
) -> None:
    type = UniformQuantizedType.get(i8, scale, zero_point)
    stored = np.arange(-128, 128).astype(np.int8)
    real = torch.from_numpy(dequantize(stored, type))
    if is_held:
        number = float(real[100])
    meant = getattr(torch, target.split(".")[1])(real, number)
    found = stored_comparison(target, type, number)
    assert found is not None
    name, integer = found
    assert -128 <= integer <= 127
    compare = getattr(torch, name.split(".")[1])
    assert torch.equal(compare(torch.from_numpy(stored), integer), meant)
