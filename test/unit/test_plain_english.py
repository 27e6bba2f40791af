"""Phrases that make a reader stop: they stand in no comment, docstring, message or document."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDERS = (
    "arithmetic", "benchmarks", "cmopt", "codegen", "demo", "dialects", "docs", "frontend",
    "interpreters", "kernels", "lowering", "pipeline", "support", "test",
)  # fmt: skip
SUFFIXES = {".py", ".md", ".h", ".cpp", ".c", ".mlir", ".toml"}

_SUBJECT = (
    r"(?:it|its|they|their|this|these|those|there|(?:the|an?) \w+|(?!what\b|which\b|whom\b)\w+)"
)
_VERB = r"(?:is|are|was|were|has|have|does|do|can|cannot|may|would|needs?|takes?|reads?|exists?)"
REFUSED = {
    r"\bbeside\b": "next to, with, besides",
    r"\b(?:is|are) no \w+(?: \w+)? but\b": "must be a …, got …",
    r"\b(?:that|which|what) (?:is|are) none\b": "that is not one",
    r"\b(?!(?:user|reader|caller|who|one|you|model|nobody)s?\b)\w+ wants?\b": "needs, takes",
    r"\bnothing reaches back\b": "no stage depends on a later one",
    r"\bno \w+ has (?:fewer|less)\b|\bnone has (?:fewer|less)\b": "is the smallest",
    r"\bwherever that\b": "where that",
    r"\bnothing names\b": "has no name",
    rf", for {_SUBJECT} (?:(?!that\b|which\b|who\b)\w+ )?{_VERB}\b": "because …",
    r"\bin place of\b": "instead of",
    r"\bdear\b": "costly",
    r"\bsaid in operators\b": "as operators",
    r"\bcomes? to (?:a )?(?:total|\d)": "is",
    r"\bwhat only \w+s\b": "ops that only …",
    r"\bbut for the\b|\bbut for (?:its|their)\b": "except for",
}  # fmt: skip
"""A pattern, and what to write instead. A blank also matches a line break."""

_DIRECTIVE = re.compile(r"\s*(?:[A-Z][A-Z0-9_-]*:|-----)")


def prose_files() -> list[Path]:
    """What people read: sources, IR tests and documents."""
    found = [path for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*")]
    documents = [*REPOSITORY.glob("*.md"), *(path for path in found if path.suffix in SUFFIXES)]
    return [path for path in documents if "build" not in path.parts and path != Path(__file__)]


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """(first line, text) of each run of lines that a person reads, without code."""
    text = path.read_text(errors="replace")
    if path.suffix == ".py":
        yield from _of_python(text)
    elif path.suffix == ".mlir":
        lines = text.splitlines()
        comments = [re.search(r"(?<!\S)//(.*)", line) for line in lines]
        found = ["" if c is None or _DIRECTIVE.match(c[1]) else c[1] for c in comments]
        yield from _runs(enumerate(found, 1))
    else:
        yield 1, text


def _of_python(text: str) -> Iterator[tuple[int, str]]:
    comments = dict.fromkeys(range(1, text.count("\n") + 2), "")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            comments[token.start[0]] = token.string.lstrip("#")
        elif token.type == tokenize.STRING or tokenize.tok_name[token.type] == "FSTRING_MIDDLE":
            yield token.start[0], _without_code(token.string)
    yield from _runs(iter(comments.items()))


def _without_code(string: str) -> str:
    """A string literal; an f-string without the expressions in it."""
    is_formatted, found = "f" in re.split("[\"']", string)[0].lower(), 1
    while is_formatted and found:
        string, found = re.subn(r"\{[^{}]*\}", "", string)
    return string


def _runs(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Neighbouring lines that are not empty, joined."""
    first, run = 0, ""
    for number, line in lines:
        if line:
            first, run = (first, f"{run}\n{line}") if run else (number, line)
        elif run:
            yield first, run
            run = ""
    if run:
        yield first, run


@cache
def _everything() -> list[tuple[Path, int, str]]:
    return [(path, first, text) for path in prose_files() for first, text in prose(path)]


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace(" ", r"\s+"), re.IGNORECASE)


@pytest.mark.parametrize("pattern", REFUSED)
def test_no_text_has_the_phrase(pattern: str) -> None:
    phrase = _compiled(pattern)
    found = [
        f"{path.relative_to(REPOSITORY)}:{first + text.count(chr(10), 0, hit.start())}: {hit[0]!r}"
        for path, first, text in _everything()
        for hit in phrase.finditer(text)
    ]
    assert not found, f"write {REFUSED[pattern]!r} in\n" + "\n".join(found)


@pytest.mark.parametrize(
    "text",
    [
        "the NPU beside it", "argument 0 is no tensor but i32", "a kernel\n    wants rows",
        "rounds, for there is no kernel", "an order that is none", "in\nplace of padding",
    ],
)  # fmt: skip
def test_the_patterns_find_what_they_refuse(text: str) -> None:
    assert any(_compiled(p).search(text) for p in REFUSED)


@pytest.mark.parametrize(
    "text", ["raised, for a value that was never finite", "a user wants this", "besides the arena"]
)
def test_the_patterns_pass_plain_text(text: str) -> None:
    assert not any(_compiled(p).search(text) for p in REFUSED)
