"""C projects as a user builds and runs them: with CMake, and with cm-run on an emulated core."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import cmopt
from cmopt.pipeline.cm_run import main as cm_run
from cmopt.pipeline.emulation import read_project, run_project
from cmopt.support.targets import target_names

CORES = ("cortex-m3", "cortex-m7", "cortex-m55")
BIN = Path(sys.executable).parent


def program_for(target: str) -> cmopt.Program:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(72, 10), nn.Softmax(-1),
    ).eval()  # fmt: skip
    batches = [(torch.randn(1, 3, 6, 6),) for _ in range(4)]
    return cmopt.compile(
        cmopt.quantize(model, batches[0], calibration=batches), target=target, io="int8"
    )


def image() -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    return np.random.default_rng(0).integers(-128, 128, (1, 3, 6, 6)).astype(np.int8)


def cmake(folder: Path, build: str, *options: str) -> str:
    """Configure, build and test a project. Returns what the tests print."""
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    for command in (
        ["cmake", "-S", ".", "-B", build, "-DCMAKE_COMPILE_WARNING_AS_ERROR=ON", *options],
        ["cmake", "--build", build],
        ["ctest", "--test-dir", build, "--output-on-failure", "-V"],
    ):
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("target", CORES)
def test_cmake(tmp_path: Path, target: str) -> None:
    """On this computer, and for the core with the project's toolchain file."""
    program_for(target).save_c(str(tmp_path), name="kws")
    assert "kws: all outputs are as expected" in cmake(tmp_path, "build")
    said = cmake(tmp_path, "build-arm", f"-DCMAKE_TOOLCHAIN_FILE=machine/{target}.cmake")
    assert "kws: all outputs are as expected" in said


@pytest.mark.parametrize("target", [*target_names(), "cortex-m55+nomve", "cortex-m33+nodsp"])
def test_every_target_runs_on_a_machine(tmp_path: Path, target: str) -> None:
    program = program_for(target)
    program.save_c(str(tmp_path))
    (expected,) = program.interpret(image(), stage="planned")
    run = run_project(str(tmp_path), [image()], on="qemu")
    assert np.array_equal(run.outputs[0]["output_0"], expected.numpy())
    assert 0 < run.stack < 2048


def test_a_self_test_that_must_fail(tmp_path: Path) -> None:
    program_for("cortex-m3").save_c(str(tmp_path), name="kws")
    test = tmp_path / "self_test.c"
    head, expected, tail = test.read_text().partition("expected_0[] = {\n    ")
    first, comma, rest = tail.partition(",")
    test.write_text(f"{head}{expected}{1 if first != '1' else 2}{comma}{rest}")
    with pytest.raises(AssertionError, match=r"output 0: wrong at byte 0"):
        cmake(tmp_path, "build")


def test_counts_are_the_same_at_every_run(tmp_path: Path) -> None:
    """A program costs what its steps cost and a little more, and the count is exact."""
    program_for("cortex-m55").save_c(str(tmp_path))
    steps = read_project(str(tmp_path))["steps"]
    first, second = (
        run_project(str(tmp_path), [image()], on="qemu", counted=True).count for _ in range(2)
    )
    assert first is not None and first == second
    assert len(first.steps) == len(steps) and min(first.steps) > 0
    assert sum(first.steps) < first.total < sum(first.steps) + 1000


def test_cm_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = program_for("cortex-m7")
    project, given, written = tmp_path / "kws", tmp_path / "in.npz", tmp_path / "out.npz"
    program.save_c(str(project), name="kws")
    np.savez(given, **{program.input_names[0]: image()})
    arguments = [str(project), "--input", str(given), "--output", str(written)]
    assert cm_run([*arguments, "--on", "qemu", "--count"]) == 0
    said = capsys.readouterr().out
    assert "instructions" in said and "conv2d" in said and "stack: " in said
    (expected,) = program.interpret(image(), stage="planned")
    assert np.array_equal(np.load(written)["output_0"], expected.numpy())
    written.unlink()
    assert cm_run(arguments) == 0
    assert np.array_equal(np.load(written)["output_0"], expected.numpy())
