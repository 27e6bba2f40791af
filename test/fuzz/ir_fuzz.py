"""Fuzz `cm-opt`: random and broken IR through random pipelines.

    python test/fuzz/ir_fuzz.py --cases 2000 --seed 0

A case is a text, a pipeline and flags. The requirements:

* The exit code is 0 or 1. Each line on standard error is a diagnostic. There is no traceback, hang,
  giant allocation or internal error, and no pass makes invalid IR from valid IR.
* The output of a successful run verifies, and prints as the same text again.
* If the module can be executed, no pass changes its result by more than `docs/ir.md` allows.

Findings are printed with a reduced case.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from random import Random

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import meaning
from guard import Timeout, address_space, memory_limit, time_limit
from mutations import TYPE, mutate, random_pipeline
from one_op import check_kernels
from programs import generated_seeds, random_program, written_seeds

from cmopt.dialects.parsing import make_context, parse_module
from cmopt.lowering.convert_edge_to_cortex_m import ConvertEdgeToCortexMPass
from cmopt.pipeline import cm_opt
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.pipeline.registry import get_all_passes
from cmopt.support.diagnostics import CompileError, verify
from cmopt.support.printing import module_to_text

SECONDS = 10.0
MEMORY = 3 << 29
DIAGNOSTIC = re.compile(r"(?:.*: )?(?:error|warning|remark|note): .+")
_INTERNAL = re.compile(r"internal error|Traceback|MemoryError|RecursionError|not enough memory")


@dataclass(frozen=True)
class Case:
    """One run of the tool, and the seed of the inputs for executing its module."""

    text: str
    pipeline: str
    flags: tuple[str, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class Finding:
    """What went wrong. `kind` is short; `key` is the same for the same fault."""

    kind: str
    message: str

    @property
    def key(self) -> str:
        """The message without the parts that differ between cases."""
        message = TYPE.sub("_", self.message)
        message = re.sub(r"\S*/\S*|\[[^\]]*\]|-?\d[\w.+-]*|%\w+", "_", message)
        return f"{self.kind}: {message[:160]}"


@dataclass
class Totals:
    """The counts and the findings of a run of the fuzzer."""

    cases: int = 0
    accepted: int = 0
    executed: int = 0
    findings: dict[str, tuple[Finding, Case]] = field(default_factory=dict)

    def summary(self) -> str:
        return (
            f"{self.cases} cases, {self.accepted} accepted, "
            f"{self.executed} pass applications executed before and after, "
            f"{len(self.findings)} findings"
        )


# --------------------------------------------------------------------------------------- the oracle


def run_tool(arguments: list[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of cm-opt."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = cm_opt.main(arguments)
        except SystemExit as exit:
            code = exit.code if isinstance(exit.code, int) else 1
    return code, out.getvalue(), err.getvalue()


@cache
def _start() -> int:
    """The address space when the first case begins, so that a leak does not raise the limit."""
    return address_space()


def check(case: Case, folder: Path, totals: Totals | None = None) -> Finding | None:
    """Run a case. Returns the first finding, or None."""
    try:
        with np.errstate(all="ignore"), memory_limit(_start() + MEMORY), time_limit(SECONDS):
            return _check(case, folder, totals)
    except Timeout:
        return Finding("hang", f"no result after {SECONDS:.0f} s")
    except Exception as error:
        return Finding("exception", f"{type(error).__name__}: {error}")


def _check(case: Case, folder: Path, totals: Totals | None) -> Finding | None:
    source, reproducer = folder / "in.mlir", folder / "reproducer.mlir"
    source.write_text(case.text, encoding="utf-8")
    arguments = [str(source), f"--pass-pipeline={case.pipeline}", *case.flags]
    crash = f"--mlir-pass-pipeline-crash-reproducer={reproducer}"
    code, out, err = run_tool([*arguments, crash])
    if code not in (0, 1):
        return Finding("exit code", f"{code}")
    if _INTERNAL.search(err):
        line = next(line for line in err.splitlines() if _INTERNAL.search(line))
        return _reproduced(line, case, reproducer) or Finding("internal error", line)
    if "(after pass " in err:
        return Finding("invalid IR", err.strip())
    for line in err.splitlines():
        if not DIAGNOSTIC.fullmatch(line):
            return Finding("not a diagnostic", line)
    if code == 1:
        return Finding("silent failure", "") if not err else None
    if totals is not None:
        totals.accepted += 1
    if (finding := _round_trip(case, out)) is not None:
        return finding
    return _meaning(case, totals)


def _reproduced(line: str, case: Case, reproducer: Path) -> Finding | None:
    """The reproducer of an internal error in a pass must show the same error."""
    if "internal error in pass" not in line:
        return None
    flags = [flag for flag in case.flags if flag == "--allow-unregistered-dialect"]
    again = reproducer.with_name("again.mlir")
    crash = f"--mlir-pass-pipeline-crash-reproducer={again}"
    code, _, err = run_tool([str(reproducer), "--run-reproducer", crash, *flags])
    same = err.partition("; reproducer:")[0].strip() == line.partition("; reproducer:")[0].strip()
    if code == 1 and same:
        return None
    return Finding("reproducer", f"{line} | became | {err.strip()}")


def _round_trip(case: Case, out: str) -> Finding | None:
    if "--split-input-file" in case.flags or any("elide" in flag for flag in case.flags):
        return None
    generic = "--mlir-print-op-generic" in case.flags
    debuginfo = "--mlir-print-debuginfo" in case.flags
    unregistered = "--allow-unregistered-dialect" in case.flags
    try:
        module = parse_module(make_context(allow_unregistered=unregistered), out)
        verify(module)
    except CompileError as error:
        return Finding("unreadable output", str(error))
    again = module_to_text(module, generic=generic, debuginfo=debuginfo)
    if again != out:
        lines = zip(out.splitlines(), again.splitlines(), strict=False)
        first = next(((a, b) for a, b in lines if a != b), ("", ""))
        return Finding("round trip", f"{first[0]} | became | {first[1]}")
    return None


def _meaning(case: Case, totals: Totals | None) -> Finding | None:
    """Run each pass of an accepted case, and the module before and after it."""
    if "--split-input-file" in case.flags or "--allow-unregistered-dialect" in case.flags:
        return None
    ctx = make_context()
    module = parse_module(ctx, case.text)
    if not meaning.is_small(module):
        return None
    try:
        inputs = meaning.random_inputs(module, Random(case.seed))
        expected = meaning.run(module, inputs)
    except (meaning.Unexecutable, CompileError):
        return None
    except Exception as error:
        return Finding("interpreter", f"{type(error).__name__}: {error}")
    if not meaning.is_sound_plan(module):
        return None
    for pass_ in parse_pipeline(case.pipeline):
        bound = meaning.movement_allowed(pass_, module)
        before = module_to_text(module)
        if isinstance(pass_, ConvertEdgeToCortexMPass):
            generator = np.random.default_rng(case.seed)
            if (problem := check_kernels(module, pass_.target, generator)) is not None:
                return Finding("kernel", problem)
        run_passes(ctx, module, [pass_])
        if not meaning.is_sound_plan(module):
            return None
        try:
            actual = meaning.run(module, inputs)
        except Exception as error:
            return Finding("meaning", f"{pass_.name}: {type(error).__name__}: {error}")
        if totals is not None:
            totals.executed += 1
        if bound is not None:
            problem = meaning.difference(expected, actual, bound)
            if problem is not None and before != module_to_text(module):
                return Finding("meaning", f"{pass_.name}: {problem}")
            if problem is not None:
                return Finding("meaning", f"{pass_.name}: not deterministic: {problem}")
        expected = actual
    return None


# ---------------------------------------------------------------------------------------- reduction


def reduce(case: Case, finding: Finding, folder: Path, tries: int = 150) -> Case:
    """Remove lines, passes and flags from a case while the same fault remains."""
    left = [tries if finding.kind != "hang" else 12]

    def same(candidate: Case) -> bool:
        left[0] -= 1
        again = check(candidate, folder)
        return again is not None and again.key == finding.key

    for flag in case.flags:
        fewer = replace(case, flags=tuple(f for f in case.flags if f != flag))
        if same(fewer):
            case = fewer
    try:
        passes = [str(p) for p in parse_pipeline(case.pipeline)]
        passes = _fewer(passes, lambda p: left[0] > 0 and same(replace(case, pipeline=",".join(p))))
        if same(replace(case, pipeline=",".join(passes))):
            case = replace(case, pipeline=",".join(passes))
    except CompileError:
        pass
    lines = _fewer(
        case.text.splitlines(),
        lambda lines: left[0] > 0 and same(replace(case, text="\n".join(lines) + "\n")),
    )
    smaller = replace(case, text="\n".join(lines) + "\n")
    return smaller if same(smaller) else case


def _fewer(items: list[str], fails: Callable[[list[str]], bool]) -> list[str]:
    """`items` without pieces as large as possible, such that `fails` is true for the rest."""
    size = max(1, len(items) // 2)
    while size:
        start = 0
        while start < len(items):
            candidate = items[:start] + items[start + size :]
            if fails(candidate):
                items = candidate
            else:
                start += size
        size //= 2
    return items


# ------------------------------------------------------------------------------------------ the run

FLAGS = (
    "--split-input-file", "--mlir-print-op-generic", "--mlir-print-debuginfo",
    "--mlir-elide-elementsattrs-if-larger=2", "--allow-unregistered-dialect",
)  # fmt: skip


def make_case(random: Random, seeds: list[str]) -> Case:
    """A case: a valid program through the stages, or a broken text through any pipeline."""
    seed = random.randrange(2**32)
    if random.random() < 0.35:
        return Case(random_program(random), random_pipeline(random), (), seed)
    text = mutate(random, random.choice(seeds), random.choice(seeds))
    flags = tuple(flag for flag in FLAGS if random.random() < 0.05)
    return Case(text, random_pipeline(random), flags, seed)


def fuzz(cases: int, seed: int, *, shrink: bool = True) -> Totals:
    """Run this many cases. The same seed gives the same cases."""
    import torch  # before the memory limit: it maps a lot

    for factory in get_all_passes().values():
        factory()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    random, totals = Random(seed), Totals()
    seeds = written_seeds() + generated_seeds(random, 12)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(cases):
            totals.cases += 1
            case = make_case(Random(random.randrange(2**64)), seeds)
            finding = check(case, folder, totals)
            if finding is None or finding.key in totals.findings:
                continue
            small = reduce(case, finding, folder) if shrink else case
            totals.findings[finding.key] = check(small, folder) or finding, small
    torch.set_num_threads(threads)
    return totals


def report(totals: Totals) -> str:
    """The findings with their cases, and the summary."""
    parts = []
    for finding, case in totals.findings.values():
        command = " ".join(["cm-opt", *case.flags, f"--pass-pipeline='{case.pipeline}'"])
        parts.append(
            f"=== {finding.kind}: {finding.message}\n{command} # seed {case.seed}\n{case.text}"
        )
    return "\n".join([*parts, totals.summary()])


def main() -> int:
    """The command line. Returns exit code 1 if there are findings."""
    parser = argparse.ArgumentParser(description="Fuzz cm-opt.")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-shrink", action="store_true")
    args = parser.parse_args()
    totals = fuzz(args.cases, args.seed, shrink=not args.no_shrink)
    print(report(totals))
    return int(bool(totals.findings))


if __name__ == "__main__":
    sys.exit(main())
