"""Reports as tables for a terminal."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cmopt.pipeline.report import Report


def report_text(report: Report) -> str:
    """The report as plain text: one table of kernels, one line of sizes, the fallbacks."""
    from rich.console import Console
    from rich.table import Table

    console = Console(file=StringIO(), width=120, color_system=None)
    table = Table("kernel", "calls", title=f"{report.target}, {report.io} in and out")
    table.columns[1].justify = "right"
    for name, count in sorted(report.ops.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(name, str(count))
    console.print(table)
    console.print(
        f"arena {report.arena_bytes:,} bytes (lower bound {report.arena_bound:,}), "
        f"file {report.pte_bytes:,} bytes, of which constants {report.constant_bytes:,}"
    )
    if report.fallbacks:
        left = Table("not on an integer kernel", "where", "why")
        for fallback in report.fallbacks:
            left.add_row(fallback.op, fallback.location or "", fallback.reason)
        console.print(left)
    else:
        console.print("every operator is on an integer kernel")
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert isinstance(text, str)
    return "\n".join(line.rstrip() for line in text.splitlines())
