"""The data of the page: the report's figures, the operators of each stage, the arena, the costs."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation

from cmopt.codegen.arena_map import arena_map
from cmopt.codegen.step_facts import steps_of
from cmopt.codegen.tosa_flatbuffer import tensor_names
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.program import main_function
from cmopt.pipeline.compare import is_point
from cmopt.pipeline.page.graph import StageGraph
from cmopt.support.diagnostics import CompileError

if TYPE_CHECKING:
    from cmopt.pipeline.compare import Comparison
    from cmopt.pipeline.emulation import Count
    from cmopt.pipeline.report import Report


def page_data(
    report: Report, *, title: str, comparison: Comparison | None, count: Count | None
) -> dict[str, Any]:
    """The object that the page draws; see `Report.html`.

    `figures` is the JSON of the report. `stages` are those of `StageGraph`. In the planned stage,
    an op that is executed has its number in `figures.steps` as `step`, and an op in a delegate has
    Vela's estimate as `cycles` and `macs`. `arena.blocks` refer to values of this stage, and
    `arena.columns` to its ops. `accuracy` refers to ops of the stage "quantized".

    Raises CompileError if the count or the comparison belongs to another program.
    """
    graphs = {name: StageGraph(module, name) for name, module in report.modules.items()}
    data: dict[str, Any] = {"title": title, "figures": json.loads(report.to_json())}
    data["stages"] = [graph.data() for graph in graphs.values()]
    if "planned" in graphs:
        func = main_function(report.modules["planned"])
        _note_steps(graphs["planned"], func, report)
        data["arena"] = _arena(graphs["planned"], func)
    if count is not None:
        if len(count.steps) != len(report.steps):
            raise CompileError(
                f"the count has {len(count.steps)} steps, the program {len(report.steps)}"
            )
        data["instructions"] = {"total": count.total, "steps": list(count.steps)}
    if comparison is not None:
        quantized = main_function(report.modules["quantized"])
        data["accuracy"] = _accuracy(graphs["quantized"], quantized, comparison)
    return data


def _note_steps(graph: StageGraph, func: FuncOp, report: Report) -> None:
    """Set `step` of executed ops, and the NPU's figures of the ops in delegates."""
    estimates = iter(report.delegates)
    for number, (op, _) in enumerate(steps_of(func.body.block)):
        graph.ops[graph.numbers[op]]["step"] = number
        if isinstance(op, DelegateOp):
            figures = next(estimates).figures
            graph.ops[graph.numbers[op]].update(cycles=figures.cycles, macs=figures.macs)
            made = {name: value.owner for value, name in tensor_names(op.body.block).items()}
            for each in figures.ops:
                owner = made.get(each.name)
                if not isinstance(owner, Operation) or owner not in graph.numbers:
                    continue  # a tensor that Vela added
                entry = graph.ops[graph.numbers[owner]]
                entry["cycles"] = entry.get("cycles", 0) + each.cycles
                entry["macs"] = entry.get("macs", 0) + each.macs


def _arena(graph: StageGraph, func: FuncOp) -> dict[str, Any]:
    """The blocks as lists: value, offset, size, first and last column, whether it is state."""
    found = arena_map(func)
    return {
        "size": found.size,
        "columns": [-1 if op is None else graph.numbers.get(op, -1) for op in found.columns],
        "live": list(found.live),
        "peak": found.peak,
        "blocks": [
            [graph.value_numbers[b.value], b.offset, b.size, b.first, b.last, int(b.is_kept)]
            for b in found.blocks
        ],
    }


def _accuracy(graph: StageGraph, func: FuncOp, comparison: Comparison) -> list[dict[str, Any]]:
    """The rows of a comparison, each with the number of its op in the stage "quantized"."""
    points = [op for op in func.body.block.ops if is_point(op)]
    measured = {row.number: row.op for row in comparison.rows}
    if measured != {number: op.name for number, op in enumerate(points)}:
        raise CompileError(
            "the comparison is one of another program: it has other quantized values"
        )
    return [
        {
            "op": graph.numbers[points[row.number]],
            "steps": row.steps,
            "snr": row.snr_db if math.isfinite(row.snr_db) else _words(row.snr_db),
        }
        for row in comparison.rows
    ]


def _words(snr_db: float) -> str:
    """What an infinite signal-to-noise ratio means."""
    return "exact" if snr_db > 0 else "no signal"
