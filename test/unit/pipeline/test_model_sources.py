"""What `cm-compile` takes a model from: a Python file. Files of other kinds are errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from cmopt.pipeline import cm_compile

MODEL = """
import torch
from a_neighbour import WIDTH


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(WIDTH, 4)

    def forward(self, x, mask=None):
        return torch.relu(self.linear(x))


class Sized(torch.nn.Module):
    def __init__(self, size):
        super().__init__()


def make():
    return Model()


def fails():
    raise ValueError("no weights\\nhere")


instance = Model()
number = 3
"""
EXAMPLE = """

def example_inputs():
    return (torch.zeros(1, WIDTH),)
"""
Output = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a_neighbour.py").write_text("WIDTH = 8\n")
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "example.py").write_text(MODEL + EXAMPLE)
    (tmp_path / "wrong.py").write_text(MODEL + EXAMPLE.replace("(torch.zeros(1, WIDTH),)", "3"))
    (tmp_path / "broken.py").write_text("import torch\n\nx = y\n")
    (tmp_path / "syntax.py").write_text("x = 1\nclass\n")
    data = np.random.default_rng(0).normal(size=(16, 1, 8)).astype(np.float32)
    np.savez(tmp_path / "data.npz", x=data)
    np.savez(tmp_path / "flat.npz", x=data[:, 0])
    np.savez(tmp_path / "other.npz", y=data)
    return tmp_path


def run(folder: Path, *arguments: str) -> int:
    return cm_compile.main([*(a.format(folder=folder) for a in arguments), "-o", f"{folder}/m.pte"])


@pytest.mark.parametrize(
    ("model", "data"),
    [("model.py:Model", "data"), ("model.py:make", "data"), ("model.py:instance", "data"),
     ("example.py:Model", "flat")],
)  # fmt: skip
def test_a_model_in_python(model: str, data: str, folder: Path, capsys: Output) -> None:
    code = run(folder, f"{folder}/{model}", "--calibrate", f"{folder}/{data}.npz", "--trust-input")
    captured = capsys.readouterr()
    assert code == 0, captured.err
    assert "every operator is on an integer kernel" in captured.out
    assert (folder / "m.pte").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["model.py:Model"], "compiling a model of '{folder}/model.py' runs the file; add --trust"),
        (["model.py"], "'{folder}/model.py' does not say which model; write {folder}/model.py:Mod"),
        (["none.py:Model"], "cannot read '{folder}/none.py': No such file"),
        (["model.py:Modl", "--trust-input"], "has no 'Modl'; did you mean 'Model'?"),
        (["model.py:Net", "--trust-input"], "has no 'Net'; one of Model, Sized"),
        (["model.py:Sized", "--trust-input"], "'Sized' cannot be called without arguments"),
        (["model.py:number", "--trust-input"], "gives int, not a torch.nn.Module; name a class"),
        (["model.py:fails", "--trust-input"], "model.py:25: error: 'fails' cannot be called"),
        (["model.py:Model", "--trust-input"], "no example of the model's inputs: x; add a"),
        (["model.py:Model", "--trust-input", "--calibrate", "{folder}/other.npz"],
         "the calibration data has no array 'x'; it has y"),
        (["example.py:Model", "--trust-input"], "the model is not quantized"),
        (["wrong.py:Model", "--trust-input"], "example_inputs of '{folder}/wrong.py' gives int"),
        (["broken.py:Model", "--trust-input"], "broken.py:3: error: '{folder}/broken.py' cannot be "
         "run: NameError: name 'y' is not defined"),
        (["syntax.py:Model", "--trust-input"], "syntax.py:2: error: "),
    ],
)  # fmt: skip
def test_errors(arguments: list[str], message: str, folder: Path, capsys: Output) -> None:
    assert run(folder, f"{folder}/{arguments[0]}", *arguments[1:]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1, captured.err
    assert message.format(folder=folder) in captured.err
    assert not (folder / "m.pte").exists()


def write_others(folder: Path) -> dict[str, str]:
    """Files of other kinds, with a part of the error for each."""
    module = torch.nn.Linear(2, 2)
    torch.save(module.state_dict(), folder / "weights.pt")
    torch.save(module, folder / "model.pth")
    torch.save(module.state_dict(), folder / "old.pt", _use_new_zipfile_serialization=False)
    torch.jit.save(torch.jit.trace(module, torch.zeros(1, 2)), folder / "script.pt")
    (folder / "weights.safetensors").write_bytes(bytes(8) + b"{}")
    (folder / "model.tflite").write_bytes(bytes(4) + b"TFL3" + bytes(20))
    (folder / "model.onnx").write_bytes(b"\x08\x07\x12\x07pytorch")
    (folder / "notes.txt").write_text("hello")
    return {
        "weights.pt": "holds weights (a state dict or a pickled model), not a program; make the "
        "model in Python, give it the weights with load_state_dict(torch.load('weights.pt')), then "
        "torch.export.save(torch.export.export(model, example_inputs), 'model.pt2')",
        "model.pth": "holds weights (a state dict or a pickled model)",
        "old.pt": "holds weights (a state dict or a pickled model)",
        "weights.safetensors": "holds weights",
        "script.pt": "is a TorchScript model; export the model itself",
        "model.tflite": "is a TensorFlow Lite model; models come from PyTorch",
        "model.onnx": "is an ONNX model; models come from PyTorch",
        "notes.txt": "is not a torch.export program; write it with torch.export.save",
    }


def test_files_of_other_kinds_are_known_before_torch_is_imported(tmp_path: Path) -> None:
    expected = write_others(tmp_path)
    script = (
        "import sys; from cmopt.pipeline.cm_compile import main\n"
        "for name in sys.argv[1:]:\n"
        "    for more in ([], ['--trust-input']):\n"
        "        assert main([name, '-o', 'x.pte', *more]) == 1\n"
        "assert 'torch' not in sys.modules"
    )
    command = [sys.executable, "-c", script, *expected]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 2 * len(expected)
    for (name, message), line in zip(expected.items(), lines[::2], strict=True):
        assert line.startswith(f"cm-compile: error: '{name}' {message}")
    assert lines[::2] == lines[1::2]
