"""Fuzz `cm-compile` with broken and hostile `.pt2` files.

    python test/fuzz/archive_fuzz.py --cases 435 --seed 0

A case is the archive of a small program with one to three edits: of its JSON, of its records, or of
its bytes. The requirements: exit code 0 or 1; one line on standard error if it is 1; no internal
error; no more than the limits of time and memory.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from archives import MODEL, WEIGHTS, entries_of, renamed, write_entries
from guard import Timeout, address_space, memory_limit, time_limit

import cmopt
from cmopt.pipeline import cm_compile

SECONDS = 30.0
MEMORY = 3 << 30
_INTERNAL = re.compile(r"internal error|Traceback|not enough memory")

NUMBERS: list[Any] = [0, 1, -1, 2, 7, 127, 128, -128, 255, 2**30, 2**31 - 1, 2**31, -(2**31)]
NUMBERS += [2**53, 2**63 - 1, -(2**63), 2**63, 10**30, 0.0, 1e-46, 1e-30, 1e30, 3.5e38, 1e308, 0.5]
NUMBERS += ["Infinity", "-Infinity", "NaN", -0.5, True, False]
TEXTS = ["", "x", "relu", "a b", "x=1", "torch.ops.aten.add.Tensor", "torch.ops.aten.neg.default"]
TEXTS += ["torch.os.system", "\u0000", "x" * 1000, "__class__", "lambda", "0", "weight_0"]
OTHERS: list[Any] = [None, [], {}, [[]], {"as_none": True}, {"as_int": 3}, {"as_string": "x"}]
OTHERS += [{"as_tensor": {"name": "x"}}, {"as_ints": [1, 2, 3]}, {"as_float": "NaN"}]

PARAMETERS = {"scale", "zero_point", "quant_min", "quant_max", "axis", "dtype", "stride", "dim",
              "padding", "dilation", "groups", "kernel_size", "size", "start", "end", "step",
              "eps", "alpha", "other", "value", "min", "max"}  # fmt: skip
"""The arguments of operators that numbers most often belong to."""


class Net(torch.nn.Module):
    """One of each: convolutions, norms, pools, moves, tables, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 4, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(4)
        self.depthwise = torch.nn.Conv2d(4, 4, 3, stride=2, groups=4)
        self.linear = torch.nn.Linear(8, 5)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.conv(x)))
        x = torch.nn.functional.max_pool2d(x, 2) + y[:, :, 1:5, :4].clamp(-1, 1)
        x = torch.sigmoid(self.depthwise(torch.nn.functional.pad(x, (1, 1, 1, 1))))
        x = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1) * 0.5
        return torch.softmax(self.linear(x), -1)


def seeds(folder: Path) -> list[dict[str, bytes]]:
    """The entries of a quantized program and of the float program that it comes from."""
    torch.manual_seed(0)
    example = (torch.randn(1, 2, 8, 8), torch.randn(1, 4, 6, 6))
    model = Net().eval()
    torch.export.save(torch.export.export(model, example), folder / "float.pt2")
    quantized = cmopt.quantize(model, example, calibration=[example])
    torch.export.save(quantized, folder / "int8.pt2")
    return [entries_of(folder / "int8.pt2"), entries_of(folder / "float.pt2")]


# ----------------------------------------------------------------------------------------- edits

Entries = dict[str, bytes]


