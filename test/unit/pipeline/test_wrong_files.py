"""Every kind of file in the place of every other: one line, never an internal error."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cmopt.pipeline import cm_compile, cm_opt, cm_run
from cmopt.pipeline.emulation import read_project
from cmopt.support.diagnostics import CompileError

sys.path.insert(0, str(Path(__file__).parents[1]))
import archives

IR = b"""
func.func @forward(%x: tensor<2xf32>) -> tensor<2xf32> {
  func.return %x : tensor<2xf32>
}
"""


def kinds(folder: Path) -> dict[str, str]:
    """Files of many kinds, by what they are."""
    quantized, _ = archives.write_models(folder)
    found = {"quantized program": quantized}
    for name, content in (
        ("empty", b""),
        ("text", b"hello\n"),
        ("latin text", "größe".encode("latin-1")),
        ("zeros", bytes(4096)),
        ("random bytes", np.random.default_rng(0).bytes(4096)),
        ("picture", b"\x89PNG\r\n\x1a\n" + bytes(100)),
        ("pickle", archives.plain_pickle({"a": 1})),
        ("zip signature", b"PK\x03\x04"),
        ("program signature", bytes(4) + b"ET12" + bytes(100)),
        ("ir", IR),
        ("long line", b"(" * 100_000),
        ("nested ir", b'"a.b"() {a = ' + b"[" * 5000 + b"]" * 5000 + b"} : () -> ()"),
    ):  # fmt: skip
        found[name] = folder / name.replace(" ", "_")
        found[name].write_bytes(content)
    found["directory"] = folder / "directory"
    found["directory"].mkdir()
    found["missing"] = folder / "missing"
    found["device"] = Path("/dev/null")
    found["endless device"] = Path("/dev/zero")
    os.symlink(folder / "loop", folder / "loop")
    found["loop"] = folder / "loop"
    np.save(folder / "array.npy", np.zeros(2, np.float32))
    found["array"] = folder / "array.npy"
    np.savez(folder / "arrays.npz", x=np.zeros(2, np.float32))
    found["arrays"] = folder / "arrays.npz"
    with zipfile.ZipFile(folder / "other.zip", "w") as zipped:
        zipped.writestr("a/b.txt", b"x")
    found["archive"] = folder / "other.zip"
    return {name: str(path) for name, path in found.items()}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return kinds(tmp_path_factory.mktemp("kinds"))


PLACES = {
    "cm-opt": (cm_opt, ["{file}"]),
    "cm-run program": (cm_run, ["{file}", "--input", "{arrays}"]),
    "cm-run input": (cm_run, ["{ir}", "--input", "{file}"]),
    "cm-compile model": (cm_compile, ["{file}", "-o", "{out}"]),
    "cm-compile calibrate": (cm_compile, ["{model}", "-o", "{out}", "--calibrate", "{file}"]),
}


@pytest.mark.parametrize("place", PLACES)
def test_any_file_in_any_place(
    place: str,
    files: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tool, arguments = PLACES[place]
    monkeypatch.setattr("cmopt.pipeline.files.MAX_TEXT_BYTES", 1 << 20)
    monkeypatch.setattr("cmopt.pipeline.cm_run.MAX_PROGRAM_BYTES", 1 << 20)
    ir = tmp_path / "m.mlir"
    ir.write_text(Path(files["ir"]).read_text())
    model = files["quantized program"]
    known = {"arrays": files["arrays"], "ir": ir, "out": tmp_path / "out", "model": model}
    accepted = set()
    for kind, file in files.items():
        for suffix in ("", ".mlir"):
            path = Path(file)
            if suffix and (path.is_dir() or not path.is_file()):
                continue
            if suffix:
                path = tmp_path / f"x{suffix}"
                path.write_bytes(Path(file).read_bytes())
            code = tool.main([a.format(file=path, **known) for a in arguments])  # type: ignore[attr-defined]
            captured = capsys.readouterr()
            line = captured.err
            assert code in (0, 1), (kind, suffix)
            assert "internal error" not in line and "Traceback" not in line, (kind, suffix, line)
            assert code == 0 or (line.count("\n") == 1 and line.isascii()), (kind, suffix, line)
            if code == 0:
                accepted.add(kind)
    expected = {
        "cm-opt": {"ir", "empty", "device"},
        "cm-run program": set(),
        "cm-run input": set(),
        "cm-compile model": {"quantized program", "ir"},
        "cm-compile calibrate": set(),
    }
    assert accepted == expected[place]


@pytest.mark.parametrize(
    "facts",
    [
        "", "[]", "{}", '{"name": 1, "target": 2, "inputs": 3, "outputs": 4}',
        '{"name": "../x", "target": "cortex-m55", "inputs": [], "outputs": [], "steps": []}',
        '{"name": "m", "target": "cortex-m55", "inputs": [1], "outputs": [], "steps": []}',
        '{"name": "m", "target": "cortex-m55", "inputs": [], "outputs": {"a": 1}, "steps": []}',
        '{"name": "m", "target": "x", "inputs": [], "outputs": [], "steps": []}', "[" * 100_000,
    ],
)  # fmt: skip
def test_a_directory_that_is_no_project(
    facts: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], files: dict[str, str]
) -> None:
    from cmopt.codegen.c.project import PROJECT

    path = tmp_path / PROJECT
    path.parent.mkdir(exist_ok=True)
    path.write_text(facts)
    assert cm_run.main([str(tmp_path), "--input", files["arrays"]]) == 1
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and "internal error" not in line, line
    with pytest.raises(CompileError):
        read_project(str(tmp_path))


def test_names_of_outputs_do_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file names its inputs and outputs; a terminal obeys some characters."""
    ir, inputs = tmp_path / "m.mlir", tmp_path / "in.npz"
    ir.write_text(
        'func.func @forward(%x: tensor<1xf32>) -> (tensor<1xf32> {edge.name = "y\\1B[2J\\0A"}) {'
        " func.return %x : tensor<1xf32> }"
    )
    np.savez(inputs, input_0=np.zeros(1, np.float32))
    assert cm_run.main([str(ir), "--input", str(inputs)]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out and r"y\x1b[2J" in out
