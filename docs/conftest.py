"""Run the code blocks of the pages: in order, each page in an empty folder, one namespace a page.

    python -m pytest docs            # all pages
    python -m pytest docs/ir.md

A reader sees only ordinary Markdown:

* A `bash` block runs in a process of its own, with `set -euo pipefail`. A `python` block runs in
  the namespace of the page.
* A block with `title="FILE"` is written to that file. It does not run.
* Any other block is what the last command printed. `…` in a line stands for any text, and a line
  that is only `…` for any lines.
* A block in another language that includes a file shows it.
* A `bash` or `python` block that includes a section of a script in `journeys/` runs the whole
  script, once for a page. Then an output block is a part of what the script printed.

Comments, which a page does not show, have the rest:

* `<!-- hidden: bash` or `python`, lines of code, `-->`: set-up that does not help a reader.
* `<!-- exit code: 1 -->` before a `bash` block that must fail.
* `<!-- skip: next "reason" -->` before a block that cannot run here.
* `<!-- skip: start if(without_core, reason="…") -->` and `<!-- skip: end -->` around blocks that
  need GCC for Arm and QEMU. They are skipped without these, as the tests in test/target are.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from sybil import Document, Example, Region, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import SkipParser
from sybil.parsers.markdown.lexers import DirectiveInHTMLCommentLexer, RawFencedCodeBlockLexer

from cmopt.pipeline.board import missing_tools

DOCS = Path(__file__).resolve().parent

_FENCE = RawFencedCodeBlockLexer(
    re.compile(r'(?P<language>\w+)(?: title="(?P<title>[^"]+)")?[^\n]*\n', re.MULTILINE)
)
_HIDDEN = DirectiveInHTMLCommentLexer("hidden", "bash|python")
_EXIT_CODE = re.compile(r"<!-- exit code: (\d+) -->\n$")
_INCLUDED = re.compile(r'^--8<-- "([^":]+)"$', re.MULTILINE)
_JOURNEY = re.compile(r'^--8<-- "(journeys/[\w.]+)(?::\w+)?"$', re.MULTILINE)
_PYTHON = PythonEvaluator()
_RAN, _OUTPUT, _IS_PART = "_ran", "_output", "_is_part"


def blocks(document: Document) -> Iterator[Region]:
    """The code blocks of a page that a reader sees."""
    for region in _FENCE(document):
        region.parsed, region.evaluator = region.lexemes["source"], _evaluate
        yield region


def hidden_blocks(document: Document) -> Iterator[Region]:
    """The code blocks of a page in comments."""
    for region in _HIDDEN(document):
        region.lexemes |= {"language": region.lexemes["arguments"], "title": None}
        region.parsed, region.evaluator = region.lexemes["source"], _evaluate
        yield region


def _evaluate(example: Example) -> str | None:
    """Run a block, or compare it. Returns what is wrong."""
    page, text = example.namespace, str(example.parsed)
    language, title = (example.region.lexemes[name] for name in ("language", "title"))
    if title is not None:
        Path(title).parent.mkdir(parents=True, exist_ok=True)
        Path(title).write_text(_INCLUDED.sub(lambda found: _included(found[1]), text))
    elif language not in ("bash", "python") and _INCLUDED.fullmatch(text.strip()):
        pass  # shows a file, which a script uses
    elif journeys := _JOURNEY.findall(text):
        return _run_journeys(page, journeys)
    elif language == "bash":
        before = _EXIT_CODE.search(example.document.text[: example.start])
        page[_IS_PART] = False
        page[_OUTPUT], wrong = _run("bash", "-euo", "pipefail", "-c", text,
                                    code=int(before[1]) if before else 0)  # fmt: skip
        return wrong
    elif language == "python":
        page[_IS_PART], printed = False, io.StringIO()
        with redirect_stdout(printed):
            _PYTHON(example)
        page[_OUTPUT] = printed.getvalue()
    elif _OUTPUT not in page:
        return "the block is neither a command, nor a file, nor the output of a command before it"
    elif not matches(text, page[_OUTPUT], is_part=page[_IS_PART]):
        return f"expected:\n{text}\nbut the command printed:\n{page[_OUTPUT]}"
    return None


def _included(path: str) -> str:
    return (DOCS / path).read_text().rstrip("\n")


def _run_journeys(page: dict[str, Any], scripts: list[str]) -> str | None:
    """Run those scripts that have not run on this page."""
    for script in dict.fromkeys(scripts):
        if script not in page.setdefault(_RAN, {}):
            interpreter = sys.executable if script.endswith(".py") else "bash"
            output, wrong = _run(interpreter, str(DOCS / script), code=0)
            if wrong is not None:
                return wrong
            page[_RAN][script] = output
        page[_OUTPUT], page[_IS_PART] = page[_RAN][script], True
    return None


def _run(*command: str, code: int) -> tuple[str, str | None]:
    """Run a command. Returns what it printed, and an error if its exit code is another."""
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if result.returncode == code:
        return result.stdout, None
    return result.stdout, f"exit code {result.returncode}, expected {code}:\n{result.stdout}"


def matches(expected: str, output: str, *, is_part: bool = False) -> bool:
    """Whether a command printed what a page says, except for blanks at the ends of lines."""
    lines = [line.rstrip() for line in expected.strip("\n").splitlines()]
    pattern = "".join(map(_line_pattern, lines))
    text = "".join(f"{line.rstrip()}\n" for line in output.strip("\n").splitlines())
    if is_part:
        return re.search(f"^{pattern}", text, re.MULTILINE) is not None
    return re.fullmatch(pattern, text) is not None


def _line_pattern(line: str) -> str:
    if line.strip() == "…":
        return r"(?:[^\n]*\n)*?"
    return re.escape(line).replace("…", r"[^\n]*") + r"\n"


def _enter(page: dict[str, Any]) -> None:
    """Begin a page: in an empty folder, with the tools of this Python first."""
    page["_before"] = os.getcwd(), dict(os.environ)
    page["without_core"] = bool(missing_tools()) and "CMOPT_REQUIRE_TARGET" not in os.environ
    page["_folder"] = tempfile.mkdtemp()
    os.chdir(page["_folder"])
    sys.path.insert(0, page["_folder"])
    tools = str(Path(sys.executable).parent)
    os.environ |= {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "100",
        "OMP_NUM_THREADS": "1",  # The models are tiny; more threads only wait for each other.
    }


def _leave(page: dict[str, Any]) -> None:
    folder, environment = page["_before"]
    os.chdir(folder)
    os.environ.clear()
    os.environ |= environment
    sys.path.remove(page["_folder"])
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(page["_folder"]):
            del sys.modules[name]
    shutil.rmtree(page["_folder"])


pytest_collect_file = Sybil(
    parsers=[blocks, hidden_blocks, SkipParser()],
    path=str(DOCS),
    pattern="*.md",
    setup=_enter,
    teardown=_leave,
).pytest()
