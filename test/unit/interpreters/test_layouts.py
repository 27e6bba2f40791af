"""The meaning of an op does not depend on its layout, on strides, or on the pass before it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cmopt.dialects.parsing import make_context, parse_module
from cmopt.pipeline import cm_run
from cmopt.pipeline.interpreting import interpret
from cmopt.pipeline.passes import parse_pipeline, run_passes

MEAN = """
!t = !quant.uniform<i8:f32, 0.026863137260079384:-8>
func.func @forward(%x: tensor<3x4x8x4x4x!t>) -> tensor<3x2x8x4x1x!t> {
  %s = edge.slice %x {dim = 1 : i64, start = 0 : i64} : (tensor<3x4x8x4x4x!t>) -> tensor<3x2x8x4x4x!t>
  %m = edge.mean %s {dims = array<i64: 4>} : (tensor<3x2x8x4x4x!t>) -> tensor<3x2x8x4x1x!t>
  func.return %m : tensor<3x2x8x4x1x!t>
}
"""  # noqa: E501
WINDOW = "stride = array<i64: 2, 1>, padding = array<i64: 1, 1, 1, 1>"
NHWC_OPS = {
    "edge.conv2d": f"{WINDOW}, dilation = array<i64: 1, 1>, groups = 1 : i64",
    "edge.avg_pool2d": f"{WINDOW}, kernel_size = array<i64: 3, 3>, ceil_mode = false, "
    "count_include_pad = false",
    "edge.max_pool2d": f"{WINDOW}, kernel_size = array<i64: 3, 3>, ceil_mode = false, "
    "dilation = array<i64: 1, 1>",
}
INDEX = """
func.func @forward(%x: tensor<4xf32>) -> tensor<1xf32> {
  %i = arith.constant dense<9> : tensor<1xi32>
  %0 = edge.call "aten.index_select.default"(%x, %i) {arguments = [#edge.operand<0>, 0 : i64, #edge.operand<1>]} : (tensor<4xf32>, tensor<1xi32>) -> tensor<1xf32>
  func.return %0 : tensor<1xf32>
}
"""  # noqa: E501


def test_a_mean_does_not_depend_on_strides() -> None:
    """A reduction of a slice and a pool of its copy agree. Many of the results are ties."""
    module = parse_module(make_context(), MEAN)
    x = np.random.default_rng(0).integers(-128, 128, (3, 4, 8, 4, 4)).astype(np.int8)
    (before,) = interpret(module, [x])
    run_passes(make_context(), module, parse_pipeline("lower-reductions"))
    (after,) = interpret(module, [x])
    np.testing.assert_array_equal(after, before)
    sums = x[:, :2].astype(np.int64).sum(axis=4, keepdims=True)
    assert (np.abs(before - sums / 4) <= 0.5).all()
    assert (sums % 4 == 2).any(), "a tie"


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("op", NHWC_OPS)
def test_portable_kernels_of_nhwc(op: str, constant: bool) -> None:
    """The portable kernels take only NCHW, so they get NCHW."""
    is_conv = op == "edge.conv2d"
    out = 6 if is_conv else 3
    values = np.random.default_rng(1).normal(size=(6, 3, 3, 3)).astype(np.float32)
    weight = "tensor<6x3x3x3xf32>"
    arguments, inputs = "%x: tensor<2x6x5x3xf32>", [values.repeat(3)[:180].reshape(2, 6, 5, 3)]
    body = ""
    if is_conv and constant:
        body = f'%w = arith.constant dense<"0x{values.tobytes().hex().upper()}"> : {weight}\n'
    elif is_conv:
        arguments, inputs = f"{arguments}, %w: {weight}", [*inputs, values]
    operands, types = ("%x, %w", f"tensor<2x6x5x3xf32>, {weight}") if is_conv else (
        "%x", "tensor<2x6x5x3xf32>")  # fmt: skip
    result = f"tensor<2x3x5x{out}xf32>"
    module = parse_module(
        make_context(),
        f"func.func @forward({arguments}) -> {result} {{\n{body}"
        f'%0 = {op} {operands} {{{NHWC_OPS[op]}, data_format = "NHWC"}} : ({types}) -> {result}\n'
        f"func.return %0 : {result}\n}}",
    )
    (before,) = interpret(module, inputs)
    run_passes(make_context(), module, parse_pipeline("convert-edge-to-portable"))
    assert not any(op.name == "edge.conv2d" for op in module.walk())
    (after,) = interpret(module, inputs)
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-6)


def test_an_index_that_there_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program, inputs = tmp_path / "idx.mlir", tmp_path / "in.npz"
    program.write_text(INDEX)
    np.savez(inputs, input_0=np.zeros(4, np.float32))
    assert cm_run.main([str(program), "--input", str(inputs)]) == 1
    assert capsys.readouterr().err == "cm-run: error: aten.index_select.default: index 9 of 4\n"
    program.write_text(INDEX.replace("index_select", "index").replace(
        "[#edge.operand<0>, 0 : i64, #edge.operand<1>]", "[#edge.operand<0>, [#edge.operand<1>]]"
    ).replace("aten.index.default", "aten.index.Tensor"))  # fmt: skip
    assert cm_run.main([str(program), "--input", str(inputs)]) == 1
    assert capsys.readouterr().err == "cm-run: error: aten.index.Tensor: index 9 of 4\n"
