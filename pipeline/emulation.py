"""Runs of a C project on this computer or on an emulated core, with counts of instructions."""

from __future__ import annotations

import json
import math
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cmopt.codegen.c.project import KERNELS, PROJECT
from cmopt.codegen.step_facts import executed
from cmopt.dialects.arrays import Array
from cmopt.pipeline.board import PACKAGES, Board, BoardError, Builder, Host, call, missing_tools
from cmopt.support.cores import core_of
from cmopt.support.diagnostics import CompileError
from cmopt.support.names import names_hint
from cmopt.support.targets import get_target

PLACES = ("host", "qemu")
"""Where a project can run."""


_DTYPES = {"bool", "int8", "uint8", "int16", "int32", "int64", "float16", "float32", "float64"}


@dataclass(frozen=True)
class Count:
    """Instructions that one run executed: all of them, and those of each step, at all times."""

    total: int
    steps: tuple[int, ...]


@dataclass(frozen=True)
class ProjectRun:
    """The results of a run.

    outputs: for each set of inputs, by name, in PyTorch's shapes. stack: the most bytes of stack
    that a run needed; 0 on a host. count: that of the first set; None if nothing was counted.
    """

    outputs: tuple[dict[str, Array], ...]
    stack: int
    count: Count | None


def read_project(directory: str) -> dict[str, Any]:
    """The facts of a project. Raises CompileError if the directory is not one."""
    path = Path(directory) / PROJECT
    try:
        facts: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        hint = "write one with cm-compile -o DIRECTORY/"
        why = f"it has no {PROJECT}" if isinstance(error, FileNotFoundError) else str(error)
        raise CompileError(f"'{directory}' is not a C project: {why}", hint=hint) from None
    if not _describes_project(facts):
        raise CompileError(f"'{path}' does not describe a C project")
    get_target(facts["target"])
    return facts


def _describes_project(facts: Any) -> bool:
    """Whether facts have the kinds that a run reads: names are identifiers, tensors have shapes."""
    if not isinstance(facts, dict) or not {"name", "target", "inputs", "outputs"} <= facts.keys():
        return False
    name, target = facts["name"], facts["target"]
    return (
        isinstance(name, str)
        and re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) is not None
        and isinstance(target, str)
        and all(
            isinstance(tensors, list) and all(map(_describes_tensor, tensors))
            for tensors in (facts["inputs"], facts["outputs"])
        )
        and isinstance(facts.get("steps", []), list)
    )


def _describes_tensor(fact: Any) -> bool:
    if not isinstance(fact, dict) or not {"name", "dtype", "shape", "dim_order"} <= fact.keys():
        return False
    shape, order = fact["shape"], fact["dim_order"]
    return (
        isinstance(fact["name"], str)
        and fact["dtype"] in _DTYPES
        and isinstance(shape, list)
        and all(type(size) is int and 0 <= size < 1 << 31 for size in shape)
        and isinstance(order, list)
        and all(type(dim) is int for dim in order)
        and sorted(order) == list(range(len(shape)))
    )


def run_project(directory: str, *batch: Sequence[Array], on: str = "host", counted: bool = False,
                timeout: float = 600) -> ProjectRun:  # fmt: skip
    """Build a C project, and run it once on each set of inputs of a batch.

    batch: arrays with the shapes and dtypes of the project's inputs. on: one of `PLACES`. counted:
    count instructions, on "qemu" only. timeout: seconds for all runs.

    Raises CompileError if inputs do not fit, tools are missing, or the run fails.
    """
    facts = read_project(directory)
    if on not in PLACES:
        raise CompileError(f"cannot run on {on!r}", hint=names_hint(on, PLACES))
    if counted and on != "qemu":
        raise CompileError("instructions are counted in the emulator only", hint="run on qemu")
    data = b"".join(_bytes(facts["inputs"], inputs) for inputs in batch)
    with tempfile.TemporaryDirectory() as folder:
        builder = _builder(Path(directory), facts, on, Path(folder))
        name = facts["name"]
        try:
            image = builder.build(Path(directory), name, *(_markers(name) if counted else ()))
            plugin = _plugin(Path(folder)) if counted else []
            written, said = builder.run(image, data, timeout, plugin)
        except BoardError as error:
            raise CompileError(str(error)) from None
        count = None
        if counted:
            count = by_step(parse_counts((Path(folder) / "counts").read_text()), facts)
    stack = re.search(r"stack (\d+) bytes", said)
    size = len(written) // max(len(batch), 1)
    outputs = tuple(
        _arrays(facts["outputs"], written[i * size : (i + 1) * size]) for i in range(len(batch))
    )
    return ProjectRun(outputs, int(stack[1]) if stack else 0, count)


