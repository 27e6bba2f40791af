"""Cross compilation with GCC and runs in QEMU, as commands with a time limit."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from cores import Core

COMPILER = "arm-none-eabi-gcc"
EMULATOR = "qemu-system-arm"
PACKAGES = ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "qemu-system-arm")
"""Debian packages with everything below."""

BARE_METAL = Path(__file__).parent / "bare_metal"
KERNELS = Path(__file__).parents[2] / "kernels" / "cmsis_nn"

# No contraction: float results must not depend on whether the core has a fused multiply-add.
# No strict aliasing: a program may quantize in place, reading float and writing int16.
FLAGS = [
    *("-mthumb", "-std=c99", "-O2", "-ffp-contract=off", "-fno-strict-aliasing"),
    *("-ffunction-sections", "-fdata-sections", "-Wall", "-Wextra", "-Werror"),
]


class Exit(IntEnum):
    """The exit codes of failed runs. The compiler passes them to the C sources as macros."""

    FILE = 80
    """An input is missing or is not a whole number of sets."""
    KERNEL = 81
    """A kernel returned an error."""
    SCRATCH = 82
    """The linked library needs more scratch than was planned."""
    GUARD = 83
    """Bytes before or after the arena were overwritten."""
    FAULT = 84
    """The core took an exception."""


class TargetError(Exception):
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
    """Console output of a command. Raises TargetError if it fails or takes too long."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        output = (error.stdout or b"").decode(errors="replace")
        raise TargetError(f"{what}: no end after {timeout:g} s", None, output) from None
    output = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode != 0:
        raise TargetError(f"{what}: exit code {done.returncode}", done.returncode, output)
    return output


@dataclass
class Board:
    """Builds programs for one core, each kernel once, and runs them.

    folder: an existing directory, only for this board's objects, images and files of a run.
    kernels: C sources of the CMSIS-NN functions. include: their headers. options: GCC's,
    after those of every board.
    """

    core: Core
    folder: Path
    kernels: Sequence[Path] = tuple(sorted(KERNELS.glob("*.c")))
    include: Path = KERNELS / "include"
    options: Sequence[str] = ()
    _objects: list[Path] = field(default_factory=list, repr=False)

    @property
    def _compiler(self) -> list[str]:
        return [COMPILER, f"-mcpu={self.core.target}", *self.core.flags, *FLAGS, *self.options]

    def compile(self, source: Path, *options: str) -> Path:
        """An object file, in this board's folder."""
        target = self.folder / f"{source.stem}.o"
        command = [*self._compiler, *options, f"-I{BARE_METAL}", f"-I{self.include}"]
        command += [f"-DEXIT_{end.name}={end.value}" for end in Exit]
        command += ["-c", str(source), "-o", str(target)]
        _call(command, f"{source.name} for {self.core.target}", timeout=120)
        return target

    def objects(self) -> list[Path]:
        """The objects of kernels and bare-metal support, compiled once, two at a time."""
        if not self._objects:
            sources = [*self.kernels, *sorted(BARE_METAL.glob("*.c"))]
            with ThreadPoolExecutor(2) as pool:
                self._objects = list(pool.map(self.compile, sources))
        return self._objects

    def link(self, name: str, objects: Sequence[Path], *options: str) -> Path:
        """An image of objects with one `main`. options: GCC's options for linking."""
        image = self.folder / f"{name}.elf"
        core = self.core
        symbols = {
            "CODE_ORIGIN": core.code.origin,
            "CODE_BYTES": core.code.bytes,
            "RAM_ORIGIN": core.ram.origin,
            "RAM_BYTES": core.ram.bytes,
        }
        command = [*self._compiler, "-nostartfiles", "--specs=nano.specs", "--specs=nosys.specs"]
        command += [f"-Wl,--defsym={name}={value:#x}" for name, value in symbols.items()]
        command += ["-Wl,--gc-sections", f"-T{BARE_METAL / 'link.ld'}", *options]
        command += [*map(str, objects), "-lm", "-o", str(image)]
        _call(command, f"{name} for {core.target}", timeout=120)
        return image

    def build(self, name: str, source: str, *options: str) -> Path:
        """The image of a program table (see `program_table`). options: GCC's for linking."""
        return self.link(name, [*self.objects(), self.compile_text(name, source)], *options)

    def compile_text(self, name: str, source: str) -> Path:
        """The object file of C source given as text."""
        path = self.folder / f"{name}.c"
        path.write_text(source)
        return self.compile(path)

    def run(self, image: Path, inputs: bytes = b"", timeout: float = 60) -> tuple[bytes, str]:
        """Run an image on the file `inputs`. Returns the file `outputs` and the console output.

        Raises TargetError with the exit code if it is not 0.
        """
        (self.folder / "inputs").write_bytes(inputs)
        outputs = self.folder / "outputs"
        outputs.write_bytes(b"")
        command = [EMULATOR, "-M", self.core.machine, "-nographic", "-monitor", "none"]
        command += ["-serial", "none", "-semihosting-config", "enable=on,target=native"]
        command += ["-kernel", str(image)]
        what = f"{image.stem} on {self.core.target}"
        said = _call(command, what, timeout=timeout, folder=self.folder)
        return outputs.read_bytes(), said
