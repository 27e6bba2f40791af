"""Typical mistakes: each gives one line that says what is wrong, as early as it can be known."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cmopt.pipeline import cm_compile, cm_run

sys.path.insert(0, str(Path(__file__).parents[1]))
from mistake_files import values, write_model_files, write_text_files
from mistakes import KNOWN_AT_ONCE, MISTAKES, WITH_TORCH, Mistake, table

PLACED = re.compile(r"\S+:\d+(:\d+)?( \(\S+\))?: error: ")


def matches(mistake: Mistake, line: str) -> bool:
    """Whether a line of a tool, or the text of an exception, is the message of a mistake."""
    text = re.sub(r"^(cm-[a-z]+: )?error: ", "", line)
    pattern = ".*".join(map(re.escape, mistake.message.split("*")))
    return re.fullmatch(pattern, text) is not None


SCRIPT = """
import shlex, sys
from importlib import import_module

for line in sys.stdin.read().splitlines():
    tool, *arguments = shlex.split(line)
    main = import_module("cmopt.pipeline." + tool.replace("-", "_")).main
    print("ATTEMPT", file=sys.stderr, flush=True)
    try:
        code = main(arguments)
    except SystemExit as error:
        code = error.code
    assert code == 1, (line, code)
    heavy = {"torch", "executorch", "torchao", "ortools"} & sys.modules.keys()
    assert not heavy, (line, heavy)
"""


def test_what_is_known_at_once_is_said_before_torch_is_imported(tmp_path: Path) -> None:
    write_text_files(tmp_path)
    # As torch.save begins one; the loader must not get this far.
    (tmp_path / "weights.pt").write_bytes(b"\x80\x02}q\x00.")
    # These begin as a program does, and are never read.
    for name in ("float.pt2", "quantized.pt2"):
        (tmp_path / name).write_bytes(b"PK\x03\x04")
    before = sorted(path.name for path in tmp_path.iterdir())
    attempts = "\n".join(mistake.attempt for mistake in KNOWN_AT_ONCE)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], input=attempts, cwd=tmp_path, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == ""
    _, *said = done.stderr.split("ATTEMPT\n")
    assert len(said) == len(KNOWN_AT_ONCE)
    for mistake, text in zip(KNOWN_AT_ONCE, said, strict=True):
        assert text.count("\n") == 1, text
        assert matches(mistake, text.strip()), (mistake.attempt, text)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return values()


@pytest.fixture(scope="module")
def folder(made: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mistakes")
    write_text_files(path)
    write_model_files(path, made)
    return path


@pytest.mark.parametrize("mistake", WITH_TORCH, ids=[each.attempt for each in WITH_TORCH])
def test_what_only_the_model_shows(
    mistake: Mistake, made: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(folder)
    before = sorted(path.name for path in folder.iterdir())
    if mistake.attempt.startswith("cm-"):
        tool, *arguments = shlex.split(mistake.attempt)
        assert {"cm-compile": cm_compile, "cm-run": cm_run}[tool].main(arguments) == 1
        captured = capsys.readouterr()
        assert captured.out == "" and captured.err.count("\n") == 1, captured.err
        line = captured.err.strip()
    else:
        with pytest.raises((made["cmopt"].CompileError, ValueError, TypeError)) as caught:
            eval(mistake.attempt, dict(made))
        line = str(caught.value)
        assert "\n" not in line
    assert matches(mistake, line), line
    assert sorted(path.name for path in folder.iterdir()) == before


def test_there_are_forty_and_each_is_another_one() -> None:
    assert len({mistake.attempt for mistake in MISTAKES}) == len(MISTAKES) >= 40


def test_the_table_has_a_row_for_each() -> None:
    lines = table().splitlines()
    assert len(lines) == 2 + len(MISTAKES)
    assert all(re.fullmatch(r"\|(?:[^|]|\\\|)+\|[^|]+\|[^|]+\|", line) for line in lines[2:])
