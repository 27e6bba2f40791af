"""The comparison as Markdown: counts, then the cases in which a program of ours is worse."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from peer_suites.compare import ROOM_DB, WRONG_DB, Worse, worse_than_upstream
from peer_suites.other_inputs import COUNT
from peer_suites.outcomes import FLOWS, OK, OUTCOMES, SKIPPED, Result

SAME = 40
"""Reasons count as equal if this many first letters are."""

Results = Mapping[tuple[str, str], Result]

HEAD = """# ExecuTorch's own tests, compiled by cmopt and by ExecuTorch

Made by `make peers` (`benchmarks/peer_suites`) from the test modules in the ExecuTorch {version}
wheel. Each case is the model and the inputs of one of these tests. The inputs are used both to
calibrate and to run, except where a test has other samples that calibrate. The modules are imported
from the wheel; they are not copied here. The cases of the suite `pytorch` are three of the samples
that PyTorch tests each of its operators with (`torch.testing`'s `op_db`); tensors behind the first
argument of a layer are constants, the other tensors are inputs. A suite can be run in part
(`--every N`); the counts are those of the cases that were run.

| flow | meaning |
|---|---|
| ours | `cmopt.quantize`, then `cmopt.compile` |
| theirs | upstream's quantizer, then `cmopt.compile` |
| upstream | ExecuTorch's quantizer and backend, set as their tests set them |

| suite | source | target |
|---|---|---|
{suites}

*ok*: the case compiles, and every way to run it gives the same bytes: the file in ExecuTorch's
runtime, the interpreter of two stages and, for each delegate, Arm's TOSA reference model. A kernel
that computes in float may differ from PyTorch by one step. *refused*: one clear line gives the
reason; for upstream, any exception. *error*: a traceback, or a program that fails when it is run.
*skipped*: the test has no quantized model, or PyTorch or upstream's quantizer cannot take it. *no
float*: ok, and no operator computes in float. *with the NPU*: ok, and the program has a delegate.

A model without quantize operators is compiled with `allow_float`. If the NPU can compute nothing of
a model, all of it runs on the core.

Steps are the distance from the quantized model in PyTorch, in steps of the output's quantization.
Upstream's numbers on a core are those of its operators in Python. Its command streams cannot be run
here. With an NPU, its signal-to-noise ratio is that of its TOSA graph in Arm's reference model, if
the program is one delegate with one input, else that of its quantized model in PyTorch. For
upstream, *ok* means only that the model compiles, not that the file runs.

A ratio of one input that also calibrated the model is partly luck. If ours is more than 1 dB lower,
both are measured on {others} other inputs, uniform between the least and the greatest element of
the case's own (between 0 and the element, if all are equal), and those decide.

*Set apart* are cases in which a number is worse, but the two programs do not do the same:
upstream computes in float or gives a wrong result (below {wrong:g} dB, or wrong integers), its
operators fail when they run, it is set to int16 and ours to int8, its delegate computes nothing,
its file needs a kernel that a stock runtime does not have, it calls a kernel with a known defect,
the model gives no finite number, an integer may overflow, a softmax is so small that the core
computes it, or nothing is to be computed at all, so that ours does not call the NPU. Noise alone is
set apart if upstream's ratio is below {wrong:g} dB too, and in int16 if ours is lower by not more
than another {room:.1f} dB: ours leaves room for values larger than those of the calibration, and
the other inputs have none.
"""


def suite_of(key: str) -> str:
    """The suite a key belongs to."""
    return key.partition("/")[0]


def module_of(key: str) -> str:
    """The test module of a key, without the suite."""
    return key.partition("/")[2].partition("::")[0]


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def document(results: Results, suites: Mapping[str, tuple[str, str]], version: str) -> str:
    """The whole page. suites: the folder and the target of each suite."""
    names = [name for name in suites if any(suite_of(key) == name for key, _ in results)]
    rows = "\n".join(f"| {name} | `{suites[name][0]}` | {suites[name][1]} |" for name in names)
    head = HEAD.format(version=version, suites=rows, wrong=WRONG_DB, others=COUNT, room=ROOM_DB)
    parts = [head, "## Counts\n", _counts(results, names)]
    parts += [_how_many(results)]
    worse = {
        flow: [w for r in results.values() if r.flow == flow
               for w in worse_than_upstream(r, results.get((r.key, "upstream")))]
        for flow in ("ours", "theirs")
    }  # fmt: skip
    parts += ["## Worse than upstream\n", _worse_counts(worse, results, names)]
    for name in names:
        for flow in ("ours", "theirs"):
            found = [w for w in worse[flow] if suite_of(w.key) == name and not w.apart]
            if found:
                parts += [f"### {name}, {flow}\n", _worse_rows(found, results)]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _how_many(results: Results) -> str:
    """The line that says how complete the results are."""
    keys = {key for key, _ in results}
    whole = sum(all((key, flow) in results for flow in FLOWS) for key in keys)
    return f"{whole:,} cases have results of every flow, {len(keys) - whole:,} only of some."


def counts(results: Results) -> dict[tuple[str, str], Counter[str]]:
    """The number of results of each outcome by suite and flow; "delegated" is part of "ok"."""
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for result in results.values():
        counter = found[suite_of(result.key), result.flow]
        counter[result.outcome] += 1
        counter["delegated"] += bool(result.outcome == OK and result.figures.get("delegates"))
        counter["integer"] += bool(result.outcome == OK and not result.figures.get("float"))
    return dict(found)


def _counts(results: Results, names: Sequence[str]) -> str:
    found = counts(results)
    head = ("suite", "flow", "cases", *OUTCOMES, "no float", "with the NPU")
    rows = []
    for name in names:
        for flow in FLOWS:
            c = found.get((name, flow))
            if c is not None:
                total = sum(c[outcome] for outcome in OUTCOMES)
                numbers = [c[outcome] for outcome in OUTCOMES]
                rows.append((name, flow, total, *numbers, c["integer"], c["delegated"]))
    return table(head, rows)


def _worse_counts(
    worse: Mapping[str, Sequence[Worse]], results: Results, names: Sequence[str]
) -> str:
    """How many of the cases that both compile are worse in each aspect."""
    rows = []
    for flow in worse:
        for name in names:
            both = sum(
                r.flow == flow and suite_of(r.key) == name and r.outcome == OK
                and (u := results.get((r.key, "upstream"))) is not None and u.outcome == OK
                for r in results.values()
            )  # fmt: skip
            only_ours = sum(
                r.flow == flow and suite_of(r.key) == name and r.outcome == OK
                and (u := results.get((r.key, "upstream"))) is not None
                and u.outcome not in (OK, SKIPPED)
                for r in results.values()
            )  # fmt: skip
            here = [w for w in worse[flow] if suite_of(w.key) == name]
            aspects = _frequencies(w.aspect for w in here if not w.apart)
            apart = _frequencies(why for _, why in {(w.key, w.apart) for w in here if w.apart})
            rows.append((name, flow, both, only_ours, aspects, apart))
    head = ("suite", "flow", "both ok", "only ours ok", "worse in, cases", "set apart, cases")
    return table(head, rows)


def _frequencies(words: Iterable[str]) -> str:
    counted = Counter(words).most_common()
    return ", ".join(f"{word} {count}" for word, count in counted) or "nothing"


def _worse_rows(found: Sequence[Worse], results: Results) -> str:
    """One row for each test module, aspect and reason, with the worst of its cases."""
    groups: dict[tuple[str, str, str], list[Worse]] = defaultdict(list)
    for worse in found:
        groups[module_of(worse.key), worse.aspect, worse.reason[:SAME]].append(worse)
    totals = Counter(module_of(r.key) for r in results.values() if r.flow == found[0].flow
                     and suite_of(r.key) == suite_of(found[0].key))  # fmt: skip
    rows = []
    for (module, aspect, _), group in sorted(groups.items()):
        worst = max(group, key=_distance)
        cases = f"{len(group)} of {totals[module]}"
        name = worst.key.partition("/")[2]
        upstream = worst.upstream or "–"
        rows.append((f"`{name}`", cases, aspect, worst.ours, upstream, worst.reason[:300]))
    return table(("worst case", "cases", "worse in", "here", "upstream", "reason"), rows)


def _distance(worse: Worse) -> float:
    """How much worse: the ratio of two numbers, else 0."""
    try:
        ours, upstream = (float(v.replace(",", "")) for v in (worse.ours, worse.upstream))
    except ValueError:
        return 0.0
    if worse.aspect.startswith("signal"):
        return upstream - ours
    return ours / max(upstream, 1e-9)
