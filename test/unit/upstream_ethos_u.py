"""ExecuTorch's own flow for an Ethos-U, with which our programs for NPU targets are compared.

It is slow: importing the backend takes seconds, and lowering a network takes up to minutes.
"""

from __future__ import annotations

import contextlib
import copy
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import torch
from torch import nn
from torch.export import ExportedProgram
from torch.fx import GraphModule

from cmopt.codegen.emit_delegate import BACKEND
from cmopt.codegen.vela import CommandStream, compile_stream
from cmopt.codegen.vela_stream import Stream, parse_stream
from cmopt.support.targets import NPUS

Inputs = tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class DelegatedProgram:
    """The kernel calls and the delegates of a `.pte`, ours or upstream's.

    host_ops: kernel calls by operator name, without namespace. streams: the delegates' data.
    """

    pte: bytes
    host_ops: dict[str, int]
    calls: int
    streams: tuple[Stream, ...]


@dataclass(frozen=True)
class UpstreamProgram(DelegatedProgram):
    """ExecuTorch's own program. `figures` come from compiling its TOSA graphs again."""

    flatbuffers: tuple[bytes, ...]
    compiled: tuple[CommandStream, ...]

    @property
    def cycles(self) -> int:
        """The cycles that Vela estimates, as for a program of ours."""
        return sum(stream.figures.cycles for stream in self.compiled)


def delegated_program(pte: bytes) -> DelegatedProgram:
    """Read a program file. Raises ValueError for a malformed command stream."""
    from executorch.exir._serialize._program import deserialize_pte_binary
    from executorch.exir.schema import DelegateCall, KernelCall

    program = deserialize_pte_binary(pte).program
    plan = program.execution_plan[0]
    calls: list[Any] = [i.instr_args for chain in plan.chains for i in chain.instructions]
    names = [plan.operators[c.op_index].name for c in calls if isinstance(c, KernelCall)]
    data = [program.backend_delegate_data[d.processed.index].data for d in plan.delegates
            if d.id == BACKEND]  # fmt: skip
    return DelegatedProgram(
        pte,
        dict(Counter(name.split("::")[-1] for name in names)),
        sum(isinstance(call, DelegateCall) for call in calls),
        tuple(parse_stream(_without_padding(d)) for d in data),
    )


def _without_padding(data: bytes) -> bytes:
    """The data of a segment, without the padding that may follow it."""
    end = data.rindex(b"vela_end_stream\0")
    return data[: end + 32]


def upstream_quantized(
    module: nn.Module,
    batches: Sequence[Inputs],
    npu: str = "ethos-u55-128",
    *,
    unaware_of: Sequence[str] = (),
    int16: bool = False,
) -> ExportedProgram:
    """A model quantized by ExecuTorch's quantizer for Ethos-U, calibrated with `batches`.

    unaware_of: operators that the quantizer is made to treat as unknown. int16: activations of 16
    bits.
    """
    from executorch.backends.arm.ethosu import EthosUCompileSpec
    from executorch.backends.arm.quantizer import (
        EthosUQuantizer,
        get_symmetric_a16w8_quantization_config,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    class Quantizer(EthosUQuantizer):  # type: ignore[misc]
        def annotate(self, model: GraphModule) -> GraphModule:
            annotated: GraphModule = super().annotate(model)
            for node in annotated.graph.nodes:
                if any(name in str(node.target) for name in unaware_of):
                    node.meta.pop("quantization_annotation", None)
                    node.meta.get("custom", {}).clear()
            return annotated

    quantizer = Quantizer(EthosUCompileSpec(npu))
    make = get_symmetric_a16w8_quantization_config if int16 else get_symmetric_quantization_config
    quantizer.set_global(make(is_per_channel=True))
    with torch.no_grad():
        graph = torch.export.export(copy.deepcopy(module).eval(), batches[0])
        observed = prepare_pt2e(graph.module(check_guards=False), quantizer)
        for batch in batches:
            observed(*batch)
        return torch.export.export(convert_pt2e(observed), batches[0])


def upstream(exported: ExportedProgram, npu: str = "ethos-u55-128") -> UpstreamProgram:
    """ExecuTorch's own lowering of a quantized program for `npu`, float in and out."""
    from executorch.backends.arm.ethosu import EthosUBackend, EthosUCompileSpec, EthosUPartitioner
    from executorch.exir import (
        EdgeCompileConfig,
        ExecutorchBackendConfig,
        to_edge_transform_and_lower,
    )

    flatbuffers: list[bytes] = []
    compile_flatbuffer = EthosUBackend._compile_tosa_flatbuffer

    def noted(flatbuffer: bytes, spec: Any) -> Any:
        flatbuffers.append(flatbuffer)
        return compile_flatbuffer(flatbuffer, spec)

    with (
        patch.object(EthosUBackend, "_compile_tosa_flatbuffer", staticmethod(noted)),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        edge = to_edge_transform_and_lower(
            exported,
            partitioner=[EthosUPartitioner(EthosUCompileSpec(npu))],
            compile_config=EdgeCompileConfig(_check_ir_validity=False),
        )
        config = ExecutorchBackendConfig(extract_delegate_segments=False)
        pte = bytes(edge.to_executorch(config).buffer)
    read = delegated_program(pte)
    compiled = tuple(compile_stream(flatbuffer, NPUS[npu]) for flatbuffer in flatbuffers)
    return UpstreamProgram(
        read.pte, read.host_ops, read.calls, read.streams, tuple(flatbuffers), compiled
    )
