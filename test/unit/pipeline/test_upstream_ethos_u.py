"""ExecuTorch's own Ethos-U flow compared with ours, on one small network and several NPUs."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.export import ExportedProgram

import cmopt

sys.path.insert(0, str(Path(__file__).parents[1]))
from upstream_ethos_u import delegated_program, upstream, upstream_quantized

NPUS = ("ethos-u55-128", "ethos-u65-512", "ethos-u85-256")


def batches() -> list[tuple[torch.Tensor, ...]]:
    generator = torch.Generator().manual_seed(0)
    return [(torch.randn(1, 3, 12, 12, generator=generator),) for _ in range(4)]


def network() -> nn.Module:
    """Convolution, depthwise convolution, pool and classifier."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, stride=2, groups=16),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64, 10),
    ).eval()


@cache
def theirs(npu: str, int16: bool = False) -> ExportedProgram:
    return upstream_quantized(network(), batches(), npu, int16=int16)


@cache
def ours() -> ExportedProgram:
    return cmopt.quantize(network(), batches()[0], calibration=batches())


@pytest.mark.parametrize("npu", NPUS)
def test_their_delegate_is_what_vela_in_process_makes(npu: str) -> None:
    peer = upstream(theirs(npu), npu)
    assert [compiled.stream for compiled in peer.compiled] == list(peer.streams)
    assert peer.calls == len(peer.streams) == 1
    assert peer.cycles > 0


@pytest.mark.parametrize("npu", NPUS)
@pytest.mark.parametrize("quantizer", ["theirs", "theirs in int16", "ours"])
def test_no_more_than_upstream(quantizer: str, npu: str) -> None:
    """Compares calls of the NPU, kernels on the core and file size, from one quantized program."""
    exported = ours() if quantizer == "ours" else theirs(npu, "int16" in quantizer)
    peer = upstream(exported, npu)
    program = cmopt.compile(exported, target=f"cortex-m55+{npu}")
    read = delegated_program(program.pte)
    assert read.calls == len(program.report.delegates) <= peer.calls
    assert sum(read.host_ops.values()) <= sum(peer.host_ops.values())
    assert len(program.pte) <= len(peer.pte)
    assert max(s.scratch_bytes for s in read.streams) == program.report.temp_allocator_bytes


@pytest.mark.parametrize("npu", NPUS)
def test_int16_is_as_near_as_its_simulation(npu: str) -> None:
    """A program of upstream's a16w8 configuration, in one delegate, within 2 steps."""
    exported, (x,) = theirs(npu, True), batches()[1]
    program = cmopt.compile(exported, target=f"cortex-m55+{npu}")
    assert len(program.report.delegates) == 1
    (got,) = program.interpret(x, stage="ethos_u")
    meant = exported.module(check_guards=False)(x)
    (scale,) = {
        node.args[1] for node in exported.graph.nodes
        if "dequantize_per_tensor" in str(node.target)
        and any(user.op == "output" for user in node.users)
    }  # fmt: skip
    assert ((got - meant).abs().max() / scale).item() <= 2.01
