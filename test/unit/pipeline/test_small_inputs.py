"""Small files that once ran for minutes, filled the memory, or ended in an internal error."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cmopt.dialects.parsing import make_context, parse_module
from cmopt.pipeline import cm_run
from cmopt.pipeline.interpreting import interpret
from cmopt.pipeline.passes import parse_pipeline, run_passes

INPUTS = Path(__file__).parents[1] / "inputs"
SECONDS, MEMORY = 1.0, 500 << 20

CM_OPT = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit}))
from cmopt.pipeline.cm_opt import main
code = main(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
# Not ru_maxrss, which begins with that of the parent.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print("USED", used.ru_utime + used.ru_stime, int(peak.split()[1]) * 1024, file=sys.stderr)
sys.exit(code)
"""


def cm_opt(name: str, *arguments: str) -> tuple[int, str, str, float, int]:
    """Exit code, output, errors, seconds of the processor, and bytes of memory of cm-opt."""
    result = subprocess.run(
        [sys.executable, "-c", CM_OPT.format(limit=MEMORY << 3), str(INPUTS / name), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    *errors, used = result.stderr.splitlines()
    _, seconds, size = used.split()
    return result.returncode, result.stdout, "\n".join(errors), float(seconds), int(size)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("alias_doubling.mlir", (), ":12:1: error: alias '!a11' is too large: it stands for"),
        ("wide_integer.mlir", (), ":1:31: error: integer type i30000000000 is wider than 64 bits"),
        ("fshape.mlir", (), ":1:25: error: 9223372036854775808 is not a value of index"),
        ("infscale.mlir", (), ":1:56: error: 1e-46 is not a number; write 1.0e-46"),
        ("splat.mlir", (), None),
        ("splat.mlir", ("-p", "canonicalize"), None),
        ("const_shape.mlir", ("-p", "materialize-dim-order"), None),
        ("i32_ret.mlir", ("-p", "canonicalize"), None),
    ],
)
def test_a_file_is_read_or_refused_at_once(
    name: str, arguments: tuple[str, ...], message: str | None
) -> None:
    code, out, errors, seconds, size = cm_opt(name, *arguments)
    assert seconds <= SECONDS and size <= MEMORY
    if message is None:
        assert (code, errors) == (0, "")
        parse_module(make_context(), out)
    else:
        assert code == 1 and out == "" and "\n" not in errors
        assert errors.startswith(f"{INPUTS / name}{message}")


def test_a_splat_is_printed_as_it_was() -> None:
    assert "arith.constant dense<0> : tensor<20000000xi64>" in cm_opt("splat.mlir")[1]


def test_an_unchanged_shape_constant() -> None:
    text = (INPUTS / "const_shape.mlir").read_text()
    expected = cm_opt("const_shape.mlir")[1]
    assert "tosa.const_shape" in text and "tosa.const_shape" in expected
    assert cm_opt("const_shape.mlir", "-p", "materialize-dim-order")[1] == expected


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("i32_ret.mlir", np.int32(3), "i32_ret.mlir:1:1: error: 'func.func' op argument 0 must"),
        ("idx.mlir", np.zeros(4, np.float32), "aten.index_select.default: index 9 of 4"),
        ("infscale.mlir", np.zeros(2, np.int8), "1e-46 is not a number"),
    ],
)  # fmt: skip
def test_a_program_that_cannot_run(
    name: str,
    array: np.generic,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    np.savez(tmp_path / "in.npz", input_0=array)
    start = time.process_time()
    code = cm_run.main([str(INPUTS / name), "--input", str(tmp_path / "in.npz")])
    assert time.process_time() - start < SECONDS + 3  # torch may be imported here
    captured = capsys.readouterr()
    assert code == 1 and captured.out == ""
    assert captured.err.count("\n") == 1 and message in captured.err


@pytest.mark.parametrize(
    ("name", "pass_name", "shape", "dtype"),
    [
        ("mean.mlir", "lower-reductions", (3, 4, 8, 4, 4), np.int8),
        ("nhwc_portable.mlir", "convert-edge-to-portable", (1, 4, 4, 4), np.float32),
    ],
)
def test_a_pass_keeps_the_result(
    name: str, pass_name: str, shape: tuple[int, ...], dtype: type[np.generic]
) -> None:
    """A mean does not depend on strides in memory; a float convolution keeps its data format."""
    before = parse_module(make_context(), (INPUTS / name).read_text())
    after = before.clone()
    run_passes(make_context(), after, parse_pipeline(pass_name))
    for seed in range(20):
        x = (np.random.default_rng(seed).normal(size=shape) * 40).round(3).astype(dtype)
        assert interpret(before, [x])[0].tobytes() == interpret(after, [x])[0].tobytes()
