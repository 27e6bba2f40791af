"""`cm-opt` as a program: start time, output files, and reports of crashes."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.test import TestOp
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import PassFailedException

from cmopt.pipeline import cm_opt
from cmopt.support.diagnostics import CompileError, remark, warn

IR = """\
func.func @f(%x: i32) -> i32 {
  %c = arith.constant 0 : i32
  %0 = arith.addi %x, %c : i32
  func.return %0 : i32
}
"""


@dataclass(frozen=True)
class OptionsPass(ModulePass):
    """Takes options of every type."""

    name = "options"

    layouts: tuple[str, ...]
    recursive: bool = True
    limit: int | None = None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        op.attributes.clear()


@dataclass(frozen=True)
class MarkPass(ModulePass):
    """Adds an op, to see that a reproducer has the IR after this pass."""

    name = "mark"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        op.body.block.add_op(TestOp())


@dataclass(frozen=True)
class CrashPass(ModulePass):
    """Fails like a pass with a mistake, after half of its work."""

    name = "crash"

    depth: int = 1

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        op.body.block.first_op.detach()  # type: ignore[union-attr]
        raise IndexError("list index\nout of range")


@dataclass(frozen=True)
class RefusePass(ModulePass):
    """Refuses its input, which a pass may do."""

    name = "refuse"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        raise PassFailedException("this is not for me")


@dataclass(frozen=True)
class BreakPass(ModulePass):
    """Leaves invalid IR behind."""

    name = "break"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for inner in op.walk():
            if inner.name == "func.return":
                inner.operands = ()


@dataclass(frozen=True)
class TalkPass(ModulePass):
    """Reports without failing."""

    name = "talk"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for inner in op.walk():
            if inner.name == "arith.addi":
                remark("is an addition", op=inner)
                warn("adds too much", op=inner)


@pytest.fixture(autouse=True)
def _passes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def factory(cls: type[ModulePass]) -> Callable[[], type[ModulePass]]:
        return lambda: cls

    classes: list[type[ModulePass]] = [
        OptionsPass, MarkPass, CrashPass, RefusePass, BreakPass, TalkPass
    ]  # fmt: skip
    passes = {cls.name: factory(cls) for cls in classes}
    monkeypatch.setattr(cm_opt, "get_all_passes", lambda: passes)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def ir(tmp_path: Path) -> str:
    path = tmp_path / "in.mlir"
    path.write_text(IR)
    return str(path)


def test_start_imports_no_large_library(ir: str) -> None:
    program = (
        "import sys; from cmopt.pipeline.cm_opt import main; code = main(sys.argv[1:]);"
        "assert 'xdsl' in sys.modules;"
        "heavy = {'torch', 'executorch', 'torchao', 'ortools', 'rich'} & sys.modules.keys();"
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    command = [sys.executable, "-c", program, ir, "-p", "canonicalize,cse"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "func.return %x : i32" in result.stdout


def test_crash_is_one_line_and_leaves_a_reproducer(
    ir: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mlir"
    assert cm_opt.main([ir, "-p", "mark,crash{depth=2},mark", "-o", str(out)]) == 1
    error = capsys.readouterr().err
    (reproducer,) = tmp_path.glob("cmopt-crash-*.mlir")
    assert error == (
        "cm-opt: internal error in pass 'crash': IndexError: list index out of range; "
        f"reproducer: {reproducer}\n"
    )
    assert not out.exists()
    text = reproducer.read_text()
    assert text.startswith(
        "// configuration: --pass-pipeline='builtin.module(crash{depth=2},mark)'\n"
    )
    assert "in apply" in text  # the traceback, as comments
    # The IR before the failing pass has what `mark` added and what `crash` removed.
    assert text.count('"test.op"') == 1
    assert "func.func @f" in text

    # The reproducer alone fails again in the same way.
    assert cm_opt.main([str(reproducer), "--run-reproducer"]) == 1
    assert "internal error in pass 'crash'" in capsys.readouterr().err


def test_crash_reproducer_goes_where_it_is_told(
    ir: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "crash.mlir"
    flag = f"--mlir-pass-pipeline-crash-reproducer={path}"
    assert cm_opt.main([ir, "-p", "crash", flag]) == 1
    assert capsys.readouterr().err.endswith(f"reproducer: {path}\n")
    assert path.read_text().startswith("// configuration: ")

    missing = f"--mlir-pass-pipeline-crash-reproducer={tmp_path}/missing/crash.mlir"
    assert cm_opt.main([ir, "-p", "crash", missing]) == 1
    assert capsys.readouterr().err.endswith("; no reproducer could be written\n")


def test_a_crash_is_never_an_expected_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "in.mlir"
    path.write_text('"test.op"() : () -> () // expected-error {{list index}}\n')
    assert cm_opt.main([str(path), "-p", "crash", "--verify-diagnostics"]) == 1
    assert "internal error in pass 'crash'" in capsys.readouterr().err


def test_mistakes_outside_passes_are_one_line_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def mistake(*_: object, **__: object) -> None:
        raise KeyError("first\nsecond")

    path = tmp_path / "in.mlir"
    path.write_text('\n"test.op"() : () -> ()\n')
    with monkeypatch.context() as patch:
        patch.setattr(TestOp, "verify_", mistake)
        assert cm_opt.main([str(path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(
        f"{path}:2:1: error: 'test.op' op internal error in its verifier: KeyError: "
    )
    assert error.count("\n") == 1

    monkeypatch.setattr(cm_opt, "module_to_text", mistake)
    assert cm_opt.main([str(path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("cm-opt: internal error: KeyError: ")
    assert error.count("\n") == 1


def test_run_reproducer_needs_a_header(ir: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cm_opt.main([ir, "--run-reproducer"]) == 1
    error = capsys.readouterr().err
    assert error == (f"cm-opt: error: '{ir}' has no '// configuration: --pass-pipeline=' header\n")


def test_a_refusal_names_the_pass(ir: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cm_opt.main([ir, "-p", "refuse"]) == 1
    assert capsys.readouterr().err == "cm-opt: error: this is not for me (in pass 'refuse')\n"


def test_invalid_ir_names_the_op_and_the_pass(ir: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cm_opt.main([ir, "-p", "mark,break,mark"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"{ir}:4:3: error: 'func.return' op ")
    assert error.endswith("(after pass 'break')\n")
    assert error.count("\n") == 1

    assert cm_opt.main([ir, "-p", "mark,break,mark", "--verify-each=false"]) == 0
    assert '"test.op"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        ("options{layouts=a speed=1}", "no option 'speed'; it has 'layouts', 'recursive', 'limit'"),
        ("options", 'options requires argument "layouts"'),
        ("options{layouts=a recursive=3}", "option 'recursive' expects bool, got 3"),
        ("options{layouts=a limit=x}", "option 'limit' expects int|None, got x"),
        ("options{layouts=1,2}", "option 'layouts' expects tuple[str, ...], got 1,2"),
    ],
)  # fmt: skip
def test_a_bad_option_is_named(
    ir: str, pipeline: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cm_opt.main([ir, "-p", pipeline]) == 1
    error = capsys.readouterr().err
    assert error.startswith("cm-opt: error: pass 'options'")
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "pipeline",
    [
        "options{layouts=nchw,nhwc recursive=false limit=3}",
        "options{ layouts = nchw, nhwc  recursive=false limit=3 }",
        'builtin.module(options{layouts="nchw","nhwc"\n  recursive=false\n  limit=3})',
    ],
)
def test_options_may_be_spaced_freely(pipeline: str) -> None:
    (made,) = cm_opt.parse_pipeline(pipeline, cm_opt.get_all_passes())
    assert made == OptionsPass(layouts=("nchw", "nhwc"), recursive=False, limit=3)


def test_list_passes_shows_types_and_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert cm_opt.main(["--list-passes"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    at = lines.index("options Takes options of every type.")
    assert lines[at + 1 : at + 4] == [
        "layouts: tuple[str, ...]",
        "recursive: bool (default true)",
        "limit: int|None (default None)",
    ]


def test_warnings_are_printed_and_can_be_expected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "in.mlir"
    path.write_text(IR)
    assert cm_opt.main([str(path), "-p", "talk"]) == 0
    assert capsys.readouterr().err == (
        f"{path}:3:3: remark: 'arith.addi' op is an addition\n"
        f"{path}:3:3: warning: 'arith.addi' op adds too much\n"
    )

    expecting = "// expected-remark@below {{an addition}}\n  // expected-warning@below {{too much}}"
    path.write_text(IR.replace("%0 = ", f"{expecting}\n  %0 = "))
    assert cm_opt.main([str(path), "-p", "talk", "--verify-diagnostics"]) == 0
    assert capsys.readouterr().err == ""
    assert cm_opt.main([str(path), "-p", "mark", "--verify-diagnostics"]) == 1
    assert capsys.readouterr().err.count("was not produced") == 2


def test_a_failed_run_leaves_the_old_output(
    ir: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mlir"
    out.write_text("old")
    assert cm_opt.main([ir, "-p", "refuse", "-o", str(out)]) == 1
    assert out.read_text() == "old"
    assert cm_opt.main([ir, "-p", "mark", "-o", str(out)]) == 0
    assert out.read_text().startswith("builtin.module {")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mlir", "out.mlir"]


def test_standard_input_is_named_as_in_mlir(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'\n"no.op"() : () -> ()')))
    assert cm_opt.main([]) == 1
    assert capsys.readouterr().err.startswith("-:2:2: error: unknown operation 'no.op'")


def test_a_closed_output_is_one_line(ir: str) -> None:
    program = "import sys; from cmopt.pipeline.cm_opt import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", program, ir], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.wait(timeout=60) == 1
    assert process.stderr.read() == b"cm-opt: error: cannot write standard output: Broken pipe\n"
    process.stderr.close()


def test_compile_error_is_one_line() -> None:
    error = CompileError("two\n  lines", hint="do\nthis", op=TestOp())
    assert str(error) == "error: 'test.op' op two lines; do this"
    assert error.message == "'test.op' op two lines; do this"
