"""Quotients by zero saturate with the dividend's sign, at every stage and on every target."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from xdsl.dialects.builtin import ModuleOp

import cmopt
from cmopt.dialects.arrays import quantize
from cmopt.dialects.parsing import make_context, parse_module
from cmopt.dialects.program import main_function
from cmopt.dialects.quant import quantized_element
from cmopt.pipeline.interpreting import interpret
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.pipeline.stages import stage_pipelines

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function

EVERY = np.arange(-128, 128).astype(np.int8)
TYPES = {
    "!a": "!quant.uniform<i8:f32, 0.05:-7>",
    "!b": "!quant.uniform<i8:f32, 0.02:3>",
    "!c": "!quant.uniform<i8:f32, 0.05:-7>",
    "!p": "!quant.uniform<i8:f32, 0.05:-128>",
    "!q": "!quant.uniform<i8:f32, 0.5:-128>",
}


def module_of(body: str, arguments: str, result: str) -> ModuleOp:
    types = "\n".join(f"{name} = {type}" for name, type in TYPES.items())
    return parse_module(
        make_context(),
        f"{types}\nfunc.func @forward({arguments}) -> {result} {{\n{body}\n"
        f"  func.return %0 : {result}\n}}",
    )


def lowered(module: ModuleOp, target: str) -> list[str]:
    """Lower a module of the stage "quantized" to the last stage. Returns the names of its ops."""
    stages = stage_pipelines(target, "float")
    for stage in list(stages)[1:-1]:
        run_passes(make_context(), module, parse_pipeline(stages[stage]))
    return [op.name for op in module.walk()]


def by_hand(
    dividend: Any,
    divisor: Any,
    scales: tuple[float, float, float],
    zeros: tuple[int, int, int],
    limits: tuple[int, int] = (-128, 127),
) -> Any:
    """The expected quotients, computed in double, also for zero divisors."""
    x = (dividend.astype(int) - zeros[0]) * scales[0]
    y = (divisor.astype(int) - zeros[1]) * scales[1]
    x, y = np.broadcast_arrays(x, y)
    result = np.full(x.shape, zeros[2])
    np.putmask(result, (y == 0) & (x > 0), limits[1])
    np.putmask(result, (y == 0) & (x < 0), limits[0])
    exact = np.rint(x[y != 0] / y[y != 0] / scales[2]) + zeros[2]
    result[y != 0] = np.clip(exact, *limits)
    return result


@pytest.mark.parametrize("target", ["cortex-m55", "cortex-m0", "cortex-m55+ethos-u55-128"])
@pytest.mark.parametrize("step", [3.0, 0.05, 0.0004])
@pytest.mark.parametrize("zeros", [(-7, 3, -128), (127, -128, 127), (-128, 127, 0)])
def test_every_pair(zeros: tuple[int, int, int], step: float, target: str) -> None:
    scales = (0.05, 0.02, step)
    a, b, c = (f"!quant.uniform<i8:f32, {s!r}:{z}>" for s, z in zip(scales, zeros, strict=True))
    x, y, z = f"tensor<256x1x{a}>", f"tensor<1x256x{b}>", f"tensor<256x256x{c}>"
    module = module_of(f"  %0 = edge.div %x, %y : ({x}, {y}) -> {z}", f"%x: {x}, %y: {y}", z)
    inputs = [EVERY.reshape(256, 1), EVERY.reshape(1, 256)]
    wanted = by_hand(*inputs, scales, zeros)
    by_zero = inputs[1].ravel() == zeros[1]
    (meaning,) = interpret(module, inputs)
    assert np.abs(meaning - wanted).max() <= 1  # float32 against double
    np.testing.assert_array_equal(meaning[:, by_zero], wanted[:, by_zero])
    lowered(module, target)
    (actual,) = interpret(module, inputs)
    assert np.abs(actual.astype(int) - meaning.astype(int)).max() <= 1
    np.testing.assert_array_equal(actual[:, by_zero], wanted[:, by_zero])


@pytest.mark.parametrize("step", [1.0, 6.1e-5])
@pytest.mark.parametrize("zeros", [(0, 0, 0), (-7, 300, 0)])
@pytest.mark.parametrize("shape", [(64, 64), (64, 1), (1,), ()])
def test_int16(zeros: tuple[int, int, int], step: float, shape: tuple[int, ...]) -> None:
    """The quotient by zero saturates too. The divisor may be broadcast, or a number."""
    scales, random = (3e-4, 1.5e-4, step), np.random.default_rng(0)
    kinds = [
        f"!quant.uniform<i16<-32767:32767>:f32, {s!r}:{z}>"
        for s, z in zip(scales, zeros, strict=True)
    ]
    sides = "x".join([*map(str, shape), kinds[1]])
    x, y, z = f"tensor<64x64x{kinds[0]}>", f"tensor<{sides}>", f"tensor<64x64x{kinds[2]}>"
    module = module_of(f"  %0 = edge.div %x, %y : ({x}, {y}) -> {z}", f"%x: {x}, %y: {y}", z)
    dividend = random.integers(-32767, 32768, (64, 64)).astype(np.int16)
    divisor = (random.integers(-3, 4, shape) * 10 ** random.integers(0, 4, shape)).astype(np.int16)
    divisor = np.asarray(divisor + zeros[1], np.int16)
    inputs = [dividend, divisor]
    wanted = by_hand(*inputs, scales, zeros, (-32767, 32767))
    (meaning,) = interpret(module, inputs)
    assert np.abs(meaning - wanted).max() <= 1
    ops = lowered(module, "cortex-m55")
    assert "cortex_m.dequantize_per_tensor" not in ops
    (actual,) = interpret(module, inputs)
    assert np.abs(actual.astype(int) - wanted.astype(int)).max() <= 1


def test_int16_by_itself_is_one_call() -> None:
    type = "tensor<4x!quant.uniform<i16:f32, 0.1>>"
    module = module_of(f"  %0 = edge.div %x, %x : ({type}, {type}) -> {type}", f"%x: {type}", type)
    assert lowered(module, "cortex-m55").count("cortex_m.quantized_div") == 1
    (actual,) = interpret(module, [np.array([3, 0, -32768, 32767], np.int16)])
    assert actual.tolist() == [10, 0, 10, 10]


@pytest.mark.parametrize("target", ["cortex-m55", "cortex-m55+ethos-u55-128"])
def test_a_constant_divisor_with_a_zero(target: str) -> None:
    module = module_of(
        "  %w = arith.constant dense<[[3, 4], [-5, 3]]> : tensor<2x2xi8>\n"
        "  %y = quant.scast %w : tensor<2x2xi8> to tensor<2x2x!b>\n"
        "  %0 = edge.div %x, %y : (tensor<3x2x2x!a>, tensor<2x2x!b>) -> tensor<3x2x2x!c>",
        "%x: tensor<3x2x2x!a>",
        "tensor<3x2x2x!c>",
    )
    x = np.array([[[9, 1], [2, -9]], [[-9, 0], [0, -7]], [[-7, 3], [-8, 127]]], np.int8)
    (meaning,) = interpret(module, [x])
    assert meaning[:, 0, 0].tolist() == [127, -128, -7]
    lowered(module, target)
    (actual,) = interpret(module, [x])
    assert np.abs(actual.astype(int) - meaning.astype(int)).max() <= 1
    np.testing.assert_array_equal(actual[:, 0, 0], meaning[:, 0, 0])


TENSOR = "tensor<4x2x{}>"
DIVISORS = {
    "an argument": ("", "%y", True),
    "a product": ("%d = edge.mul %y, %y : ({b}, {b}) -> {b}", "%d", True),
    "exp": ("%d = edge.exp %y : ({b}) -> {p}", "%d", False),
    "exp, rounded to 0": ("%d = edge.exp %y : ({b}) -> {b}", "%d", True),
    "abs": ("%d = edge.abs %y : ({b}) -> {b}", "%d", True),
    "exp, moved": (
        "%e = edge.exp %y : ({b}) -> {p}\n"
        "%r = edge.reshape %e : ({p}) -> tensor<2x4x!p>\n"
        "%d = edge.permute %r {{perm = array<i64: 1, 0>}} : (tensor<2x4x!p>) -> {p}",
        "%d",
        False,
    ),
    "exp and another": (
        "%e = edge.exp %y : ({b}) -> {p}\n"
        "%d = edge.cat %e, %z {{dim = 0 : i64}} : ({p}, {p}) -> tensor<8x2x!p>",
        "%d",
        True,
    ),
}


@pytest.mark.parametrize("name", DIVISORS)
def test_what_is_never_zero_is_only_divided(name: str) -> None:
    """exp(y) is at least 0.078, which is more than one step of 0.05."""
    body, divisor, guarded = DIVISORS[name]
    b, p = TENSOR.format("!b"), TENSOR.format("!p")
    rows = 8 if "another" in name else 4
    x, d = f"tensor<{rows}x2x!a>", f"tensor<{rows}x2x{'!p' if 'exp' in name else '!b'}>"
    if name == "exp, rounded to 0":
        body, d = body.replace("{b}) -> {b}", "{b}) -> {q}"), TENSOR.format("!q")
    text = body.format(b=b, p=p, q=TENSOR.format("!q"))
    text += f"\n%0 = edge.div %x, {divisor} : ({x}, {d}) -> {x}"
    TYPES.update(
        {"!p": "!quant.uniform<i8:f32, 0.05:-128>", "!q": "!quant.uniform<i8:f32, 0.5:-128>"}
    )
    module = module_of(text, f"%x: {x}, %y: {b}, %z: {p}", x)
    kernels = lowered(module, "cortex-m55")
    assert kernels.count("cortex_m.quantized_div") == 1
    assert ("cortex_m.quantized_mul" in kernels) == (guarded or name == "a product")
    assert ("cortex_m.quantized_add" in kernels) == guarded


@pytest.mark.filterwarnings("ignore")
def test_from_pytorch_to_the_file() -> None:
    """The runtime, the interpreters of every stage, and the NPU's TOSA agree about x / 0."""
    torch.manual_seed(0)
    x, y = torch.randn(4, 8), torch.randn(4, 8)
    quantized = cmopt.quantize(Function(lambda a, b: a / b), (x, y))
    x[0], y[0] = torch.tensor([1.0, -1, 0, 2, -2, 0.001, -0.001, 0]), 0.0
    results = {}
    for target in ("cortex-m55", "cortex-m55+ethos-u55-128"):
        program = cmopt.compile(quantized, target=target)
        for stage in program.modules:
            (results[target, stage],) = program.interpret(x, y, stage=stage)
        if "ethos" not in target:
            (results[target, "run"],) = program.run(x, y)
    low, high = (float(end(r[0].min(), r[0].max())) for r in [results["cortex-m55", "edge"]]
                 for end in (min, max))  # fmt: skip
    for key, result in results.items():
        assert result[0].tolist() == [high, low, 0, high, low, 0, 0, 0], key


def test_quantize_infinities_and_nan() -> None:
    """Infinities saturate and NaN is the zero point: in interpreters and kernel, no warning."""
    x = np.array([np.inf, -np.inf, np.nan, -0.0, 3e38, -3e38], np.float32)
    module = module_of(
        "  %0 = quant.qcast %x : tensor<6xf32> to tensor<6x!b>", "%x: tensor<6xf32>",
        "tensor<6x!b>",
    )  # fmt: skip
    wanted = [127, -128, 3, 3, 127, -128]
    type = quantized_element(main_function(module).body.block.last_op.operands[0].type)  # type: ignore[union-attr]
    assert type is not None
    with np.errstate(all="raise"):
        assert quantize(x, type).tolist() == wanted
        assert interpret(module, [x])[0].tolist() == wanted
        lowered(module, "cortex-m55")
        assert interpret(module, [x])[0].tolist() == wanted
