"""Output scales so small that every number but zero saturates: integer, and exact.

A quantizer gives such a scale to a result that was always the same in calibration.
"""

from __future__ import annotations

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp

from cmopt.dialects.parsing import make_context, parse_module
from cmopt.pipeline.interpreting import interpret
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.pipeline.stages import stage_pipelines

EVERY = np.arange(-128, 128).astype(np.int8)
TARGETS = ["cortex-m55", "cortex-m0", "cortex-m55+ethos-u55-128"]


def module_of(text: str) -> ModuleOp:
    return parse_module(make_context(), text)


def agrees(module: ModuleOp, inputs: list[np.ndarray], target: str) -> bool:
    """Whether the last stage has no float op and gives what the first stage means."""
    (meaning,) = interpret(module, inputs)
    stages = stage_pipelines(target, "float")
    for stage in list(stages)[1:-1]:
        run_passes(make_context(), module, parse_pipeline(stages[stage]))
    (actual,) = interpret(module, inputs)
    floats = [op.name for op in module.walk() if "quantize_per_tensor" in op.name]
    assert len(set(meaning.ravel().tolist())) > 1
    return not floats and np.array_equal(actual, meaning)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("zero", [-128, 0, 127])
@pytest.mark.parametrize("scales", [(0.78, 0.78), (0.25, 2.0)])
@pytest.mark.parametrize("op", ["add", "sub", "mul"])
def test_of_two(op: str, scales: tuple[float, float], zero: int, target: str) -> None:
    a, b, c = (
        f"!quant.uniform<i8:f32, {s!r}:{z}>"
        for s, z in zip((*scales, 1.2e-7), (3, -5, zero), strict=True)
    )
    x, y, z = f"tensor<256x1x{a}>", f"tensor<1x256x{b}>", f"tensor<256x256x{c}>"
    module = module_of(
        f"func.func @forward(%x: {x}, %y: {y}) -> {z} {{\n"
        f"  %0 = edge.{op} %x, %y : ({x}, {y}) -> {z}\n  func.return %0 : {z}\n}}"
    )
    assert agrees(module, [EVERY.reshape(256, 1), EVERY.reshape(1, 256)], target)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("scale", [1e-6, 1e-30])
def test_layers(scale: float, target: str) -> None:
    x, z = "tensor<256x2x!q>", "tensor<256x2x!t>"
    module = module_of(
        f"""!q = !quant.uniform<i8:f32, 0.5:1>
        !w = !quant.uniform<i8<-127:127>:f32:0, {{0.5, 0.25}}>
        !b = !quant.uniform<i32:f32:0, {{0.25, 0.125}}>
        !t = !quant.uniform<i8:f32, {scale:.1e}:-3>
        func.func @forward(%x: {x}) -> {z} {{
          %c = arith.constant dense<[[1, -2], [3, 0]]> : tensor<2x2xi8>
          %w = quant.scast %c : tensor<2x2xi8> to tensor<2x2x!w>
          %d = arith.constant dense<[0, 3]> : tensor<2xi32>
          %b = quant.scast %d : tensor<2xi32> to tensor<2x!b>
          %0 = edge.linear %x, %w, %b : ({x}, tensor<2x2x!w>, tensor<2x!b>) -> {z}
          func.return %0 : {z}
        }}"""
    )
    rows = np.stack([EVERY, EVERY[::-1]], 1)
    rows[::3] = 1  # the zero point
    assert agrees(module, [rows], target)


@pytest.mark.parametrize("target", TARGETS)
def test_products_of_matrices(target: str) -> None:
    a, b, c = "tensor<2x8x4x!q>", "tensor<2x4x8x!q>", "tensor<2x8x8x!t>"
    module = module_of(
        f"""!q = !quant.uniform<i8:f32, 0.5:1>
        !t = !quant.uniform<i8:f32, 1.0e-9:-3>
        func.func @forward(%x: {a}, %y: {b}) -> {c} {{
          %0 = edge.matmul %x, %y {{transposed_rhs = false}} : ({a}, {b}) -> {c}
          func.return %0 : {c}
        }}"""
    )
    random = np.random.default_rng(0)
    lhs, rhs = (random.integers(-128, 128, s).astype(np.int8) for s in ((2, 8, 4), (2, 4, 8)))
    lhs[0, ::2] = 1
    assert agrees(module, [lhs, rhs], target)
