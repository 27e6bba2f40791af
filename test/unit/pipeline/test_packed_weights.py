"""Layers with weights of 4 bits give the same bytes with two weights in a byte as with one.

Each model is quantized once. The program for the stock kernels, which has a byte for each weight,
is the reference for the interpreter, for ExecuTorch's runtime on the host, and for the C source,
which is built with sanitizers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from executorch.backends.arm.ethosu import EthosUCompileSpec
from executorch.backends.arm.quantizer import arm_quantizer
from executorch.backends.xnnpack.quantizer import xnnpack_quantizer
from torch import nn
from torch.export import ExportedProgram
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i32

import cmopt
from cmopt.codegen.emit_pte import emit_pte
from cmopt.dialects.arrays import Array
from cmopt.dialects.cmopt import PackedConv2dOp
from cmopt.dialects.constants import constant_of
from cmopt.dialects.packed_weights import pack, unpack
from cmopt.dialects.program import inputs_of, main_function
from cmopt.dialects.shapes import ints, shape_of
from cmopt.interpreters.run import Session
from cmopt.pipeline.board import Host
from cmopt.pipeline.program import Program
from cmopt.pipeline.runtime import HostProgram
from cmopt.support.diagnostics import CompileError
from cmopt.support.targets import Isa

sys.path.insert(0, str(Path(__file__).parents[1]))
from host_c import run_c, sanitized_host
from int16_kernels import random_calls, random_values
from quantized import Function

pytestmark = pytest.mark.filterwarnings("ignore")

FOUR = cmopt.Precision(weights={"*": 4})


@pytest.fixture
def host() -> Host:
    return sanitized_host()


def quantized(
    model: nn.Module, *shapes: tuple[int, ...], precision: cmopt.Precision = FOUR, **options: Any
) -> ExportedProgram:
    torch.manual_seed(1)
    samples = [tuple(torch.randn(shape) for shape in shapes) for _ in range(3)]
    return cmopt.quantize(
        model.eval(), samples[0], calibration=samples, precision=precision, **options
    )


def by_another(model: nn.Module, quantizer: Any, *shapes: tuple[int, ...]) -> ExportedProgram:
    """The program that another quantizer makes."""
    inputs = tuple(torch.randn(shape) for shape in shapes)
    graph = torch.export.export(model.eval(), inputs).module(check_guards=False)
    prepared = prepare_pt2e(graph, quantizer)
    prepared(*inputs)
    return torch.export.export(convert_pt2e(prepared), inputs)


def packed(program: Program) -> list[PackedConv2dOp]:
    return [op for op in program.module("cortex_m").walk() if isinstance(op, PackedConv2dOp)]


def random_inputs(module: ModuleOp, rng: np.random.Generator) -> list[Array]:
    """Any int8, or its ends only."""
    shapes = [shape_of(value) for value in inputs_of(main_function(module))]
    if rng.integers(3) == 0:
        return [rng.choice(np.array([-128, 127], np.int8), shape) for shape in shapes]
    return [rng.integers(-128, 128, shape).astype(np.int8) for shape in shapes]


def check(exported: ExportedProgram, count: int, host: Host) -> Program:
    """Compare the program with packed weights, which has so many packed layers, with the stock one.

    Returns it.
    """
    stock = cmopt.compile(exported, io="int8")
    program = cmopt.compile(exported, io="int8", kernels="cmopt")
    assert len(packed(program)) == count and not packed(stock)
    assert program.report.float_ops == stock.report.float_ops == 0
    rng = np.random.default_rng(0)
    batch = [random_inputs(program.module("planned"), rng) for _ in range(4)]
    wanted = []
    for inputs in batch:
        given = [torch.from_numpy(value) for value in inputs]
        reference = stock.interpret(*given, stage="cortex_m")
        stages = [program.interpret(*given, stage=stage) for stage in ("cortex_m", "planned")]
        for results in (program.run(*given), *stages):
            for a, b in zip(results, reference, strict=True):
                assert torch.equal(a, b)
        wanted += [value.numpy().tobytes() for value in reference]
    assert len(set(wanted)) > 1, "the inputs do not matter"
    assert run_c(host, program.module("planned"), batch) == b"".join(wanted)
    return program


def conv_twice(conv: Any, x: torch.Tensor) -> torch.Tensor:
    """One layer at two places."""
    return conv(torch.relu(conv(x)))


def one_weight(conv: Any, x: torch.Tensor) -> torch.Tensor:
    """One weight in two layers with other biases and strides."""
    other = F.conv2d(x, conv.weight, torch.ones(len(conv.weight)), stride=2)
    return torch.cat([conv(x).flatten(1), other.flatten(1)], 1)


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int]] = {
    "linear": (lambda: nn.Linear(8, 6), (2, 8), 1),
    "linear of odd sizes": (lambda: nn.Linear(7, 5), (3, 7), 1),
    "linear from one value": (lambda: nn.Linear(1, 3), (2, 1), 1),
    "linear to one value": (lambda: nn.Linear(9, 1), (1, 9), 1),
    "linear of rank 3": (lambda: nn.Linear(5, 4), (2, 3, 5), 1),
    "linear without bias": (lambda: nn.Linear(5, 4, bias=False), (1, 5), 1),
    "long linear": (lambda: nn.Linear(333, 17), (1, 333), 1),
    "two linears": (lambda: nn.Sequential(nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 3)), (1, 9), 2),
    "convolution": (lambda: nn.Conv2d(4, 8, 3, padding=1), (1, 4, 6, 5), 1),
    "odd channels": (lambda: nn.Conv2d(3, 5, 3, padding=1), (2, 3, 5, 6), 1),
    "one channel": (lambda: nn.Conv2d(1, 1, 3), (1, 1, 5, 5), 1),
    "one pixel": (lambda: nn.Conv2d(5, 3, 3, padding=1), (1, 5, 1, 1), 1),
    "even kernel": (lambda: nn.Conv2d(3, 6, (2, 4), padding="same"), (1, 3, 5, 6), 1),
    "strides": (lambda: nn.Conv2d(3, 6, 5, stride=(2, 3), padding=2), (1, 3, 9, 10), 1),
    "dilation": (lambda: nn.Conv2d(3, 6, 3, dilation=(2, 3), padding=3), (1, 3, 9, 10), 1),
    "pointwise with a stride": (lambda: nn.Conv2d(7, 5, 1, stride=2), (2, 7, 5, 4), 1),
    "pointwise in a border": (lambda: nn.Conv2d(3, 5, 1, padding=1), (1, 3, 3, 4), 1),
    "groups": (lambda: nn.Conv2d(6, 10, 3, groups=2), (2, 6, 5, 5), 1),
    "conv1d": (lambda: nn.Conv1d(3, 5, 3, padding=1), (1, 3, 9), 1),
    "clamped": (
        lambda: nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU6(), nn.Conv2d(5, 2, 1)), (1, 3, 6, 6), 2,
    ),
    "one layer at two places": (
        lambda: Function(conv_twice, nn.Conv2d(3, 3, 3, padding=1)), (1, 3, 5, 5), 2,
    ),
    "one weight in two layers": (lambda: Function(one_weight, nn.Conv2d(3, 5, 3)), (1, 3, 7, 7), 2),
    "depthwise": (lambda: nn.Conv2d(4, 8, 3, groups=4), (1, 4, 5, 5), 0),
    "transposed": (lambda: nn.ConvTranspose2d(3, 4, 3, 2), (1, 3, 4, 5), 0),
    "gates": (lambda: Function(lambda gru, x: gru(x)[0], nn.GRU(5, 7)), (3, 2, 5), 2),
}  # fmt: skip
"""A model, the shape of its input, and the layers of its program that are packed."""


@pytest.mark.parametrize("name", MODELS)
def test_packed_layers_give_the_same_bytes(name: str, host: Host) -> None:
    make, shape, count = MODELS[name]
    torch.manual_seed(0)
    check(quantized(make(), shape), count, host)


@pytest.mark.parametrize("is_per_channel", [False, True])
@pytest.mark.parametrize("least", [-8, -7])
def test_programs_of_other_quantizers(least: int, is_per_channel: bool, host: Host) -> None:
    """Weights of 4 bits are known by the range of their type, per tensor and per channel."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(80, 7))
    if least == -8:
        config: Any = xnnpack_quantizer.get_symmetric_quantization_config(
            is_per_channel=is_per_channel, weight_qmin=-8, weight_qmax=7
        )
        quantizer: Any = xnnpack_quantizer.XNNPACKQuantizer().set_global(config)
    else:
        config = arm_quantizer.get_symmetric_a8w4_quantization_config(
            is_per_channel=is_per_channel, is_qat=False
        )
        quantizer = arm_quantizer.EthosUQuantizer(EthosUCompileSpec("ethos-u55-128")).set_global(
            config
        )
    check(by_another(model, quantizer, (1, 3, 6, 6)), 2, host)


