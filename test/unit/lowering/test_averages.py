"""Means, sums and average pools on the core are rounded once, for every pair of scales."""

from __future__ import annotations

import itertools
import math
import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch.export import export
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cmopt.dialects.cortex_m.limits import LONGEST_STEP
from cmopt.dialects.parsing import make_context, parse_module
from cmopt.dialects.shapes import numel, window_output
from cmopt.lowering.lower_reductions import two_steps
from cmopt.pipeline.interpreting import interpret
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.pipeline.stages import stage_pipelines

TARGETS = ("cortex-m55", "cortex-m7", "cortex-m0")


def int8(shape: tuple[int, ...], scale: float, zero_point: int) -> str:
    sizes = "".join(f"{size}x" for size in shape)
    return f"tensor<{sizes}!quant.uniform<i8:f32, {scale!r}:{zero_point}>>"


def one_op(op: str, attributes: str, source: str, target: str) -> ModuleOp:
    """A function of one op, at the stage "quantized"."""
    return parse_module(
        make_context(),
        f"func.func @forward(%x: {source}) -> {target} {{\n"
        f"  %0 = {op} %x {{{attributes}}} : ({source}) -> {target}\n"
        f"  func.return %0 : {target}\n}}",
    )


@cache
def lowering(target: str) -> list[ModulePass]:
    """The passes up to kernels."""
    stages = stage_pipelines(target, "float")
    names = ("quantized", "layout", "cortex_m")
    return [pass_ for name in names for pass_ in parse_pipeline(stages[name])]


def steps_off(module: ModuleOp, value: Any, target: str) -> tuple[int, list[str]]:
    """The error of the kernels against the op's meaning, and the names of the kernels."""
    (expected,) = interpret(module, [value])
    run_passes(make_context(), module, lowering(target), verify_each=False)
    module.verify()
    (actual,) = interpret(module, [value])
    off = np.abs(actual.astype(int) - expected.astype(int)).max(initial=0)
    return int(off), [op.name for op in module.walk()]


def values(shape: tuple[int, ...], seed: int) -> Any:
    """Random int8, with a different middle in each row of the outermost dimension."""
    random = np.random.default_rng(seed)
    noise = random.integers(-40, 41, shape)
    middle = random.integers(-128, 128, (shape[0], *(1,) * (len(shape) - 1)))
    return np.clip(noise + middle, -128, 127).astype(np.int8)


SHAPES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((7,), (0,)),
    ((1,), (0,)),
    ((3, 5), (1,)),
    ((3, 5), (0,)),
    ((2, 1, 3), (1,)),
    ((2, 3, 8, 8), (1, 2, 3)),
    ((2, 24, 7, 7), (2, 3)),
    ((1, 13, 6, 5), (2, 3)),
    ((3, 6, 4, 16), (1, 2)),
    ((2, 3, 4, 5), (0, 2)),
    ((2, 3, 4, 5, 6), (1, 2)),
    ((2, 3, 4, 5, 6), (3, 4)),
    ((1, 1, 1, 1, 1), (0, 4)),
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("shape", "dims"), SHAPES)
@pytest.mark.parametrize("op", ["edge.mean", "edge.sum"])
def test_reductions_round_once(
    op: str, shape: tuple[int, ...], dims: tuple[int, ...], target: str
) -> None:
    """The bound is one step of the output. The scales are equal or up to 64 times apart."""
    result = tuple(1 if d in dims else size for d, size in enumerate(shape))
    attributes = f"dims = array<i64: {', '.join(map(str, dims))}>"
    for seed, ratio in enumerate((64.0, 3.7, 1.0, 0.5)):
        scale = 0.07 / ratio * (numel(shape) / numel(result) if op == "edge.sum" else 1)
        source, output = int8(shape, 0.07, -20), int8(result, scale, -20 if ratio == 1 else 11)
        module = one_op(op, attributes, source, output)
        off, kernels = steps_off(module, values(shape, seed), target)
        assert off <= 1, (ratio, kernels)
        assert not any("edge.call" in name for name in kernels)


def test_equal_scales_keep_the_pool() -> None:
    """Weights of one would be constants in the file. The pool has none."""
    kind = (1, 7, 7, 64), 0.07, 3
    module = one_op(
        "edge.mean", "dims = array<i64: 1, 2>", int8(*kind), int8((1, 1, 1, 64), 0.07, 3)
    )
    _, kernels = steps_off(module, values((1, 7, 7, 64), 0), "cortex-m55")
    assert "cortex_m.quantized_avg_pool2d" in kernels
    assert "cortex_m.quantized_conv2d" not in kernels


