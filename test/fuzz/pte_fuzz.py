"""Fuzz `cm-run` with damaged `.pte` files.

    python test/fuzz/pte_fuzz.py --cases 1500 --seed 0

A case is a program file with some bytes changed, cut off, exchanged or repeated. The requirements:
`cm-run` ends with code 0 or 1; with 1 it prints one line, and it is not an internal error. The
process that runs the file may end in any way. It is forked from one that has the runtime loaded,
which takes a hundredth of the time of a new one; `--real` starts new ones, as `cm-run` does.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import select
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import torch

import cmopt
from cmopt.pipeline import cm_run, program_process

SECONDS = 20.0


class Net(torch.nn.Module):
    """Convolutions, a pool, moves and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 4, 3, padding=1)
        self.depthwise = torch.nn.Conv2d(4, 4, 3, groups=4)
        self.linear = torch.nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.nn.functional.max_pool2d(torch.relu(self.conv(x)), 2)
        x = torch.sigmoid(self.depthwise(torch.nn.functional.pad(x, (1, 1, 1, 1))))
        x = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1) * 0.5
        return torch.softmax(self.linear(x), -1)


def programs() -> list[bytes]:
    """A program of integer kernels, and one of portable float kernels."""
    torch.manual_seed(0)
    x = torch.randn(1, 2, 6, 6)
    model = Net().eval()
    quantized = cmopt.quantize(model, (x,), calibration=[(x,)])
    exported = torch.export.export(model, (x,))
    return [cmopt.compile(quantized).pte, cmopt.compile(exported, allow_float=True).pte]


def damaged(random: Random, content: bytes) -> bytes:
    """The bytes of a program with some of them changed."""
    data = bytearray(content)
    match random.randrange(8):
        case 0:
            return bytes(data[: random.randrange(len(data))])
        case 1:
            start, size = random.randrange(len(data)), random.choice([1, 4, 16, 64])
            del data[start : start + size]
        case 2:
            start, size = random.randrange(len(data)), random.choice([4, 16, 64])
            data[start:start] = data[start : start + size]
        case 3:  # words of the tables: offsets, sizes, indices
            for _ in range(random.choice([1, 1, 2, 8])):
                place = random.randrange(len(data) // 4) * 4
                number = random.choice([0, 1, 2, 7, 255, 2**16, 2**31 - 1, 2**32 - 1, 2**32 - 4])
                data[place : place + 4] = number.to_bytes(4, "little")
        case 4:
            one, other = (random.randrange(len(data) // 4) * 4 for _ in range(2))
            data[one : one + 4], data[other : other + 4] = (
                data[other : other + 4],
                data[one : one + 4],
            )
        case _:
            for _ in range(random.choice([1, 1, 1, 4, 30])):
                data[random.randrange(len(data))] = random.randrange(256)
    return bytes(data)


def run_forked(job: bytes) -> tuple[int, bytes, bytes]:
    """`program_process.run_child` in a fork of this process, which has the runtime loaded."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        program_process.limit_memory()
        with os.fdopen(writing, "wb") as answers:
            answers.write(program_process.do_job(job))
        os._exit(0)
    os.close(writing)
    parts, end = [], time.monotonic() + SECONDS
    while time.monotonic() < end:
        if select.select([reading], [], [], 0.5)[0]:
            parts.append(os.read(reading, 1 << 16))
            if not parts[-1]:
                break
    else:
        os.kill(child, signal.SIGKILL)
    os.close(reading)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), b"".join(parts), b""


@contextlib.contextmanager
def forked() -> Iterator[None]:
    """Within the block, `cm-run` forks instead of starting a new process."""
    original = program_process.run_child
    program_process.run_child = run_forked
    try:
        yield
    finally:
        program_process.run_child = original


def check(arguments: list[str]) -> tuple[str, str | None]:
    """How `cm-run` ended, in a word, and what is wrong or None."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cm_run.main(arguments)
    except BaseException as error:
        return "exception", f"{type(error).__name__}: {error}"
    text = err.getvalue()
    if code == 0:
        return "ran", text or None
    if code != 1 or text.count("\n") != 1 or "internal error" in text or "Traceback" in text:
        return "wrong", f"exit code {code}: {text}"
    died = re.search(r"was ended by (\w+)", text)
    return f"process ended by {died[1]}" if died else "refused", None


def fuzz(cases: int, seed: int, *, real: bool = False) -> tuple[Counter[str], dict[int, str]]:
    """Run this many cases. Returns how they ended, and the findings by their case."""
    random, ends, findings = Random(seed), Counter[str](), {}
    files = programs()
    with (
        tempfile.TemporaryDirectory() as name,
        contextlib.nullcontext() if real else forked(),
    ):
        path, inputs = Path(name) / "case.pte", Path(name) / "in.npz"
        np.savez(inputs, x=np.random.default_rng(0).normal(size=(1, 2, 6, 6)).astype(np.float32))
        arguments = [str(path), "--input", str(inputs)]
        for content in files:
            path.write_bytes(content)
            assert check(arguments) == ("ran", None)
        for case in range(cases):
            path.write_bytes(damaged(Random(random.randrange(2**64)), random.choice(files)))
            end, problem = check(arguments)
            ends[end] += 1
            if problem is not None:
                findings[case] = problem
    return ends, findings


def main() -> int:
    """The command line. Returns exit code 1 if there are findings."""
    parser = argparse.ArgumentParser(description="Fuzz cm-run with damaged .pte files.")
    parser.add_argument("--cases", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--real", action="store_true")
    args = parser.parse_args()
    ends, findings = fuzz(args.cases, args.seed, real=args.real)
    for case, problem in findings.items():
        print(f"case {case}: {problem}")
    print(f"{args.cases} cases: {dict(ends.most_common())}, {len(findings)} findings")
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
