"""A layer norm or rms norm is one call with kernels="cmopt", from the quantizer to the C source.

The interpreter, ExecuTorch's runtime on the host and the C source, which is built with sanitizers,
give the same bytes. The result is within a step of the float model on the quantized input.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import cmopt
from cmopt.dialects.cmopt import LayerNormOp
from cmopt.interpreters.run import run_module
from cmopt.pipeline.board import Host
from cmopt.pipeline.program import Program
from cmopt.support.diagnostics import CompileError
from cmopt.support.targets import Isa

sys.path.insert(0, str(Path(__file__).parents[1]))
from host_c import run_c, sanitized_host
from int16_kernels import random_calls, random_values
from quantized import Function

pytestmark = pytest.mark.filterwarnings("ignore")

NORM = "cmopt.layer_norm"

Make = Callable[[], nn.Module]

NORMS: dict[str, tuple[Make, tuple[int, ...]]] = {
    "rank 1": (lambda: nn.LayerNorm(7), (7,)),
    "rank 2": (lambda: nn.LayerNorm(16), (3, 16)),
    "rank 5": (lambda: nn.LayerNorm(5), (2, 1, 3, 2, 5)),
    "several dimensions": (lambda: nn.LayerNorm((3, 2, 5)), (4, 3, 2, 5)),
    "all dimensions": (lambda: nn.LayerNorm((3, 4)), (3, 4)),
    "without parameters": (lambda: nn.LayerNorm(16, elementwise_affine=False), (3, 16)),
    "without a bias": (lambda: nn.LayerNorm(16, bias=False), (3, 16)),
    "without a weight": (
        lambda: Function(lambda x: F.layer_norm(x, (4,), None, torch.arange(4).to(x.dtype))),
        (3, 4),
    ),
    "rms": (lambda: nn.RMSNorm(16), (2, 3, 16)),
    "rms of several dimensions": (lambda: nn.RMSNorm((3, 5), eps=1e-3), (2, 3, 5)),
    "rms without a weight": (lambda: nn.RMSNorm(16, elementwise_affine=False), (3, 16)),
    "one element in a row, rms": (lambda: nn.RMSNorm(1), (3, 1)),
    "a large epsilon": (lambda: nn.LayerNorm(16, eps=2.0), (3, 16)),
}
"""Norms, and the shape of their input."""


@pytest.fixture
def host() -> Host:
    return sanitized_host()


def randomized(model: nn.Module) -> nn.Module:
    """The model with random parameters of its norms."""
    for part in model.modules():
        if isinstance(part, nn.LayerNorm | nn.RMSNorm):
            for parameter in part.parameters():
                parameter.data = torch.randn_like(parameter) + 0.5
    return model.eval()


def compiled(
    model: nn.Module, *shapes: tuple[int, ...], target: str = "cortex-m55",
    kernels: str = "cmopt", **options: Any,
) -> Program:  # fmt: skip
    torch.manual_seed(0)
    samples = [tuple(torch.randn(shape) * 2 + 0.3 for shape in shapes) for _ in range(4)]
    exported = cmopt.quantize(
        randomized(model), samples[0], calibration=samples, kernels=kernels, target=target,
        **options,
    )  # fmt: skip
    return cmopt.compile(exported, kernels=kernels, target=target)


def quantizations(program: Program) -> list[tuple[float, int, int]]:
    """Scale, zero point and bits of the model's input and its output."""
    found = []
    for name in ("quantize", "dequantize"):
        (op,) = (
            op
            for op in program.module("cortex_m").walk()
            if op.name == f"cortex_m.{name}_per_tensor"
        )
        stored = op.results[0] if name == "quantize" else op.operands[0]
        bits = stored.type.element_type.width.data  # type: ignore[attr-defined]
        scale, zero = (op.properties[key].value.data for key in ("scale", "zero_point"))  # type: ignore[attr-defined]
        found.append((scale, zero, bits))
    return found


