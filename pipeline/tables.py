"""Reports as tables for a terminal."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from cmopt.codegen.emit_delegate import EmittedDelegate
    from cmopt.pipeline.compare import Comparison
    from cmopt.pipeline.emulation import Count
    from cmopt.pipeline.program_figures import Change
    from cmopt.pipeline.report import Fallback, Outside, Report
    from cmopt.support.precision_report import PrecisionReport

_ROWS = 20
_PLACES = 3


def terminal_width() -> int:
    """The characters of a line: of the terminal or the variable COLUMNS; 120 if neither is there.

    Between 60 and 160, because a narrower table breaks numbers and a wider one is hard to read.
    """
    return min(160, max(60, shutil.get_terminal_size((120, 24)).columns))


def _console() -> Console:
    """A console that writes plain text to memory, as wide as the terminal, and texts unchanged."""
    from rich.console import Console

    return Console(
        file=StringIO(), width=terminal_width(), color_system=None,
        markup=False, emoji=False, highlight=False,
    )  # fmt: skip


def _print_table(console: Console, table: Table) -> None:
    """Print a table that fits the console. Long words are broken, not cut; numbers, and the words
    above them, stay whole."""
    for column in table.columns:
        if column.justify == "right":
            whole = [*map(str, column.cells), *str(column.header).split()]
            column.min_width = max(map(len, whole), default=0)
        column.overflow = "fold"
    console.print(table)


def _text(console: Console) -> str:
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert isinstance(text, str)
    return "\n".join(line.rstrip() for line in text.splitlines())


def _short(location: str | None) -> str:
    """A location with at most one folder before the file name, so that it fits a column."""
    if location is None:
        return ""
    path, blank, rest = location.partition(" ")
    return "/".join(path.split("/")[-2:]) + blank + rest


def comparison_text(comparison: Comparison) -> str:
    """A comparison as one table, worst first."""
    from rich.table import Table

    console, table = _console(), Table("where", "op", "steps from PyTorch", "SNR to float, dB")
    for column in table.columns[2:]:
        column.justify = "right"
    for row in comparison.rows:
        table.add_row(_short(row.location), row.op, str(row.steps), f"{row.snr_db:.1f}")
    _print_table(console, table)
    return _text(console)


def count_text(count: Count, steps: Sequence[Mapping[str, Any]]) -> str:
    """The instructions of each step, their share, and how many each product costs."""
    from rich.table import Table

    columns = "step", "kernel", "operands", "where", "instructions", "share", "per product"
    console, table = _console(), Table(*columns)
    for column in table.columns[4:]:
        column.justify = "right"
    for number, (step, executed) in enumerate(zip(steps, count.steps, strict=True)):
        products = step["multiplications"]
        table.add_row(
            str(number),
            step["kernel"].removeprefix("quantized_"),
            step["operands"],
            _short(step["where"]),
            f"{executed:,}",
            f"{executed / count.total:.1%}",
            f"{executed / products:.2f}" if products else "",
        )
    table.add_section()
    table.add_row("", "all", "", "", f"{count.total:,}", "", "")
    _print_table(console, table)
    return _text(console)


def changes_text(rows: Sequence[Change], a: str, b: str) -> str:
    """Rows of differences as one table, with the change of numbers."""
    from rich.table import Table

    console, table = _console(), Table("", os.path.basename(a), os.path.basename(b), "change")
    for column in table.columns[1:]:
        column.justify = "right"
    kind = None
    for row in rows:
        if row.kind != kind:
            table.add_section()
            table.add_row(row.kind, "", "", "")
            kind = row.kind
        values = _value(row.before), _value(row.after)
        table.add_row(f"  {row.name}", *values, row.note or _change(row.before, row.after))
    _print_table(console, table)
    return _text(console)


def _value(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _change(before: object, after: object) -> str:
    """The difference of two numbers, also as a part of the first; empty for texts."""
    if not isinstance(before, int) or not isinstance(after, int):
        return ""
    share = f" ({(after - before) / before:+.1%})" if before and after else ""
    return f"{after - before:+,}{share}"


def _npu_tables(delegates: Sequence[EmittedDelegate]) -> list[Table]:
    """Two tables: the figures of each call of the NPU, and its cycles by operator."""
    from rich.table import Table

    calls = Table("on the NPU", "where", "cycles", "MACs", "scratch", "data")
    for d in delegates:
        sizes = d.figures.cycles, d.figures.macs, d.scratch_bytes, d.stream_bytes
        calls.add_row(d.name, _short(d.location), *(f"{size:,}" for size in sizes))
    cycles: dict[str, list[int]] = {}
    for op in (op for d in delegates for op in d.figures.ops):
        cycles.setdefault(op.operator, []).append(op.cycles)
    ops = Table("NPU operator", "ops", "cycles")
    for name, each in sorted(cycles.items(), key=lambda item: (-sum(item[1]), item[0])):
        ops.add_row(name, str(len(each)), f"{sum(each):,}")
    for column in (*calls.columns[2:], *ops.columns[1:]):
        column.justify = "right"
    return [calls, ops]


def _decibels(ratio: float) -> str:
    """A noise ratio as signal to noise."""
    return f"{-10 * math.log10(ratio):.1f}" if ratio > 0 else "exact"


def _precision_table(precision: PrecisionReport) -> Table:
    """What has 16 bits and what disturbs the outputs most, up to 20 rows of each."""
    from rich.table import Table

    columns = "layer", "operator", "what", "bits", "SNR in 8 bits", "as chosen", "bytes", "products"
    table = Table(*columns, title="what the rounding of each layer alone does to the outputs, dB")
    for column in table.columns[3:]:
        column.justify = "right"
    for bits in (16, 8):
        for row in [row for row in precision.layers if row.bits == bits][:_ROWS]:
            sizes = (f"{row.bytes:,}", f"{row.products:,}") if bits == 16 else ("", "")
            before, after = _decibels(row.error_before), _decibels(row.error_after)
            table.add_row(row.layer, row.operator, row.what, str(bits), before, after, *sizes)
        table.add_section()
    return table


def _precision_text(precision: PrecisionReport) -> str:
    before, after = (
        "exact" if snr is None else f"{snr:.1f} dB" for snr in (precision.snr_int8, precision.snr)
    )
    return (
        f"precision: {before} in int8, {after} as chosen for {precision.min_snr:g} dB; "
        f"{precision.share_in_int16:.0%} of the activations in int16"
    )


def _strips_table(report: Report) -> Table:
    """The runs of calls that are split into strips of rows, and what that costs."""
    from rich.table import Table

    columns = "in strips of rows", "to", "calls", "strips", "extra calls", "extra products"
    table = Table(*columns)
    for column in table.columns[2:]:
        column.justify = "right"
    for entry in report.row_strips:
        numbers = entry.calls, entry.strips, entry.extra_calls, entry.extra_products
        table.add_row(_short(entry.first), _short(entry.last), *(f"{n:,}" for n in numbers))
    calls = sum(entry.extra_calls for entry in report.row_strips)
    extra = sum(entry.extra_products for entry in report.row_strips)
    total = sum(step.multiplications for step in report.steps)
    share = f"{extra:,} ({extra / max(1, total - extra):.1%})"
    table.add_section()
    table.add_row("all", "", "", "", f"{calls:,}", share)
    return table


def _reasons_table(title: str, entries: Sequence[Outside | Fallback]) -> Table:
    """Operators with their reasons. Equal operators with equal reasons are one row."""
    from rich.table import Table

    places: dict[tuple[str, str], list[str]] = {}
    for entry in entries:
        places.setdefault((entry.op, entry.reason), []).append(_short(entry.location))
    table = Table(title, "calls", "where", "why")
    table.columns[1].justify = "right"
    for (op, reason), found in places.items():
        distinct = list(dict.fromkeys(found))
        shown = distinct[:_PLACES]
        more = [f"… and {len(distinct) - _PLACES} more"] if len(distinct) > _PLACES else []
        table.add_row(op, str(len(found)), "\n".join([*shown, *more]), reason)
    return table


def _bound(report: Report) -> str:
    """The lower bound on the arena; also that for all orders of operators if it is lower."""
    bound = f"{report.arena_bound:,}"
    is_lower = 0 < report.order_bound < report.arena_bound
    return f"{bound}, {report.order_bound:,} in any order" if is_lower else bound


def report_text(report: Report) -> str:
    """The report as plain text: kernels, sizes, calls of the NPU, ops without an integer kernel."""
    from rich.table import Table

    from cmopt.pipeline.report import is_cast

    console = _console()
    columns = "kernel", "calls", "products", "bytes read\nand written"
    table = Table(*columns, title=f"{report.target}, {report.io} in and out")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, count in sorted(report.ops.items(), key=lambda item: (-item[1], item[0])):
        steps = [step for step in report.steps if step.kernel == name.removeprefix("cortex_m.")]
        products = sum(step.multiplications for step in steps)
        moved = sum(step.bytes for step in steps)
        table.add_row(name, str(count), f"{products:,}" if products else "", f"{moved:,}")
    _print_table(console, table)
    console.print(
        f"arena {report.arena_bytes:,} bytes (lower bound {_bound(report)}), "
        f"file {report.pte_bytes:,} bytes, of which constants {report.constant_bytes:,}\n"
        f"ExecuTorch's tables on the core: {report.method_allocator_bytes:,} bytes"
    )
    if report.dtcm_bytes:
        console.print(
            f"dtcm {report.dtcm_bytes:,} bytes, for {report.dtcm_traffic:.0%} of what calls read "
            "and write in planned memory"
        )
    console.print(f"inputs: {', '.join(report.inputs)}\noutputs: {', '.join(report.outputs)}")
    if report.precision is not None:
        console.print(_precision_text(report.precision))
        if report.precision.layers:
            _print_table(console, _precision_table(report.precision))
    if own := [name for name in report.operators if name.startswith("cmopt::")]:
        console.print(
            f"{len(own)} operators are this project's: link the library cmopt_operators "
            "(kernels/operators) besides the stock ones"
        )
    for limit in report.limits:
        console.print(limit)
    if report.row_strips:
        _print_table(console, _strips_table(report))
    if report.delegates:
        for npu_table in _npu_tables(report.delegates):
            _print_table(console, npu_table)
        console.print(
            f"{report.delegates[0].npu}: {report.npu_cycles:,} cycles as Vela estimates them, "
            f"temp allocator {report.temp_allocator_bytes:,} bytes"
        )
    if outside := [op for op in report.outside if not is_cast(op.op)]:
        _print_table(console, _reasons_table("not on the NPU", outside))
    if report.fallbacks:
        _print_table(console, _reasons_table("not on an integer kernel", report.fallbacks))
    else:
        console.print("every operator is on an integer kernel")
    console.print(_summary(report))
    return _text(console)


def _summary(report: Report) -> str:
    """What a user wants to know first, at the end, which a terminal shows."""
    ram = report.arena_bytes + report.dtcm_bytes + report.allocator_bytes
    return (
        f"RAM {ram:,} bytes with ExecuTorch's tables, flash {report.pte_bytes:,} bytes, "
        f"float operators {report.float_ops}"
    )
