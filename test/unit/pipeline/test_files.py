"""Files that tools write: whole or not at all, all or none, nothing else touched."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cmopt.pipeline import cm_compile, cm_opt, files
from cmopt.pipeline.files import check_outputs, read_text, write_output, write_outputs
from cmopt.pipeline.interruption import Interrupted, signals_raised
from cmopt.support.diagnostics import CompileError

MODULE = """
!t = !quant.uniform<i8:f32, 5.0e-02:-3>
func.func @forward(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
  %q = quant.qcast %x : tensor<1x4xf32> to tensor<1x4x!t>
  %y = edge.relu %q : (tensor<1x4x!t>) -> tensor<1x4x!t>
  %d = quant.dcast %y : tensor<1x4x!t> to tensor<1x4xf32>
  func.return %d : tensor<1x4xf32>
}
"""


@pytest.fixture
def ir(tmp_path: Path) -> Path:
    path = tmp_path / "in.mlir"
    path.write_text(MODULE)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ------------------------------------------------------------------------------- one file


def test_a_planted_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a guessed temporary name is not used if something is there."""
    victim, out = tmp_path / "victim", tmp_path / "out.mlir"
    victim.write_text("precious")
    for name in (f"{out}.{os.getpid()}.tmp", f"{out}.tmp"):
        os.symlink(victim, name)
    write_output(str(out), "new")
    monkeypatch.setattr(files.os, "urandom", lambda size: bytes(size))
    os.symlink(victim, files._hidden(str(out)))
    with pytest.raises(CompileError, match="File exists"):
        write_output(str(out), "newer")
    assert victim.read_text() == "precious" and out.read_text() == "new"


def test_temporary_names_cannot_be_guessed(tmp_path: Path) -> None:
    found = {files._hidden(str(tmp_path / "x")) for _ in range(100)}
    assert len(found) == 100
    assert all(os.path.dirname(name) == str(tmp_path) for name in found)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o200])
