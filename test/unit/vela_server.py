"""Vela's processes as forks of one that has loaded it, for tests that compile thousands of graphs.

A process of Vela takes longer to start than to compile a small graph. Each graph still has its own
process, which it may end. Run as a script, this file is the process that forks: each line of its
input has the files of one job.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch


@contextmanager
def forked_vela() -> Iterator[None]:
    """Within it, `run_vela` gets its processes from the one that forks."""
    from cmopt.codegen import vela_process

    with patch.object(vela_process, "subprocess", SimpleNamespace(run=_run)):
        yield


@cache
def _server(owner: int) -> tuple[subprocess.Popen[str], tempfile.TemporaryDirectory[str]]:
    """The process that forks, and a folder for the files of a job. It ends with process `owner`."""
    from cmopt.codegen import vela_process

    command = [sys.executable, "-P", __file__, vela_process.__file__]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    return process, tempfile.TemporaryDirectory()


def _run(
    command: Sequence[str], *, input: bytes, **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """`subprocess.run` for Vela's process."""
    process, folder = _server(os.getpid())
    assert process.stdin is not None and process.stdout is not None
    job, outputs, errors = (Path(folder.name, name) for name in ("job", "outputs", "errors"))
    job.write_bytes(input)
    process.stdin.write(f"{job}\t{outputs}\t{errors}\n")
    code = int(process.stdout.readline())
    return subprocess.CompletedProcess(command, code, outputs.read_bytes(), errors.read_bytes())


def _job(main: Any, files: Sequence[str]) -> int:
    """Run one job in a fork. Returns its exit code, or minus the signal that ended it."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        for descriptor, file in enumerate(files):
            flags = os.O_RDONLY if descriptor == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            os.dup2(os.open(file, flags), descriptor)
        main()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)


def _serve() -> None:
    """Fork for each line of the input, until it ends."""
    import ethosu.regor  # noqa: F401

    sys.path.insert(0, str(Path(sys.argv[1]).parent))
    import vela_process  # type: ignore[import-not-found]

    answers = os.fdopen(os.dup(1), "w", buffering=1)
    with os.fdopen(os.dup(0)) as jobs:
        for line in jobs:
            answers.write(f"{_job(vela_process._main, line.rstrip().split(chr(9)))}\n")


if __name__ == "__main__":
    _serve()
