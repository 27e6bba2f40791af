"""Wav2Letter on raw audio: Collobert et al., "Wav2Letter: an End-to-End ConvNet-based Speech
Recognition System" (2016), the waveform variant."""

from __future__ import annotations

import torch
from torch import nn


class Wav2Letter(nn.Module):
    """Audio [N, 1, T] at 16 kHz to log-probabilities [N, num_classes, about T / 320]."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        # Output channels, kernel, stride, padding.
        layers = [
            (250, 250, 160, 45),
            (250, 48, 2, 23),
            *[(250, 7, 1, 3)] * 7,
            (2000, 32, 1, 16),
            (2000, 1, 1, 0),
            (num_classes, 1, 1, 0),
        ]
        parts: list[nn.Module] = []
        channels = 1
        for out, kernel, stride, padding in layers:
            parts += [nn.Conv1d(channels, out, kernel, stride, padding), nn.ReLU()]
            channels = out
        self.layers = nn.Sequential(*parts)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.log_softmax(self.layers(x), dim=1)
