"""Run Vela's compiler core once for a parent process: job on standard input, result on output.

The core is a C++ extension that ends its process on some graphs. Run as a script, this file imports
nothing from cmopt, so that it starts in milliseconds. A message is a header (a line of JSON) and
the bytes of its blobs; the header has their lengths.
"""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import IO, Any


class VelaError(Exception):
    """Vela did not compile a graph. The message is its reason."""


def write_message(file: IO[bytes], header: dict[str, Any], blobs: Sequence[bytes]) -> None:
    """Write one message."""
    line = json.dumps({**header, "lengths": [len(blob) for blob in blobs]})
    file.write(line.encode() + b"\n")
    for blob in blobs:
        file.write(blob)
    file.flush()


def read_message(data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """The header and the blobs of a message. Raises ValueError if it is incomplete."""
    line, _, rest = data.partition(b"\n")
    header = json.loads(line)
    if not isinstance(header, dict) or "lengths" not in header:
        raise ValueError("not a message")
    blobs, start = [], 0
    for length in header["lengths"]:
        blobs.append(rest[start : start + length])
        start += length
    if start != len(rest):
        raise ValueError(f"a message of {start} bytes has {len(rest)}")
    return header, blobs


def run_vela(
    accelerator: str, flatbuffer: bytes, system_config: str, options: str
) -> tuple[dict[str, Any], bytes, bytes]:
    """Compile a TOSA flatbuffer in a separate process. Returns a header, commands and weights.

    The header has `scratch`, `scratch_fast`, `inputs`, `outputs` (each tensor as shape, element
    size, address and region), `report` and `tables` (rows by column name).

    Raises VelaError with Vela's reason, or with the signal or exit code that ended its process.
    """
    job = io.BytesIO()
    header = {"accelerator": accelerator, "system_config": system_config, "options": options}
    write_message(job, header, [flatbuffer])
    # -P: modules in this folder must not hide others of the same name.
    command = [sys.executable, "-P", __file__]
    done = subprocess.run(command, input=job.getvalue(), capture_output=True, check=False)
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        raise VelaError(f"its process was ended by {name}")
    if done.returncode > 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise VelaError(lines[-1] if lines else f"its process ended with {done.returncode}")
    try:
        result, blobs = read_message(done.stdout)
    except ValueError as error:
        raise VelaError(f"its process wrote something else: {error}") from error
    if "error" in result:
        raise VelaError(result["error"])
    commands, weights = blobs
    return result, commands, weights


def _tensor(tensor: Any) -> dict[str, Any]:
    return {
        "shape": [int(n) for n in tensor.shape],
        "element_size": int(tensor.element_size),
        "address": int(tensor.address),
        "region": int(tensor.region),
    }


def _table(table: Any) -> list[dict[str, str]]:
    return [dict(zip(table.header, map(str, row), strict=True)) for row in table.data]


def _header(model: Any) -> dict[str, Any]:
    report = model.perf_report
    return {
        "variables": bool(model.variables),
        "scratch": int(model.scratch.size),
        "scratch_fast": int(model.scratch_fast.size),
        "inputs": [_tensor(t) for t in model.inputs],
        "outputs": [_tensor(t) for t in model.outputs],
        "report": {
            "cycles": int(report.totalCycles),
            "compute_cycles": int(report.npuCycles),
            "macs": int(report.macCount),
            "weights": int(report.originalWeights),
            "encoded_weights": int(report.encodedWeights),
            "peak": {str(name).lower(): int(m.peakUsage) for name, m in report.memories.items()},
        },
        "tables": {name: _table(table) for name, table in model.opt_database.tables.items()},
    }


def _main() -> None:
    from ethosu import regor

    job, (flatbuffer,) = read_message(sys.stdin.buffer.read())
    try:
        model = regor.compile(
            job["accelerator"], flatbuffer, "TOSA", job["system_config"], job["options"], False
        )
    except RuntimeError as error:
        write_message(sys.stdout.buffer, {"error": str(error)}, [])
        return
    commands, weights = bytes(model.command_stream), bytes(model.read_only.data)
    write_message(sys.stdout.buffer, _header(model), [commands, weights])


if __name__ == "__main__":
    _main()