def _places(data: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Every place in JSON: the list or dict, and the index or key."""
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in items:
        found.append((data, key))
        if isinstance(value, dict | list):
            _places(value, found)
    return found


def _new_value(random: Random, old: Any) -> Any:
    if isinstance(old, bool | int | float) and random.random() < 0.8:
        near = [old + random.choice([-2, -1, 1, 2])] if random.random() < 0.4 else NUMBERS
        return random.choice(near)
    if isinstance(old, str) and random.random() < 0.8:
        return random.choice(TEXTS)
    return random.choice([random.choice(NUMBERS), random.choice(TEXTS), random.choice(OTHERS)])


def edit_json(random: Random, entries: Entries) -> None:
    """Change, remove, repeat or exchange a part of the JSON."""
    name = MODEL if random.random() < 0.8 else WEIGHTS
    data = json.loads(entries[name])
    places = _places(data, [])
    holder, key = random.choice(places)
    if random.random() < 0.3:
        graph = data.get("graph_module", data)
        nodes = [p for p in _places(graph, []) if p[1] in ("target", "arg", "inputs", "outputs")]
        holder, key = random.choice(nodes or places)
    match random.randrange(6):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, list):
            holder.insert(key, holder[key])
        case 2:
            other, there = random.choice(places)
            same = [(h, k) for h, k in places if k == key] or [(other, there)]
            other, there = random.choice(same)
            holder[key] = json.loads(json.dumps(other[there]))
        case _:
            holder[key] = _new_value(random, holder[key])
    entries[name] = json.dumps(data).encode()


def edit_parameter(random: Random, entries: Entries) -> None:
    """Change a number among the arguments of an operator."""
    data = json.loads(entries[MODEL])
    found = [
        item
        for node in data["graph_module"]["graph"]["nodes"]
        for item in node["inputs"]
        if item["name"] in PARAMETERS
    ]
    if found:
        holder = random.choice(found)["arg"]
        ((kind, old),) = holder.items()
        if isinstance(old, list) and old:
            old[random.randrange(len(old))] = random.choice(NUMBERS)
        else:
            holder[kind] = _new_value(random, old)
    entries[MODEL] = json.dumps(data).encode()


def edit_sizes(random: Random, entries: Entries) -> None:
    """Change the sizes or the dtype of a value; also those of all values that have them."""
    data = json.loads(entries[MODEL])
    values = data["graph_module"]["graph"]["tensor_values"]
    meta = random.choice(list(values.values()))
    old = json.dumps(meta["sizes"])
    new = [{"as_int": random.choice([0, 1, 2, 3, 8])} for _ in range(random.randrange(7))]
    stride = 1
    strides = []
    for size in reversed(new):
        strides.insert(0, {"as_int": stride})
        stride *= max(size["as_int"], 1)
    everywhere = random.random() < 0.5
    for other in values.values():
        if other is meta or (everywhere and json.dumps(other["sizes"]) == old):
            other["sizes"], other["strides"] = new, strides
    if random.random() < 0.2:
        meta["dtype"] = random.randrange(1, 14)
    entries[MODEL] = json.dumps(data).encode()


def edit_names(random: Random, entries: Entries) -> None:
    """Rename a value everywhere."""
    data = json.loads(entries[MODEL])
    old = random.choice(list(data["graph_module"]["graph"]["tensor_values"]))
    new = random.choice([*TEXTS, *data["graph_module"]["graph"]["tensor_values"]])
    entries[MODEL] = json.dumps(renamed(data, old, new)).encode()


def edit_record(random: Random, entries: Entries) -> None:
    """Other bytes, or another number of bytes, in a weight, a scale or a zero point."""
    name = random.choice([n for n in entries if n.startswith("data/weights/weight_")])
    content = entries[name]
    match random.randrange(6):
        case 0:
            content = content[: random.randrange(len(content) + 1)]
        case 1:
            content = b""
        case 2:
            value = random.choice([np.nan, np.inf, -np.inf, 0, -1, 3e38, 1e-45])
            content = np.full(len(content) // 4, value, np.float32).tobytes()
        case 3:
            value = random.choice([2**31 - 1, -(2**31), 255, -129, 1])
            content = np.full(len(content) // 4, value, np.int32).tobytes()
        case 4:
            content = content * 2
        case _:
            content = random.randbytes(len(content))
    entries[name] = content


def edit_entries(random: Random, entries: Entries) -> None:
    """Remove, rename, exchange or add an entry."""
    name, other = random.choice(list(entries)), random.choice(list(entries))
    match random.randrange(4):
        case 0:
            del entries[name]
        case 1:
            entries[name], entries[other] = entries[other], entries[name]
        case 2:
            entries[random.choice(["data/weights/model.pt", "version", "x", "../x"])] = b"x"
        case _:
            entries[f"{name}_"] = entries.pop(name)


EDITS: list[Callable[[Random, Entries], None]] = [
    edit_json, edit_json, edit_json, edit_parameter, edit_parameter, edit_sizes, edit_names,
    edit_record, edit_entries,
]  # fmt: skip


def broken(random: Random, content: bytes) -> bytes:
    """The bytes of a file with some of them changed, or cut off."""
    if random.random() < 0.3:
        return content[: random.randrange(len(content))]
    changed = bytearray(content)
    for _ in range(random.choice([1, 1, 4, 30])):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def make_file(random: Random, programs: list[Entries], path: Path) -> None:
    """Write the file of one case."""
    entries = dict(random.choice(programs))
    is_broken = random.random() < 0.1
    for _ in range(0 if is_broken else random.choice([1, 1, 1, 2, 3])):
        with contextlib.suppress(KeyError, ValueError, TypeError, IndexError, AttributeError):
            random.choice(EDITS)(random, entries)  # an edit may not fit after another one
    write_entries(path, entries)
    if is_broken:
        path.write_bytes(broken(random, path.read_bytes()))


# ----------------------------------------------------------------------------------------- oracle


def check(path: Path, output: Path) -> tuple[int, str | None]:
    """The exit code, and what is wrong or None."""
    out, err = io.StringIO(), io.StringIO()
    arguments = [str(path), "-o", str(output), "--allow-float"]
    try:
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            memory_limit(_start + MEMORY),
            time_limit(SECONDS),
        ):
            code = cm_compile.main(arguments)
    except Timeout:
        return 1, f"no result after {SECONDS:.0f} s"
    except BaseException as error:
        return 1, f"{type(error).__name__}: {error}"
    text = err.getvalue()
    if code not in (0, 1) or _INTERNAL.search(text):
        return code, f"exit code {code}: {text.strip()}"
    lines = [line for line in text.splitlines() if ": warning: " not in line]
    if code == 1 and len(lines) != 1:
        return code, f"{len(lines)} lines: {text.strip()[:500]}"
    return code, None


_start = 0


def fuzz(cases: int, seed: int, keep: Path | None = None) -> tuple[int, dict[int, str]]:
    """Run this many cases. Returns how many compiled, and the findings by their case.

    keep: where to write the files of the findings.
    """
    global _start
    torch.set_num_threads(1)
    random, findings, compiled = Random(seed), {}, 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        programs = seeds(folder)
        path, output = folder / "case.pt2", folder / "case.pte"
        write_entries(path, programs[0])
        code, problem = check_first(path, output)
        assert (code, problem) == (0, None), problem
        _start = address_space()
        for case in range(cases):
            make_file(Random(random.randrange(2**64)), programs, path)
            code, problem = check(path, output)
            compiled += code == 0
            if problem is not None:
                findings[case] = problem
                if keep is not None:
                    (keep / f"{seed}-{case}.pt2").write_bytes(path.read_bytes())
    return compiled, findings


def check_first(path: Path, output: Path) -> tuple[int, str | None]:
    """Compile without a limit, so that all modules are loaded."""
    global _start
    _start = address_space() + (8 << 30)
    return check(path, output)


def main() -> int:
    """The command line. Returns exit code 1 if there are findings."""
    parser = argparse.ArgumentParser(description="Fuzz cm-compile with .pt2 files.")
    parser.add_argument("--cases", type=int, default=435)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    compiled, findings = fuzz(args.cases, args.seed, args.keep)
    for case, problem in findings.items():
        print(f"case {case}: {problem}")
    print(f"{args.cases} cases, {compiled} compiled, {len(findings)} findings")
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
