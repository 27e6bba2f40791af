"""Fuzz the parser of IR guided by coverage, with atheris, which is not among the dependencies.

    pip install atheris
    python test/fuzz/parser_fuzz.py -max_total_time=600

The options are those of libFuzzer. The corpus is written IR of the tests, in a temporary folder, or
the folders that are given. The requirements: a text is read, or refused with one line that is no
internal error; what is read and verifies is printed as text that is read again as the same.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["cmopt.dialects", "cmopt.support", "xdsl.parser",
                                         "xdsl.utils.mlir_lexer", "xdsl.irdl"]):  # fmt: skip
    from cmopt.dialects.parsing import make_context, parse_module
    from cmopt.support.diagnostics import CompileError, verify
    from cmopt.support.printing import module_to_text

LIT = Path(__file__).parents[1] / "lit"
MOST_BYTES = 4096


def check(data: bytes) -> None:
    """Parse, verify, print and parse again. Raises if a requirement does not hold."""
    text = data.decode("utf-8", errors="ignore")
    if "\0" in text:
        return
    try:
        module = parse_module(make_context(), text, "x.mlir")
        verify(module)
    except CompileError as error:
        line = str(error)
        assert "internal error" not in line and "\n" not in line, line
        return
    for options in ({}, {"debuginfo": True}, {"generic": True}):
        printed = module_to_text(module, **options)
        again = parse_module(make_context(), printed, "x.mlir")
        verify(again)
        assert module_to_text(again, **options) == printed, printed


def corpus(folder: Path) -> None:
    """One file for each chunk of the written tests that is not long."""
    for path in sorted(LIT.rglob("*.mlir")):
        for index, chunk in enumerate(path.read_text().split("// -----")):
            lines = (line for line in chunk.splitlines() if not line.strip().startswith("//"))
            if len(text := "\n".join(lines).strip()) < MOST_BYTES:
                (folder / f"{path.parent.name}-{path.stem}-{index}").write_text(text)


def main() -> None:
    """The command line, which libFuzzer reads."""
    with tempfile.TemporaryDirectory() as name:
        corpus(Path(name))
        limits = ["-timeout=10", "-rss_limit_mb=2000", f"-max_len={MOST_BYTES}"]
        atheris.Setup([sys.argv[0], *limits, *sys.argv[1:], name], check)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