def test_permissions_are_kept(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("old")
    path.chmod(mode)
    write_output(str(path), "new")
    assert stat.S_IMODE(path.stat().st_mode) == mode
    path.chmod(0o600)
    assert path.read_text() == "new"


def test_a_new_file_has_the_permissions_of_the_user(tmp_path: Path) -> None:
    previous = os.umask(0o027)
    try:
        write_output(str(tmp_path / "out"), "new")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o640


def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.symlink(tmp_path / "folder" / "real", tmp_path / "link")
    write_output(str(tmp_path / "link"), "new")
    assert (tmp_path / "link").is_symlink() and names(tmp_path / "folder") == ["real"]
    assert (tmp_path / "folder" / "real").read_text() == "new"


def test_input_and_output_may_be_the_same_file(
    ir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ir.chmod(0o600)
    assert cm_opt.main([str(ir), "-o", str(ir), "-p", "canonicalize"]) == 0
    once = ir.read_text()
    assert "edge.relu" in once and stat.S_IMODE(ir.stat().st_mode) == 0o600
    assert cm_opt.main([str(ir), "-o", str(ir), "-p", "plan-memory"]) == 1
    assert ir.read_text() == once and names(ir.parent) == ["in.mlir"]
    assert cm_compile.main([str(ir), "-o", str(ir), "--emit", "mlir"]) == 0
    assert "cortex_m.arena_bytes" in ir.read_text()


def test_a_file_that_cannot_be_written_is_found_first(
    ir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*arguments: object, **options: object) -> None:
        raise AssertionError("the program was read")

    monkeypatch.setattr(cm_compile, "_program", never)
    folder = ir.parent
    for arguments, message in (
        (["-o", "/no/such/x.pte"], "cannot write '/no/such/x.pte': No such file or directory"),
        (["-o", f"{ir}/x/"], "Not a directory"),
        (["-o", str(folder / "x"), "--report", str(folder / "x")], "are the same file"),
        (["-o", str(folder / "x"), "--report", "/no/r.json"], "cannot write '/no/r.json'"),
    ):
        code = cm_compile.main([str(ir), *arguments])
        captured = capsys.readouterr()
        assert code == 1 and captured.err.count("\n") == 1 and message in captured.err
    assert names(folder) == ["in.mlir"]
    # The control: with a good path the program would be read.
    assert cm_compile.main([str(ir), "-o", str(folder / "x")]) == 1
    assert "AssertionError: the program was read" in capsys.readouterr().err


# --------------------------------------------------------------------------- several files


def failing_call(function: Callable[..., None], failing: int) -> Callable[..., None]:
    """A function whose call of that number fails as on a full disk."""
    left = [failing]

    def call(*arguments: str) -> None:
        left[0] -= 1
        if left[0] == -1:
            raise OSError(28, "No space left on device")
        function(*arguments)

    return call


def test_several_files_all_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = tmp_path / "a", tmp_path / "folder" / "b"
    old.write_text("old")
    real = os.replace
    for failing in range(3):
        monkeypatch.setattr(files.os, "replace", failing_call(real, failing))
        paths = {str(old): "1", str(new): "2", str(tmp_path / "c"): "3"}
        with pytest.raises(CompileError, match="No space left"):
            write_outputs(paths, make_folders=True)
        monkeypatch.setattr(files.os, "replace", real)
        assert old.read_text() == "old" and names(tmp_path) == ["a"]
    write_outputs(paths, make_folders=True)
    assert [p.read_text() for p in (old, new, tmp_path / "c")] == ["1", "2", "3"]
    assert names(tmp_path) == ["a", "c", "folder"] and names(new.parent) == ["b"]


def test_a_full_device_keeps_the_other_files(tmp_path: Path) -> None:
    kept = tmp_path / "a"
    kept.write_text("old")
    with pytest.raises(CompileError, match="cannot write '/dev/full': No space left on device"):
        write_outputs({str(kept): "new", "/dev/full": "x" * 99999})
    assert kept.read_text() == "old" and names(tmp_path) == ["a"]


def test_a_report_that_cannot_be_written_leaves_no_program(
    ir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ir.parent / "x.pte"
    assert cm_compile.main([str(ir), "-o", str(out), "--report", "/dev/full"]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert "cannot write '/dev/full': No space left on device" in captured.err
    assert names(ir.parent) == ["in.mlir"]
    assert cm_compile.main([str(ir), "-o", f"{ir.parent}/p/", "--report", "/dev/full"]) == 1
    assert names(ir.parent) == ["in.mlir"]


def test_two_names_of_one_file(tmp_path: Path) -> None:
    os.symlink(tmp_path / "a", tmp_path / "b")
    with pytest.raises(CompileError, match="are the same file"):
        check_outputs([str(tmp_path / "a"), str(tmp_path / "b")])
    check_outputs(["/dev/null", "/dev/null"])


# --------------------------------------------------------------------------- streams, reading


def tool(
    name: str, *arguments: str, before: str = "pass", **options: Any
) -> subprocess.Popen[bytes]:
    """A process of a tool, which first runs some Python."""
    code = f"import sys; {before}; from cmopt.pipeline.{name} import main; sys.exit(main())"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, **options)


def errors(process: subprocess.Popen[bytes]) -> str:
    return process.communicate(timeout=120)[1].decode()


@pytest.mark.parametrize("arguments", [["{ir}"], ["--list-passes"]])
def test_a_full_disk_and_a_closed_pipe_are_one_line(arguments: list[str], ir: Path) -> None:
    filled = [argument.format(ir=ir) for argument in arguments]
    with open("/dev/full", "wb") as full:
        process = tool("cm_opt", *filled, stdout=full)
        line = errors(process)
    expected = "cm-opt: error: cannot write standard output: {}\n"
    assert (process.returncode, line) == (1, expected.format("No space left on device"))
    reading, writing = os.pipe()
    os.close(reading)
    process = tool("cm_opt", *filled, stdout=writing)
    line = errors(process)
    os.close(writing)
    assert (process.returncode, line) == (1, expected.format("Broken pipe"))


def test_a_closed_standard_output(ir: Path) -> None:
    process = tool("cm_opt", str(ir), before="import os; os.close(1); sys.stdout = None")
    assert errors(process) == "cm-opt: error: cannot write standard output: it is closed\n"
    assert process.returncode == 1


def test_text_is_utf8_in_any_locale(tmp_path: Path) -> None:
    path = tmp_path / "in.mlir"
    path.write_text('"test.op"() {a = "größe"} : () -> ()\n', encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    process = tool("cm_opt", str(path), stdout=subprocess.PIPE, env=environment)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert "gr" in out.decode("utf-8")


def test_a_text_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_TEXT_BYTES", 1 << 16)
    with pytest.raises(CompileError, match="more than 65,536 bytes of text"):
        read_text("/dev/zero")


# ------------------------------------------------------------------------------- signals

SLOW = """
import os, time
from cmopt.pipeline import files
def slowly(function, pause):
    def call(*arguments, **options):
        time.sleep(pause)
        result = function(*arguments, **options)
        time.sleep(pause)
        return result
    return call
files._stage, files._hidden = slowly(files._stage, 0.1), slowly(files._hidden, 0.05)
os.replace, os.link = slowly(os.replace, 0.01), slowly(os.link, 0.01)
print("ready", flush=True)
"""


ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", ENDING)
def test_signals_leave_nothing_behind(number: signal.Signals, ir: Path) -> None:
    """At 21 moments of a slow run, of which some are between the writing of two files."""
    folder = ir.parent
    (folder / "model.mlir").write_text("old")
    before = {path.name: path.read_text() for path in folder.iterdir()}
    stopped = 0
    # A shell starts background processes with SIGINT ignored, and nohup with SIGHUP.
    default = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)"
    )
    code = f"exec({SLOW!r}); {default}"
    moments = range(ENDING.index(number), 21, 3)
    for moment in moments:
        process = tool(
            "cm_compile", str(ir), "-o", f"{folder}/", "--emit", "mlir,header,pte",
            before=code, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        time.sleep(0.3 + 1.1 * moment / 20)  # the files are written from 0.4 to 1.4
        process.send_signal(number)
        line = errors(process)
        # Before the tool has begun, Python itself ends.
        assert line == "" or line.endswith("KeyboardInterrupt\n"), line
        found = {path.name: path.read_bytes() for path in folder.iterdir()}
        assert process.returncode in (0, 128 + number, -number)
        if len(found) == 2:
            stopped += 1
            assert process.returncode != 0
            assert found == {name: text.encode() for name, text in before.items()}
        else:  # all files, although the signal came while they got their names
            assert sorted(found) == ["in.mlir", "model.mlir", "model.pte", "model_pte.h"]
            assert found["model.mlir"] != b"old" and found["model_pte.h"].endswith(b"_H */\n")
            for name in ("model.pte", "model_pte.h"):
                (folder / name).unlink()
            (folder / "model.mlir").write_text("old")
    assert stopped >= 2


def test_a_signal_that_python_ignores_comes_again(capfd: pytest.CaptureFixture[str]) -> None:
    """The handler raises in a callback of Python's, which drops all exceptions."""

    class Dropped:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)

    with signals_raised(), pytest.raises(Interrupted):
        Dropped()
        for _ in range(500):  # ends at the signal; a sleep in one piece would too
            time.sleep(0.01)
    assert capfd.readouterr().err == ""


def test_a_signal_while_a_file_is_staged(tmp_path: Path) -> None:
    """The handler raises in the middle of the writing: the temporary file is removed."""
    out = tmp_path / "out"
    out.write_text("old")
    staged = files._stage

    def interrupted(*arguments: object) -> None:
        staged(*arguments)  # type: ignore[arg-type]
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)

    from cmopt.pipeline.tool import run_tool

    def body(argv: object) -> int:
        files._stage = interrupted  # type: ignore[assignment]
        write_output(str(out), "new")
        return 0

    try:
        assert run_tool("x", body, []) == 128 + signal.SIGTERM
    finally:
        files._stage = staged
    assert out.read_text() == "old" and names(tmp_path) == ["out"]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_signal_that_a_library_makes_another_error_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The start of a module in C++ turns any exception into an ImportError."""
    from cmopt.pipeline.tool import run_tool

    def body(argv: object) -> int:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)
        except BaseException:
            raise ImportError("initialization failed") from None
        return 0

    assert run_tool("x", body, []) == 128 + signal.SIGTERM
    assert capsys.readouterr().err == ""


def test_other_threads_may_write(tmp_path: Path) -> None:
    thread = threading.Thread(target=write_output, args=(str(tmp_path / "x"), "new"))
    thread.start()
    thread.join()
    assert (tmp_path / "x").read_text() == "new"
