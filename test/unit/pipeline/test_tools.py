"""`cm-compile` and `cm-run` from the command line: what they write, and one line for each error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from cmopt.pipeline import cm_compile, cm_run, program_process
from cmopt.support.diagnostics import CompileError

sys.path.insert(0, str(Path(__file__).parents[1]))
from networks import digits


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "digits.pt2"
    torch.export.save(digits().exported, path)
    return path


@pytest.fixture(scope="module")
def float_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "float.pt2"
    module = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.ReLU()).eval()
    torch.export.save(torch.export.export(module, (torch.randn(2, 8),)), path)
    return path


Output = pytest.CaptureFixture[str]


def fails(tool: object, arguments: list[str], capsys: Output) -> str:
    """Run a tool that must fail. Returns its error, which is one line."""
    assert tool.main(arguments) == 1  # type: ignore[attr-defined]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1, captured.err
    return captured.err


def test_compile_and_run(model: Path, tmp_path: Path, capsys: Output) -> None:
    pte, report, mlir = tmp_path / "d.pte", tmp_path / "d.json", tmp_path / "d.mlir"
    assert cm_compile.main([str(model), "-o", str(pte), "--report", str(report)]) == 0
    assert "quantized_conv2d" in capsys.readouterr().out
    assert json.loads(report.read_text())["pte_bytes"] == pte.stat().st_size
    assert cm_compile.main([str(model), "--emit", "mlir", "-o", str(mlir)]) == 0

    x = np.random.default_rng(0).normal(size=(1, 1, 8, 8)).astype(np.float32)
    inputs, results = tmp_path / "in.npz", [tmp_path / "pte.npz", tmp_path / "mlir.npz"]
    np.savez(inputs, x=x)
    for program, result in zip((pte, mlir), results, strict=True):
        assert cm_run.main([str(program), "--input", str(inputs), "--output", str(result)]) == 0
    outputs = [next(iter(np.load(result).values())) for result in results]
    assert outputs[0].tobytes() == outputs[1].tobytes()
    assert cm_run.main([str(pte), "--input", str(inputs)]) == 0
    assert "output_0: float32 [1, 10]" in capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        ["d.pte", "d.json", "d.mlir", "in.npz", "pte.npz", "mlir.npz"]
    )


def test_every_stage_goes_to_standard_output(model: Path, capsys: Output) -> None:
    for stage, op in (
        ("edge", "edge.conv2d"),
        ("quantized", "!quant.uniform"),
        ("layout", 'data_format = "NHWC"'),
        ("cortex_m", "cortex_m.quantized_conv2d"),
        ("planned", "#cortex_m.place<arena, 0>"),
    ):
        assert cm_compile.main([str(model), "--emit", "mlir", "--stage", stage, "-o", "-"]) == 0
        assert op in capsys.readouterr().out


def test_all_outputs_at_once(model: Path, tmp_path: Path, capsys: Output) -> None:
    folder = tmp_path / "out"
    arguments = [str(model), "-o", f"{folder}/", "--emit", "pte,c,header,mlir", "--name", "net"]
    assert cm_compile.main([*arguments, "--report", str(tmp_path / "net.json")]) == 0
    names = {path.name for path in folder.iterdir()}
    assert {"net.pte", "net.mlir", "net_pte.h", "net.c", "net.h", "CMakeLists.txt"} <= names
    x = np.random.default_rng(0).normal(size=(1, 1, 8, 8)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=x)
    results = []
    for program in (folder / "net.pte", folder / "net.mlir", folder):
        inputs, result = str(tmp_path / "x.npz"), str(tmp_path / "y.npz")
        assert cm_run.main([str(program), "--input", inputs, "--output", result]) == 0
        results.append(next(iter(np.load(result).values())).tobytes())
    assert len(set(results)) == 1


def test_calibrate(float_model: Path, tmp_path: Path, capsys: Output) -> None:
    data, pte = tmp_path / "data.npz", tmp_path / "out.pte"
    (name,) = torch.export.load(float_model).graph_signature.user_inputs
    samples = np.random.default_rng(0).normal(size=(16, 2, 8)).astype(np.float32)
    np.savez(data, **{str(name): samples})
    assert cm_compile.main([str(float_model), "--calibrate", str(data), "-o", str(pte)]) == 0
    assert "every operator is on an integer kernel" in capsys.readouterr().out

    np.savez(data, other=samples)
    arguments = [str(float_model), "--calibrate", str(data), "-o", str(tmp_path / "no.pte")]
    line = fails(cm_compile, arguments, capsys)
    assert f"has no array '{name}'; it has other" in line
    np.savez(data, **{str(name): samples[0]})
    line = fails(cm_compile, arguments, capsys)
    assert "has shape [2, 8], not [samples, 2, 8]" in line
    assert not (tmp_path / "no.pte").exists()


class Structured(torch.nn.Module):
    """A model of a dict, a number and a keyword argument."""

    def forward(
        self, batch: dict[str, torch.Tensor], scale: float, *, bias: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        return {"sum": batch["a"] * scale + bias}


def test_calibrate_a_model_with_structured_inputs(tmp_path: Path, capsys: Output) -> None:
    x = torch.randn(2, 8)
    exported = torch.export.export(Structured(), ({"a": x}, 2.0), {"bias": x + 1})
    torch.export.save(exported, tmp_path / "model.pt2")
    samples = np.random.default_rng(0).normal(size=(4, 2, 8)).astype(np.float32)
    np.savez(tmp_path / "data.npz", batch_a=samples, bias=samples)
    arguments = ["--calibrate", str(tmp_path / "data.npz"), "-o", str(tmp_path / "out.pte")]
    assert cm_compile.main([str(tmp_path / "model.pt2"), *arguments]) == 0
    printed = capsys.readouterr().out
    assert "inputs: batch_a, bias" in printed and "outputs: sum" in printed


def test_calibration_data_of_another_type(
    float_model: Path, tmp_path: Path, capsys: Output
) -> None:
    """numpy's default is float64."""
    (name,) = torch.export.load(float_model).graph_signature.user_inputs
    np.savez(tmp_path / "data.npz", **{str(name): np.zeros((3, 2, 8))})
    arguments = ["--calibrate", str(tmp_path / "data.npz"), "-o", str(tmp_path / "x.pte")]
    line = fails(cm_compile, [str(float_model), *arguments], capsys)
    assert f"array '{name}' is float64, the input is float32; save array.astype" in line


