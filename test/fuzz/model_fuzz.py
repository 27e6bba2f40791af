"""Fuzz the compilation of modules to running programs, and `cm-compile` with broken files.

    python test/fuzz/model_fuzz.py --cases 60 --files 100 --seed 0

A random network is quantized and compiled for a random target. The requirements, unless the
compiler refuses it with a CompileError, ValueError or TypeError:

* ExecuTorch's runtime and the interpreters of the cortex_m and planned stages give the same bytes.
* The interpreters of the edge, quantized and layout stages give what PyTorch's simulation gives.
* Each kernel alone, on random int8, is within its conversion's bound. (A whole network has no such
  bound: later layers amplify an error by their weights.)

A broken file must give one line and exit code 1, or compile. No output may be half written.
Networks run in child processes, so that a kernel that aborts is a finding too.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import subprocess
import sys
import tempfile
import traceback
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))

if TYPE_CHECKING:
    import torch

    from cmopt.pipeline.program import Program

SECONDS_PER_CASE = 60.0


@dataclass(frozen=True)
class Outcome:
    """The outcome of a case: "ok", "refused: …", or "finding" with what is wrong."""

    case: int
    status: str
    message: str = ""


# ---------------------------------------------------------------------------------------- networks


def check_network(seed: int) -> tuple[str, str]:
    """Status and message of one network."""
    import torch
    from networks import random_network

    import cmopt
    from cmopt.support.targets import target_names

    random = Random(seed)
    net, inputs = random_network(seed)
    calibration = [tuple(_like(x) for x in inputs) for _ in range(3)]
    target, mode = random.choice(target_names()), random.choice(["float", "float", "int8"])
    try:
        exported = cmopt.quantize(net, inputs, calibration=calibration)
        program = cmopt.compile(exported, target=target, io=mode, allow_float=True)
        _ = program.pte  # emission checks that the portable kernels exist
    except (cmopt.CompileError, ValueError, TypeError) as error:
        text = str(error)
        return ("refused", text) if "\n" not in text else ("finding", f"not one line: {text}")
    samples = [tuple(_like(x) for x in inputs) for _ in range(2)]
    with torch.no_grad():
        reference = exported.module(check_guards=False)
        for sample in samples:
            if mode == "float" and (problem := _stages(program, reference, sample)) is not None:
                return "finding", problem
            if (problem := _bytes(program, sample, seed)) is not None:
                return "finding", problem
    import numpy as np
    from one_op import check_kernels

    problem = check_kernels(program.module("layout"), target, np.random.default_rng(seed))
    return ("finding", problem) if problem is not None else ("ok", "")


def _like(x: torch.Tensor) -> torch.Tensor:
    """Random values in the layout of `x`."""
    import torch

    return torch.empty_like(x).copy_(torch.randn(x.shape))


def _bytes(program: Program, sample: tuple[torch.Tensor, ...], seed: int) -> str | None:
    """Where the runtime and the interpreters of the integer stages differ in a byte; or None."""
    import torch
    from xdsl.dialects.func import FuncOp

    from cmopt.dialects.arrays import numpy_dtype

    func = next(op for op in program.module("cortex_m").walk() if isinstance(op, FuncOp))
    given = []
    for x, argument in zip(sample, func.body.block.args, strict=True):
        is_int8 = numpy_dtype(argument.type.element_type).kind == "i"  # type: ignore[attr-defined]
        given.append(torch.randint(-128, 128, x.shape, dtype=torch.int8) if is_int8 else x)
    results = {"run": program.run(*given)}
    results |= {s: program.interpret(*given, stage=s) for s in ("cortex_m", "planned")}
    for name, outputs in results.items():
        for index, (y, expected) in enumerate(zip(outputs, results["cortex_m"], strict=True)):
            if y.shape != expected.shape or y.dtype != expected.dtype:
                return f"{name}: output {index} is {y.dtype} {y.shape}, not {expected.shape}"
            if y.numpy().tobytes() != expected.numpy().tobytes():
                worst = float((y.double() - expected.double()).abs().max())
                places = int((y != expected).sum())
                return f"{name}: output {index} differs in {places} places by at most {worst:.4g}"
    return None


def _stages(
    program: Program, reference: torch.nn.Module, sample: tuple[torch.Tensor, ...]
) -> str | None:
    """Where a stage before the kernels differs from PyTorch; None if none does."""
    with averages_in_double():
        expected = reference(*sample)
    for stage in ("edge", "quantized", "layout"):
        outputs = program.interpret(*sample, stage=stage)
        if len(outputs) != len(expected):
            return f"{stage}: {len(outputs)} outputs, not {len(expected)}"
        for index, (y, wanted) in enumerate(zip(outputs, expected, strict=True)):
            if y.shape != wanted.shape or y.dtype != wanted.dtype:
                return f"{stage}: output {index} is {y.dtype} {y.shape}, not {wanted.shape}"
            if y.numpy().tobytes() != wanted.contiguous().numpy().tobytes():
                worst = float((y - wanted).abs().max())
                places = int((y != wanted).sum())
                return f"{stage}: output {index} differs in {places} places by at most {worst:.4g}"
    return None


def averages_in_double() -> contextlib.AbstractContextManager[object]:
    """PyTorch with the sums of averages in double, as in the meaning of the ops.

    In float32, an average in the middle between two steps is rounded up or down by chance.
    """
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    aten = torch.ops.aten
    averages = {aten.avg_pool2d, aten.mean, aten._adaptive_avg_pool2d}

    class Double(TorchDispatchMode):
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if func.overloadpacket not in averages:
                return func(*args, **(kwargs or {}))
            return func(args[0].double(), *args[1:], **(kwargs or {})).to(args[0].dtype)

    return Double()


def worker(first: int, count: int, seed: int) -> None:
    """Run networks one by one. Writes a line of JSON when one begins and when it ends."""
    import torch

    torch.set_num_threads(1)
    stdout = sys.stdout
    for case in range(first, first + count):
        print(json.dumps({"begins": case}), file=stdout, flush=True)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                status, message = check_network(_seed(seed, case))
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            where = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in frames[:-7:-1])
            status, message = "finding", f"{type(error).__name__}: {error} ({where})"
        line = {"case": case, "status": status, "message": message[:3000]}
        print(json.dumps(line), file=stdout, flush=True)


def _seed(seed: int, case: int) -> int:
    return seed * 1_000_003 + case


def fuzz_networks(cases: int, seed: int) -> Iterator[Outcome]:
    """Every outcome, in order. A child that dies or hangs is a finding; another one continues."""
    case = 0
    while case < cases:
        command = [sys.executable, __file__, "--worker", str(case), str(cases - case)]
        child = subprocess.Popen(
            [*command, "--seed", str(seed)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            out, err = child.communicate(timeout=SECONDS_PER_CASE + 6 * (cases - case))
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
            err += " (timeout)"
        begun = case
        for line in out.splitlines():
            if not line.startswith("{"):
                continue
            data = json.loads(line)
            if "begins" in data:
                begun = data["begins"]
            else:
                yield Outcome(**data)
                begun = data["case"] + 1
        if begun < cases:
            tail = " | ".join(err.strip().splitlines()[-3:])
            yield Outcome(begun, "finding", f"process ended with {child.returncode}: {tail}")
        case = begun + 1


# ------------------------------------------------------------------------------------ broken files


def broken(random: Random, data: bytes) -> bytes:
    """A `.pt2` file with an error in it, or nearly empty."""
    choice = random.randrange(5)
    if choice == 0:
        return data[: random.randrange(len(data))]
    if choice == 1:
        changed = bytearray(data)
        for _ in range(random.choice([1, 1, 4, 64])):
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
        return bytes(changed)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [(info.filename, archive.read(info)) for info in archive.infolist()]
    one, other = random.randrange(len(entries)), random.randrange(len(entries))
    if choice == 2:
        (a, x), (b, y) = entries[one], entries[other]
        entries[one], entries[other] = (a, y), (b, x)
    elif choice == 3:
        del entries[one]
    else:
        name, content = entries[one]
        entries[one] = name, _changed(random, content)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def _changed(random: Random, content: bytes) -> bytes:
    """An entry with other numbers or names in it. The archive stays valid."""
    if not content:
        return b"x"
    changed = bytearray(content)
    for _ in range(random.choice([1, 2, 8])):
        at = random.randrange(len(changed))
        if chr(changed[at]).isdigit():
            changed[at] = ord(random.choice("0123456789-"))
        elif random.random() < 0.3:
            changed[at : at + random.randint(1, 20)] = b""
        else:
            changed[at] = random.randrange(256)
        if not changed:
            return b""
    return bytes(changed)


def small_model() -> bytes:
    """The file of a small quantized network."""
    import torch
    from torch import nn

    import cmopt

    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(48, 4))
    x = torch.randn(1, 2, 4, 4)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "model.pt2"
        torch.export.save(cmopt.quantize(net, (x,)), path)
        return path.read_bytes()


def check_file(data: bytes, folder: Path) -> str | None:
    """What is wrong with the way cm-compile handles a file; None if nothing is."""
    from cmopt.pipeline import cm_compile

    source, target = folder / "model.pt2", folder / "model.pte"
    source.write_bytes(data)
    target.unlink(missing_ok=True)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cm_compile.main([str(source), "-o", str(target)])
    lines = err.getvalue().splitlines()
    if sorted(p.name for p in folder.iterdir()) != [
        "model.pt2",
        *(["model.pte"] if not code else []),
    ]:
        return f"exit code {code}, but files {[p.name for p in folder.iterdir()]}"
    if code == 0:
        return None
    if code != 1 or len(lines) != 1 or "error: " not in lines[0] or "internal" in lines[0]:
        return f"exit code {code}: {err.getvalue()}"
    return None


def fuzz_files(count: int, seed: int) -> Iterator[Outcome]:
    """Findings of broken files."""
    random = Random(seed)
    data = small_model()
    with tempfile.TemporaryDirectory() as name:
        for case in range(count):
            state = random.randrange(2**32)
            problem = check_file(broken(Random(state), data), Path(name))
            yield Outcome(case, "ok" if problem is None else "finding", problem or "")


def summary(outcomes: list[Outcome]) -> str:
    """Counts, then each finding and each distinct refusal."""
    kinds = [o.status for o in outcomes]
    counts = ", ".join(f"{kinds.count(k)} {k}" for k in ("ok", "refused", "finding"))
    refusals = sorted({o.message for o in outcomes if o.status == "refused"})
    findings = [f"=== case {o.case}: {o.message}" for o in outcomes if o.status == "finding"]
    return "\n".join(
        [*findings, *(f"refused: {r}" for r in refusals), f"{len(kinds)} cases: {counts}"]
    )


def main() -> int:
    """The command line. Returns exit code 1 if there are findings."""
    parser = argparse.ArgumentParser(description="Fuzz the compilation of modules to programs.")
    parser.add_argument("--cases", type=int, default=60, help="random networks")
    parser.add_argument("--files", type=int, default=100, help="broken .pt2 files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worker", type=int, nargs=2, metavar=("FIRST", "COUNT"), help="internal")
    args = parser.parse_args()
    if args.worker is not None:
        worker(*args.worker, args.seed)
        return 0
    networks = list(fuzz_networks(args.cases, args.seed))
    files = list(fuzz_files(args.files, args.seed)) if args.files else []
    print(summary(networks))
    if files:
        print(f"broken files\n{summary(files)}")
    return int(any(o.status == "finding" for o in [*networks, *files]))


if __name__ == "__main__":
    sys.exit(main())
