"""Count the instructions of the MLPerf Tiny networks on emulated cores.

    python benchmarks/instructions.py [NETWORK ...] [--core CORE ...] [--steps]
        [--cmsis-nn DIRECTORY] [--write]

Each network is compiled to C source with int8 inputs and outputs, built with GCC (-O2) and run once
in QEMU. The figures are those of one run: executed instructions, which are exact and the same every
time, but not cycles; bytes of stack; bytes of the arena; bytes of code and constants of the whole
image, with startup and semihosting; bytes of RAM without the stack.

With --cmsis-nn, the same C source is also linked with Arm's CMSIS-NN in that directory. --steps
lists the instructions of each step. --write writes docs/benchmarks.md, for all networks and cores.

The column "ExecuTorch" has figures that were measured once: ExecuTorch 1.5's runtime with CMSIS-NN
of July 2026, `execute()` of the same network, in the same emulator.
"""

from __future__ import annotations

import argparse
import logging
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

import cmopt
from cmopt.dialects.program import main_function
from cmopt.pipeline.board import Board
from cmopt.pipeline.c_project import example_input
from cmopt.pipeline.emulation import ProjectRun, read_project, run_project
from cmopt.pipeline.tables import count_text
from cmopt.support.cores import core_of

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test"))
from models import MODELS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
NETWORKS = ("ds_cnn", "resnet8", "mobilenet_v1", "deep_autoencoder")
CORES = ("cortex-m3", "cortex-m7", "cortex-m55")

EXECUTORCH = {
    ("ds_cnn", "cortex-m55"): 1_816_353,
    ("ds_cnn", "cortex-m7"): 8_366_457,
    ("resnet8", "cortex-m55"): 4_818_425,
    ("resnet8", "cortex-m7"): 29_956_319,
    ("mobilenet_v1", "cortex-m55"): 6_674_688,
    ("mobilenet_v1", "cortex-m7"): 24_645_745,
    ("deep_autoencoder", "cortex-m55"): 151_674,
    ("deep_autoencoder", "cortex-m7"): 584_302,
}
"""Instructions of ExecuTorch's runtime with CMSIS-NN."""


@dataclass(frozen=True)
class Row:
    """The figures of one network on one core. cmsis_nn: instructions with Arm's kernels."""

    network: str
    core: str
    products: int
    instructions: int
    cmsis_nn: int | None
    stack: int
    arena: int
    flash: int
    ram: int


def compiled(network: str, core: str) -> cmopt.Program:
    """The network, quantized with random inputs."""
    model = MODELS[network]
    batches = model.inputs(8)
    exported = cmopt.quantize(model.module(), batches[0], calibration=batches, target=core)
    return cmopt.compile(exported, target=core, io="int8")


def measure(network: str, core: str, cmsis_nn: Path | None, steps: bool) -> Row:
    """Compile, build and run a network."""
    program = compiled(network, core)
    types = [a.type for a in main_function(program.module("planned")).body.block.args]
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        program.save_c(str(project), name="net")
        facts = read_project(str(project))
        inputs = [
            np.ascontiguousarray(np.transpose(example_input(t, i), np.argsort(fact["dim_order"])))
            for i, (t, fact) in enumerate(zip(types, facts["inputs"], strict=True))
        ]
        run = run_project(str(project), inputs, on="qemu", counted=True)
        assert run.count is not None
        if steps:
            print(f"{network} on {core}\n{count_text(run.count, facts['steps'])}")
        flash, ram = image_bytes(project, core, Path(folder))
        other = None if cmsis_nn is None else with_cmsis_nn(project, cmsis_nn, inputs, run)
    return Row(
        network,
        core,
        sum(step["multiplications"] for step in facts["steps"]),
        run.count.total,
        other,
        run.stack,
        facts["arena_bytes"],
        flash,
        ram,
    )


