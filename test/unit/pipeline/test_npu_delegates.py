"""One delegate for a whole network: data movement and functions do not split it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from torch import nn
from torch.export import ExportedProgram

import cmopt

sys.path.insert(0, str(Path(__file__).parents[2]))
from models import MODELS

sys.path.insert(0, str(Path(__file__).parents[1]))
from npu_delegates import OPERATORS, STACKED, Single, Stack, batches, network
from upstream_ethos_u import delegated_program, upstream, upstream_quantized

TARGET = "cortex-m55+ethos-u55-128"

# What stays outside the delegate if upstream's quantizer made the program, and why.
WITHOUT_RANGES = {
    "rms_norm": "square, mean and reciprocal root stay in float because their ranges were not "
    "observed; our quantizer splits rms_norm before it observes ranges",
}


def compiled(exported: ExportedProgram) -> cmopt.Program:
    return cmopt.compile(exported, target=TARGET)


def own(module: nn.Module) -> ExportedProgram:
    return cmopt.quantize(module, batches()[0], calibration=batches(), target=TARGET)


def assert_is_one_delegate(program: cmopt.Program) -> None:
    """The NPU is called once, between quantizing and dequantizing."""
    report = program.report
    kernels = {"cortex_m.quantize_per_tensor", "ethos_u.delegate", "cortex_m.dequantize_per_tensor"}
    assert report.ops == dict.fromkeys(sorted(kernels), 1), report.outside
    assert delegated_program(program.pte).calls == 1


@pytest.mark.parametrize("name", OPERATORS)
def test_quantized_here_every_operator_is_in_one_delegate(name: str) -> None:
    assert_is_one_delegate(compiled(own(network(Single, OPERATORS[name]))))


@pytest.mark.parametrize("name", [name for name in OPERATORS if name not in WITHOUT_RANGES])
def test_quantized_by_upstream_every_operator_is_in_one_delegate(name: str) -> None:
    exported = upstream_quantized(network(Single, OPERATORS[name]), batches())
    assert_is_one_delegate(compiled(exported))


@pytest.mark.parametrize("name", WITHOUT_RANGES)
def test_what_has_no_ranges_is_left_with_the_reason(name: str) -> None:
    report = compiled(upstream_quantized(network(Single, OPERATORS[name]), batches())).report
    assert len(report.delegates) == 2
    assert "edge.layer_norm has no form in TOSA" in {out.reason for out in report.outside}


@pytest.mark.parametrize("name", STACKED)
@pytest.mark.parametrize("quantizer", ["here", "upstream"])
def test_four_in_a_row_are_one_delegate(quantizer: str, name: str) -> None:
    module = network(Stack, STACKED[name])
    exported = own(module) if quantizer == "here" else upstream_quantized(module, batches())
    assert_is_one_delegate(compiled(exported))


@pytest.mark.parametrize("name", ["channel_shuffle", "roll"])
def test_upstream_needs_more_delegates(name: str) -> None:
    exported = upstream_quantized(network(Stack, STACKED[name]), batches())
    peer = upstream(exported)
    program = compiled(exported)
    assert peer.calls > len(program.report.delegates) == 1
    assert len(program.pte) < len(peer.pte)


@pytest.mark.parametrize("name", ["convnext_bn_relu", "convnext_ln_gelu"])
def test_convnext_by_a_quantizer_that_does_not_know_moveaxis(name: str) -> None:
    """Upstream has nine delegates, and eight permutes between them on the core."""
    model = MODELS[name]
    exported = upstream_quantized(model.module(), model.inputs(2), unaware_of=["moveaxis"])
    peer = upstream(exported)
    program = compiled(exported)
    assert peer.calls == 9 and peer.host_ops["permute_copy"] == 8
    assert_is_one_delegate(program)
    assert len(program.pte) < len(peer.pte)