@pytest.mark.parametrize("precision", ["int8", "int16"])
@pytest.mark.parametrize("name", NORMS)
def test_a_norm_is_one_call(name: str, precision: str, host: Host) -> None:
    make, shape = NORMS[name]
    model = make()
    program = compiled(model, shape, precision=cmopt.Precision(precision))
    kinds = {"cortex_m.quantize_per_tensor", NORM, "cortex_m.dequantize_per_tensor"}
    assert set(program.report.ops) == kinds and program.report.ops[NORM] == 1
    batch = [torch.randn(shape) * scale for scale in (1.0, 50.0, 1e-3, 0.0)]
    results = [program.run(x)[0] for x in batch]
    for x, got in zip(batch, results, strict=True):
        for stage in ("cortex_m", "planned"):
            assert torch.equal(got, program.interpret(x, stage=stage)[0])
    written = run_c(host, program.module("planned"), [[x.numpy()] for x in batch])
    assert written == b"".join(y.numpy().tobytes() for y in results)

    (step, zero, bits), (out_step, out_zero, _) = quantizations(program)
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    limits = [(end - out_zero) * out_step for end in (low, high)]
    if isinstance(model, nn.RMSNorm) and model.eps is None:
        model.eps = torch.finfo(torch.float32).eps
    model.double()
    for x, got in zip(batch, results, strict=True):
        stored = torch.clamp(torch.round(x.double() / step) + zero, low, high)
        want = model((stored - zero) * step).detach().clamp(*limits)
        assert ((got - want).abs() <= 1.01 * out_step).all()


@pytest.mark.parametrize("wide", ["norm", "last"])
def test_int8_and_int16_meet_in_a_norm(wide: str, host: Host) -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.norm, self.last = nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y: torch.Tensor = self.last(self.norm(self.first(x)))
            return y

    wanted = {"norm": ["norm"], "last": ["first", "last"]}[wide]
    program = compiled(Model(), (5, 8), precision=cmopt.Precision(int16=wanted))
    (op,) = (op for op in program.module("cortex_m").walk() if isinstance(op, LayerNormOp))
    types = [value.type.element_type.width.data for value in (op.input, op.output)]  # type: ignore[attr-defined]
    assert types == ([8, 16] if wide == "norm" else [16, 8])
    x = torch.randn(5, 8)
    (got,) = program.run(x)
    assert torch.equal(got, program.interpret(x, stage="planned")[0])
    assert run_c(host, program.module("planned"), [[x.numpy()]]) == got.numpy().tobytes()


def test_norms_of_one_weight() -> None:
    norm = nn.LayerNorm(8)
    program = compiled(Function(lambda norm, x: norm(norm(x) * 3 + x), norm), (4, 8))
    assert program.report.ops[NORM] == 2
    x = torch.randn(4, 8)
    assert torch.equal(program.run(x)[0], program.interpret(x, stage="planned")[0])


def test_an_output_that_is_always_the_bias() -> None:
    """A row of one element, minus its mean, is 0."""
    norm = nn.LayerNorm(1)
    program = compiled(norm, (3, 1))
    (got,) = program.run(torch.randn(3, 1))
    assert (got - norm.bias.detach()).abs().max() < 0.01 * norm.bias.abs().max()