def _builder(directory: Path, facts: Mapping[str, Any], on: str, folder: Path) -> Builder:
    kernels, machine = directory / "kernels", directory / "machine"
    if on == "host":
        if shutil.which("cc") is None:
            raise CompileError("there is no C compiler: cc")
        return Host(folder, kernels, machine)
    if missing := missing_tools():
        hint = f"install {' '.join(PACKAGES)}"
        raise CompileError(f"cannot run on qemu without {', '.join(missing)}", hint=hint)
    return Board(core_of(facts["target"]), folder, kernels, machine)


def _markers(name: str) -> list[str]:
    """The options that put markers around each step."""
    return [
        f'-D{name.upper()}_{when}_STEP(number)=__asm__ volatile("{marker}" ::: "memory")'
        for when, marker in (("BEFORE", "mov r9, r9"), ("AFTER", "mov r10, r10"))
    ]


def _plugin(folder: Path) -> list[str]:
    """QEMU's options for the plugin that counts, which is built first."""
    library, source = folder / "count.so", KERNELS / "machine" / "count_instructions.c"
    call(["cc", "-shared", "-fPIC", "-O2", str(source), "-o", str(library)], source.name)
    return ["-plugin", f"{library},out={folder / 'counts'}"]


def parse_counts(text: str) -> Count:
    """The counts of the first run, from what the plugin wrote: the steps are within the run.

    Raises CompileError if the markers do not nest.
    """
    begun: list[int] = []
    steps: list[int] = []
    for line in text.splitlines():
        what, number = line.split()
        if what == "begin":
            begun.append(int(number))
        elif what == "end" and len(begun) == 2:
            steps.append(int(number) - begun.pop())
        elif what == "end" and len(begun) == 1:
            return Count(int(number) - begun.pop(), tuple(steps))
    raise CompileError("the run has no markers to count between")


def by_step(count: Count, facts: Mapping[str, Any]) -> Count:
    """Counts of steps in the order of execution as those of each step of a project.

    Raises CompileError if the project does not have the steps that were counted.
    """
    totals = [0] * len(facts["steps"])
    numbers = list(executed(facts["order"]))
    if len(numbers) != len(count.steps):
        raise CompileError(f"{len(count.steps)} steps were executed, not {len(numbers)}")
    for number, instructions in zip(numbers, count.steps, strict=True):
        totals[number] += instructions
    return Count(count.total, tuple(totals))


def _bytes(facts: Sequence[Mapping[str, Any]], inputs: Sequence[Array]) -> bytes:
    if len(facts) != len(inputs):
        raise CompileError(f"the program has {len(facts)} inputs, got {len(inputs)}")
    parts = []
    for fact, value in zip(facts, inputs, strict=True):
        expected = fact["dtype"], list(fact["shape"])
        if (str(value.dtype), list(value.shape)) != expected:
            raise CompileError(
                f"input {fact['name']!r} must be {expected[0]} {expected[1]}, "
                f"got {value.dtype} {list(value.shape)}"
            )
        parts.append(np.ascontiguousarray(np.transpose(value, fact["dim_order"])).tobytes())
    return b"".join(parts)


def _arrays(facts: Sequence[Mapping[str, Any]], data: bytes) -> dict[str, Array]:
    found, offset = {}, 0
    for fact in facts:
        dtype, order = np.dtype(fact["dtype"]), fact["dim_order"]
        physical = [fact["shape"][dim] for dim in order]
        size = math.prod(physical) * dtype.itemsize
        array = np.frombuffer(data[offset : offset + size], dtype).reshape(physical)
        found[fact["name"]] = np.ascontiguousarray(np.transpose(array, np.argsort(order)))
        offset += size
    return found
