"""Train and quantize a classifier of handwritten digits, and run its C source on an emulated core.

python demo/core.py [-o DIRECTORY] [--target cortex-m55]
"""

from __future__ import annotations

import argparse
import logging

import torch
from digits_net import load, train
from rich.console import Console
from rich.table import Table

import cmopt
from cmopt.pipeline.emulation import read_project, run_project
from cmopt.pipeline.tables import count_text

CONSOLE = Console()


def main() -> None:
    """Run the demo and print the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "-o", "--output", default="build/digits_c", help="the directory of the source"
    )
    parser.add_argument("--target", default="cortex-m55")
    args = parser.parse_args()
    logging.disable(logging.WARNING)  # hide what PyTorch logs

    data = load()
    with CONSOLE.status("training"):
        net = train(data)
    with CONSOLE.status("quantizing"):
        calibration = [(image,) for image in data.train_images[:256].split(1)]
        exported = cmopt.quantize(net, calibration[0], calibration=calibration, target=args.target)
    with CONSOLE.status("compiling"):
        program = cmopt.compile(exported, target=args.target)
        program.save_c(args.output, name="digits")
    images = [image.numpy() for image in data.test_images.split(1)]
    with CONSOLE.status(f"building for {args.target}, and running {len(images)} images in QEMU"):
        run = run_project(args.output, *([image] for image in images), on="qemu", counted=True)
    assert run.count is not None

    (name,) = program.output_names
    scores = torch.stack([torch.from_numpy(outputs[name][0]) for outputs in run.outputs])
    hits = (scores.argmax(1) == data.test_labels).float().mean()
    with torch.no_grad():
        wanted = (net(data.test_images).argmax(1) == data.test_labels).float().mean()
    table = Table("digits", "accuracy", title=f"{len(images)} held-out digits")
    table.add_row("float32, PyTorch", f"{wanted:.2%}")
    table.add_row(f"int8, on an emulated {args.target}", f"{hits:.2%}")
    CONSOLE.print(table)
    print(count_text(run.count, read_project(args.output)["steps"]))
    print(f"arena {program.report.arena_bytes:,} bytes, stack {run.stack:,} bytes")
    print(f"wrote {args.output}/")


if __name__ == "__main__":
    main()
