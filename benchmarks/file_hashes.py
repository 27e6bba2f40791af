"""Hashes of the program files that cmopt makes, to see which ones a compiler change affects.

    python benchmarks/file_hashes.py [--filter TEXT] [--write]

The files are those of the reference networks (test/models) on a core and with an NPU, and of the
sample of ExecuTorch's own tests (benchmarks/peer_suites) with both quantizers. They are compared
with benchmarks/file_hashes.json, which --write replaces. Each file that differs is printed with its
old and its new size. The exit code is 1 if a file differs.

The scales in a file depend on PyTorch's float arithmetic, so another kind of machine may give other
hashes. Write the hashes, make the change and compare on the same machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.progress import track

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test" / "unit"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from models import MODELS, Model
from peer_suites import sample
from peer_suites.flows import Subject
from peer_suites.recording import NoModel, record
from peer_suites.running import collected
from peer_suites.suites import SUITES, Case

import cmopt

HASHES = Path(__file__).with_suffix(".json")
TARGETS = ("cortex-m55", "cortex-m55+ethos-u55-128")

Make = Callable[[], bytes]


def networks() -> Iterator[tuple[str, Make]]:
    """For each reference network and target: a name and a function that makes the file."""
    for name, model in MODELS.items():
        for target in TARGETS:

            def make(model: Model = model, target: str = target) -> bytes:
                batches = model.inputs(8)
                module = model.module()
                exported = cmopt.quantize(module, batches[0], calibration=batches, target=target)
                return cmopt.compile(exported, target=target, allow_float=True).pte

            yield f"{name}, {target}", make


def cases() -> Iterator[tuple[str, Make]]:
    """The same for each case of the sample and each quantizer."""
    found, _ = collected(list(SUITES.values()))
    for case in sample.chosen(found):
        for flow in sample.FLOWS:

            def make(case: Case = case, flow: str = flow) -> bytes:
                subject = Subject(case, record(case))
                target = subject.target
                if flow == "ours":
                    exported = cmopt.quantize(subject.model, subject.inputs, target=target)
                else:
                    exported = subject.upstream_quantized
                return cmopt.compile(exported, target=target, allow_float=True).pte

            yield f"{case.key}, {flow}", make


def entry(make: Make) -> list[int | str]:
    """The size and the hash of a file, or 0 and the reason if it cannot be made."""
    try:
        pte = make()
    except NoModel as error:
        return [0, str(error)]
    except Exception as error:  # cmopt or upstream's quantizer refuses the model
        return [0, type(error).__name__]
    return [len(pte), hashlib.sha256(pte).hexdigest()[:16]]


def main() -> int:
    """Make the files, and compare or write. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--filter", default="", metavar="TEXT", help="only names with TEXT")
    parser.add_argument("--write", action="store_true", help="write benchmarks/file_hashes.json")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    known = json.loads(HASHES.read_text()) if HASHES.exists() else {}
    made = [(name, make) for name, make in (*networks(), *cases()) if args.filter in name]
    found = {name: entry(make) for name, make in track(made, "files")}
    differing = {name: new for name, new in found.items() if known.get(name) != new}
    for name, new in differing.items():
        print(f"{name}: {known.get(name, 'not known')} -> {new}")
    print(f"{len(found)} files, {len(differing)} differ")
    if args.write:
        lines = (f"{json.dumps(n)}: {json.dumps(e)}" for n, e in sorted((known | found).items()))
        HASHES.write_text("{\n" + ",\n".join(lines) + "\n}\n")
        return 0
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
