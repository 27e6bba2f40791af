"""Digits and MLPerf Tiny: the file, the interpreters, PyTorch and upstream agree."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import cmopt
from cmopt.dialects.parsing import make_context
from cmopt.pipeline.interpreting import interpret
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.pipeline.stages import stage_pipelines
from cmopt.support.targets import Isa, get_target, target_names

sys.path.insert(0, str(Path(__file__).parents[1]))
from networks import MLPERF_TINY, NETWORKS, Network
from operators_alone import check_bounds

ALL = NETWORKS | MLPERF_TINY

STOCK = {
    "cortex_m::transpose.out",
    "cortex_m::dequantize_per_tensor.out",
    "cortex_m::quantize_per_tensor.out",
    "cortex_m::quantized_add.out",
    "cortex_m::quantized_avg_pool2d.out",
    "cortex_m::quantized_conv2d.out",
    "cortex_m::quantized_depthwise_conv2d.out",
    "cortex_m::quantized_linear.out",
}

MAY_MOVE = {"convert-edge-to-cortex-m"}
"""The passes that may change a result, by a number of steps that each rule states."""


@pytest.fixture(params=sorted(ALL))
def network(request: pytest.FixtureRequest) -> Network:
    return ALL[request.param]()


@cache
def compiled(name: str, target: str = "cortex-m55", io: str = "float") -> cmopt.Program:
    return cmopt.compile(ALL[name]().exported, target=target, io=io)


@cache
def upstream(name: str) -> Callable[..., Any]:
    """ExecuTorch's own Cortex-M lowering of the same exported program, run in eager mode."""
    from executorch.backends.cortex_m.edge_compile_config import cortex_m_edge_compile_config
    from executorch.backends.cortex_m.passes.cortex_m_pass_manager import CortexMPassManager
    from executorch.exir import to_edge

    edge = to_edge(ALL[name]().exported, compile_config=cortex_m_edge_compile_config())
    manager = CortexMPassManager(edge.exported_program(), use_explicit_layout=True)
    return manager.transform().module()


def test_run_equals_interpreters(network: Network) -> None:
    program = compiled(network.name)
    for x in network.inputs(10):
        (ran,) = program.run(x)
        for stage in ("cortex_m", "planned"):
            (interpreted,) = program.interpret(x, stage=stage)
            assert torch.equal(ran, interpreted), stage


def test_as_close_to_pytorch_as_upstream(network: Network) -> None:
    program, reference = compiled(network.name), network.exported.module()
    peer, step = upstream(network.name), network.output_step
    ours, theirs = 0.0, 0.0
    for x in network.inputs(10):
        expected = reference(x)
        ours = max(ours, float((program.run(x)[0] - expected).abs().max()) / step)
        theirs = max(theirs, float((peer(x) - expected).abs().max()) / step)
    assert round(ours) <= round(theirs) + 1, f"{ours:.2f} steps, upstream {theirs:.2f}"


def test_every_pass_keeps_its_promise(network: Network) -> None:
    """Only the conversion to kernels may change a bit: the IR runs before and after each pass."""
    from cmopt.frontend.importer import import_program

    module, ctx = import_program(network.exported), make_context()
    inputs = [x.numpy() for x in network.inputs(2)]
    before = [interpret(module, [x])[0] for x in inputs]
    for pipeline in stage_pipelines("cortex-m55", "float").values():
        for pass_ in parse_pipeline(pipeline):
            run_passes(ctx, module, [pass_])
            after = [interpret(module, [x])[0] for x in inputs]
            if pass_.name not in MAY_MOVE:
                pairs = zip(after, before, strict=True)
                assert all(np.array_equal(a, b) for a, b in pairs), pass_.name
            before = after


def test_every_kernel_keeps_its_bound(network: Network) -> None:
    count = check_bounds(compiled(network.name).module("layout"))
    assert count == sum(
        n for name, n in compiled(network.name).report.ops.items() if "tize_per" not in name
    )


def test_integer_and_stock_operators_only(network: Network) -> None:
    report = compiled(network.name).report
    assert report.float_ops == 0 and not report.fallbacks
    assert set(report.operators) <= STOCK
    # One transpose at a contiguous input of several channels, and none between the layers.
    assert report.ops.get("cortex_m.transpose", 0) == int(network.shape[1] == 3)
    assert report.arena_bytes == report.arena_bound


