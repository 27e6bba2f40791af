"""The firmware header, and the sizes of ExecuTorch's own tables on a core."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import cmopt
from cmopt.pipeline import cm_compile

sys.path.insert(0, str(Path(__file__).parents[1]))
from networks import digits

CHECK = """
#include "digits_8.h"
#include <stdio.h>
static const int32_t shape[DIGITS_8_INPUT_0_RANK] = DIGITS_8_INPUT_0_SHAPE;
static const char *const operators[] = DIGITS_8_OPERATORS;
int main(void) {
  DIGITS_8_INPUT_0_TYPE input[DIGITS_8_INPUT_0_BYTES];
  float real = (float)(127 - DIGITS_8_OUTPUT_0_ZERO_POINT) * DIGITS_8_OUTPUT_0_SCALE;
  printf("%d %d %d %d %.9g %s %d\\n", shape[2], (int)sizeof input, DIGITS_8_ARENA_BYTES,
         DIGITS_8_INPUT_COUNT, real, operators[0], DIGITS_8_PTE_BYTES);
  return 0;
}
"""


def test_a_compiler_reads_it(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    program = cmopt.compile(digits().exported, io="int8")
    (tmp_path / "digits_8.h").write_text(program.header("digits 8"))
    (tmp_path / "main.c").write_text(CHECK)
    flags = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]
    command = [compiler, *flags, "-o", str(tmp_path / "main"), str(tmp_path / "main.c")]
    subprocess.run(command, check=True)
    output = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout
    height, input_bytes, arena, count, real, operator, pte = output.split()
    assert (height, input_bytes, count) == ("8", "64", "1")
    assert int(arena) == program.report.arena_bytes
    assert int(pte) == len(program.pte)
    assert operator == program.report.operators[0]
    largest = torch.tensor(127, dtype=torch.int8)
    quantized = [n for n in digits().exported.graph.nodes if "dequantize" in str(n.target)][-1]
    scale, zero = quantized.args[1], quantized.args[2]
    assert isinstance(scale, float) and isinstance(zero, int)
    assert float(real) == pytest.approx((int(largest) - zero) * scale, rel=1e-6)


def test_float_io_has_no_scale() -> None:
    header = cmopt.compile(digits().exported).header()
    assert "#define MODEL_INPUT_0_TYPE float" in header
    assert "SCALE" not in header and "ZERO_POINT" not in header


def test_cm_compile_emits_it(tmp_path: Path) -> None:
    model, header = tmp_path / "digits.pt2", tmp_path / "my-model.h"
    torch.export.save(digits().exported, model)
    assert cm_compile.main([str(model), "--emit", "header", "-o", str(header)]) == 0
    assert "#ifndef MY_MODEL_H" in header.read_text()


def test_tables_of_upstreams_program_are_what_a_core_measured() -> None:
    """ExecuTorch's own DS-CNN took 11,552 bytes of method allocator on an emulated Cortex-M55."""
    from executorch.exir._serialize._program import deserialize_pte_binary

    from cmopt.codegen.runtime_memory import method_allocator_bytes, temp_allocator_bytes

    sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
    try:
        import compare_upstream as peer
    finally:
        sys.path.pop(0)
    model = peer.MODELS["ds_cnn"]
    exported = peer.upstream_quantized(model.module(), model.inputs(1))
    pte = peer.upstream(exported, explicit_layout=False)
    plan = deserialize_pte_binary(pte).program.execution_plan[0]
    assert method_allocator_bytes(plan) == 11_552
    assert temp_allocator_bytes(plan) == 16 * 28


@pytest.mark.parametrize(
    ("function", "method_bytes", "temp_bytes"),
    [
        (torch.nn.functional.gelu, 188, None),
        (lambda x: torch.div(x, x + 9, rounding_mode="trunc"), 344, None),
        (lambda x: torch.topk(torch.cat([x] * 20, 1)[:, :100], 2), None, 1600),
    ],
    ids=["string", "rounding_mode", "topk"],
)
def test_allocators_of_portable_kernels(
    function: Any, method_bytes: int | None, temp_bytes: int | None
) -> None:
    """The memory that ExecuTorch's runtime took on an emulated Cortex-M55."""

    class Model(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> Any:
            return function(x)

    exported = torch.export.export(Model(), (torch.randn(3, 7),))
    report = cmopt.compile(exported, allow_float=True).report
    if method_bytes is not None:
        assert report.method_allocator_bytes == method_bytes
    if temp_bytes is not None:
        assert report.temp_allocator_bytes == temp_bytes
