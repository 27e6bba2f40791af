"""`cm-diff`: figures, reasons and outputs that differ; and the report in a terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from cmopt.dialects.parsing import make_context, parse_module
from cmopt.pipeline import cm_diff
from cmopt.pipeline.cm_diff import output_differences
from cmopt.pipeline.program_figures import Figures, differences, figures_of_ir, figures_of_report
from cmopt.support.diagnostics import CompileError

sys.path.insert(0, str(Path(__file__).parents[1]))
from report_programs import NAMES, program

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("name", NAMES)
def test_the_planned_ir_has_the_figures_of_the_report(name: str) -> None:
    report = program(name).report
    text = program(name).ir("planned")
    of_ir = figures_of_ir(parse_module(make_context(), text, "planned.mlir"))
    of_report = figures_of_report(report.to_json(), "r.json")
    assert of_report.numbers["float operators"] == report.float_ops
    assert of_report.numbers["calls"] == len(report.steps)
    same = set(of_ir.numbers) & set(of_report.numbers)
    assert {"arena, bytes", "constants, bytes", "products on the core"} <= same
    assert {n: of_ir.numbers[n] for n in same} == {n: of_report.numbers[n] for n in same}
    counted = {n: count for n, count in of_report.kernels.items() if n in of_ir.kernels}
    assert {n: of_ir.kernels[n] for n in counted} == counted
    assert len(counted) >= len(of_report.kernels) - 6 * (name == "loop")


def test_only_what_both_have_is_compared() -> None:
    a = Figures({"stage": "edge"}, {"x": 1, "y": 2}, {"k": 1}, {})
    b = Figures({"stage": "layout"}, {"y": 3, "z": 4}, {"k": 1, "l": 2}, {"l: slow": 2})
    found = [(c.kind, c.name, c.before, c.after) for c in differences(a, b)]
    assert found == [
        ("compiled for", "stage", "edge", "layout"),
        ("figures", "y", 2, 3),
        ("operators", "l", 0, 2),
        ("reasons", "l: slow", 0, 2),
    ]
    assert differences(a, a) == []


def test_outputs_differ_in_values_steps_types_and_names() -> None:
    x, y = np.float32([0.0, 1.0, np.nan]), np.float32([0.0, 1.5, np.nan])
    (change,) = output_differences({"y": x}, {"y": y}, {"y": 0.25})
    assert change.note == "up to 0.5, 2 steps"
    assert output_differences({"y": x}, {"y": x.copy()}, {"y": 0.25}) == []
    (change,) = output_differences({"y": x}, {"y": np.float32([0.0, 1.0, 2.0])}, {"y": None})
    assert change.note == "up to inf"
    (change,) = output_differences({"y": np.int8([-128])}, {"y": np.int8([127])}, {})
    assert change.note == "up to 255, 255 steps"
    (change,) = output_differences({"y": x}, {"y": np.int8([1])}, {})
    assert (change.before, change.after) == ("float32 [3]", "int8 [1]")
    (change,) = output_differences({"y": x}, {}, {})
    assert (change.name, change.before, change.after) == ("y", "there", "")
    infinite = np.float32([np.inf, 1.0])
    assert output_differences({"y": infinite}, {"y": infinite.copy()}, {}) == []


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "nul", '{"steps": 3}', "[" * 100_000, '{"target": {}, "ops": 3}'],
    ids=range(7),
)
def test_anything_else_is_not_a_report(text: str) -> None:
    with pytest.raises(CompileError, match=r"'r\.json' is not a report"):
        figures_of_report(text, "r.json")


def test_a_report_with_a_wrong_kind_is_refused() -> None:
    report = json.loads(program("kernels").report.to_json())
    for key, value in (("ops", [1]), ("steps", {"a": 1}), ("arena_bytes", "x"), ("fallbacks", [1])):
        with pytest.raises(CompileError, match="is not a report"):
            figures_of_report(json.dumps({**report, key: value}), "r.json")


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = []
    for name in ("kernels", "npu"):
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(program(name).report.to_json())
    a, b = map(str, paths)
    assert cm_diff.main([a, a]) == 0
    assert capsys.readouterr().out == ""
    assert cm_diff.main([a, b]) == 1
    assert "NPU cycles" in capsys.readouterr().out
    assert cm_diff.main([a, str(tmp_path / "none.json")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(SystemExit) as stopped:
        cm_diff.main([a])
    assert stopped.value.code == 2


@pytest.mark.parametrize("columns", [60, 80, 200])
@pytest.mark.parametrize("name", NAMES)
def test_the_report_fits_the_terminal(
    name: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    report = program(name).report
    picture = report.arena_picture()
    lines = [*str(report).splitlines(), *picture.splitlines()]
    assert max(map(len, lines)) <= columns
    assert f"{report.arena_bytes:,} │" in picture and "▲" in picture
    # Numbers are whole at any width.
    for step in report.steps:
        if step.multiplications and [s.kernel for s in report.steps].count(step.kernel) == 1:
            assert f"{step.multiplications:,}" in str(report)


def test_reasons_are_grouped_and_casts_are_not_among_them() -> None:
    report = program("npu").report
    assert any(op.op.startswith("quant.") for op in report.outside)
    assert "quant." not in str(report)


def test_a_name_that_looks_like_markup_is_printed_unchanged() -> None:
    from dataclasses import replace

    report = replace(program("kernels").report, inputs=("[bold]x[/bold]",), outputs=(":smile:",))
    assert "inputs: [bold]x[/bold]\noutputs: :smile:" in str(report)


def test_the_picture_has_each_block_where_it_is() -> None:
    """An empty cell of the picture is free memory, and a full one is not."""
    from cmopt.codegen.arena_map import arena_map
    from cmopt.dialects.program import main_function
    from cmopt.pipeline.arena_picture import ROWS

    found = arena_map(main_function(program("kernels").module("planned")))
    lines = program("kernels").report.arena_picture(100).splitlines()[:ROWS]
    grid = [line.partition("│")[2] for line in reversed(lines)]
    scale = len(grid[0]) // len(found.columns)
    for column in range(len(found.columns)):
        for row in range(ROWS):
            low, high = row * found.size // ROWS, (row + 1) * found.size // ROWS
            used = any(
                b.first <= column <= b.last and b.offset < high and low < b.offset + b.size
                for b in found.blocks
            )
            assert (grid[row][column * scale] != " ") == used
