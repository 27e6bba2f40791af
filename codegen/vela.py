"""Vela, Arm's compiler for Ethos-U: it makes a command stream from a TOSA flatbuffer.

Only Vela's core is used: a C++ extension that loads in milliseconds, in a separate process. Vela's
Python code, which parses command lines and writes files, is not used. This module passes what that
code would pass: the options, and the system configuration (`Arm/vela.ini` of the installed package
and the sections of it for the target). The result is byte for byte what ExecuTorch's own Ethos-U
backend puts in a program.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xdsl.ir import Operation

from cmopt.codegen.vela_process import VelaError, run_vela
from cmopt.codegen.vela_stream import Stream, StreamTensor, check_tensor, pack_stream
from cmopt.support.diagnostics import CompileError
from cmopt.support.targets import Npu
from cmopt.support.vela_settings import VelaSettings

_TOSA_MAGIC = b"TOSA"
_SIZE_LIMIT = 2 << 30
"""Vela's own limit on a flatbuffer, in bytes."""

_NO_WEIGHTS = b"\0"
"""ExecuTorch's backend writes this if there is no constant, so that no block is empty."""

_OPTIONS = """
[compiler]
enable_db=true
output_format=Raw
cop_format=COP1

[scheduler]
optimize=Performance
arena_size_limit={arena_size_limit}
disable_feature=
cpu_tensor_alignment=16
tensor_allocator=HillClimb

[graph]
softmax_int16_neg_exp_range=10.0
"""
"""Vela's defaults, with the operator database that the figures of each operator come from."""


@dataclass(frozen=True)
class OpFigures:
    """Vela's estimate for one operation of the NPU, together with those fused into it.

    name: the name in the flatbuffer of the tensor it writes. operator: Vela's operator. source: the
    TOSA operator it comes from. cycles: the total. compute_cycles: the cycles if memory took no
    time. accesses: cycles of access to each memory, by Vela's name for it.
    """

    name: str
    operator: str
    source: str
    cycles: int
    compute_cycles: int
    macs: int
    staging_bytes: int
    accesses: dict[str, int]


@dataclass(frozen=True)
class NpuFigures:
    """Vela's estimate of a stream: cycles of the NPU's clock, and bytes.

    cycles: the total. compute_cycles: the cycles if memory took no time.
    sram_bytes, dram_bytes, flash_bytes: the most in use at a time. Constants count as flash or as
    SRAM, depending on where the memory mode keeps them.
    weight_bytes: weights in the flatbuffer. encoded_weight_bytes: weights as the NPU reads them.
    fast_scratch_bytes: dedicated SRAM that a U65 needs besides the scratch.
    """

    cycles: int
    compute_cycles: int
    macs: int
    sram_bytes: int
    dram_bytes: int
    flash_bytes: int
    weight_bytes: int
    encoded_weight_bytes: int
    fast_scratch_bytes: int
    ops: tuple[OpFigures, ...]


@dataclass(frozen=True)
class CommandStream:
    """A compiled delegate: the bytes for the runtime, their parsed contents, Vela's figures."""

    data: bytes
    stream: Stream
    figures: NpuFigures

    @property
    def inputs(self) -> tuple[StreamTensor, ...]:
        """In the order of the flatbuffer."""
        return self.stream.inputs

    @property
    def outputs(self) -> tuple[StreamTensor, ...]:
        """In the order of the flatbuffer."""
        return self.stream.outputs

    @property
    def scratch_bytes(self) -> int:
        """Bytes that a call takes from the runtime's temp allocator."""
        return self.stream.scratch_bytes


def compile_stream(
    flatbuffer: bytes,
    npu: Npu,
    settings: VelaSettings | None = None,
    *,
    op: Operation | None = None,
) -> CommandStream:
    """Compile a TOSA graph for `npu`. settings: its memories; by default those of its family.

    Nothing is printed and no file is written. Vela drops an input that no operator reads: the
    stream does not have it.

    Raises CompileError, at `op` and with Vela's reason, if `flatbuffer` has no TOSA graph or if
    this NPU cannot run the graph.
    """
    if flatbuffer[4:8] != _TOSA_MAGIC:
        raise CompileError("these bytes are not a TOSA flatbuffer", op=op)
    if len(flatbuffer) > _SIZE_LIMIT:
        raise CompileError(f"a flatbuffer of {len(flatbuffer)} bytes is too large for Vela", op=op)
    settings = settings or VelaSettings()
    options = _OPTIONS.format(arena_size_limit=settings.arena_size_limit(npu))
    try:
        result, commands, weights = run_vela(
            npu.defaults.accelerator, flatbuffer, settings.text_for(npu), options
        )
        stream = _stream(result, commands, weights)
        data = pack_stream(stream)
    except (VelaError, ValueError) as error:
        reason = str(error).removeprefix("Compilation failed:").strip()
        message = f"Vela cannot compile this for {npu.name}: {reason}"
        raise CompileError(message, op=op) from error
    return CommandStream(data, stream, _figures(result))


def _stream(result: dict[str, Any], commands: bytes, weights: bytes) -> Stream:
    """The parts of Vela's result that the runtime takes. Raises ValueError like `check_tensor`."""
    if result["variables"]:
        raise ValueError("variables are not supported by the runtime")
    stream = Stream(
        commands,
        weights or _NO_WEIGHTS,
        result["scratch"],
        tuple(_tensor(t) for t in result["inputs"]),
        tuple(_tensor(t) for t in result["outputs"]),
    )
    for name, tensors in (("inputs", stream.inputs), ("outputs", stream.outputs)):
        for tensor in tensors:
            check_tensor(name, tensor, stream.scratch_bytes)
    return stream


def _tensor(tensor: dict[str, Any]) -> StreamTensor:
    return StreamTensor(
        tuple(tensor["shape"]), tensor["element_size"], tensor["address"], tensor["region"]
    )


def _figures(result: dict[str, Any]) -> NpuFigures:
    report = result["report"]
    peak = report["peak"]
    return NpuFigures(
        cycles=report["cycles"],
        compute_cycles=report["compute_cycles"],
        macs=report["macs"],
        sram_bytes=peak.get("sram", 0),
        dram_bytes=peak.get("dram", 0),
        flash_bytes=peak.get("onchipflash", 0) + peak.get("offchipflash", 0),
        weight_bytes=report["weights"],
        encoded_weight_bytes=report["encoded_weights"],
        fast_scratch_bytes=result["scratch_fast"],
        ops=_op_figures(result["tables"]),
    )


def _op_figures(tables: dict[str, list[dict[str, str]]]) -> tuple[OpFigures, ...]:
    """The rows of Vela's performance table, with the names of the operators they come from.

    Vela omits a table that would be empty.
    """
    sources = {row["id"]: row["operator"] for row in tables.get("source", [])}
    return tuple(
        OpFigures(
            name=row["name"],
            operator=row["operator"],
            source=sources.get(row["source_id"], row["operator"]),
            cycles=int(row["op_cycles"]),
            compute_cycles=int(row["npu_cycles"]),
            macs=int(row["mac_count"]),
            staging_bytes=int(row["staging_usage"]),
            accesses={
                k.removesuffix("_ac"): int(v or 0) for k, v in row.items() if k.endswith("_ac")
            },
        )
        for row in tables.get("perf", [])
    )
