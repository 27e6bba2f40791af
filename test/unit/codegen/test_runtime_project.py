"""Projects for ExecuTorch's runtime: they run on the wheel's, in exactly the memory they state."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import cmopt
from cmopt import kernels
from cmopt.codegen.c.project import Example
from cmopt.codegen.c.runtime_project import runtime_project_files
from cmopt.codegen.emit_pte import emit_pte
from cmopt.dialects.program import main_function
from cmopt.interpreters.run import run_module
from cmopt.pipeline.c_project import write_project
from cmopt.support.diagnostics import CompileError
from cmopt.support.targets import Isa

sys.path.insert(0, str(Path(__file__).parents[1]))
from int16_kernels import random_calls, random_values

BIN = Path(sys.executable).parent


def executorch() -> Path:
    """The folder of the installed package."""
    spec = find_spec("executorch")
    assert spec is not None and spec.submodule_search_locations
    return Path(next(iter(spec.submodule_search_locations)))


def built(project: Path, operators: str | None = None) -> Path:
    """Configure and build a project, and return its self test.

    operators: the libraries that register operators; by default this project's for the host.
    """
    libraries = kernels.library_path() if operators is None else operators
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    options = [
        f"-DCMAKE_PREFIX_PATH={executorch()}",
        f"-DNET_OPERATORS={libraries}",
        "-DCMAKE_COMPILE_WARNING_AS_ERROR=ON",
        "-DCMAKE_CXX_FLAGS=-Wall -Wextra",
    ]
    for command in (["cmake", "-S", ".", "-B", "b", *options], ["cmake", "--build", "b"]):
        done = subprocess.run(
            command, cwd=project, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return project / "b" / "net_self_test"


def run(test: Path) -> tuple[int, str]:
    done = subprocess.run([test], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout


def less_memory(project: Path, allocator: str, bytes: int) -> None:
    """Change the header's size of an allocator on a host."""
    header = project / "net.h"
    core, mark, host = header.read_text().partition("#else /* a host")
    name = f"NET_{allocator}_ALLOCATOR_BYTES "
    smaller = re.sub(f"({name})(\\d+)", lambda m: f"{m[1]}{int(m[2]) - bytes}", host)
    assert smaller != host
    header.write_text(core + mark + smaller)


def convolutions() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(72, 10),
        nn.Softmax(-1),
    )  # fmt: skip


class TwoOutputs(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x + y, torch.maximum(x, y)


@pytest.mark.parametrize("io", ["float", "int8"])
@pytest.mark.parametrize(
    ("make", "shapes"),
    [(convolutions, [(1, 3, 6, 6)]), (TwoOutputs, [(2, 3, 4), (2, 3, 4)])],
    ids=["convolutions", "two-outputs"],
)
def test_exactly_the_memory_that_the_header_states(
    tmp_path: Path, make: Callable[[], nn.Module], shapes: list[tuple[int, ...]], io: str
) -> None:
    torch.manual_seed(0)
    batches = [tuple(torch.randn(shape) for shape in shapes) for _ in range(3)]
    exported = cmopt.quantize(make().eval(), batches[0], calibration=batches)
    cmopt.compile(exported, io=io).save_c(str(tmp_path), name="net", runtime="executorch")
    assert run(built(tmp_path)) == (0, "net: all outputs are as expected\n")
    less_memory(tmp_path, "METHOD", 64)
    code, said = run(built(tmp_path))
    assert code == 2 and said == "net_init returned 0x21\n"  # MemoryAllocationFailed


def test_the_operators_of_this_project_are_built_with_it(tmp_path: Path) -> None:
    module = random_calls([5], 44, Isa.SCALAR)
    inputs = random_values(module, np.random.default_rng(0))
    example = Example(inputs, run_module(module, inputs))
    func = main_function(module)
    files = runtime_project_files(emit_pte(module), func, "net", "cortex-m55", example)
    write_project(str(tmp_path), files)
    assert run(built(tmp_path, operators="")) == (0, "net: all outputs are as expected\n")


def test_an_unknown_runtime(tmp_path: Path) -> None:
    x = (torch.randn(1, 4),)
    program = cmopt.compile(cmopt.quantize(nn.Linear(4, 4).eval(), x, calibration=[x]))
    with pytest.raises(CompileError, match="unknown runtime 'zephyr'; one of none, executorch"):
        program.save_c(str(tmp_path / "net"), runtime="zephyr")
    assert not (tmp_path / "net").exists()


def test_two_buffers_of_planned_memory(tmp_path: Path) -> None:
    torch.manual_seed(0)
    batches = [(torch.randn(1, 3, 6, 6),) for _ in range(2)]
    exported = cmopt.quantize(convolutions().eval(), batches[0], calibration=batches)
    program = cmopt.compile(exported, memories="dtcm=1K")
    size = program.report.dtcm_bytes
    program.save_c(str(tmp_path), name="net", runtime="executorch")
    assert size and f"#define NET_DTCM_BYTES {size}\n" in (tmp_path / "net.h").read_text()
    assert f"written most | {size} |" in (tmp_path / "README.md").read_text()
    assert run(built(tmp_path)) == (0, "net: all outputs are as expected\n")
