"""Compile one network with ExecuTorch's own backends for Arm and with cmopt, side by side.

    python benchmarks/compare_upstream.py [NETWORK] [--target TARGET]
    python benchmarks/compare_upstream.py --times [NETWORK ...]

NETWORK: one of test/models; ds_cnn by default. A large one takes minutes.
TARGET: cortex-m55 by default; any other, also with an NPU (cortex-m55+ethos-u55-128).

Figures are bytes, counts and Vela's cycles, which are the same on every machine. With an NPU there
are also the CPU seconds from the quantized program to the file, without the time of imports.
Without an NPU, upstream runs in both its modes, each with its own quantizer: the default one on a
channels-last model and input, the other as exported. With an NPU, its Ethos-U flow runs on the
network as quantized by upstream and as quantized by cmopt. If upstream cannot compile the network,
its column shows the error.

--times prints how long both take, on one thread: from the float model to the quantized program,
with the same calibration inputs, and from that to the file. Upstream runs in its default mode,
except for networks of convolutions over one dimension, which that mode leaves in float. Without
names it takes all networks except those with the same operators as another.
"""

from __future__ import annotations

import argparse
import copy
import gc
import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import geometric_mean
from typing import Any, TypeVar

import torch
from executorch.backends.cortex_m.edge_compile_config import cortex_m_edge_compile_config
from executorch.backends.cortex_m.passes.cortex_m_pass_manager import CortexMPassManager
from executorch.backends.cortex_m.quantizer.quantizer import CortexMQuantizer
from executorch.exir import ExecutorchBackendConfig, to_edge
from executorch.exir._serialize._program import deserialize_pte_binary
from executorch.exir.schema import ExecutionPlan, KernelCall, ScalarType, Tensor
from rich.console import Console
from rich.table import Table
from torch import nn
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

import cmopt
from cmopt.codegen.runtime_memory import method_allocator_bytes
from cmopt.support.targets import Npu, get_target

sys.path.insert(0, str(Path(__file__).parents[1] / "test"))
sys.path.insert(0, str(Path(__file__).parents[1] / "test" / "unit"))
import upstream_ethos_u as ethos_u
from models import MODELS, Inputs

COMPILED = "compiling, seconds of CPU"
TIMED = (
    *("ds_cnn", "resnet8", "mobilenet_v1", "deep_autoencoder", "wav2letter_short", "mobilenet_v2"),
    *("mobilenet_v3_small", "yolo11n", "convnext_bn_relu", "convnext_ln_gelu", "silero_vad"),
)
LAYOUT = ("transpose", "permute", "clone", "view_copy")
BORDER = ("quantize_per_tensor", "dequantize_per_tensor")


Figures = dict[str, str]
T = TypeVar("T")


def figures_of(pte: bytes) -> Figures:
    """Counts and sizes read from a program file of cmopt or of upstream."""
    program = deserialize_pte_binary(pte).program
    plan = program.execution_plan[0]
    every_call: list[Any] = [i.instr_args for chain in plan.chains for i in chain.instructions]
    calls = [call for call in every_call if isinstance(call, KernelCall)]
    names = [plan.operators[call.op_index].name.split("::")[1] for call in calls]
    values: list[Any] = [plan.values[i].val for call in every_call for i in call.args]
    read = {v.data_buffer_idx for v in values if isinstance(v, Tensor) and not v.allocation_info}
    constants = enumerate(program.constant_buffer)
    figures = {
        "kernel calls": len(calls),
        "float instructions": sum(
            name not in BORDER and takes_float(plan, call)
            for name, call in zip(names, calls, strict=True)
        ),
        "layout instructions": sum(any(word in name for word in LAYOUT) for name in names),
        "arena at its peak, bytes": sum(plan.non_const_buffer_sizes),
        ".pte, bytes": len(pte),
        "constant bytes no instruction reads": sum(
            len(buffer.storage) for index, buffer in constants if index not in read
        ),
        "runtime's own tables on the core, bytes": method_allocator_bytes(plan),
    }
    return {figure: f"{value:,}" for figure, value in figures.items()}