@pytest.mark.parametrize("seed", range(4))
def test_random_calls_in_c(seed: int, host: Host) -> None:
    """With sanitizers; all sizes from 1 up, groups, and filters that begin within a byte."""
    module = random_calls([seed], 25, Isa.SCALAR, "packed_conv2d")
    rng = np.random.default_rng(seed)
    batch = [random_values(module, rng) for _ in range(3)]
    session = Session(module)
    wanted = b"".join(value.tobytes() for inputs in batch for value in session.run(inputs))
    assert run_c(host, module, batch) == wanted


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("kernel_size", (9, 9), "number of bytes of weight"),
        ("groups", 0, "groups is 0"),
        ("padding", (40, 40), "padding 40"),
        ("input_offset", 300, "input_offset is 300"),
    ],
)
def test_a_call_with_wrong_numbers_is_refused(
    name: str, value: Any, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """As on a device, where nothing verifies the IR."""
    module = random_calls([0], 1, Isa.SCALAR, "packed_conv2d")
    (op,) = (op for op in module.walk() if isinstance(op, PackedConv2dOp))
    op.properties[name] = ints(value) if isinstance(value, tuple) else IntegerAttr(value, i32)
    program = HostProgram(emit_pte(module).pte)
    inputs = random_values(module, np.random.default_rng(0))
    with pytest.raises(CompileError):
        program.run([torch.from_numpy(value) for value in inputs])
    assert message in capfd.readouterr().err


def test_the_order_of_weights_in_a_byte() -> None:
    """The first is in the lower half. Rows follow each other without a gap."""
    weights = np.array([[1, -8, 7], [-1, 0, 2], [5, 6, -3]])
    bytes = pack(weights).view(np.uint8).tolist()
    assert bytes == [0x81, 0xF7, 0x20, 0x65, 0x0D]
    assert unpack(pack(weights), 9).tolist() == weights.reshape(-1).tolist()


def test_every_weight_of_4_bits() -> None:
    weights = np.arange(-8, 8)
    assert unpack(pack(weights), 16).tolist() == weights.tolist()
    assert pack(weights[:0]).shape == (0,)


def test_weights_take_half_of_their_bytes() -> None:
    torch.manual_seed(0)
    exported = quantized(nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10)), (1, 64))
    weights = 64 * 100 + 100 * 10
    stock, own = (cmopt.compile(exported, io="int8", kernels=k) for k in ("stock", "cmopt"))
    assert len(stock.pte) - len(own.pte) > weights / 2 - 300, "300 for other arguments"
    sizes = {shape_of(op.weight) for op in packed(own)}
    assert sizes == {(3200,), (500,)}
    assert own.report.ops == {"cmopt.packed_conv2d": 2}
    assert "cmopt::packed_conv2d.out" in own.header()