@pytest.mark.parametrize("target", TARGETS)
def test_few_constants(target: str) -> None:
    """A mean over 49 positions of 1,280 channels has 62,720 weights, but few need be stored."""
    shape = (1, 7, 7, 1280)
    module = one_op(
        "edge.mean", "dims = array<i64: 1, 2>", int8(shape, 0.07, 3),
        int8((1, 1, 1, 1280), 0.01, -128),
    )  # fmt: skip
    off, kernels = steps_off(module, values(shape, 0), target)
    assert off <= 1
    assert "cortex_m.transpose" not in kernels
    weights = [op for op in module.walk() if op.name == "arith.constant"]
    assert sum(numel(op.results[0].type.get_shape()) for op in weights) <= 4096  # type: ignore[attr-defined]


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("ceil_mode", [True, False])
@pytest.mark.parametrize("images", [1, 2])
def test_average_pools(images: int, ceil_mode: bool, include: bool) -> None:
    """One step if all windows divide by the same number, else the bound of `PoolThenRequantize`."""
    random = np.random.default_rng(0)
    once = 0
    for size, kernel, stride, pad, channels in itertools.product(
        ((5, 4), (8, 5)), ((2, 2), (3, 3), (5, 4), (8, 5)), ((1, 1), (2, 2), (5, 4)), (0, 1),
        (1, 3, 16),
    ):  # fmt: skip
        if any(k > n + 2 * pad for k, n in zip(kernel, size, strict=True)):
            continue
        counts = tuple(
            window_output(n, k, s, 2 * pad, ceil_mode=ceil_mode)
            for n, k, s in zip(size, kernel, stride, strict=True)
        )
        scale, other = (float(random.choice([0.07, 0.01, 0.002])) for _ in range(2))
        module = one_op(
            "edge.avg_pool2d",
            f"kernel_size = array<i64: {kernel[0]}, {kernel[1]}>, "
            f"stride = array<i64: {stride[0]}, {stride[1]}>, "
            f"padding = array<i64: {pad}, {pad}, {pad}, {pad}>, "
            f"ceil_mode = {str(ceil_mode).lower()}, count_include_pad = {str(include).lower()}, "
            'data_format = "NHWC"',
            int8((images, *size, channels), scale, 5), int8((images, *counts, channels), other, -9),
        )  # fmt: skip
        off, kernels = steps_off(module, values((images, *size, channels), 1), "cortex-m55")
        is_pool = "cortex_m.quantized_avg_pool2d" in kernels
        assert off <= (math.ceil((1 + scale / other) / 2) if is_pool else 1)
        once += not is_pool
    assert once > 20


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("rows", [1, 4])
def test_a_column_with_padding_beyond_its_width(rows: int, include: bool) -> None:
    """Two windows across a width of 1: they are not the rows of a linear layer."""
    attributes = (
        "kernel_size = array<i64: 1, 2>, stride = array<i64: 1, 1>, "
        "padding = array<i64: 0, 0, 1, 1>, ceil_mode = false, "
        f'count_include_pad = {str(include).lower()}, data_format = "NHWC"'
    )
    shape, result = (1, rows, 1, 1), (1, rows, 2, 1)
    module = one_op("edge.avg_pool2d", attributes, int8(shape, 0.07, 5), int8(result, 0.01, -9))
    off, _ = steps_off(module, values(shape, 1), "cortex-m55")
    assert off <= 1


@pytest.mark.parametrize("target", ["cortex-m55", "cortex-m7"])
@pytest.mark.parametrize("scale", [0.07, 0.0011])
@pytest.mark.parametrize(
    ("shape", "dims"),
    [((2, LONGEST_STEP + 1), (1,)), ((1, 257, 256, 3), (1, 2)), ((1, 3, 257, 256), (2, 3))],
)
def test_long_means(
    shape: tuple[int, ...], dims: tuple[int, ...], scale: float, target: str
) -> None:
    """The pool kernel refuses windows of more than 65,535 elements, so the pass makes no pool."""
    result = tuple(1 if d in dims else size for d, size in enumerate(shape))
    attributes = f"dims = array<i64: {', '.join(map(str, dims))}>"
    module = one_op("edge.mean", attributes, int8(shape, 0.07, -20), int8(result, scale, -20))
    off, kernels = steps_off(module, values(shape, 0), target)
    assert off <= 1
    assert "cortex_m.quantized_avg_pool2d" not in kernels
    assert not any("edge.call" in name for name in kernels)


