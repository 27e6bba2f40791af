"""Compile the tests of ExecuTorch and of PyTorch with ExecuTorch's flow and with ours, and compare.

    python benchmarks/peer_suites [--suite SUITE] [--filter TEXT] [--only FLOW] [--jobs N]
    python benchmarks/peer_suites --sample [--update-baseline]
    python benchmarks/peer_suites --report

The models are those of the test modules in the installed wheel, and PyTorch's samples of its
operators. The tests themselves are not run.
Results are appended to build/peer_suites/results.jsonl, and the next run continues where the last
one ended. Noise that is above upstream's is then measured again, on other inputs. At the end, or
with --report alone, docs/peers.md and build/peer_suites/peers.json are written from all results. To
repeat cases with a newer compiler, remove results.jsonl first.

--sample runs a fixed part, ours only, and compares it with benchmarks/peer_suites/baseline.json.
The exit code is 1 if a case ends in a crash, a traceback or wrong bytes that are not in the
baseline, or if a case is worse than the baseline.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "test"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "test" / "unit"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from peer_suites import sample, tables
from peer_suites.outcomes import FLOWS, REPOSITORY
from peer_suites.store import Store
from peer_suites.suites import SUITES

BUILD = REPOSITORY / "build" / "peer_suites"
PAGE = REPOSITORY / "docs" / "peers.md"


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        prog="peer_suites", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("--suite", action="append", choices=list(SUITES), help="default: all")
    add("--filter", default="", metavar="TEXT", help="only cases whose name contains TEXT")
    add("--only", action="append", choices=FLOWS, help="only this flow; default: all three")
    add("--every", type=int, default=1, metavar="N", help="only every N-th case")
    add("--jobs", type=int, default=2, help="processes at a time (default 2)")
    add("--timeout", type=float, default=120, metavar="SECONDS", help="for a flow of a case")
    add("--hours", type=float, default=6, help="begin no case after this time (default 6)")
    add("--results", type=Path, default=BUILD / "results.jsonl", metavar="FILE")
    add("--page", type=Path, default=PAGE, metavar="FILE", help="default: docs/peers.md")
    add("--list", action="store_true", help="print the names of the cases, and run nothing")
    add("--report", action="store_true", help="write the page from the results on disk")
    add("--sample", action="store_true", help="run the sample, and compare with the baseline")
    add("--update-baseline", action="store_true", help="with --sample: write the baseline")
    args = parser.parse_args()
    is_part = args.suite or args.filter or args.only or args.every > 1
    if args.update_baseline and (is_part or not args.sample):
        parser.error("--update-baseline needs --sample, and all of the sample")
    return args


def main() -> int:
    """Run the cases without a result, and write the results."""
    start = time.monotonic()
    args = arguments()
    if args.report:
        write(Store(args.results), args.page)
        return 0
    from peer_suites.running import collected, look_again, run

    cases, missing = collected([SUITES[name] for name in args.suite or SUITES])
    if args.sample:
        cases = sample.chosen(cases)
    cases = [case for case in cases if args.filter in case.key][:: args.every]
    if args.list:
        print(*(case.key for case in cases), sep="\n")
        return 0
    if args.sample:
        store = Store(args.results.with_name("sample.jsonl"))
        store.clear()
    else:
        store = Store(args.results)
    flows = args.only or (sample.FLOWS if args.sample else FLOWS)
    until = start + args.hours * 3600
    limits = {"jobs": args.jobs, "timeout": args.timeout, "until": until}
    run(cases, [] if args.sample else missing, flows, store, **limits)
    if args.sample:
        return judge(store, args.update_baseline)
    if not args.only:
        look_again(cases, store, **limits)
    write(store, args.page)
    return 0


def judge(store: Store, update: bool) -> int:
    """Print how the sample differs from the baseline, or write it. Returns the exit code."""
    worse, better = sample.judged(store.results.values(), sample.read_baseline())
    for title, lines in (("worse", worse), ("better", better)):
        for line in lines:
            print(f"{title}: {line}")
    print(f"{len(store.results)} results, {len(worse)} worse, {len(better)} better")
    if update:
        sample.write_baseline(store.results.values())
        return 0
    if better and not worse:
        print("update the baseline: python benchmarks/peer_suites --sample --update-baseline")
    return 1 if worse else 0


def write(store: Store, page: Path) -> None:
    """Write the page, and all results as JSON."""
    suites = {suite.name: (suite.folder, suite.target) for suite in SUITES.values()}
    page.write_text(tables.document(store.results, suites, version("executorch")))
    results = [result.to_json() for result in store.results.values()]
    counts = {f"{suite}, {flow}": dict(c) for (suite, flow), c in
              tables.counts(store.results).items()}  # fmt: skip
    text = json.dumps({"counts": counts, "results": results}, indent=1)
    store.path.with_name("peers.json").write_text(text)


if __name__ == "__main__":
    sys.exit(main())