@dataclass(frozen=True)
class Sizes:
    """Upper bounds in bytes. Comments have the sizes of ExecuTorch 1.5's own backend."""

    arena_float: int
    arena_int8: int
    pte: int


SIZES = {
    "ds_cnn": Sizes(20_464, 20_464, 38_000),  # upstream 20,464 and 54,240
    "resnet8": Sizes(49_728, 49_728, 90_000),  # upstream 49,728 and 99,208
    "mobilenet_v1": Sizes(110_592, 55_296, 257_000),  # upstream 138,240, 73,728, 313,432
    "deep_autoencoder": Sizes(3_200, 768, 284_864),  # upstream 3,200, 768, 284,864
}


@pytest.mark.parametrize("name", sorted(SIZES))
def test_sizes(name: str) -> None:
    sizes, report, integer = SIZES[name], compiled(name).report, compiled(name, io="int8").report
    assert report.arena_bytes <= sizes.arena_float
    assert integer.arena_bytes <= sizes.arena_int8
    assert report.pte_bytes <= sizes.pte


def test_no_constant_that_no_instruction_reads(network: Network) -> None:
    from executorch.exir._serialize._program import deserialize_pte_binary
    from executorch.exir.schema import KernelCall, Tensor

    program = deserialize_pte_binary(compiled(network.name).pte).program
    plan = program.execution_plan[0]
    calls = [i.instr_args for i in plan.chains[0].instructions]
    assert all(isinstance(call, KernelCall) for call in calls)
    values = [plan.values[index].val for call in calls for index in call.args]
    read = {
        v.data_buffer_idx for v in values if isinstance(v, Tensor) and v.allocation_info is None
    }
    assert read == set(range(1, len(program.constant_buffer)))


def test_int8_io(network: Network) -> None:
    """Quantizing outside the program gives the same bytes as quantizing inside it."""
    program, integer = compiled(network.name), compiled(network.name, io="int8")
    calls = program.report.ops
    quantize = calls["cortex_m.quantize_per_tensor"] + calls["cortex_m.dequantize_per_tensor"]
    assert sum(calls.values()) - sum(integer.report.ops.values()) == quantize == 2
    module = program.module("cortex_m")
    (q,) = [op for op in module.walk() if op.name == "cortex_m.quantize_per_tensor"]
    (dq,) = [op for op in module.walk() if op.name == "cortex_m.dequantize_per_tensor"]
    for x in network.inputs(10):
        inverse = np.float32(1) / np.float32(q.properties["scale"].value.data)
        zero = q.properties["zero_point"].value.data
        quantized = np.clip(np.rint(x.numpy() * inverse) + zero, -128, 127).astype(np.int8)
        (y,) = integer.run(torch.from_numpy(quantized))
        assert y.dtype == torch.int8
        scale = np.float32(dq.properties["scale"].value.data)
        zero = dq.properties["zero_point"].value.data
        expected = (y.numpy().astype(np.int32) - zero).astype(np.float32) * scale
        assert np.array_equal(program.run(x)[0].numpy(), expected)


@pytest.mark.parametrize("target", [*target_names(), "cortex-m33+nodsp", "cortex-m55+nomve"])
def test_every_core_is_compiled_for(network: Network, target: str) -> None:
    """Integers only, with the arena at the lower bound. Only MVE has kernel sums for biases."""
    program = compiled(network.name, target)
    assert program.report.float_ops == 0
    assert program.report.arena_bytes == program.report.arena_bound
    is_mve = get_target(target).isa is Isa.MVE
    linear = program.ir("cortex_m", elide=0).count(" kernel_sum %")
    assert linear == (program.report.ops["cortex_m.quantized_linear"] if is_mve else 0)


@pytest.mark.parametrize("target", ["cortex-m0", "cortex-m7", "cortex-m85"])
def test_every_isa_computes_the_same(network: Network, target: str) -> None:
    """Other instruction sets have other scratch and other biases, but change no bit."""
    program, reference = compiled(network.name, target), compiled(network.name)
    for x in network.inputs(10):
        assert torch.equal(program.run(x)[0], reference.run(x)[0])


def test_every_stage_is_text_that_parses_back(network: Network) -> None:
    from cmopt.dialects.parsing import parse_module

    program = compiled(network.name)
    x = network.inputs(1)[0].numpy()
    for stage in program.modules:
        text = program.ir(stage)
        module = parse_module(make_context(), text)
        assert (
            interpret(module, [x])[0].tobytes()
            == interpret(program.module(stage), [x])[0].tobytes()
        )
