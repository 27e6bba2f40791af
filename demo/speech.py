"""Recordings of synthesized speech, and a voice activity detector's probabilities on them."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import wave
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

RATE = 16_000
"""Samples in a second."""

STEP, CONTEXT = 512, 64
"""New samples of a frame, and those of the frame before that it repeats."""

SPEAKER = "espeak-ng"

Detector = Callable[[torch.Tensor, torch.Tensor], Sequence[torch.Tensor]]
"""From a frame [1, 576] and a state to a probability and the next state."""

CALIBRATION = (
    ("en", 50, "the quick brown fox jumps over the lazy dog near the river"),
    ("en-us", 30, "please turn on the light in the kitchen"),
    ("de", 60, "guten Morgen, wie geht es Ihnen heute"),
    ("en", 70, "seven eight nine ten"),
)
HELD_OUT = (
    ("en-us", 45, "hello, this is a test of the voice activity detector"),
    ("fr", 55, "il fait beau aujourd'hui et nous allons au parc"),
    ("en", 35, "stop"),
    ("en", 65, "nobody expects the fourth sentence to be so long, but it is what it is"),
    ("es", 50, "uno dos tres cuatro"),
)
"""Sentences: the voice, its pitch, and the text."""


def has_speaker() -> bool:
    """Whether the program that synthesizes speech is installed."""
    return shutil.which(SPEAKER) is not None


def say(voice: str, pitch: int, text: str) -> NDArray[np.float32]:
    """A sentence as samples in -1…1."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        options = ["-v", voice, "-p", str(pitch), "-s", "160", "-w", str(path)]
        subprocess.run([SPEAKER, *options, text], check=True, capture_output=True, timeout=60)
        with wave.open(str(path)) as file:
            rate = file.getframerate()
            stored = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    at = np.arange(len(stored) * RATE // rate) * rate / RATE
    samples = np.interp(at, np.arange(len(stored)), stored / 32768)
    return samples.astype(np.float32)


def recording(sentences: Sequence[tuple[str, int, str]], seed: int) -> NDArray[np.float32]:
    """Sentences of different loudness with pauses between them, in noise that swells and fades."""
    rng = np.random.default_rng(seed)
    parts = []
    for voice, pitch, text in sentences:
        parts.append(np.zeros(int(RATE * rng.uniform(0.4, 1.2)), np.float32))
        parts.append(say(voice, pitch, text) * np.float32(rng.uniform(0.3, 1.0)))
    parts.append(np.zeros(RATE, np.float32))
    samples = np.concatenate(parts)
    places = np.linspace(0, len(samples), 9)
    loudness = np.interp(np.arange(len(samples)), places, rng.uniform(0.2, 2.0, 9))
    noise = 0.004 * loudness * rng.standard_normal(len(samples))
    noisy: NDArray[np.float32] = (samples + noise).astype(np.float32)
    return noisy


def frames_of(samples: NDArray[np.float32]) -> list[torch.Tensor]:
    """The frames [1, 576] of a recording."""
    padded = np.concatenate([np.zeros(CONTEXT, np.float32), samples])
    starts = range(0, len(samples) - STEP + 1, STEP)
    return [torch.from_numpy(padded[at : at + STEP + CONTEXT].copy())[None] for at in starts]


def detect(
    detector: Detector, frames: Sequence[torch.Tensor]
) -> tuple[NDArray[np.float64], list[tuple[torch.Tensor, torch.Tensor]]]:
    """The probability of speech in each frame, and the inputs of each call."""
    state, found, calls = torch.zeros(2, 1, 128), [], []
    with torch.no_grad():
        for frame in frames:
            calls.append((frame, state))
            probability, state = detector(frame, state)
            found.append(float(probability))
    return np.array(found), calls
