"""Networks in strips of rows: how much memory they need, what that costs, and equal bytes."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.export import ExportedProgram

import cmopt
from cmopt.support.diagnostics import CompileError

sys.path.insert(0, str(Path(__file__).parents[2]))
from models import MODELS
from models.branching import BRANCHING

sys.path.insert(0, str(Path(__file__).parents[1]))
from networks import MLPERF_TINY


class BoxesAndScores(nn.Module):
    """Two outputs and not one, so that each has its own quantization."""

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found = self.detector(x)
        return found[:, :4], found[:, 4:]


@cache
def exported(name: str) -> tuple[ExportedProgram, tuple[int, ...]]:
    """A quantized network with the shape of its input."""
    if name in MLPERF_TINY:
        network = MLPERF_TINY[name]()
        return network.exported, network.shape
    torch.manual_seed(0)
    if name in BRANCHING:
        batches, module = BRANCHING[name].inputs(2), BRANCHING[name].build().eval()
    else:
        batches, module = MODELS[name].inputs(2), MODELS[name].module()
        module = BoxesAndScores(module).eval() if name == "yolo11n" else module
    return cmopt.quantize(module, batches[0], calibration=batches), tuple(batches[0][0].shape)


def compiled(
    name: str, max_arena: int | None = None, target: str = "cortex-m55", layout: str | None = None
) -> cmopt.Program:
    return cmopt.compile(
        exported(name)[0], io="int8", max_arena=max_arena, target=target, input_layout=layout
    )


def image(shape: tuple[int, ...], seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-128, 128, shape, generator=generator, dtype=torch.int8)


def products(program: cmopt.Program) -> int:
    return sum(step.multiplications for step in program.report.steps)


@pytest.mark.parametrize(
    ("name", "max_arena", "extra", "layout"),
    [
        ("mobilenet_v2", 301_056, 0.03, None),
        ("mobilenet_v2", 348_528, 0.02, None),
        ("mobilenet_v3_small", 218_624, 0.02, "NHWC"),
        ("mobilenet_v1", 46_208, 0.01, "NHWC"),
        ("resnet8", 33_920, 0.0, None),
        ("resnet8", 25_000, 0.10, None),
        ("unet", 40_000, 0.0, None),
        ("yolo11n", 500_000, 0.01, "NHWC"),
    ],
)
def test_memory_and_extra_products(
    name: str, max_arena: int, extra: float, layout: str | None
) -> None:
    split = compiled(name, max_arena, layout=layout)
    whole, report = compiled(name, layout=layout), split.report
    assert report.arena_bytes <= max_arena < whole.report.arena_bytes
    assert products(split) <= products(whole) * (1 + extra)
    assert products(split) - products(whole) == sum(s.extra_products for s in report.row_strips)
    calls = len(report.steps) - len(whole.report.steps)
    assert calls == sum(s.extra_calls for s in report.row_strips) > 0
    # Strips share their weights; those of an upsampling have indices of their own.
    assert report.constant_bytes - whole.report.constant_bytes <= 200
    assert set(report.operators) == set(whole.report.operators)
    x = image(exported(name)[1], 3)
    wanted = whole.run(x)
    for got in (split.run(x), split.interpret(x, stage="planned")):
        for ours, theirs in zip(got, wanted, strict=True):
            assert torch.equal(ours, theirs)


class Mixed(nn.Module):
    """Random layers with a branch, so that strips cross joins, pools, pads and strides."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        random = torch.Generator().manual_seed(seed)

        def one_of(*choices: int) -> int:
            return choices[int(torch.randint(len(choices), (1,), generator=random))]

        c, layers = 1, list[nn.Module]()
        for _ in range(3):
            out, k, stride = one_of(4, 6, 8), one_of(1, 3, 5), one_of(1, 1, 2)
            layers.append(nn.Conv2d(c, out, k, stride, one_of(0, k // 2), groups=1))
            layers.append(nn.ReLU() if one_of(0, 1) else nn.Hardswish())
            layers.append(nn.Conv2d(out, out, 3, 1, one_of(0, 1), groups=out))
            if one_of(0, 0, 1):
                layers.append(nn.MaxPool2d(3, one_of(1, 2), one_of(0, 1)))
            c = out
        self.body = nn.Sequential(*layers)
        self.left, self.right = nn.Conv2d(c, 4, 3, 1, 1), nn.Conv2d(c, 4, 1)
        self.pool = nn.AvgPool2d(2, one_of(1, 2))
        self.pad = nn.ZeroPad2d((one_of(0, 1), 0, one_of(0, 1), one_of(0, 2)))
        self.is_added = bool(one_of(0, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.body(x)
        left, right = self.left(x), self.right(x)
        joined = left + right if self.is_added else torch.cat([left, right], 1)
        return self.pad(self.pool(joined))


# In network 2, scratch and one result take most of the arena.
@pytest.mark.parametrize("seed", sorted(set(range(13)) - {2}))
def test_random_networks(seed: int) -> None:
    """Every limit that can be met gives equal bytes within it."""
    torch.manual_seed(seed)
    shape = (1, 1, 33, 29)
    batches = [(torch.randn(shape),) for _ in range(2)]
    program = cmopt.quantize(Mixed(seed).eval(), batches[0], calibration=batches)
    whole = cmopt.compile(program, io="int8")
    x, met = image(shape, seed), 0
    for share in (0.9, 0.75, 0.6, 0.45):
        limit = int(whole.report.arena_bytes * share)
        try:
            split = cmopt.compile(program, io="int8", max_arena=limit)
        except CompileError as error:
            assert "in strips of rows about" in str(error)
            break
        met += 1
        assert split.report.arena_bytes <= limit
        assert torch.equal(split.run(x)[0], whole.run(x)[0])
        assert torch.equal(split.interpret(x, stage="planned")[0], whole.run(x)[0])
    assert met, whole.report.arena_bytes


def test_equal_programs_get_equal_strips() -> None:
    assert compiled("resnet8", 30_000).pte == compiled("resnet8", 30_000).pte


@pytest.mark.parametrize("target", ["cortex-m3", "cortex-m7"])
def test_other_instruction_sets_have_other_scratch(target: str) -> None:
    split, whole = compiled("resnet8", 34_500, target), compiled("resnet8", None, target)
    assert split.report.arena_bytes <= 34_500 < whole.report.arena_bytes
    x = image((1, 3, 32, 32), 1)
    assert torch.equal(split.interpret(x, stage="planned")[0], whole.interpret(x)[0])
