"""Silero's voice activity detector in int16 follows PyTorch's float model on speech."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import cmopt

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[3] / "demo"))
from models.silero_vad import StreamingVAD, silero_vad, weights_file
from speech import CALIBRATION, HELD_OUT, RATE, STEP, detect, frames_of, has_speaker, recording
from vad import INT16

pytestmark = pytest.mark.skipif(
    (weights_file() is None or not has_speaker()) and "CMOPT_REQUIRE_TARGET" not in os.environ,
    reason="needs the extra `models` (silero-vad) and espeak-ng",
)


@cache
def speech() -> tuple[Any, list[Any], list[torch.Tensor], NDArray[np.float64]]:
    """The float model, calibration samples, held-out frames, and the model's results on them."""
    model = silero_vad().eval()
    _, calibration = detect(model, frames_of(recording(CALIBRATION, seed=1)))
    frames = frames_of(recording(HELD_OUT, seed=2))
    wanted, _ = detect(model, frames)
    assert len(frames) * STEP / RATE >= 15
    assert (wanted > 0.5).any() and (wanted < 0.5).any()
    return model, calibration, frames, wanted


def differences(program: cmopt.Program) -> tuple[float, float, float]:
    """The largest difference of a probability, the 99th percentile, and the portion of frames on
    the other side of 0.5."""
    _, _, frames, wanted = speech()
    found, _ = detect(program.run, frames)
    distance = np.abs(found - wanted)
    flips = np.mean((found > 0.5) != (wanted > 0.5))
    return float(distance.max()), float(np.quantile(distance, 0.99)), float(flips)


def test_int16() -> None:
    model, calibration, frames, _ = speech()
    exported = cmopt.quantize(
        model, calibration[0], calibration=calibration, kernels="cmopt", precision=INT16
    )
    program = cmopt.compile(exported, kernels="cmopt")
    assert program.report.float_ops == 0
    most, percentile, flips = differences(program)
    assert most <= 0.10 and percentile <= 0.06 and flips <= 0.01
    inputs = frames[40], torch.zeros(2, 1, 128)
    planned = program.interpret(*inputs, stage="planned")
    assert all(torch.equal(a, b) for a, b in zip(program.run(*inputs), planned, strict=True))


def test_automatic_precision() -> None:
    """Without any hint."""
    model, calibration, _, _ = speech()
    exported = cmopt.quantize(
        model, calibration[0], calibration=calibration, kernels="cmopt", precision="auto"
    )
    program = cmopt.compile(exported, kernels="cmopt")
    assert program.report.float_ops == 0
    most, percentile, flips = differences(program)
    assert most <= 0.20 and percentile <= 0.12 and flips <= 0.02
    assert program.report.precision is not None
    assert program.report.precision.share_in_int16 <= 0.60


def test_state_in_a_buffer() -> None:
    """600 frames one by one give the bytes of the program whose state its caller keeps."""
    model, samples, frames, _ = speech()
    calibration = samples[:60]
    audio = [(sample[0],) for sample in calibration]
    given = cmopt.compile(cmopt.quantize(model, calibration[0], calibration=calibration))
    kept = cmopt.compile(cmopt.quantize(StreamingVAD(model), audio[0], calibration=audio))
    assert sum(kept.report.ops.values()) <= 32
    assert kept.report.float_ops == 0
    state = torch.zeros(2, 1, 128)
    for frame in (2 * frames)[:600]:
        probability, state = given.run(frame, state)
        assert torch.equal(kept.run(frame)[0], probability)
