"""Compile one network with ExecuTorch's own Cortex-M backend and with cmopt, side by side.

    python benchmarks/compare_upstream.py [NETWORK]

NETWORK: ds_cnn, resnet8, mobilenet_v1 or deep_autoencoder, all of MLPerf Tiny.

Figures are bytes and counts, the same on every machine. Upstream runs twice: as its default mode
wants it (channels-last model and input, its own quantizer) and on the very program cmopt compiles.
"""

from __future__ import annotations

import argparse
import logging
from typing import Any

import torch
from executorch.backends.cortex_m.edge_compile_config import cortex_m_edge_compile_config
from executorch.backends.cortex_m.passes.cortex_m_pass_manager import CortexMPassManager
from executorch.backends.cortex_m.quantizer.quantizer import CortexMQuantizer
from executorch.exir import ExecutorchBackendConfig, to_edge
from executorch.exir._serialize._program import deserialize_pte_binary
from executorch.exir.schema import Tensor
from rich.console import Console
from rich.table import Table
from torch import nn
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

import cmopt
from cmopt.codegen.runtime_memory import method_allocator_bytes

MODELS = {
    "ds_cnn": ("DSCNNKWS", (1, 1, 49, 10)),
    "resnet8": ("ResNet8", (1, 3, 32, 32)),
    "mobilenet_v1": ("MobileNetV1025", (1, 3, 96, 96)),
    "deep_autoencoder": ("DeepAutoEncoder", (1, 640)),
}


def network(name: str) -> tuple[nn.Module, tuple[int, ...]]:
    """A network of MLPerf Tiny, with statistics as training leaves them: not 0 and 1."""
    from executorch.examples.models import mlperf_tiny

    model, shape = MODELS[name]
    torch.manual_seed(0)
    module = getattr(mlperf_tiny, model)().eval()
    generator = torch.Generator().manual_seed(0)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.uniform_(-0.3, 0.3, generator=generator)  # type: ignore[union-attr]
            part.running_var.uniform_(0.05, 0.3, generator=generator)  # type: ignore[union-attr]
            part.bias.data.uniform_(-0.3, 0.3, generator=generator)
    return module, shape


def figures_of(pte: bytes) -> dict[str, int]:
    """Counts and sizes read back from a program file, by whomever it was made."""
    program = deserialize_pte_binary(pte).program
    plan = program.execution_plan[0]
    calls = [instruction.instr_args for instruction in plan.chains[0].instructions]
    values: list[Any] = [plan.values[i].val for call in calls for i in call.args]
    read = {v.data_buffer_idx for v in values if isinstance(v, Tensor) and not v.allocation_info}
    constants = enumerate(program.constant_buffer)
    dead = sum(len(buffer.storage) for index, buffer in constants if index not in read)
    return {
        "kernel calls": len(calls),
        "arena, bytes": sum(plan.non_const_buffer_sizes),
        ".pte, bytes": len(pte),
        "constant bytes no instruction reads": dead,
        "runtime's own tables on the core, bytes": method_allocator_bytes(plan),
    }


def upstream(exported: torch.export.ExportedProgram, *, explicit_layout: bool) -> bytes:
    """ExecuTorch's own lowering of a quantized program."""
    edge = to_edge(exported, compile_config=cortex_m_edge_compile_config())
    manager = CortexMPassManager(edge.exported_program(), use_explicit_layout=explicit_layout)
    edge._edge_programs["forward"] = manager.transform()
    config = ExecutorchBackendConfig(extract_delegate_segments=False)
    return bytes(edge.to_executorch(config).buffer)


def upstream_quantized(
    module: nn.Module, batches: list[tuple[torch.Tensor, ...]]
) -> torch.export.ExportedProgram:
    """ExecuTorch's own quantization flow, in the layout its default mode asks for."""
    layout = torch.channels_last if batches[0][0].dim() == 4 else torch.contiguous_format
    model = module.to(memory_format=layout)
    inputs = [(x.contiguous(memory_format=layout),) for (x,) in batches]
    graph = torch.export.export(model, inputs[0]).module(check_guards=False)
    prepared = prepare_pt2e(graph, CortexMQuantizer())
    for batch in inputs:
        prepared(*batch)
    return torch.export.export(convert_pt2e(prepared), inputs[0])


def main() -> None:
    """Compile and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", nargs="?", default="ds_cnn", choices=list(MODELS))
    name = parser.parse_args().network
    logging.disable(logging.WARNING)
    module, shape = network(name)
    generator = torch.Generator().manual_seed(0)
    batches = [(torch.randn(shape, generator=generator),) for _ in range(8)]

    exported = cmopt.quantize(module, batches[0], calibration=batches)
    program = cmopt.compile(exported, target="cortex-m55")
    columns = {
        "upstream, default": figures_of(
            upstream(upstream_quantized(module, batches), explicit_layout=False)
        ),
        "upstream, explicit layout": figures_of(upstream(exported, explicit_layout=True)),
        "cmopt": figures_of(program.pte),
    }
    table = Table("", *columns, title=f"{name}, Cortex-M55, float in and out")
    for figure in columns["cmopt"]:
        table.add_row(figure, *(f"{column[figure]:,}" for column in columns.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
