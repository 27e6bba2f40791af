"""Runs each call of `portable_calls` in a separate process, and prints the outcome as JSON.

A row is {"error": text}, or {"operators": [...], "steps": n}: the operators of the program, and
the largest difference between ExecuTorch's runtime and PyTorch, in float32 steps of the largest
expected value; results of other types must be equal.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import torch

import cmopt
from cmopt import kernels

sys.path.insert(0, str(Path(__file__).parents[1]))
from portable_calls import CALLS, PortableCall
from quantized import Function


def difference(actual: torch.Tensor, expected: torch.Tensor) -> float:
    """In float32 steps of the largest expected value; infinite if shapes or dtypes differ."""
    if actual.dtype != expected.dtype or actual.shape != expected.shape:
        return float("inf")
    if not expected.dtype.is_floating_point or torch.equal(actual, expected):
        return 0.0 if torch.equal(actual, expected) else float("inf")
    if not torch.equal(actual.isnan(), expected.isnan()):
        return float("inf")
    largest = float(expected.nan_to_num(0, 0, 0).abs().max())
    apart = float((actual - expected).nan_to_num(0).abs().max())
    return apart / (largest * float(np.finfo(np.float32).eps))


def outcome(call: PortableCall) -> dict[str, Any]:
    """The outcome of a call, compiled without quantization."""
    expected = call.function(*call.inputs)
    exported = torch.export.export(Function(call.function), call.inputs)
    program = cmopt.compile(exported, allow_float=True)
    results = program.run(*call.inputs)
    expected = expected if isinstance(expected, tuple | list) else [expected]
    steps = [difference(a, e) for a, e in zip(results, expected, strict=True)]
    return {"operators": program.report.operators, "steps": max(steps)}


def in_a_process(call: PortableCall) -> dict[str, Any]:
    """The outcome, or how the process ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            row = outcome(call)
        except BaseException:
            row = {"error": traceback.format_exc(limit=-1)}
        os.write(writing, json.dumps(row).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return json.loads(data) if data else {"error": f"its process ended with {status}"}


def main() -> None:
    torch.set_num_threads(1)  # threads do not survive a fork
    kernels.load()
    # The modules that compiling imports on first use are imported here, not in each child.
    cmopt.compile(torch.export.export(Function(torch.abs), (torch.ones(2),)), allow_float=True)
    json.dump({name: in_a_process(call) for name, call in CALLS.items()}, sys.stdout)


if __name__ == "__main__":
    main()