def test_calibrating_what_is_quantized_already(model: Path, tmp_path: Path, capsys: Output) -> None:
    np.savez(tmp_path / "data.npz", x=np.zeros((3, 1, 1, 8, 8), np.float32))
    arguments = ["--calibrate", str(tmp_path / "data.npz"), "-o", str(tmp_path / "x.pte")]
    line = fails(cm_compile, [str(model), *arguments], capsys)
    assert "quantized already; compile it as it is, without --calibrate" in line


def test_one_array_instead_of_named_ones(float_model: Path, tmp_path: Path, capsys: Output) -> None:
    array = tmp_path / "x.npy"
    np.save(array, np.zeros(3, np.float32))
    model = tmp_path / "model.mlir"
    model.write_text("")
    for tool, arguments in (
        (cm_run, [str(model), "--input", str(array)]),
        (cm_compile, [str(float_model), "-o", "x.pte", "--calibrate", str(array)]),
    ):
        line = fails(tool, arguments, capsys)
        assert f"'{array}' holds one array without a name; write a .npz file" in line


def test_not_quantized(float_model: Path, tmp_path: Path, capsys: Output) -> None:
    output = tmp_path / "out.pte"
    line = fails(cm_compile, [str(float_model), "-o", str(output)], capsys)
    assert "the model is not quantized" in line and "--calibrate" in line
    assert not output.exists()
    assert cm_compile.main([str(float_model), "--allow-float", "-o", str(output)]) == 0


