"""Run the cases that have no result yet, each in a separate process."""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import io
import logging
import tempfile
import warnings
from collections import Counter
from collections.abc import Collection, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from peer_suites.compare import NOISE, OTHERS, worse_than_upstream
from peer_suites.other_inputs import COUNT
from peer_suites.outcomes import OK, Result
from peer_suites.processes import Body, Emit, run_cases, skipped
from peer_suites.store import Store
from peer_suites.suites import Case, Suite, Uncollected, collect


def collected(suites: Sequence[Suite]) -> tuple[list[Case], list[Uncollected]]:
    """The cases of several suites. This imports their modules, which takes seconds."""
    quiet()
    cases: list[Case] = []
    missing: list[Uncollected] = []
    for suite in suites:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            found, without = collect(suite)
        cases += found
        missing += without
    return cases, missing


def quiet() -> None:
    """Turn off the warnings and logs of libraries."""
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")


def warm_up(suites: Sequence[Suite], flows: Collection[str]) -> None:
    """Import what the flows need, and compile once, so that forked processes need not."""
    import torch
    from torch import nn

    import cmopt

    torch.set_num_threads(1)
    import compare_upstream
    import upstream_ethos_u as ethos_u

    for name in ("executorch.backends.cortex_m.ops.operators", "executorch.runtime",
                 "tosa_programs", "peer_suites.flows", "peer_suites.recording"):  # fmt: skip
        importlib.import_module(name)

    batch = (torch.randn(1, 3, 8, 8),)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AvgPool2d(2)).eval()
    for target in {suite.target: None for suite in suites}:
        exported = cmopt.quantize(model, batch, target=target)
        assert cmopt.compile(exported, target=target).report
        if "upstream" in flows and "ethos" in target:
            ethos_u.upstream(ethos_u.upstream_quantized(model, [batch]))
    if "upstream" in flows:
        compare_upstream.upstream_program(model, [batch], explicit_layout=False)
    gc.collect()
    gc.freeze()  # Forked processes then share the pages of existing objects.


def body(case: Case, flows: Sequence[str], emit: Emit, others: int = 0) -> None:
    """The work of a process: record the case, then run its flows one after the other.

    others: on how many other inputs the noise is measured too.
    """
    from peer_suites.flows import Subject, run_flow
    from peer_suites.recording import NoModel, record

    try:
        emit({"phase": "record"})
        subject = Subject(case, record(case), others)
    except NoModel as reason:
        for flow in flows:
            emit({"result": skipped(case.key, flow, str(reason)).to_json()})
        return
    for flow in flows:
        result = run_flow(subject, flow, lambda phase: emit({"phase": phase}))
        emit({"result": result.to_json()})


def run(
    cases: Sequence[Case],
    missing: Sequence[Uncollected],
    flows: Sequence[str],
    store: Store,
    *,
    jobs: int,
    timeout: float,
    until: float,
) -> None:
    """Add the missing results to `store`, and show the progress."""
    for item in missing:
        for flow in store.missing(item.key, flows):
            store.add(skipped(item.key, flow, item.reason))
    ordered = sorted(cases, key=lambda case: case.index)  # First one case of every function.
    work = [(case, left) for case in ordered if (left := store.missing(case.key, flows))]
    _run_work(work, body, store, jobs=jobs, timeout=timeout, until=until)


def look_again(
    cases: Sequence[Case], store: Store, *, jobs: int, timeout: float, until: float
) -> None:
    """Measure noise that is above upstream's on other inputs too; see `other_inputs`."""
    noisy: dict[str, list[str]] = {}
    for (key, flow), result in store.results.items():
        upstream = store.results.get((key, "upstream"))
        for row in worse_than_upstream(result, upstream) if flow != "upstream" else ():
            if row.aspect == NOISE and not row.apart and OTHERS not in result.figures:
                noisy.setdefault(key, []).append(flow)
    work = [(case, [*noisy[case.key], "upstream"]) for case in cases if case.key in noisy]
    measure = functools.partial(body, others=COUNT)
    _run_work(work, measure, store, jobs=jobs, timeout=timeout, until=until)


def _run_work(
    work: Sequence[tuple[Case, Sequence[str]]],
    body: Body,
    store: Store,
    *,
    jobs: int,
    timeout: float,
    until: float,
) -> None:
    """Add the results of `work` to `store`, and show the progress."""
    if not work:
        return
    folder = store.path.parent / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(folder)  # Reproducers of internal errors go there too.
    console = Console(stderr=True)
    suites = {case.suite.name: case.suite for case, _ in work}
    used = {flow for _, flows in work for flow in flows}
    with console.status("importing"), contextlib.redirect_stdout(io.StringIO()):
        warm_up(list(suites.values()), used)
    counts: Counter[str] = Counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("cases", total=sum(len(flows) for _, flows in work))
        for result in run_cases(work, body, jobs=jobs, timeout=timeout, folder=folder, until=until):
            store.add(result)
            counts[result.outcome] += 1
            if result.outcome != OK and console.is_terminal:
                console.print(line_of(result), highlight=False, markup=False)
            progress.update(task, advance=1, description=text_of(counts))


def text_of(counts: Counter[str]) -> str:
    """ "12 ok, 1 refused"."""
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())


def line_of(result: Result) -> str:
    """One result as a line."""
    return f"{result.outcome:8} {result.flow:8} {result.key}: {result.message}"[:200]
