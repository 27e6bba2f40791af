"""The reference models are the published ones, and they compile.

Instructions that only move bytes, and the memory, are compared with ExecuTorch 1.5.1's own Cortex-M
backend.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.export import ExportedProgram

import cmopt

sys.path.insert(0, str(Path(__file__).parents[2]))
from models import MODELS
from models.silero_vad import weights_file
from models.wav2letter import Wav2Letter

sys.path.insert(0, str(Path(__file__).parents[1]))
from operators_alone import check_bounds

# As published (torchvision, Ultralytics without its constant DFL weights, Silero). For Wav2Letter
# the sum is computed by hand: Σ out · (in · kernel + 1).
PARAMETERS = {
    "mobilenet_v2": 3_504_872,
    "mobilenet_v3_small": 2_542_856,
    "yolo11n": 2_624_064,
    "silero_vad": 309_633,
    "wav2letter": 26_189_279,
}


LAYOUT = ("transpose", "permute", "clone", "view_copy")


@cache
def quantized(
    name: str, memory_format: torch.memory_format = torch.contiguous_format
) -> ExportedProgram:
    model = MODELS[name]
    batches = [
        tuple(x.contiguous(memory_format=memory_format) if x.dim() == 4 else x for x in batch)
        for batch in model.inputs(2)
    ]
    module = model.module()
    if memory_format is torch.channels_last:
        module = module.to(memory_format=memory_format)  # type: ignore[call-overload]
    return cmopt.quantize(module, batches[0], calibration=batches)


@cache
def compiled(name: str) -> cmopt.Program:
    return cmopt.compile(quantized(name), target="cortex-m55")


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_has_the_published_number_of_parameters(name: str) -> None:
    assert sum(p.numel() for p in MODELS[name].module().parameters()) == PARAMETERS[name]


def test_yolo_output_is_boxes_and_scores_of_every_anchor() -> None:
    model = MODELS["yolo11n"]
    with torch.no_grad():
        detections = model.module()(*model.inputs(1)[0])
    assert detections.shape == (1, 84, 2100)
    assert detections[:, 4:].min() >= 0 and detections[:, 4:].max() <= 1


@pytest.mark.skipif(weights_file() is None, reason="needs the extra `models` (silero-vad)")
def test_silero_computes_what_the_archive_computes() -> None:
    path = weights_file()
    assert path is not None
    archive = torch.jit.load(path, map_location="cpu")._model
    model = MODELS["silero_vad"]
    for x, state in model.inputs(3):
        with torch.no_grad():
            wanted = archive(x * 0.1, state)
            got = model.module()(x * 0.1, state)
        for ours, theirs in zip(got, wanted, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_runs_as_the_interpreter_says(name: str) -> None:
    program = compiled(name)
    inputs = MODELS[name].inputs(1, seed=7)[0]
    for ran, meant in zip(program.run(*inputs), program.interpret(*inputs), strict=True):
        if program.report.float_ops == 0:
            assert torch.equal(ran, meant)
        else:  # PyTorch and ExecuTorch sum differently in log_softmax.
            torch.testing.assert_close(ran, meant, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "silero_vad", "yolo11n"])
def test_every_kernel_keeps_its_bound(name: str) -> None:
    """At most one step for each op. (Through a hundred layers, errors grow.)"""
    assert check_bounds(compiled(name).module("layout")) > 30


@pytest.mark.parametrize(
    ("name", "arena", "pte"),
    [("wav2letter", 204_000, 27_000_000), ("wav2letter_short", 12_800, 8_500_000)],
)
def test_wav2letter_is_twelve_calls_in_little_memory(name: str, arena: int, pte: int) -> None:
    """At 16,000 samples the widest layer reads and writes 51 · 2,000 bytes."""
    report = compiled(name).report
    assert report.ops["cortex_m.quantized_conv2d"] == 12
    assert report.ops["cortex_m.quantized_activation"] == 2, "exp and log of the log_softmax"
    assert report.arena_bytes <= arena and report.pte_bytes <= pte


@pytest.mark.parametrize("name", sorted(set(PARAMETERS) - {"wav2letter"}))
def test_no_float_op_is_left(name: str) -> None:
    assert compiled(name).report.float_ops == 0


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
def test_layouts_and_memory(name: str, calls: int, layouts: int, arena: int) -> None:
    program = compiled(name)
    assert sum(program.report.ops.values()) <= calls
    assert layout_instructions(program) <= layouts
    assert program.report.arena_bytes == program.report.arena_bound <= arena


@pytest.mark.parametrize("name", ["mobilenet_v2", "mobilenet_v3_small"])
def test_channels_last(name: str) -> None:
    """There is no transpose at the input, and no new one elsewhere."""
    program = cmopt.compile(quantized(name, torch.channels_last))
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


def test_a_float_output_does_not_make_the_image_float() -> None:
    """YOLO11n's image has 307,200 bytes, and four times as many in float."""
    program = cmopt.compile(quantized("yolo11n"), io={"x": "int8"})
    assert program.report.arena_bytes <= 896_000
