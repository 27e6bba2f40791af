"""Run a `.pte` once in a process of its own: ExecuTorch's runtime believes what the file says.

A damaged file makes the runtime abort or touch memory that is not its own. Then only this process
ends. A message is the one of `cmopt.codegen.vela_process`: a header, and the bytes of arrays.
"""

from __future__ import annotations

import importlib.util
import io
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from cmopt.codegen.vela_process import read_message, write_message
from cmopt.dialects.arrays import Array
from cmopt.support.diagnostics import CompileError, one_line

SIGNATURE = b"ET12"
SECONDS = 600
"""The most time that a program may take, the start of the runtime included."""
MEMORY = 4 << 30
"""The most memory that it may take in addition to the runtime."""


def run_program(
    pte: bytes, inputs: Mapping[str, Array], path: str, *, samples: bool = False
) -> dict[str, Array]:
    """Run a program on arrays; its inputs are `input_0`, … or the one array that is given.

    samples: run it on each sample of the arrays, see `samples_in`; the outputs then have a new
    first dimension.
    Returns the outputs by number. path: the file of the inputs, for messages. Raises CompileError
    if the file or the inputs do not fit, a kernel fails, or the process ends otherwise.
    """
    check_program(pte)
    job = io.BytesIO()
    facts = {"path": path, "arrays": _facts(inputs), "samples": samples}
    write_message(job, facts, [pte, *_contents(inputs)])
    code, written, said = run_child(job.getvalue())
    if code != 0:
        raise CompileError(
            f"ExecuTorch's runtime {_ending(code)}{_last_line(said)}",
            hint="the file may be damaged, or not made for stock kernels",
        )
    try:
        header, blobs = read_message(written)
    except (ValueError, TypeError):
        raise CompileError("ExecuTorch's runtime wrote something else than its results") from None
    if "error" in header:
        raise CompileError(header["error"])
    return _arrays(header["arrays"], blobs)


def check_program(pte: bytes, path: str | None = None) -> None:
    """Raise CompileError if bytes are not an ExecuTorch program. path: their file."""
    if pte[4:8] != SIGNATURE:
        what = "not an ExecuTorch program: bytes 4 to 7 of the file are not 'ET12'"
        hint = "write one with cm-compile -o MODEL.pte"
        raise CompileError(what if path is None else f"'{path}' is {what}", hint=hint)


def run_child(job: bytes) -> tuple[int, bytes, bytes]:
    """Exit code, standard output and standard error of a process that does a job."""
    # -P: modules in the working directory must not hide others of the same name.
    command = [sys.executable, "-P", "-m", "cmopt.pipeline.program_process"]
    try:
        done = subprocess.run(command, input=job, capture_output=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise CompileError(f"the program gives no result in {SECONDS} seconds") from None
    return done.returncode, done.stdout, done.stderr


def _ending(code: int) -> str:
    if code > 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return f": {one_line(lines[-1])[:300]}" if lines else ""


def _facts(arrays: Mapping[str, Array]) -> list[dict[str, Any]]:
    return [
        {"name": name, "dtype": array.dtype.str, "shape": list(array.shape)}
        for name, array in arrays.items()
    ]


def _contents(arrays: Mapping[str, Array]) -> list[bytes]:
    return [np.asarray(array, order="C").tobytes() for array in arrays.values()]


def _arrays(facts: list[dict[str, Any]], blobs: list[bytes]) -> dict[str, Array]:
    return {
        fact["name"]: np.frombuffer(blob, fact["dtype"]).reshape(fact["shape"])
        for fact, blob in zip(facts, blobs, strict=True)
    }


# ------------------------------------------------------------------------------- in the process


def do_job(job: bytes) -> bytes:
    """The message of the results, or of the error, of one job."""
    import torch

    from cmopt.pipeline.arrays_file import samples_in, select
    from cmopt.pipeline.runtime import HostProgram

    header, (pte, *blobs) = read_message(job)
    inputs, answer = _arrays(header["arrays"], blobs), io.BytesIO()
    try:
        program = HostProgram(pte)
        names = [f"input_{i}" for i in range(len(program.inputs))]
        if len(names) == 1 and len(inputs) == 1:
            names = list(inputs)  # one array for one input: its name does not matter
        why = "a .pte has no names, only numbers; "
        arrays = select(inputs, names, header["path"], why)
        if header["samples"]:
            shapes = {name: info.sizes for name, info in zip(names, program.inputs, strict=True)}
            given = samples_in(arrays, shapes, header["path"])
        else:
            given = [arrays]
        runs = [program.run([torch.from_numpy(x.copy()) for x in each]) for each in given]
        columns = [[y.numpy() for y in results] for results in zip(*runs, strict=True)]
        outputs = {
            f"output_{i}": np.stack(each) if header["samples"] else each[0]
            for i, each in enumerate(columns)
        }
    except CompileError as error:
        write_message(answer, {"error": error.message}, [])
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        write_message(answer, {"error": f"the program cannot be run: {one_line(what)[:300]}"}, [])
    else:
        write_message(answer, {"arrays": _facts(outputs)}, _contents(outputs))
    return answer.getvalue()


def limit_memory() -> None:
    """Let this process take `MEMORY` more than it has, and write no image of it if it dies."""
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))


def enter_without_content(package: str) -> None:
    """Make the modules of a package importable without the content of its `__init__.py`.

    ExecuTorch's runtime takes one warning class, and `HostProgram` one schema, from below
    `executorch.exir`; its `__init__.py` imports the whole compiler, two thirds of the start.
    """
    spec = importlib.util.find_spec(package)
    if spec is not None and package not in sys.modules:
        sys.modules[package] = importlib.util.module_from_spec(spec)


def main() -> None:
    """Read a job from standard input, write the answer to standard output."""
    # Kernels and the runtime may print.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    import torch  # noqa: F401  # before the limit: it maps a lot

    enter_without_content("executorch.exir")
    import cmopt.pipeline.runtime  # noqa: F401

    job = sys.stdin.buffer.read()
    if os.path.exists("/proc/self/statm"):
        limit_memory()
    answers.write(do_job(job))
    answers.flush()
    # The runtime of a damaged program may fail when it is torn down.
    os._exit(0)


if __name__ == "__main__":
    main()