@pytest.mark.parametrize("max_arena", [20_000, 14_000])
def test_packed_layers_in_strips(max_arena: int, host: Host) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, (3, 1), padding=(1, 0)),
        nn.ReLU(), nn.Conv2d(12, 5, 3, stride=2, padding=1),
    )  # fmt: skip
    exported = quantized(model, (1, 3, 31, 32))
    whole = cmopt.compile(exported, io="int8")
    split = cmopt.compile(exported, io="int8", kernels="cmopt", max_arena=max_arena)
    assert split.report.arena_bytes <= max_arena < whole.report.arena_bytes
    assert split.report.ops["cmopt.packed_conv2d"] > 3
    rng = np.random.default_rng(0)
    batch = [random_inputs(split.module("planned"), rng) for _ in range(2)]
    wanted = []
    for inputs in batch:
        given = [torch.from_numpy(value) for value in inputs]
        (reference,), (ran,) = whole.run(*given), split.run(*given)
        (interpreted,) = split.interpret(*given, stage="planned")
        assert torch.equal(ran, reference) and torch.equal(interpreted, reference)
        wanted.append(reference.numpy().tobytes())
    assert run_c(host, split.module("planned"), batch) == b"".join(wanted)


def test_only_the_named_layers_have_4_bits() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))
    exported = quantized(model, (1, 8), precision=cmopt.Precision(weights={"2": 4}))
    program = cmopt.compile(exported, io="int8", kernels="cmopt")
    (op,) = packed(program)
    assert shape_of(op.output)[-1] == 4
    stored = constant_of(op.weight)
    assert stored is not None
    assert np.abs(unpack(stored, 32)).max() == 7  # type: ignore[arg-type]


def test_activations_of_16_bits_have_a_byte_for_each_weight() -> None:
    torch.manual_seed(0)
    precision = cmopt.Precision("int16", weights={"*": 4})
    exported = quantized(nn.Linear(8, 4), (1, 8), precision=precision, kernels="cmopt")
    program = cmopt.compile(exported, kernels="cmopt")
    assert not packed(program)
    assert program.report.float_ops == 0
    (ran,), (interpreted,) = (run(torch.ones(1, 8)) for run in (program.run, program.interpret))
    assert torch.equal(ran, interpreted)


def test_an_npu_computes_them_as_before() -> None:
    torch.manual_seed(0)
    target = "cortex-m55+ethos-u55-128"
    exported = quantized(nn.Conv2d(3, 4, 3), (1, 3, 6, 6), target=target)
    stock, own = (
        cmopt.compile(exported, target=target, io="int8", kernels=k) for k in ("stock", "cmopt")
    )
    assert stock.ir("ethos_u") == own.ir("ethos_u")
    assert not packed(own)
