"""A Cortex-M in an emulator: GCC builds what C projects hold, and QEMU runs it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from cmopt.support.cores import (
    LINK_FLAGS,
    MACHINE_PARTS,
    Core,
    emulator_options,
    link_symbols,
)

COMPILER = "arm-none-eabi-gcc"
EMULATOR = "qemu-system-arm"
PACKAGES = ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "qemu-system-arm")
"""Debian packages with everything below."""

# No contraction: float results must not depend on whether the core has a fused multiply-add.
FLAGS = (
    *("-std=c99", "-O2", "-ffp-contract=off", "-ffunction-sections", "-fdata-sections"),
    *("-Wall", "-Wextra", "-Wconversion", "-Werror"),
)


class Exit(IntEnum):
    """The exit codes of failed runs, as in `kernels/machine/machine.h`."""

    WRONG = 79
    FILE = 80
    STEP = 81
    GUARD = 83
    FAULT = 84


class BoardError(Exception):
    """A program did not compile, or its run failed. Has the exit code and the console output.

    `code` is None for a compiler's error and for a run that exceeds the time limit.
    """

    def __init__(self, what: str, code: int | None, output: str):
        super().__init__(f"{what}: {output.strip()}")
        self.code = code
        self.output = output


def missing_tools() -> list[str]:
    """The missing tools, in words; empty if all are installed."""
    missing = [tool for tool in (COMPILER, EMULATOR) if shutil.which(tool) is None]
    if COMPILER not in missing:
        command = [COMPILER, "-print-file-name=libc_nano.a"]
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        if not Path(found.stdout.strip()).is_absolute():
            missing.append("newlib")
    return missing


def _call(command: Sequence[str], what: str, timeout: float, folder: Path | None = None) -> str:
    """Console output of a command. Raises BoardError if it fails or takes too long."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        output = (error.stdout or b"").decode(errors="replace")
        raise BoardError(f"{what}: no end after {timeout:g} s", None, output) from None
    output = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode != 0:
        raise BoardError(f"{what}: exit code {done.returncode}", done.returncode, output)
    return output


@dataclass
class Board:
    """Builds programs for one core, each kernel once, and runs them.

    folder: an existing directory, only for this board's objects, images and files of a run.
    kernels: the directory with `cmsis_nn`, `tensor_ops` and `machine`. options: more of GCC's
    options, for every source.
    """

    core: Core
    folder: Path
    kernels: Path
    options: Sequence[str] = ()
    _objects: list[Path] = field(default_factory=list, repr=False)

    @property
    def _includes(self) -> list[str]:
        folders = ("cmsis_nn/include", "tensor_ops/include", "machine")
        return [f"-I{self.kernels / folder}" for folder in folders]

    def compile(self, source: Path, *options: str, name: str | None = None) -> Path:
        """An object file, in this board's folder. name: that of the file; else the source's."""
        target = self.folder / f"{name or source.stem}.o"
        command = [COMPILER, *self.core.flags, *FLAGS, *self.options, *options, *self._includes]
        command += ["-c", str(source), "-o", str(target)]
        _call(command, f"{source.name} for {self.core.target}", timeout=120)
        return target

    def objects(self) -> list[Path]:
        """The objects of kernels and of the machine, compiled once, two at a time."""
        if not self._objects:
            sources = [
                *sorted((self.kernels / "cmsis_nn").rglob("*.c")),
                *sorted((self.kernels / "tensor_ops").rglob("*.c")),
                *(self.kernels / "machine" / f"{part}.c" for part in MACHINE_PARTS),
            ]
            with ThreadPoolExecutor(2) as pool:
                self._objects = list(pool.map(self.compile, sources))
        return self._objects

    def link(self, name: str, objects: Sequence[Path], *options: str) -> Path:
        """An image of objects with one `main`. options: GCC's options for linking."""
        image = self.folder / f"{name}.elf"
        command = [COMPILER, *self.core.flags, *LINK_FLAGS, *link_symbols(self.core)]
        command += [f"-T{self.kernels / 'machine' / 'link.ld'}", *options]
        command += [*map(str, objects), "-lm", "-o", str(image)]
        _call(command, f"{name} for {self.core.target}", timeout=120)
        return image

    def build(self, project: Path, name: str, *options: str, main: str = "run_files",
              image: str | None = None) -> Path:  # fmt: skip
        """The image of a C project: its program `main` with the board's kernels.

        project: the directory of the sources. name: that of the program. options: of GCC, for the
        project's sources, or for linking if they begin with -Wl, or are objects. image: the name
        of the result.
        """
        to_link = [option for option in options if option.startswith("-Wl,") or option[-2:] == ".o"]
        to_compile = [f"-I{project}", *(o for o in options if o not in to_link)]
        parts = [
            self.compile(project / f"{part}.c", *to_compile, name=f"{name}_project_{part}")
            for part in (name, f"{name}_weights", main)
        ]
        return self.link(image or name, [*self.objects(), *parts], *to_link)

    def run(self, image: Path, inputs: bytes = b"", timeout: float = 60,
            plugin: str | None = None) -> tuple[bytes, str]:  # fmt: skip
        """Run an image on the file `inputs`. Returns the file `outputs` and the console output.

        plugin: a plugin of QEMU with its arguments. Raises BoardError with the exit code if it is
        not 0.
        """
        (self.folder / "inputs").write_bytes(inputs)
        outputs = self.folder / "outputs"
        outputs.write_bytes(b"")
        command = [EMULATOR, *emulator_options(self.core)]
        command += ["-plugin", plugin] if plugin is not None else []
        command += ["-kernel", str(image)]
        what = f"{image.stem} on {self.core.target}"
        said = _call(command, what, timeout=timeout, folder=self.folder)
        return outputs.read_bytes(), said