def image_bytes(project: Path, core: str, folder: Path) -> tuple[int, int]:
    """Bytes of code with constants, and of RAM without stack and test data, of a whole image.

    The image has a `main` that calls `run` with the arena alone.
    """
    main = project / "image.c"
    main.write_text(
        '#include "net.h"\nstatic NET_ARENA(arena);\n'
        "int main(void) { return net_run(arena, 0, 0); }\n"
    )
    board = Board(core_of(core), folder, project / "kernels", project / "machine")
    image = board.build(project, "net", main="image")
    done = subprocess.run(
        ["arm-none-eabi-size", "-A", str(image)], capture_output=True, text=True, check=True
    )
    sizes = {name: int(size) for name, size in re.findall(r"^(\.[\w.]+) +(\d+)", done.stdout, re.M)}
    flash = sum(sizes.get(name, 0) for name in (".vectors", ".text", ".ARM.exidx", ".data"))
    return flash, sizes.get(".data", 0) + sizes.get(".bss", 0)


def with_cmsis_nn(project: Path, source: Path, inputs: Sequence[np.ndarray], ours: ProjectRun
                  ) -> int:  # fmt: skip
    """Instructions of the same C source with Arm's kernels, which give the same bytes.

    The sources for 4-bit weights go too: they need our headers, and Arm's library has none.
    """
    kernels = project / "kernels" / "cmsis_nn"
    shutil.rmtree(kernels)
    for path in (project / "kernels" / "packed").rglob("*.c"):
        path.unlink()
    shutil.copytree(source / "Include", kernels / "include")
    shutil.copytree(source / "Source", kernels / "source")
    for path in kernels.rglob("*.c"):
        if "f16" in path.name or "f32" in path.name:
            path.unlink()
    run = run_project(str(project), inputs, on="qemu", counted=True)
    assert run.count is not None
    for name, value in ours.outputs[0].items():
        assert np.array_equal(run.outputs[0][name], value), f"{name} differs with {source}"
    return run.count.total


def table(rows: Sequence[Row]) -> list[list[str]]:
    """The rows as text, with a head."""
    has_other = any(row.cmsis_nn is not None for row in rows)
    head = ["network", "core", "products", "instructions", "per product", "ExecuTorch", "ratio"]
    head += ["this C with CMSIS-NN"] if has_other else []
    head += ["stack", "arena", "flash", "RAM"]
    lines = [head]
    for row in rows:
        peer = EXECUTORCH.get((row.network, row.core))
        line = [row.network, row.core, f"{row.products:,}", f"{row.instructions:,}"]
        line += [f"{row.instructions / row.products:.2f}"]
        line += [f"{peer:,}", f"{row.instructions / peer:.2f}"] if peer else ["", ""]
        line += [f"{row.cmsis_nn:,}" if row.cmsis_nn else ""] if has_other else []
        line += [f"{value:,}" for value in (row.stack, row.arena, row.flash, row.ram)]
        lines.append(line)
    return lines


def page(rows: Sequence[Row]) -> str:
    """The text of docs/benchmarks.md."""
    assert __doc__ is not None
    head, *lines = table(rows)
    marks = ["---", "---", *["---:"] * (len(head) - 2)]
    body = "\n".join(f"| {' | '.join(line)} |" for line in (head, marks, *lines))
    about = __doc__.split("\n\n")
    return (
        "# Instructions of MLPerf Tiny on emulated cores\n\nMade by `make bench`.\n\n"
        f"{about[2]}\n\n{about[4].strip()}\n\n{body}\n"
    )


def main() -> int:
    """Count, print, and write if asked. Returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("network", nargs="*", choices=[[], *NETWORKS], default=[])
    parser.add_argument("--core", action="append", choices=CORES)
    parser.add_argument("--steps", action="store_true")
    parser.add_argument("--cmsis-nn", type=Path, metavar="DIRECTORY")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    if args.write and (args.network or args.core):
        parser.error("--write is for all networks and cores")
    logging.disable(logging.WARNING)
    pairs = [(n, c) for n in args.network or NETWORKS for c in args.core or CORES]
    rows = [
        measure(network, core, args.cmsis_nn, args.steps)
        for network, core in track(pairs, "networks", console=Console(stderr=True))
    ]
    head, *lines = table(rows)
    shown = Table(*head)
    for column in shown.columns[2:]:
        column.justify = "right"
    for line in lines:
        shown.add_row(*line)
    Console(width=150).print(shown)
    if args.write:
        PAGE.write_text(page(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
