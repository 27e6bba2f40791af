"""Build C projects with a compiler and run them: on this computer, or on a core in QEMU."""

from __future__ import annotations

import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
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
# No strict aliasing: the bytes of an arena hold elements of one type after another.
KERNELS = ("cmsis_nn", "tensor_ops", "recurrent", "packed")
"""The folders of the kernels; each has its headers in `include`."""

FLAGS = (
    *("-std=c99", "-O2", "-ffp-contract=off", "-fno-strict-aliasing"),
    *("-ffunction-sections", "-fdata-sections"),
    *("-Wall", "-Wextra", "-Wconversion"),
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


def call(
    command: Sequence[str], what: str, timeout: float = 120, folder: Path | None = None
) -> str:
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


class Builder(ABC):
    """Builds C projects for one machine, each kernel once, and runs them.

    name: of the machine, in messages. compiler: the command with its options for this machine.
    parts: the sources of `kernels/machine` that it needs. link_options: of the compiler.

    folder: an existing directory, only for this builder's objects, images and files of a run.
    kernels: the directory with the folders `KERNELS`. machine: that with the sources of
    `kernels/machine`. options: more of the compiler's options, for every source and for linking.
    """

    name: str
    compiler: Sequence[str]
    parts: Sequence[str]
    link_options: Sequence[str] = ()

    def __init__(self, folder: Path, kernels: Path, machine: Path, options: Sequence[str] = ()):
        self.folder = folder
        self.kernels = kernels
        self.machine = machine
        self.options = options
        self._objects: list[Path] = []

    @abstractmethod
    def command(self, image: Path) -> list[str]:
        """The command that runs an image."""

    def compile(self, source: Path, *options: str, name: str | None = None) -> Path:
        """An object file, in this builder's folder. name: that of the file; else the source's.

        Raises BoardError if the source does not compile.
        """
        target = self.folder / f"{name or source.stem}.o"
        includes = [self.kernels / f"{part}/include" for part in KERNELS]
        command = [*self.compiler, *FLAGS, *self.options, *options]
        command += [f"-I{folder}" for folder in (*includes, self.machine)]
        call([*command, "-c", str(source), "-o", str(target)], f"{source.name} for {self.name}")
        return target

    def objects(self) -> list[Path]:
        """The objects of kernels and of the machine, compiled once, two at a time."""
        if not self._objects:
            sources = [
                *(path for part in KERNELS for path in sorted((self.kernels / part).rglob("*.c"))),
                *(self.machine / f"{part}.c" for part in self.parts),
            ]
            with ThreadPoolExecutor(2) as pool:
                self._objects = list(pool.map(self.compile, sources))
        return self._objects

    def link(self, name: str, objects: Sequence[Path], *options: str) -> Path:
        """An image of objects with one `main`. options: the compiler's options for linking."""
        image = self.folder / f"{name}.elf"
        command = [*self.compiler, *self.link_options, *self.options, *options]
        call([*command, *map(str, objects), "-lm", "-o", str(image)], f"{name} for {self.name}")
        return image

    def build(self, project: Path, name: str, *options: str, main: str = "run_files",
              image: str | None = None) -> Path:  # fmt: skip
        """The image of a C project: its program `main` with the kernels.

        project: the directory of the sources. name: that of the program. options: of the compiler,
        for the project's sources, or for linking if they begin with -Wl, or are objects. image: the
        name of the result.
        """
        to_link = [option for option in options if option.startswith("-Wl,") or option[-2:] == ".o"]
        to_compile = [f"-I{project}", *(o for o in options if o not in to_link)]
        parts = [
            self.compile(project / f"{part}.c", *to_compile, name=f"{name}_project_{part}")
            for part in (name, f"{name}_weights", main)
        ]
        return self.link(image or name, [*self.objects(), *parts], *to_link)

    def run(self, image: Path, inputs: bytes = b"", timeout: float = 60,
            more: Sequence[str] = ()) -> tuple[bytes, str]:  # fmt: skip
        """Run an image on the file `inputs`. Returns the file `outputs` and the console output.

        more: options of the command. Raises BoardError with the exit code if it is not 0.
        """
        (self.folder / "inputs").write_bytes(inputs)
        outputs = self.folder / "outputs"
        outputs.write_bytes(b"")
        said = call(
            [*self.command(image), *more], f"{image.stem} on {self.name}", timeout, self.folder
        )
        return outputs.read_bytes(), said


class Board(Builder):
    """A bare Cortex-M in QEMU."""

    parts = MACHINE_PARTS

    def __init__(self, core: Core, folder: Path, kernels: Path, machine: Path | None = None,
                 options: Sequence[str] = ()):  # fmt: skip
        super().__init__(folder, kernels, machine or kernels / "machine", options)
        self.core, self.name = core, core.target
        self.compiler = [COMPILER, *core.flags]
        script = f"-T{self.machine / 'link.ld'}"
        self.link_options = [*LINK_FLAGS, *link_symbols(core), script]

    def command(self, image: Path) -> list[str]:
        return [EMULATOR, *emulator_options(self.core), "-kernel", str(image)]


class Host(Builder):
    """This computer, with its C compiler."""

    name = "this computer"
    parts = ("console", "host")
    compiler = ("cc",)

    def command(self, image: Path) -> list[str]:
        return [str(image)]
