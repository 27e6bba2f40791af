"""Compile Silero's voice activity detector in int16, and compare it with PyTorch on speech.

python demo/vad.py [-o build/vad.png] [--auto] [--target cortex-m55]

It needs the extra `models` (the weights, package silero-vad) and the program espeak-ng.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from speech import CALIBRATION, HELD_OUT, RATE, STEP, detect, frames_of, has_speaker, recording

import cmopt
from cmopt.pipeline.emulation import run_project
from cmopt.support.diagnostics import CompileError

sys.path.insert(0, str(Path(__file__).parents[1] / "test"))
from models.silero_vad import silero_vad, weights_file

CONSOLE = Console()

INT16 = cmopt.Precision("int16", weights={"encoder.4": 16, "encoder.6": 16})
"""int16 activations. Two layers of the encoder have weights of 16 bits."""


def main() -> None:
    """Run the demo, print the results and draw them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("-o", "--output", default="build/vad.png", help="the plot")
    parser.add_argument("--auto", action="store_true", help='precision="auto", with no hint')
    parser.add_argument("--target", default="cortex-m55")
    args = parser.parse_args()
    if weights_file() is None:
        parser.error("the weights are not installed: pip install silero-vad")
    if not has_speaker():
        parser.error("espeak-ng is not installed: apt-get install espeak-ng")
    logging.disable(logging.WARNING)  # hide what PyTorch logs

    model = silero_vad().eval()
    with CONSOLE.status("synthesizing speech"):
        _, calibration = detect(model, frames_of(recording(CALIBRATION, seed=1)))
        samples = recording(HELD_OUT, seed=2)
        wanted, calls = detect(model, frames_of(samples))
    with CONSOLE.status("quantizing"):
        exported = cmopt.quantize(
            model, calibration[0], calibration=calibration, target=args.target, kernels="cmopt",
            precision="auto" if args.auto else INT16,
        )  # fmt: skip
    with CONSOLE.status("compiling"):
        program = cmopt.compile(exported, target=args.target, kernels="cmopt")
    with CONSOLE.status(f"running {len(wanted)} frames"):
        found, _ = detect(program.run, [frame for frame, _ in calls])
    CONSOLE.print(program.report)
    CONSOLE.print(_differences(wanted, found))
    CONSOLE.print(_cost(program, calls[0]))
    _draw(args.output, samples, wanted, found)
    print(f"wrote {args.output}")


def _differences(wanted: NDArray[np.float64], found: NDArray[np.float64]) -> Table:
    distance = np.abs(wanted - found)
    flips = np.mean((wanted > 0.5) != (found > 0.5))
    seconds = len(wanted) * STEP / RATE
    table = Table("difference of the probabilities", "", title=f"{seconds:.1f} s of speech")
    table.add_row("largest", f"{distance.max():.3f}")
    table.add_row("99th percentile", f"{np.quantile(distance, 0.99):.3f}")
    table.add_row("frames on the other side of 0.5", f"{flips:.2%}")
    return table


def _cost(program: cmopt.Program, call: tuple[torch.Tensor, ...]) -> str:
    """What a frame costs: memory, products, and instructions if there is an emulator."""
    report = program.report
    products = sum(step.multiplications for step in report.steps)
    memory = f"arena {report.arena_bytes:,} bytes, constants {report.constant_bytes:,} bytes"
    with tempfile.TemporaryDirectory() as folder:
        program.save_c(folder, name="vad")
        try:
            run = run_project(folder, [x.numpy() for x in call], on="qemu", counted=True)
        except CompileError as error:
            return f"{memory}; {products:,} products per frame; not counted: {error}"
    assert run.count is not None
    return (
        f"{memory}, stack {run.stack:,} bytes; per frame of {1000 * STEP // RATE} ms "
        f"{products:,} products, {run.count.total:,} instructions on an emulated {program.target}"
    )


def _draw(
    path: str, samples: NDArray[np.float32], wanted: NDArray[np.float64],
    found: NDArray[np.float64],
) -> None:  # fmt: skip
    """The recording, and both curves of probabilities, as a picture."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (above, below) = pyplot.subplots(2, 1, sharex=True, figsize=(12, 5))
    above.plot(np.arange(len(samples)) / RATE, samples, linewidth=0.3, color="gray")
    above.set_ylabel("recording")
    at = (np.arange(len(wanted)) + 1) * STEP / RATE
    below.plot(at, wanted, label="PyTorch, float32")
    below.plot(at, found, label="the program file", linestyle="--")
    below.axhline(0.5, color="gray", linewidth=0.5)
    below.set_ylabel("probability of speech")
    below.set_xlabel("seconds")
    below.legend(loc="upper right")
    figure.tight_layout()
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


if __name__ == "__main__":
    main()
