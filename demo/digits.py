"""Train, quantize, compile and run a classifier of handwritten digits.

python demo/digits.py [-o digits.pte]
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable

import torch
from digits_net import Digits, load, train
from rich.console import Console
from rich.progress import track
from rich.table import Table

import cmopt


def accuracy(data: Digits, predict: Callable[[torch.Tensor], torch.Tensor], what: str) -> float:
    """The share of held-out digits that `predict` ([1,1,8,8] → [1,10]) classifies correctly."""
    hits = 0
    images = track(data.test_images.split(1), what, console=CONSOLE, transient=True)
    for image, label in zip(images, data.test_labels, strict=True):
        hits += int(predict(image).argmax() == label)
    return hits / len(data.test_labels)


CONSOLE = Console()


def main() -> None:
    """Run the demo and print the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", default="digits.pte", help="where to write the program")
    output = parser.parse_args().output
    logging.disable(logging.WARNING)  # hide what PyTorch logs

    data = load()
    with CONSOLE.status("training"):
        net = train(data)
    with CONSOLE.status("quantizing"):
        calibration = [(image,) for image in data.train_images[:256].split(1)]
        exported = cmopt.quantize(net, calibration[0], calibration=calibration)
    with CONSOLE.status("compiling"):
        program = cmopt.compile(exported, target="cortex-m55")
        program.save(output)

    simulated = exported.module()
    with torch.no_grad():
        rows = {
            "float32, PyTorch": accuracy(data, net, "float"),
            "int8, as PyTorch simulates it": accuracy(data, simulated, "simulated"),
            "int8, as compiled": accuracy(data, lambda x: program.run(x)[0], "compiled"),
        }
    table = Table("digits", "accuracy", title=f"{len(data.test_labels)} held-out digits")
    for name, value in rows.items():
        table.add_row(name, f"{value:.2%}")
    CONSOLE.print(table)
    print(program.report)
    print(f"wrote {output}")


if __name__ == "__main__":
    main()