def takes_float(plan: ExecutionPlan, call: KernelCall) -> bool:
    """Whether an instruction reads or writes a float tensor."""
    values: list[Any] = [plan.values[i].val for i in call.args]
    tensors = [v for v in values if isinstance(v, Tensor)]
    return any(tensor.scalar_type == ScalarType.FLOAT for tensor in tensors)


def npu_figures(pte: bytes, cycles: int) -> Figures:
    """As `figures_of`, after the figures of the NPU."""
    program = ethos_u.delegated_program(pte)
    scratch = max((stream.scratch_bytes for stream in program.streams), default=0)
    figures = {"calls of the NPU": program.calls, "NPU cycles": cycles, "scratch, bytes": scratch}
    return {name: f"{value:,}" for name, value in figures.items()} | figures_of(pte)


def figures_or_error(figures: Callable[[], Figures]) -> Figures:
    """The figures of a program, or the error if there is no program."""
    try:
        return figures()
    except Exception as error:  # Upstream may raise any exception.
        lines = str(error).strip().splitlines() or [""]
        return {"error": f"{type(error).__name__}: {lines[0]}"[:120]}


def upstream(exported: torch.export.ExportedProgram, *, explicit_layout: bool) -> bytes:
    """ExecuTorch's own lowering of a quantized program."""
    edge = to_edge(exported, compile_config=cortex_m_edge_compile_config())
    manager = CortexMPassManager(edge.exported_program(), use_explicit_layout=explicit_layout)
    edge._edge_programs["forward"] = manager.transform()
    config = ExecutorchBackendConfig(extract_delegate_segments=False)
    return bytes(edge.to_executorch(config).buffer)


def upstream_quantized(
    module: nn.Module, batches: list[Inputs], *, explicit_layout: bool = False
) -> torch.export.ExportedProgram:
    """ExecuTorch's own quantization flow, in the memory format that its mode needs."""
    has_images = any(tensor.dim() == 4 for tensor in batches[0])
    channels_last = has_images and not explicit_layout

    def laid_out(tensor: torch.Tensor) -> torch.Tensor:
        is_turned = channels_last and tensor.dim() == 4
        return tensor.contiguous(memory_format=torch.channels_last) if is_turned else tensor

    inputs = [tuple(map(laid_out, batch)) for batch in batches]
    model = copy.deepcopy(module)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    graph = torch.export.export(model, inputs[0]).module(check_guards=False)
    prepared = prepare_pt2e(graph, CortexMQuantizer(use_explicit_layout=explicit_layout))
    for batch in inputs:
        prepared(*batch)
    return torch.export.export(convert_pt2e(prepared), inputs[0])


def upstream_program(module: nn.Module, batches: list[Inputs], *, explicit_layout: bool) -> bytes:
    """A program made by ExecuTorch alone, in one of its two modes."""
    exported = upstream_quantized(module, batches, explicit_layout=explicit_layout)
    return upstream(exported, explicit_layout=explicit_layout)


def on_the_core(module: nn.Module, batches: list[Inputs], target: str) -> dict[str, Figures]:
    """The columns for a core without an NPU."""
    exported = cmopt.quantize(module, batches[0], calibration=batches)
    return {
        "upstream, default": figures_or_error(
            lambda: figures_of(upstream_program(module, batches, explicit_layout=False))
        ),
        "upstream, explicit layout": figures_or_error(
            lambda: figures_of(upstream_program(module, batches, explicit_layout=True))
        ),
        "cmopt": figures_of(cmopt.compile(exported, target=target).pte),
    }


