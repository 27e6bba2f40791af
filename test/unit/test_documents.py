"""The pages in docs/: the tests of their code blocks can fail, and the reference is complete."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from cmopt.dialects import get_all_dialects
from cmopt.pipeline import cm_compile, cm_diff, cm_opt, cm_run
from cmopt.pipeline.passes import parse_pipeline
from cmopt.pipeline.registry import get_all_passes

DOCS = Path(__file__).resolve().parents[2] / "docs"

SKIPPED = {"extending.md": 1, "firmware.md": 1, "index.md": 2}
"""The code blocks of each page that do not run."""


def loaded(name: str) -> ModuleType:
    """A module in docs/, which is not a package."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_blocks_that_do_not_run_have_a_reason() -> None:
    found = {}
    for page in DOCS.rglob("*.md"):
        skips = re.findall(r"<!-- skip: (next .*) -->", page.read_text())
        assert all(re.fullmatch(r'next "[^"]{10,}"', skip) for skip in skips), page
        if skips:
            found[page.name] = len(skips)
    assert found == SKIPPED


def test_the_version_of_torch_is_the_one_of_the_package() -> None:
    (version,) = re.findall(r"pip install (torch==\S+)", (DOCS / "index.md").read_text())
    assert f'"{version}"' in (DOCS.parent / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    ("expected", "output", "is_part"),
    [
        ("a\n", "a  \n", False),
        ("a … c\n", "a b c\n", False),
        ("a\n…\nz\n", "a\nb\nc\nz\n", False),
        ("a\n…\n", "a\n", False),
        ("b\n", "a\nb\nc\n", True),
        ("b (…)\n", "b (1.5)\n", False),
    ],
)
def test_output_that_a_page_describes(expected: str, output: str, is_part: bool) -> None:
    assert loaded("conftest").matches(expected, output, is_part=is_part)


@pytest.mark.parametrize(
    ("expected", "output", "is_part"),
    [
        ("a\n", "b\n", False),
        ("a\n", "a\nb\n", False),
        ("a … c\n", "a b\nb c\n", False),
        ("b\n", "ab\n", True),
        ("1.5\n", "1x5\n", False),
        ("a\n…\nz\n", "a\nb\n", False),
    ],
)
def test_output_that_a_page_does_not_describe(expected: str, output: str, is_part: bool) -> None:
    assert not loaded("conftest").matches(expected, output, is_part=is_part)


PAGES = {
    "right": (0, "```bash\necho one\n```\n\n```text\none\n```\n"),
    "wrong-output": (1, "```bash\necho one\n```\n\n```text\ntwo\n```\n"),
    "wrong-exit-code": (1, "```bash\nfalse\n```\n"),
    "wrong-in-a-pipe": (1, "```bash\nfalse | cat\n```\n"),
    "expected-exit-code": (0, "<!-- exit code: 3 -->\n```bash\nexit 3\n```\n"),
    "python": (0, "```python\nx = 1\n```\n\n```python\nprint(x)\n```\n\n```text\n1\n```\n"),
    "python-that-raises": (1, "```python\nassert False\n```\n"),
    "hidden": (0, "<!-- hidden: python\nx = 2\n-->\n\n```python\nassert x == 2\n```\n"),
    "file": (0, '```text title="a/b.txt"\none\n```\n\n```bash\ngrep -x one a/b.txt\n```\n'),
    "output-of-nothing": (1, "```text\none\n```\n"),
    "whole-script": (
        0,
        '```bash\n--8<-- "journeys/two.sh:last"\n```\n\n'
        "```text\nfirst\n```\n\n```text\nlast\n```\n",
    ),
    "script-that-fails": (1, '```bash\n--8<-- "journeys/fails.sh:all"\n```\n'),
}


def test_pages_fail_if_they_are_wrong(tmp_path: Path) -> None:
    shutil.copy(DOCS / "conftest.py", tmp_path)
    (tmp_path / "journeys").mkdir()
    (tmp_path / "journeys" / "two.sh").write_text("echo first\necho last\n")
    (tmp_path / "journeys" / "fails.sh").write_text("exit 1\n")
    for name, (_, text) in PAGES.items():
        (tmp_path / f"{name}.md").write_text(text)
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rf", "-p", "no:cacheprovider", "--tb=no",
         "--rootdir", tmp_path, tmp_path],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    failed = set(re.findall(r"^FAILED ([\w-]+)\.md", result.stdout, re.MULTILINE))
    assert failed == {name for name, (wrong, _) in PAGES.items() if wrong}, result.stdout


def commands_in_text() -> list[str]:
    """The commands that no page runs: of README.md, of the CI template, in sentences of pages."""
    readme = (DOCS.parent / "README.md").read_text()
    template = (DOCS / "journeys" / "own_repository" / "ci.yml").read_text()
    pages = "\n".join(page.read_text() for page in DOCS.rglob("*.md"))
    in_sentences = re.findall(r"`(cm-\w+ [^`]*\.(?:mlir|pt2|npz|pte)\b[^`]*)`", pages)
    in_template = re.findall(r"- run: (cm-.*)", template)
    return [*re.findall(r"^cm-\w+ .*", readme, re.MULTILINE), *in_template, *in_sentences]


@pytest.mark.parametrize("command", commands_in_text())
def test_commands_in_text_have_flags_and_passes_that_exist(command: str) -> None:
    tool, *arguments = shlex.split(command, comments=True)
    tools = {"cm-compile": cm_compile, "cm-diff": cm_diff, "cm-opt": cm_opt, "cm-run": cm_run}
    parser = tools[tool]._arguments()
    given = parser.parse_args(arguments)
    if tool == "cm-opt":
        parse_pipeline(given.pass_pipeline or given.passes)


def test_messages_to_troubleshoot_exist() -> None:
    page = (DOCS / "troubleshooting.md").read_text()
    messages = re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)
    parts = [part.strip(" ,") for message in messages for part in message.split("…")]
    folders = ("codegen", "frontend", "lowering", "pipeline")
    paths = [path for folder in folders for path in (DOCS.parent / folder).rglob("*.py")]
    sources = "\n".join(path.read_text() for path in paths)
    assert len(messages) >= 10
    assert [part for part in parts if part not in sources] == []


def test_the_reference_has_every_op() -> None:
    reference = loaded("reference")
    for dialect, factory in get_all_dialects().items():
        headings = re.findall(r"^## (\S+)$", reference.ops_page(dialect), re.MULTILINE)
        assert headings == sorted(op.name for op in factory().operations)


def test_the_reference_has_every_pass() -> None:
    headings = re.findall(r"^## (\S+)$", loaded("reference").passes_page(), re.MULTILINE)
    assert headings == sorted(get_all_passes())


def test_every_pass_that_rewrites_has_an_example() -> None:
    reference = loaded("reference")
    without = {name for name in get_all_passes() if reference.example(name) is None}
    assert without == {"cse", "dce", "verify-plan", "verify-stage"}
