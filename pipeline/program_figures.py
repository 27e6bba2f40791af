"""The figures by which two programs are compared: of a report's JSON, or of IR."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xdsl.dialects.builtin import IntegerAttr, ModuleOp

from cmopt.codegen.step_facts import is_step, step_facts, steps_of
from cmopt.dialects.edge import CallOp, ScanOp
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.program import ARENA_BOUND, ARENA_BYTES, REASON, functions
from cmopt.lowering.verify_stage import stage_of
from cmopt.pipeline.op_kinds import kind_of
from cmopt.pipeline.report import constant_bytes, is_cast
from cmopt.support.diagnostics import CompileError
from cmopt.support.targets import OWN


@dataclass(frozen=True)
class Figures:
    """texts: what was compiled for. numbers: sizes in bytes, work, counts. kernels: how many
    operators of each name. reasons: how many operators have a reason not to be on the best kernel.
    """

    texts: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    kernels: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """A figure of some kind that differs: its two values, numbers or texts.

    note: what the difference is, if it is not that of two numbers.
    """

    kind: str
    name: str
    before: int | str
    after: int | str
    note: str = ""


_TEXTS = ("target", "io", "kernels")
_NUMBERS = {
    "arena, bytes": "arena_bytes",
    "arena, lower bound": "arena_bound",
    "method allocator, bytes": "method_allocator_bytes",
    "temp allocator, bytes": "temp_allocator_bytes",
    "file, bytes": "pte_bytes",
    "constants, bytes": "constant_bytes",
    "float operators": "float_ops",
    "NPU cycles": "npu_cycles",
}


def figures_of_report(text: str, path: str) -> Figures:
    """The figures of the JSON that `--report` wrote. Raises CompileError for any other text."""
    try:
        report = json.loads(text)
        return _of_json(report)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise CompileError(
            f"'{path}' is not a report", hint="write one with cm-compile --report OUT.json"
        ) from None


def _of_json(report: Mapping[str, Any]) -> Figures:
    numbers = {name: int(report[key]) for name, key in _NUMBERS.items()}
    numbers["calls"] = len(report["steps"])
    numbers["products on the core"] = sum(int(step["multiplications"]) for step in report["steps"])
    numbers["bytes read and written"] = sum(int(step["bytes"]) for step in report["steps"])
    reasons = Counter(
        f"{entry['op']}: {entry['reason']}"
        for entry in (*report["fallbacks"], *report["outside"])
        if not is_cast(entry["op"])
    )
    texts = {name: str(report[name]) for name in _TEXTS}
    texts |= {name: ", ".join(map(str, report[name])) for name in ("inputs", "outputs")}
    kernels = {str(name): int(count) for name, count in report["ops"].items()}
    return Figures(texts, numbers, kernels, dict(reasons))


def figures_of_ir(module: ModuleOp) -> Figures:
    """The figures of IR of any stage: those that can be seen without compiling it further."""
    stage = stage_of(module, kernels=OWN)
    numbers = {"constants, bytes": constant_bytes(module)}
    ops = [op for func in functions(module) for op in func.walk() if is_step(op) and op is not func]
    counted = [op for op in ops if not isinstance(op, ScanOp)]
    if stage != "edge":
        numbers["float operators"] = sum(kind_of(op, stage) == "float" for op in counted)
    delegates = [op for op in counted if isinstance(op, DelegateOp)]
    if delegates:
        numbers["delegates"] = len(delegates)
    for func in functions(module):
        for name, attribute in (("arena, bytes", ARENA_BYTES), ("arena, lower bound", ARENA_BOUND)):
            if isinstance(size := func.attributes.get(attribute), IntegerAttr):
                numbers[name] = numbers.get(name, 0) + size.value.data
        if stage in ("cortex_m", "planned"):
            facts = [step_facts(op, times) for op, times in steps_of(func.body.block)]
            numbers["products on the core"] = sum(step.multiplications for step in facts)
            numbers["bytes read and written"] = sum(step.bytes for step in facts)
    kernels = Counter(op.target.data if isinstance(op, CallOp) else op.name for op in counted)
    reasons = Counter(text for op in counted if (text := _reason(op)))
    return Figures({"stage": stage}, numbers, dict(kernels), dict(reasons))


def _reason(op: Any) -> str:
    """The name and the reason of an op that is in float or on a portable kernel."""
    reason = op.reason if isinstance(op, CallOp) else op.attributes.get(REASON)
    name = op.target.data if isinstance(op, CallOp) else op.name
    return f"{name}: {reason.data}" if reason is not None else ""


def changed(
    kind: str,
    a: Mapping[str, int] | Mapping[str, str],
    b: Mapping[str, int] | Mapping[str, str],
    absent: int | str = "",
) -> list[Change]:
    """The entries that differ. absent: the value of an entry that is not there."""
    rows = []
    for name in dict.fromkeys([*a, *b]):
        before, after = a.get(name, absent), b.get(name, absent)
        if before != after:
            rows.append(Change(kind, name, before, after))
    return rows


def differences(a: Figures, b: Figures) -> list[Change]:
    """All figures that differ. Figures that only one of them can have are left out."""
    both = {name for name in (*a.numbers, *b.numbers) if name in a.numbers and name in b.numbers}
    before, after = ({n: v for n, v in f.numbers.items() if n in both} for f in (a, b))
    return [
        *changed("compiled for", a.texts, b.texts),
        *changed("figures", before, after),
        *changed("operators", a.kernels, b.kernels, 0),
        *changed("reasons", a.reasons, b.reasons, 0),
    ]
