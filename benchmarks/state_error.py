"""How the error of a quantized recurrent model grows over many steps, in int8 and in int16.

    python benchmarks/state_error.py [--frames 125] [--plot docs/state_error.svg]

A GRU of two layers, in both directions, keeps its hidden state in a buffer. It runs on frames of
four steps, one after the other, in ExecuTorch's host runtime. Compared are its outputs with those
of the float model, which keeps its own state. A state that drifts shows as an error that grows.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch
from torch import nn

import cmopt

STEPS = 4


class Streaming(nn.Module):
    """Frames of four steps; the hidden state of both layers and directions is a buffer."""

    def __init__(self, inputs: int = 12, hidden: int = 24) -> None:
        super().__init__()
        self.gru = nn.GRU(inputs, hidden, 2, bidirectional=True)
        self.register_buffer("hidden", torch.zeros(4, 1, hidden))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs, hidden = self.gru(x, self.hidden)
        self.hidden.copy_(hidden)
        return outputs


def frames_of(count: int, seed: int) -> list[torch.Tensor]:
    """Frames of a smooth random signal, which is a walk that returns to 0."""
    generator = torch.Generator().manual_seed(seed)
    value, rows = torch.zeros(12), []
    for _ in range(count * STEPS):
        value = 0.9 * value + 0.4 * torch.randn(12, generator=generator)
        rows.append(value)
    return list(torch.stack(rows).reshape(count, STEPS, 1, 12))


def errors(kernels: str, frames: Sequence[torch.Tensor]) -> list[float]:
    """The root mean square of the error of each step, divided by that of all outputs."""
    torch.manual_seed(0)
    model = Streaming().eval()
    calibration = [(frame,) for frame in frames_of(64, seed=1)]
    precision = cmopt.Precision("int16") if kernels == "cmopt" else None
    exported = cmopt.quantize(
        model, calibration[0], calibration=calibration, kernels=kernels, precision=precision
    )
    program = cmopt.compile(exported, kernels=kernels)
    with torch.no_grad():
        wanted = torch.cat([model(frame) for frame in frames])
    got = torch.cat([program.run(frame)[0] for frame in frames])
    size = wanted.square().mean().sqrt()
    return ((got - wanted).square().mean((1, 2)).sqrt() / size).tolist()  # type: ignore[no-any-return]


def plot(path: str, found: dict[str, list[float]]) -> None:
    """A line for each type, over the steps."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.figure(figsize=(7, 3))
    for name, values in found.items():
        pyplot.plot(values, label=name, linewidth=0.8)
    pyplot.yscale("log")
    pyplot.xlabel("step")
    pyplot.ylabel("error / signal")
    pyplot.legend()
    pyplot.tight_layout()
    pyplot.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure, print a table, and plot if asked."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--frames", type=int, default=125, help="of 4 steps each")
    parser.add_argument("--plot", metavar="OUT.svg", help="write a plot")
    args = parser.parse_args()
    frames = frames_of(args.frames, seed=2)
    found = {"int8": errors("stock", frames), "int16": errors("cmopt", frames)}
    parts = 5
    for name, values in found.items():
        size = len(values) // parts
        means = [sum(values[i * size : (i + 1) * size]) / size for i in range(parts)]
        print(f"{name}: mean error of each fifth of the steps", *(f"{m:.4f}" for m in means))
    if args.plot:
        plot(args.plot, found)


if __name__ == "__main__":
    main()
