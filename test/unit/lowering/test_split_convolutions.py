"""Splitting a convolution changes no bit, and saves the intended transposes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import cmopt
from cmopt.dialects.parsing import make_context
from cmopt.frontend.importer import import_program
from cmopt.pipeline.interpreting import interpret
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.pipeline.stages import stage_pipelines

sys.path.insert(0, str(Path(__file__).parents[1]))


class Heads(nn.Module):
    """Queries, keys and values of two heads from one convolution, as in YOLO11's attention."""

    def __init__(self, batch: int = 1) -> None:
        super().__init__()
        self.qkv = nn.Conv2d(6, 2 * (3 + 3 + 4), 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, _, h, w = x.shape
        q, k, v = self.qkv(x).view(n, 2, 10, h * w).split((3, 3, 4), 2)
        weights = (q.transpose(-2, -1) @ k).softmax(-1)
        return (v @ weights.transpose(-2, -1)).reshape(n, 8, h, w)


@pytest.mark.parametrize(("batch", "transposes"), [(1, 2), (2, 4)])
def test_attention_over_positions(batch: int, transposes: int) -> None:
    torch.manual_seed(0)
    inputs = [(torch.randn(batch, 6, 3, 5),) for _ in range(3)]
    exported = cmopt.quantize(Heads().eval(), inputs[0], calibration=inputs)
    module, ctx = import_program(exported), make_context()
    arrays = [x.numpy() for (x,) in inputs]
    for stage in ("edge", "quantized", "layout"):
        for pass_ in parse_pipeline(stage_pipelines("cortex-m55", "float")[stage]):
            before = [interpret(module, [x])[0] for x in arrays]
            run_passes(ctx, module, [pass_])
            after = [interpret(module, [x])[0] for x in arrays]
            pairs = zip(before, after, strict=True)
            assert all(np.array_equal(a, b) for a, b in pairs), pass_.name
    program = cmopt.compile(exported)
    assert program.ir("layout").count("edge.permute") == transposes
    for (x,) in inputs:
        assert torch.equal(program.run(x)[0], program.interpret(x)[0])


class Halves(nn.Module):
    """A half of a convolution's result is refined, and all of it is read: as in YOLO11's blocks."""

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.split, self.refine = nn.Conv2d(4, 10, 1), nn.Conv2d(6, 6, 3, 1, 1)
        self.join, self.activation = nn.Conv2d(16, 5, 1), activation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.activation(self.split(x))
        second = x[:, 4:]
        refined = self.activation(self.refine(second)) + second
        joined: torch.Tensor = self.join(torch.cat([x, refined], 1))
        return joined


@pytest.mark.parametrize("activation", [nn.SiLU(), nn.ReLU(), nn.Hardswish()])
def test_slices_of_functions(activation: nn.Module) -> None:
    torch.manual_seed(0)
    inputs = [(torch.randn(1, 4, 7, 5),) for _ in range(3)]
    exported = cmopt.quantize(Halves(activation).eval(), inputs[0], calibration=inputs)
    module, ctx = import_program(exported), make_context()
    for stage in ("edge", "quantized", "layout"):
        for pass_ in parse_pipeline(stage_pipelines("cortex-m55", "float")[stage]):
            before = [interpret(module, [x.numpy()])[0] for (x,) in inputs]
            run_passes(ctx, module, [pass_])
            after = [interpret(module, [x.numpy()])[0] for (x,) in inputs]
            pairs = zip(before, after, strict=True)
            assert all(np.array_equal(a, b) for a, b in pairs), pass_.name
    program = cmopt.compile(exported)
    assert not [name for name in program.report.ops if "slice" in name]
    for (x,) in inputs:
        assert torch.equal(program.run(x)[0], program.interpret(x)[0])
