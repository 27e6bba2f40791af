"""The rule of `edge.layer_norm` stays within its bound of the exact value, in int8 and int16.

The exact value is that of the stored integers, in float64. The float32 in which a value is
dequantized is itself far from it where all elements of a row are nearly equal.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from xdsl.dialects.builtin import BoolAttr, FloatAttr, IntegerAttr, IntegerType, f64, i64
from xdsl.ir import Operation, SSAValue

from cmopt.dialects import cmopt as own
from cmopt.dialects import edge
from cmopt.dialects.arrays import Array
from cmopt.dialects.parsing import make_context
from cmopt.dialects.quant import UniformQuantizedType
from cmopt.dialects.shapes import int_of
from cmopt.interpreters.run import run_module
from cmopt.lowering.legality import no_kernel_reason
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.support.targets import OWN

sys.path.insert(0, str(Path(__file__).parents[1]))
from rules_alone import Alone, examples, int8, int16, mixed_kinds, powers, seeds, zero_points

LOWERING = (
    "convert-edge-to-cortex-m{kernels=cmopt},canonicalize,cse,dce,verify-stage{stage=cortex_m}"
)
STEP = 2.0**-30
PARAMETER = UniformQuantizedType.get(IntegerType(32), STEP)
FACTOR_ERROR = 2.0**-28
"""Of the reciprocal root, relative."""


class Norm(Alone):
    """A norm that is lowered for the core."""

    def _wide(self, value: SSAValue) -> SSAValue:
        return value

    def norm(
        self, x: Array, source: UniformQuantizedType, target: UniformQuantizedType, *,
        inner: int, parameters: Sequence[NDArray[np.float64]], epsilon: float, centered: bool,
    ) -> SSAValue:  # fmt: skip
        """The op on a new argument."""
        constants = [
            self.constant(np.rint(p / STEP).astype(np.int32), PARAMETER) for p in parameters
        ]
        return self.op(
            edge.LayerNormOp, [self.input(x.shape, source, x), constants], x.shape, target,
            inner_dims=IntegerAttr(inner, i64), epsilon=FloatAttr(epsilon, f64),
            centered=BoolAttr.from_bool(centered),
        )  # fmt: skip

    def lowered_call(self, result: SSAValue) -> tuple[Array, own.LayerNormOp]:
        """What the call of the kernel gives, and the call."""
        module = self._finish(result)
        run_passes(make_context(), module, parse_pipeline(LOWERING))
        (got,) = run_module(module, self.values)
        (call,) = (op for op in module.walk() if isinstance(op, own.LayerNormOp))
        return got, call


def exact(
    x: Array, source: UniformQuantizedType, *,
    inner: int, parameters: Sequence[NDArray[np.float64]], epsilon: float, centered: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    """The norm in float64, without and with its bias."""
    dims, row = tuple(range(-inner, 0)), math.prod(x.shape[-inner:])
    distance = x.astype(np.int64) - source.zero_point
    if centered:
        distance = row * distance - distance.sum(dims, keepdims=True)
    real = distance * source.scale / (row if centered else 1)
    root = np.sqrt((real**2).mean(dims, keepdims=True) + epsilon)
    scaled = np.divide(real, root, out=np.zeros_like(real), where=root > 0)
    if parameters:
        scaled = scaled * np.rint(parameters[0] / STEP) * STEP
    shift = np.rint(parameters[1] / STEP) * STEP if len(parameters) > 1 else 0.0
    return scaled, scaled + shift


def rows(
    random: np.random.Generator, shape: Sequence[int], inner: int, kind: UniformQuantizedType
) -> Array:
    """Rows of any values, of the ends of the range, of nearly equal values, and of equal ones."""
    least, most = kind.storage_range
    row = math.prod(shape[-inner:])
    flat = np.empty((math.prod(shape) // row, row), np.int64)
    for one in flat:
        way, level = int(random.integers(5)), int(random.integers(least, most + 1))
        near = random.integers(-2, 3, row)
        one[:] = [
            random.integers(least, most + 1, row), random.choice([least, most], row),
            np.clip(level + near, least, most), np.full(row, level),
            np.full(row, random.choice([least, most, kind.zero_point])),
        ][way]  # fmt: skip
    return flat.reshape(shape).astype(f"int{kind.storage.width.data}")


@examples(300)
@given(
    shape=st.lists(st.integers(1, 9), min_size=1, max_size=5), seed=seeds, source=mixed_kinds,
    epsilon=st.one_of(st.sampled_from([0.0, 1e-5, 1.0]), powers(-30, 4)), centered=st.booleans(),
    count=st.integers(0, 2), is_wide=st.booleans(), reach=powers(-1.5, 1), zero=zero_points,
    data=st.data(),
)  # fmt: skip
def test_a_norm_is_within_its_bound(
    shape: list[int], seed: int, source: UniformQuantizedType, epsilon: float, centered: bool,
    count: int, is_wide: bool, reach: float, zero: int, data: st.DataObject,
) -> None:  # fmt: skip
    inner = data.draw(st.integers(1, len(shape)))
    alone = Norm(seed)
    x = rows(alone.random, shape, inner, source)
    size = tuple(shape[len(shape) - inner :])
    parameters = [alone.random.uniform(-1.9, 1.9, size) for _ in range(count)]
    target = int16(reach / 32767) if is_wide else int8(reach / 127, zero)
    arguments: dict[str, Any] = {
        "inner": inner, "parameters": parameters, "epsilon": epsilon, "centered": centered,
    }  # fmt: skip
    check(alone, x, source, target, arguments)


def check(
    alone: Norm, x: Array, source: UniformQuantizedType, target: UniformQuantizedType,
    arguments: dict[str, Any],
) -> None:  # fmt: skip
    result = alone.norm(x, source, target, **arguments)
    assert isinstance(result.owner, Operation)
    if (reason := no_kernel_reason(result.owner, OWN)) is not None:
        assert re.fullmatch("the output's scale is too small .*", reason)
        return
    got, call = alone.lowered_call(result)
    scaled, real = exact(x, source, **arguments)
    low, high = target.storage_range
    wanted = np.clip(real / target.scale + target.zero_point, low, high)
    rounding = 0.5 + 2.0 ** (1 - int_of(call.fraction_bits))
    bound = rounding + FACTOR_ERROR * np.abs(scaled) / target.scale
    assert (np.abs(got - wanted) <= bound).all()


@pytest.mark.parametrize("kind", [int8(0.02, 3), int16(1e-4)], ids=["int8", "int16"])
@pytest.mark.parametrize("centered", [False, True])
def test_the_longest_row(kind: UniformQuantizedType, centered: bool) -> None:
    """Of int16; rows of int8 may be longer. Sums are as large as they can be."""
    size = own.longest_norm_row(16)
    least, most = kind.storage_range
    for row in (
        np.full(size, least), np.full(size, most), np.where(np.arange(size) % 2, least, most),
        np.where(np.arange(size) == 5, most, least), np.where(np.arange(size) == 5, least, 0),
    ):  # fmt: skip
        x = row.astype(f"int{kind.storage.width.data}").reshape(1, size)
        arguments = {"inner": 1, "parameters": [], "epsilon": 1e-5, "centered": centered}
        check(Norm(0), x, kind, int16(4.0 / 32767), arguments)


def test_signal_to_noise_of_int16() -> None:
    """The rounding of the result is all that a norm of int16 loses: s²/12 of a step s."""
    random = np.random.default_rng(0)
    real = random.standard_normal((1024, 32))
    source, target = int16(1.25 * np.abs(real).max() / 32767), int16(5.0 / 32767)
    x = np.rint(real / source.scale).astype(np.int16)
    arguments: dict[str, Any] = {
        "inner": 1, "parameters": [], "epsilon": 1e-5, "centered": True,
    }  # fmt: skip
    alone = Norm(0)
    got, _ = alone.lowered_call(alone.norm(x, source, target, **arguments))
    _, wanted = exact(x, source, **arguments)
    noise = ((got * target.scale - wanted) ** 2).mean()
    assert noise < 1.02 * target.scale**2 / 12
    assert 10 * math.log10((wanted**2).mean() / noise) > 85