@pytest.mark.parametrize("count", [LONGEST_STEP + 1, 65537])
@pytest.mark.parametrize("op", ["edge.amax", "edge.amin"])
def test_long_extrema(op: str, count: int) -> None:
    """A count with factors becomes two pools. 65,537 is a prime, so its op stays in float.

    The minimum is over the first of two dimensions: over the last, it is a call of any length.
    """
    shape, dim = ((2, count), 1) if op == "edge.amax" else ((count, 2), 0)
    result = tuple(1 if d == dim else size for d, size in enumerate(shape))
    source, target = int8(shape, 0.07, -20), int8(result, 0.07, -20)
    module = one_op(op, f"dims = array<i64: {dim}>", source, target)
    off, kernels = steps_off(module, values(shape, 0), "cortex-m55")
    assert off == 0
    assert kernels.count("cortex_m.quantized_max_pool2d") == (0 if count == 65537 else 2)


@pytest.mark.parametrize(
    ("shape", "dims"),
    [
        *(((2, 3), (1,)), ((1, 1), (1,)), ((5, 1), (1,)), ((2, 65537), (1,)), ((3,), (0,))),
        *(((2, 300, 1, 4), (1, 2, 3)), ((4, 6), (0,)), ((2, 3, 4, 5), (1,)), ((2, 3, 4), (0, 2))),
    ],
)
def test_a_minimum_of_rows_or_of_few_is_one_call(
    shape: tuple[int, ...], dims: tuple[int, ...]
) -> None:
    result = tuple(1 if d in dims else size for d, size in enumerate(shape))
    source, target = int8(shape, 0.07, -20), int8(result, 0.07, -20)
    attributes = f"dims = array<i64: {', '.join(map(str, dims))}>"
    module = one_op("edge.amin", attributes, source, target)
    off, kernels = steps_off(module, values(shape, 0), "cortex-m55")
    assert off == 0
    assert [name for name in kernels if "cortex_m" in name and "view" not in name] == []


def test_two_steps() -> None:
    for count in (65536, 65538, 4_000_000, LONGEST_STEP**2):
        factors = two_steps(count)
        assert factors is not None
        assert math.prod(factors) == count
        assert max(factors) <= LONGEST_STEP
    assert two_steps(LONGEST_STEP**2 + 1) is None


@pytest.mark.filterwarnings("ignore")
def test_the_upstream_quantizer_gives_a_mean_its_own_scale() -> None:
    """From PyTorch to the file. `x.mean([1, 2, 3])` once had an error of 14 steps."""
    from executorch.backends.cortex_m.quantizer.quantizer import CortexMQuantizer
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    import cmopt

    class Mean(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean([1, 2, 3])

    torch.manual_seed(0)
    inputs = (torch.randn(4, 3, 8, 8) * 3,)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported = export(Mean(), inputs).module(check_guards=False)
        prepared = prepare_pt2e(exported, CortexMQuantizer())
        prepared(*inputs)
        program = cmopt.compile(export(convert_pt2e(prepared), inputs))
    (expected,) = program.interpret(*inputs, stage="edge")
    (actual,) = program.run(*inputs)
    last = [op for op in program.module("cortex_m").walk() if "dequantize" in op.name][-1]
    step = float(last.properties["scale"].value.data)  # type: ignore[attr-defined]
    assert (expected - actual).abs().max() <= 1.01 * step


@pytest.mark.parametrize("shape", [(1, 67, 3), (2, 4097, 2), (1, 257, 5), (1, 3481, 1)])
@pytest.mark.parametrize("npu", ["ethos-u55-128", "ethos-u85-256"])
def test_means_on_the_npu(npu: str, shape: tuple[int, ...]) -> None:
    """Counts without factors for a convolution become sums of parts, which are rescaled once."""
    result = (shape[0], 1, shape[2])
    module = one_op(
        "edge.mean", "dims = array<i64: 1>", int8(shape, 0.07, -20), int8(result, 0.001, 5)
    )
    value = values(shape, 0)
    (expected,) = interpret(module, [value])
    stages = stage_pipelines(f"cortex-m55+{npu}", "float")
    for stage in ("quantized", "layout", "ethos_u"):
        run_passes(make_context(), module, parse_pipeline(stages[stage]))
    assert not any(op.name.startswith("edge.avg") for op in module.walk())
    (actual,) = interpret(module, [value])
    assert np.abs(actual.astype(int) - expected.astype(int)).max() <= 1
