"""Instructions of the reference models that only move bytes, and the memory of these models,
compared with ExecuTorch 1.5.1's own Cortex-M backend."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn

import cmopt

sys.path.insert(0, str(Path(__file__).parents[2]))
from models import MODELS
from models.wav2letter import Wav2Letter

LAYOUT = ("transpose", "permute", "clone", "view_copy")


@cache
def compiled(name: str, memory_format: torch.memory_format) -> cmopt.Program:
    model = MODELS[name]
    batches = [
        tuple(x.contiguous(memory_format=memory_format) if x.dim() == 4 else x for x in batch)
        for batch in model.inputs(2)
    ]
    module = model.module()
    if memory_format is torch.channels_last:
        module = module.to(memory_format=memory_format)  # type: ignore[call-overload]
    return cmopt.compile(cmopt.quantize(module, batches[0], calibration=batches))


def layout_instructions(program: cmopt.Program) -> int:
    """Instructions that move bytes to another layout, without slices and concatenations."""
    return sum(n for op, n in program.report.ops.items() if any(word in op for word in LAYOUT))


# At most the calls and the arena of the peer's better mode.
@pytest.mark.parametrize(
    ("name", "calls", "layouts", "arena"),
    [
        ("mobilenet_v2", 67, 1, 1_509_744),
        ("mobilenet_v3_small", 119, 1, 752_640),
        ("silero_vad", 52, 0, 11_072),
        ("wav2letter_short", 22, 1, 12_800),
        ("yolo11n", 254, 5, 3_169_600),
    ],
)
def test_contiguous(name: str, calls: int, layouts: int, arena: int) -> None:
    program = compiled(name, torch.contiguous_format)
    assert sum(program.report.ops.values()) <= calls
    assert layout_instructions(program) <= layouts
    assert program.report.arena_bytes == program.report.arena_bound <= arena


@pytest.mark.parametrize("name", ["mobilenet_v2", "mobilenet_v3_small"])
def test_channels_last(name: str) -> None:
    """There is no transpose at the input, and no new one elsewhere."""
    program = compiled(name, torch.channels_last)
    assert layout_instructions(program) == 0 and program.report.float_ops == 0


def test_batch_of_waveforms() -> None:
    torch.manual_seed(0)
    x = torch.randn(10, 1, 700)
    program = cmopt.compile(cmopt.quantize(Wav2Letter(4096).eval(), (x,)))
    assert layout_instructions(program) == 1
    assert program.report.ops["cortex_m.quantized_conv2d"] == 12
    assert program.report.float_ops == 0


def test_nothing_stands_between_two_convolutions_over_one_dimension() -> None:
    torch.manual_seed(0)
    layers = [nn.Sequential(nn.Conv1d(8, 8, 3, padding=1), nn.ReLU()) for _ in range(12)]
    x = torch.randn(2, 8, 40)
    program = cmopt.compile(cmopt.quantize(nn.Sequential(*layers).eval(), (x,)))
    assert program.report.ops == {
        "cortex_m.quantize_per_tensor": 1,
        "cortex_m.transpose": 2,
        "cortex_m.quantized_conv2d": 12,
        "cortex_m.dequantize_per_tensor": 1,
    }