def test_permutes_pass_a_norm() -> None:
    """Channels last from the convolution to the next one, as in ConvNeXt."""

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.norm, self.last = (
                nn.Conv2d(4, 8, 3),
                nn.LayerNorm(8),
                nn.Conv2d(8, 4, 3),
            )

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.norm(self.first(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
            z: torch.Tensor = self.last(y)
            return z

    program = compiled(Block(), (1, 4, 8, 8))
    ops = program.report.ops
    assert ops[NORM] == 1 and ops["cortex_m.quantized_conv2d"] == 2
    assert ops.get("cortex_m.transpose", 0) <= 2  # at the border

    whole = compiled(Function(lambda conv, norm, x: norm(conv(x)), nn.Conv2d(4, 8, 3),
                              nn.LayerNorm((8, 6, 6))), (1, 4, 8, 8))  # fmt: skip
    assert whole.report.ops[NORM] == 1
    x = torch.randn(1, 4, 8, 8)
    for each in (program, whole):
        (got,) = each.run(x)
        assert torch.equal(got, each.interpret(x, stage="planned")[0])
        in_order, moved = (each.interpret(x, stage=stage)[0] for stage in ("quantized", "layout"))
        assert torch.equal(in_order, moved)


def between_convolutions(norm: nn.Module, **options: Any) -> Program:
    """A norm of NHWC between two 1×1 convolutions; int8 in and out."""

    def run(first: Any, norm: Any, last: Any, x: torch.Tensor) -> Any:
        return last(norm(first(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2))

    torch.manual_seed(0)
    model = Function(run, nn.Conv2d(2, 16, 1), norm, nn.Conv2d(16, 2, 1))
    exported = cmopt.quantize(randomized(model), (torch.randn(1, 2, 16, 16),), kernels="cmopt")
    return cmopt.compile(exported, kernels="cmopt", io="int8", **options)


def test_strips_of_rows() -> None:
    """A norm over the channels of a position is computed in strips."""
    whole = between_convolutions(nn.LayerNorm(16))
    strips = between_convolutions(nn.LayerNorm(16), max_arena=2000)
    assert whole.report.arena_bytes > 2 * strips.report.arena_bytes
    assert strips.report.ops[NORM] > 1
    x = torch.randint(-128, 128, (1, 2, 16, 16), dtype=torch.int8)
    assert torch.equal(strips.run(x)[0], whole.run(x)[0])


def test_a_norm_over_all_rows_has_no_strips() -> None:
    with pytest.raises(CompileError, match="arena"):
        between_convolutions(nn.LayerNorm((16, 16, 16)), max_arena=2000)


@pytest.mark.parametrize(
    ("model", "shapes"),
    [
        pytest.param(
            Function(lambda x, w: F.layer_norm(x, (4,), w)), ((3, 4), (4,)), id="a computed weight"
        ),
        pytest.param(nn.RMSNorm(40000), ((1, 40000),), id="a long row"),
    ],
)
def test_what_the_kernel_does_not_take_is_taken_apart(
    model: nn.Module, shapes: tuple[tuple[int, ...], ...]
) -> None:
    program = compiled(model, *shapes)
    assert NORM not in program.report.ops
    assert any("mul" in name for name in program.report.ops)


@pytest.mark.parametrize(
    ("target", "kernels"), [("cortex-m55", "stock"), ("cortex-m55+ethos-u55-128", "cmopt")]
)
@pytest.mark.parametrize("model", [nn.LayerNorm(8), nn.RMSNorm(8)], ids=["layer", "rms"])
def test_other_targets_take_norms_apart(model: nn.Module, target: str, kernels: str) -> None:
    program = compiled(model, (3, 8), target=target, kernels=kernels)
    assert not [name for name in program.report.ops if "norm" in name]


def test_a_program_for_the_stock_library_keeps_the_norm_in_float() -> None:
    """Quantized for this project's kernels, compiled without them."""
    x = torch.randn(3, 8)
    for model in (nn.LayerNorm(8), nn.RMSNorm(8)):
        exported = cmopt.quantize(model.eval(), (x,), kernels="cmopt")
        program = cmopt.compile(exported)
        reasons = [fallback.reason for fallback in program.report.fallbacks]
        assert 'a norm of rows needs kernels="cmopt"' in reasons
        assert (program.run(x)[0] - model(x)).abs().max() < 0.05


def test_float_norms() -> None:
    """Without quantization, by portable kernels."""
    x = torch.randn(2, 3, 8)
    for model in (
        nn.LayerNorm((3, 8)),
        nn.LayerNorm(8, bias=False),
        nn.RMSNorm(8),
        nn.RMSNorm(8, eps=0.1),
    ):
        exported = torch.export.export(randomized(model), (x,))
        program = cmopt.compile(exported, allow_float=True)
        assert (program.run(x)[0] - model(x)).abs().max() < 1e-5
        assert (program.interpret(x, stage="edge")[0] - model(x)).abs().max() < 1e-5


@pytest.mark.parametrize("flags", [(), ("-DCMOPT_PORTABLE",)], ids=["default", "portable"])
def test_random_calls_in_c(flags: tuple[str, ...]) -> None:
    """Also without the builtin functions of a compiler."""
    module = random_calls([len(flags)], 60, Isa.SCALAR, "layer_norm")
    rng = np.random.default_rng(0)
    batch = [random_values(module, rng) for _ in range(3)]
    expected = b"".join(y.tobytes() for inputs in batch for y in run_module(module, inputs))
    assert run_c(sanitized_host(*flags), module, batch) == expected
