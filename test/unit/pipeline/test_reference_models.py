"""The reference models are the published ones, and they compile."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import pytest
import torch

import cmopt

sys.path.insert(0, str(Path(__file__).parents[2]))
from models import MODELS
from models.silero_vad import weights_file

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


@cache
def compiled(name: str) -> cmopt.Program:
    model = MODELS[name]
    batches = model.inputs(2)
    exported = cmopt.quantize(model.module(), batches[0], calibration=batches)
    return cmopt.compile(exported, target="cortex-m55")


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
