"""Silero VAD, the 16 kHz network, which detects speech in 32 ms of audio."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn

BINS = 129  # Frequencies of the spectrum.
HIDDEN = 128


class SileroVAD(nn.Module):
    """Audio [1, 576] (64 old and 512 new samples) and state [2, 1, 128] to probability [1, 1]
    and new state."""

    def __init__(self) -> None:
        super().__init__()
        self.spectrum = nn.Conv1d(1, 2 * BINS, 256, 128, bias=False)
        self.encoder = nn.Sequential(
            *(nn.Conv1d(BINS, 128, 3, 1, 1), nn.ReLU()),
            *(nn.Conv1d(128, 64, 3, 2, 1), nn.ReLU()),
            *(nn.Conv1d(64, 64, 3, 2, 1), nn.ReLU()),
            *(nn.Conv1d(64, 128, 3, 1, 1), nn.ReLU()),
        )
        self.cell = nn.LSTMCell(128, HIDDEN)
        self.decoder = nn.Conv1d(HIDDEN, 1, 1)

    def forward(self, x: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        padded = nn.functional.pad(x, (0, 64), mode="reflect").unsqueeze(1)
        real, imaginary = self.spectrum(padded).split(BINS, 1)
        magnitude = (real**2 + imaginary**2).sqrt()
        features = self.encoder(magnitude).squeeze(-1)
        h, c = self.cell(features, (state[0], state[1]))
        speech = torch.sigmoid(self.decoder(torch.relu(h).unsqueeze(-1)))
        return speech.squeeze(1).mean(dim=1, keepdim=True), torch.stack((h, c))


class StreamingVAD(nn.Module):
    """The network with its state in a buffer: audio [1, 576] to probability [1, 1]."""

    def __init__(self, network: SileroVAD) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("state", torch.zeros(2, 1, HIDDEN))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        probability, state = self.network(x, self.state)
        self.state.copy_(state)
        return probability


def weights_file() -> Path | None:
    """The TorchScript archive of the `silero-vad` package; None if it is not installed."""
    spec = find_spec("silero_vad")
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / "data" / "silero_vad.jit"
    return path if path.exists() else None


def load_weights(model: SileroVAD, path: Path) -> None:
    """Give `model` the weights of the 16 kHz network in the archive."""
    archive = torch.jit.load(path, map_location="cpu")._model.state_dict()
    names = {"stft.forward_basis_buffer": "spectrum.weight"}
    for kind in ("weight", "bias"):
        names |= {f"encoder.{i}.reparam_conv.{kind}": f"encoder.{2 * i}.{kind}" for i in range(4)}
        names |= {f"decoder.rnn.{kind}_{x}": f"cell.{kind}_{x}" for x in ("ih", "hh")}
        names[f"decoder.decoder.2.{kind}"] = f"decoder.{kind}"
    model.load_state_dict({ours: archive[theirs] for theirs, ours in names.items()})


def silero_vad() -> SileroVAD:
    """The network with its real weights if they are installed, else with random ones.

    The extra `models` installs them (the package `silero-vad`).
    """
    model = SileroVAD()
    if (path := weights_file()) is not None:
        load_weights(model, path)
    return model