def with_npu(module: nn.Module, batches: list[Inputs], target: str, npu: Npu) -> dict[str, Figures]:
    """The columns for a core with an NPU."""
    theirs = ethos_u.upstream_quantized(module, batches, npu.name)
    ours = cmopt.quantize(module, batches[0], calibration=batches, target=target)
    warm_up(target, npu)

    def lowered(exported: torch.export.ExportedProgram) -> Figures:
        start = fresh_start()
        peer = ethos_u.upstream(exported, npu.name)
        seconds = time.process_time() - start
        return npu_figures(peer.pte, peer.cycles) | {COMPILED: f"{seconds:.2f}"}

    def compiled(exported: torch.export.ExportedProgram) -> Figures:
        start = fresh_start()
        program = cmopt.compile(exported, target=target)
        pte = program.pte
        seconds = time.process_time() - start
        return npu_figures(pte, program.report.npu_cycles) | {COMPILED: f"{seconds:.2f}"}

    return {
        "upstream": figures_or_error(lambda: lowered(theirs)),
        "upstream, cmopt.quantize": figures_or_error(lambda: lowered(ours)),
        "cmopt, upstream's quantizer": figures_or_error(lambda: compiled(theirs)),
        "cmopt": compiled(ours),
    }


def fresh_start() -> float:
    """The CPU time now, after existing objects were removed from garbage collection."""
    gc.collect()
    gc.freeze()
    return time.process_time()


def warm_up(target: str, npu: Npu) -> None:
    """Make both compilers do the imports of their first use."""
    batch: Inputs = (torch.randn(1, 8),)
    exported = ethos_u.upstream_quantized(nn.Linear(8, 4).eval(), [batch], npu.name)
    ethos_u.upstream(exported, npu.name)
    assert cmopt.compile(exported, target=target).pte


def timed(step: Callable[[], T]) -> tuple[float, T]:
    """The CPU seconds of a step, and its result."""
    start = fresh_start()
    result = step()
    return time.process_time() - start, result


def times_of(name: str) -> tuple[float, float, float, float]:
    """Seconds for one network: quantizing, then compiling; each by upstream, then by cmopt."""
    module, batches = MODELS[name].module(), MODELS[name].inputs(8)
    explicit = any(isinstance(part, nn.Conv1d) for part in module.modules())
    quantizing, theirs = timed(
        lambda: upstream_quantized(module, batches, explicit_layout=explicit)
    )
    compiling, _ = timed(lambda: upstream(theirs, explicit_layout=explicit))
    our_quantizing, ours = timed(
        lambda: cmopt.quantize(module, batches[0], calibration=batches, target="cortex-m55")
    )
    our_compiling, _ = timed(lambda: cmopt.compile(ours, target="cortex-m55").pte)
    return quantizing, our_quantizing, compiling, our_compiling


def print_times(names: Sequence[str]) -> None:
    """The table of `--times`."""
    torch.set_num_threads(1)
    times_of("ds_cnn")  # a first run, for the imports of both
    columns = ("upstream", "cmopt", "ratio")
    steps = ("quantize", "compile")
    table = Table("", *(f"{step}, {column}" for step in steps for column in columns),
        title="seconds of CPU, and upstream's as a multiple of cmopt's")  # fmt: skip
    ratios = []
    for name in names:
        quantizing, our_quantizing, compiling, our_compiling = times_of(name)
        ratios.append((quantizing / our_quantizing, compiling / our_compiling))
        seconds = (quantizing, our_quantizing, ratios[-1][0], compiling, our_compiling)
        table.add_row(name, *(f"{figure:.2f}" for figure in (*seconds, ratios[-1][1])))
    means = [f"{geometric_mean(of_step):.2f}" for of_step in zip(*ratios, strict=True)]
    table.add_row("geometric mean", "", "", means[0], "", "", means[1])
    Console(width=130).print(table)


def main() -> None:
    """Compile and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", nargs="?", default="ds_cnn", choices=list(MODELS))
    parser.add_argument("--target", default="cortex-m55")
    parser.add_argument("--times", nargs="*", choices=list(MODELS), metavar="NETWORK")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    if args.times is not None:
        print_times(args.times or TIMED)
        return
    name, target = args.network, args.target
    npu = get_target(target).npu
    model = MODELS[name]
    module, batches = model.module(), model.inputs(8)
    if npu is None:
        columns = on_the_core(module, batches, target)
    else:
        columns = with_npu(module, batches, target, npu)
    rows = dict.fromkeys(figure for column in columns.values() for figure in column)
    table = Table("", *columns, title=f"{name}, {target}, float in and out")
    for figure in rows:
        table.add_row(figure, *(column.get(figure, "") for column in columns.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