def test_several_methods_and_dynamic_shapes(tmp_path: Path, capsys: Output) -> None:
    path = tmp_path / "dynamic.pt2"
    module = torch.nn.Linear(8, 4).eval()
    shapes = ({0: torch.export.Dim("batch", min=2, max=64)},)
    exported = torch.export.export(module, (torch.randn(4, 8),), dynamic_shapes=shapes)
    torch.export.save(exported, path)
    line = fails(cm_compile, [str(path), "--allow-float", "-o", str(tmp_path / "x")], capsys)
    assert "dynamic" in line and "input" in line


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, 0.9])
def test_malformed_models(model: Path, keep: float, tmp_path: Path, capsys: Output) -> None:
    data = model.read_bytes()
    broken = tmp_path / "broken.pt2"
    broken.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    line = fails(cm_compile, [str(broken), "-o", str(tmp_path / "x.pte")], capsys)
    assert "torch.export" in line
    assert not (tmp_path / "x.pte").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.pt2", "-o", "x"], "cannot read 'nothing.pt2': No such file"),
        (["{model}", "-o", "x", "--target", "cortex-a53"], "unknown target 'cortex-a53'"),
        (["{model}", "-o", "x", "--io", "int4"], "unknown io 'int4'"),
        (["{model}", "-o", "x", "--stage", "plan"], "unknown stage 'plan'"),
        (["{model}", "-o", "-"], "a .pte cannot go to standard output"),
        (["{model}"], "the following arguments are required: -o"),
        (["{model}", "-o", "no/such/folder/x.pte"], "cannot write 'no/such/folder/x.pte'"),
        (["{model}", "-o", "x", "--calibrate", "none.npz"], "cannot read 'none.npz'"),
    ],
)
def test_compile_errors(model: Path, arguments: list[str], message: str, capsys: Output) -> None:
    filled = [a.format(model=model) for a in arguments]
    try:
        assert message in fails(cm_compile, filled, capsys)
    except SystemExit as exit:
        assert exit.code == 1
        assert message in capsys.readouterr().err


def test_run_errors(model: Path, tmp_path: Path, capsys: Output) -> None:
    pte, mlir = tmp_path / "d.pte", tmp_path / "d.mlir"
    cm_compile.main([str(model), "-o", str(pte)])
    cm_compile.main([str(model), "--emit", "mlir", "-o", str(mlir)])
    capsys.readouterr()
    good, wrong, two = (tmp_path / name for name in ("good.npz", "wrong.npz", "two.npz"))
    np.savez(good, x=np.zeros((1, 1, 8, 8), np.float32))
    np.savez(wrong, x=np.zeros((1, 1, 8, 8), np.float64))
    np.savez(two, a=np.zeros(3), b=np.zeros(3))

    def line(program: Path, inputs: Path) -> str:
        return fails(cm_run, [str(program), "--input", str(inputs)], capsys)

    assert "input 0: expected torch.float32 [1, 1, 8, 8], got torch.float64" in line(pte, wrong)
    assert "input 0: expected float32 [1, 1, 8, 8], got float64" in line(mlir, wrong)
    assert "has no array 'input_0'; a .pte has no names, only numbers; it has a, b" in line(
        pte, two
    )
    assert "has no array 'x'; it has a, b" in line(mlir, two)
    assert "cannot read" in line(tmp_path / "none.pte", good)
    assert "cannot read" in line(pte, tmp_path / "none.npz")
    assert "not a .npz file" in line(pte, pte)
    for size in (0, 10, 60, 500):
        broken = tmp_path / "broken.pte"
        broken.write_bytes(pte.read_bytes()[:size])
        assert "ExecuTorch program" in line(broken, good)
    broken = tmp_path / "broken.mlir"
    broken.write_text(mlir.read_text()[:300])
    assert f"{broken}:" in line(broken, good)
    broken.write_text("func.func @other() { func.return }")
    assert "no function @forward" in line(broken, good)


def test_a_runtime_that_dies_is_one_line(
    model: Path, tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that runs a program may end in any way."""
    pte, inputs = tmp_path / "d.pte", tmp_path / "in.npz"
    cm_compile.main([str(model), "-o", str(pte)])
    capsys.readouterr()
    np.savez(inputs, x=np.zeros((1, 1, 8, 8), np.float32))

    def dies(job: bytes) -> tuple[int, bytes, bytes]:
        code = "import os, sys; print('E: bad', file=sys.stderr, flush=True); os.abort()"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    monkeypatch.setattr(program_process, "run_child", dies)
    line = fails(cm_run, [str(pte), "--input", str(inputs)], capsys)
    assert "ExecuTorch's runtime was ended by SIGABRT: E: bad; the file may be damaged" in line


def test_a_program_has_a_time_and_a_memory_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(program_process, "SECONDS", 0.1)
    with pytest.raises(CompileError, match=r"gives no result in 0\.1 seconds"):
        program_process.run_program(bytes(4) + b"ET12", {}, "in.npz")
    code = (
        "from cmopt.pipeline import program_process as p; p.MEMORY = 1 << 26; p.limit_memory();"
        "bytearray(1 << 27)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert b"MemoryError" in done.stderr
