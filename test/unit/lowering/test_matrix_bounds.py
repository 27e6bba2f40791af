"""Products and softmax after conversion: at most one step from their exact meaning."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cmopt.dialects.parsing import make_context, parse_module
from cmopt.pipeline.interpreting import interpret
from cmopt.pipeline.passes import parse_pipeline, run_passes

CONVERSION = "expose-transposes,convert-edge-to-cortex-m,canonicalize,verify-stage{stage=cortex_m}"


def steps_apart(text: str, inputs: list[NDArray[Any]]) -> int:
    """The largest difference that the conversion makes to the results of an int8 function."""
    ctx = make_context()
    before, after = (parse_module(ctx, text) for _ in range(2))
    run_passes(ctx, after, parse_pipeline(CONVERSION))
    (exact,), (lowered,) = interpret(before, inputs), interpret(after, inputs)
    return int(np.abs(exact.astype(int) - lowered).max())


def quantized(scale: float, zero_point: int) -> str:
    return f"!quant.uniform<i8:f32, {scale:.17e}:{zero_point}>"


zero_points = st.integers(-128, 127)
seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(*[st.integers(1, 9)] * 4), st.tuples(zero_points, zero_points, zero_points),
    st.floats(0.001, 1), st.floats(0.001, 1), st.floats(0.2, 20), seeds,
)  # fmt: skip
def test_matmul(
    sizes: tuple[int, int, int, int], zeros: tuple[int, int, int],
    left: float, right: float, spread: float, seed: int,
) -> None:  # fmt: skip
    batch, rows, depth, columns = sizes
    # The products fill the range of the output, or exceed it.
    scale = left * right * 40 * depth**0.5 * spread
    a, b, c = map(quantized, (left, right, scale), zeros)
    types = f"tensor<{batch}x{rows}x{depth}x{a}>", f"tensor<{batch}x{depth}x{columns}x{b}>"
    result = f"tensor<{batch}x{rows}x{columns}x{c}>"
    text = f"""func.func @forward(%x: {types[0]}, %y: {types[1]}) -> {result} {{
      %0 = edge.matmul %x, %y {{transposed_rhs = false}} : ({", ".join(types)}) -> {result}
      func.return %0 : {result}
    }}"""
    random = np.random.default_rng(seed)
    shapes = (batch, rows, depth), (batch, depth, columns)
    inputs = [random.integers(-128, 128, shape).astype(np.int8) for shape in shapes]
    assert steps_apart(text, inputs) <= 1


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 511), st.integers(0, 2), zero_points, st.floats(-15, 6), st.integers(0, 255),
    seeds,
)  # fmt: skip
def test_softmax(row: int, dim: int, zero: int, exponent: float, spread: int, seed: int) -> None:
    shape = [2, 2, 2]
    shape[dim] = row
    sizes = "x".join(map(str, shape))
    x, y = f"tensor<{sizes}x{quantized(2**exponent, zero)}>", f"tensor<{sizes}x{PROBABILITY}>"
    text = f"""func.func @forward(%x: {x}) -> {y} {{
      %0 = edge.softmax %x {{dim = {dim} : i64}} : ({x}) -> {y}
      func.return %0 : {y}
    }}"""
    random = np.random.default_rng(seed)
    values = np.clip(random.integers(-128, 129 - min(255, spread), shape) + spread, -128, 127)
    assert steps_apart(text, [values.astype(np.int8)]) <= 1


PROBABILITY = quantized(1 / 256, -128)
