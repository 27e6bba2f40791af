"""Running programs of one instruction in ExecuTorch's runtime, all in one separate process.

A kernel that ends its process must not end the tests, and starting the runtime takes seconds.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from one_op_program import Program


@dataclass
class Outcome:
    """The arena before and after, None if the call failed, and what the runtime logged."""

    before: NDArray[np.uint8]
    after: NDArray[np.uint8] | None
    log: str


def run_programs(programs: Mapping[str, Program], directory: Path) -> dict[str, Outcome]:
    """The outcome of each program. Files are written to `directory`."""
    before = {name: program.arena() for name, program in programs.items()}
    for name, program in programs.items():
        (directory / f"{name}.pte").write_bytes(program.serialize())
        np.save(directory / f"{name}.npy", before[name])
    runner = Path(__file__).with_name("run_programs.py")
    run = subprocess.run(
        [sys.executable, str(runner), str(directory)],
        stderr=subprocess.PIPE,
        text=True,
        timeout=240,
    )
    assert run.returncode == 0, run.stderr
    sections = re.split(r"^== (\w[\w.]*)\n", run.stderr, flags=re.MULTILINE)
    logs = dict(zip(sections[1::2], sections[2::2], strict=True))
    result = {}
    for name in programs:
        output = directory / f"{name}.out.npy"
        after = np.load(output).view(np.uint8) if output.exists() else None
        result[name] = Outcome(before[name], after, logs[name])
    return result
