"""The contract of the API: reports, stages, inputs in any memory format, one-line errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import cmopt
from cmopt.frontend.running_results import LONGEST_PRODUCT
from cmopt.lowering.layout import solver
from cmopt.support.diagnostics import Diagnostic, diagnostics_to

sys.path.insert(0, str(Path(__file__).parents[1]))
from networks import digits

Batches = list[tuple[torch.Tensor, ...]]


class Colour(nn.Module):
    """A network with three input channels, so that memory formats differ, and a flatten."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.linear = nn.Linear(8 * 4 * 4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(torch.relu(self.conv(x)))
        return self.linear(torch.flatten(x, 1))


def quantized(module: nn.Module, *inputs: torch.Tensor) -> torch.export.ExportedProgram:
    generator = torch.Generator().manual_seed(0)
    batches: Batches = [
        tuple(
            torch.randn(x.shape, generator=generator).contiguous(memory_format=memory_format(x))
            for x in inputs
        )
        for _ in range(4)
    ]
    return cmopt.quantize(module.eval(), inputs, calibration=batches)


def memory_format(x: torch.Tensor) -> torch.memory_format:
    if x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last):
        return torch.channels_last
    return torch.contiguous_format


@pytest.mark.parametrize("model_format", [torch.contiguous_format, torch.channels_last])
def test_inputs_in_any_memory_format(model_format: torch.memory_format) -> None:
    torch.manual_seed(0)
    module = Colour().to(memory_format=model_format)
    example = torch.randn(1, 3, 8, 8).contiguous(memory_format=model_format)
    exported = quantized(module, example)
    program = cmopt.compile(exported)
    assert program.report.float_ops == 0
    # A contiguous input is transposed once, in int8. The flatten's permute is in the weights.
    expected = 1 if model_format is torch.contiguous_format else 0
    assert program.report.ops.get("cortex_m.transpose", 0) == expected
    for seed in range(3):
        x = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
        outputs = [
            program.run(x.contiguous(memory_format=f))[0]
            for f in (torch.contiguous_format, torch.channels_last)
        ]
        assert torch.equal(*outputs)
        for stage in ("quantized", "layout", "cortex_m", "planned"):
            assert program.interpret(x, stage=stage)[0].shape == (1, 5)
        assert torch.equal(outputs[0], program.interpret(x)[0])
        step = 0.1
        assert float((outputs[0] - exported.module()(x)).abs().max()) < step


def test_numpy_inputs_are_taken_too() -> None:
    program = cmopt.compile(digits().exported)
    x = torch.randn(1, 1, 8, 8)
    assert torch.equal(program.run(x.numpy())[0], program.run(x)[0])


def test_report_is_json() -> None:
    program = cmopt.compile(digits().exported)
    figures = json.loads(program.report.to_json())
    assert figures["pte_bytes"] == len(program.pte)
    assert figures["arena_bytes"] == program.report.arena_bytes > 0
    assert 0 < figures["constant_bytes"] < figures["pte_bytes"]
    assert figures["fallbacks"] == [] and figures["float_ops"] == 0
    assert "cortex_m::quantized_conv2d.out" in figures["operators"]
    assert "every operator is on an integer kernel" in str(program.report)


def test_report_says_where_a_search_ended_early(monkeypatch: pytest.MonkeyPatch) -> None:
    choose = solver.choose
    monkeypatch.setattr(solver, "choose", lambda problem, effort: choose(problem, 0.0))
    warnings: list[Diagnostic] = []
    exported = quantized(Colour(), torch.randn(1, 3, 8, 8))
    with diagnostics_to(warnings.append):
        program = cmopt.compile(exported)
    (warning,) = warnings
    (limit,) = program.report.limits
    assert "search for layouts ended at its limit" in limit and limit in warning.message
    assert " ".join(limit.split()) in " ".join(str(program.report).split())
    # The program is still right, but moves more bytes.
    x = torch.randn(1, 3, 8, 8)
    assert torch.equal(program.run(x)[0], program.interpret(x, stage="quantized")[0])


def test_fallbacks_say_why_and_where() -> None:
    class Model(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.prod(torch.relu(x), 1)  # the line the report names

    source = Path(__file__).read_text().splitlines()
    line = next(i for i, text in enumerate(source, 1) if "the line the report names" in text)
    x = torch.randn(2, LONGEST_PRODUCT + 1)
    program = cmopt.compile(quantized(Model(), x))
    (fallback,) = [f for f in program.report.fallbacks if "prod" in f.op]
    assert fallback.is_float
    assert fallback.location is not None and f"test_driver.py:{line}" in fallback.location
    assert "no integer kernel" in fallback.reason
    assert torch.equal(program.run(x)[0], program.interpret(x)[0])


class TimesOnes(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.ones(2, 8)


class PlusFull(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.full((2, 8), 0.37)


class SigmoidPlusZeros(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(x + torch.zeros(2, 8))


class TimesRange(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x * torch.arange(8.0))


@pytest.mark.parametrize("module", [TimesOnes(), PlusFull(), SigmoidPlusZeros(), TimesRange()])
def test_constants_made_in_the_graph(module: nn.Module) -> None:
    """Upstream miscompiles these or crashes, because they stay float among integers there."""
    x = torch.randn(2, 8)
    exported = quantized(module, x)
    program = cmopt.compile(exported)
    assert program.report.float_ops == 0
    nodes = [n for n in exported.graph.nodes if "dequantize_per_tensor" in str(n.target)]
    step = nodes[-1].args[1]
    assert isinstance(step, float)
    for seed in range(5):
        x = torch.randn(2, 8, generator=torch.Generator().manual_seed(seed))
        (y,) = program.run(x)
        assert torch.equal(y, program.interpret(x)[0])
        assert float((y - exported.module()(x)).abs().max()) <= 1.001 * step


@pytest.mark.parametrize("module", [TimesOnes(), PlusFull(), SigmoidPlusZeros()])
def test_constants_a_foreign_quantizer_left_in_float(module: nn.Module) -> None:
    """ExecuTorch's own quantizer on the same models."""
    from executorch.backends.cortex_m.quantizer.quantizer import CortexMQuantizer
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 8, generator=generator)
    graph = torch.export.export(module.eval(), (x,)).module(check_guards=False)
    prepared = prepare_pt2e(graph, CortexMQuantizer())
    for _ in range(8):
        prepared(torch.randn(2, 8, generator=generator))
    exported = torch.export.export(convert_pt2e(prepared), (x,))
    program = cmopt.compile(exported)
    assert program.report.float_ops == 0
    (y,) = program.run(x)
    assert torch.equal(y, program.interpret(x)[0])
    nodes = [n for n in exported.graph.nodes if "dequantize_per_tensor" in str(n.target)]
    step = nodes[-1].args[1]
    assert isinstance(step, float)
    assert float((y - exported.module()(x)).abs().max()) <= 1.001 * step


def test_a_program_without_constants() -> None:
    class Model(nn.Module):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return x + y

    x, y = torch.randn(2, 8), torch.randn(2, 8)
    program = cmopt.compile(quantized(Model(), x, y))
    assert program.report.ops["cortex_m.quantized_add"] == 1
    assert program.report.constant_bytes == 0
    assert torch.equal(program.run(x, y)[0], program.interpret(x, y)[0])


def test_a_model_nobody_quantized() -> None:
    exported = torch.export.export(Colour().eval(), (torch.randn(1, 3, 8, 8),))
    with pytest.raises(cmopt.CompileError, match=r"not quantized.*cmopt\.quantize"):
        cmopt.compile(exported)
    program = cmopt.compile(exported, allow_float=True)
    x = torch.randn(1, 3, 8, 8)
    assert program.report.float_ops > 0
    torch.testing.assert_close(program.run(x)[0], exported.module()(x))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "cortex-m56"}, "unknown target 'cortex-m56'; did you mean 'cortex-m"),
        ({"io": "int4"}, "unknown io 'int4'; one of float, int8"),
        ({"kernels": "fast"}, "unknown kernels 'fast'"),
    ],
)
def test_unknown_options(options: dict[str, str], message: str) -> None:
    with pytest.raises(cmopt.CompileError, match=message):
        cmopt.compile(digits().exported, **options)


def test_unfit_inputs() -> None:
    program = cmopt.compile(digits().exported)
    with pytest.raises(cmopt.CompileError, match=r"input 0: expected torch.float32 \[1, 1, 8, 8\]"):
        program.run(torch.zeros(1, 1, 8, 9))
    with pytest.raises(cmopt.CompileError, match="takes 1 inputs, got 2"):
        program.run(torch.zeros(1, 1, 8, 8), torch.zeros(1))
    with pytest.raises(cmopt.CompileError, match=r"input 0: expected float32 \[1, 1, 8, 8\]"):
        program.interpret(torch.zeros(1, 1, 8, 9))
    with pytest.raises(cmopt.CompileError, match="unknown stage 'plan'; one of edge"):
        program.ir("plan")


def test_integer_io_of_a_float_border_is_refused() -> None:
    exported = torch.export.export(Colour().eval(), (torch.randn(1, 3, 8, 8),))
    with pytest.raises(cmopt.CompileError, match="input 0 is used as a float"):
        cmopt.compile(exported, io="int8", allow_float=True)


def test_importing_the_package_imports_no_torch() -> None:
    script = "import sys, cmopt, cmopt.pipeline.driver; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.stdout.strip() == "False", result.stderr


class Branches(nn.Module):
    """Concatenates along the channels, and joins the parts of a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Conv2d(3, 4, 3, padding=1)
        self.right = nn.Conv2d(3, 6, 1)
        self.depthwise = nn.Conv2d(10, 10, 3, groups=10)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y = self.depthwise(torch.cat([torch.relu(self.left(x)), self.right(x)], 1))
        first, second = torch.split(y, 5, 1)
        return y, first + second


class Detector(nn.Module):
    """Boxes in pixels and scores between 0 and 1, joined as detectors return them."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(8, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        boxes, scores = self.head(x).t().split((4, 2))
        return torch.cat([boxes * 100.0, scores.sigmoid()])


def test_scores_next_to_boxes_keep_their_own_range() -> None:
    torch.manual_seed(0)
    model, x = Detector().eval(), torch.randn(5, 8)
    program = cmopt.compile(quantized(model, x))
    assert program.report.float_ops == 0 and "aten.cat.default" not in program.report.ops
    (y,) = program.run(x)
    assert torch.equal(y, program.interpret(x)[0])
    assert torch.equal(y, program.interpret(x, stage="planned")[0])
    expected = model(x)
    # In the range of the boxes, one step would be more than a pixel.
    assert (y[4:] - expected[4:]).abs().max() < 0.02
    assert (y[:4] - expected[:4]).abs().max() < 4


class Rows(nn.Module):
    """Joins rows, takes slices, and joins them again. These are ranges of bytes, so only repeats
    are copied, and what no slice takes is not computed."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.second = nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.cat([torch.relu(self.first(x)), self.second(x), self.first(x[:1])], 0)
        return torch.cat([y[1:3], y[0:2]], 0) + 1.0


@pytest.mark.parametrize(
    ("module", "shape", "calls"),
    [
        # A cat of channels, or a slice of it, is not a range of bytes, unless the whole is
        # transposed for an output anyway.
        (Branches(), (1, 3, 6, 6), {"aten.cat.default": 1, "cortex_m.transpose": 2}),
        (Branches(), (3, 3, 6, 6), {"cortex_m.quantized_depthwise_conv2d": 3}),
        (Rows(), (3, 8), {"cortex_m.pad": 2, "cortex_m.quantized_linear": 1}),
    ],
)
def test_cat_and_slices(module: nn.Module, shape: tuple[int, ...], calls: dict[str, int]) -> None:
    torch.manual_seed(0)
    exported = quantized(module, torch.randn(shape))
    program = cmopt.compile(exported)
    report = program.report
    assert {name: report.ops.get(name) for name in calls} == calls
    assert report.float_ops == 0 and report.arena_bytes == report.arena_bound
    for seed in range(3):
        x = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
        outputs = [program.run(x), program.interpret(x), program.interpret(x, stage="planned")]
        for ran, interpreted, planned in zip(*outputs, strict=True):
            assert torch.equal(ran, interpreted) and torch.equal(ran, planned)


class Arithmetic(torch.nn.Module):
    """Arithmetic on integers only."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x + 1) * x


def test_a_model_of_integers_needs_no_quantization() -> None:
    x = torch.arange(6, dtype=torch.int32)
    program = cmopt.compile(torch.export.export(Arithmetic(), (x,)))
    assert program.run(x)[0].tolist() == [0, 2, 6, 12, 20, 30]
    assert {f.reason for f in program.report.fallbacks} == {
        "there is no CMSIS-NN kernel for add on i32",
        "there is no CMSIS-NN kernel for mul on i32",
    }


class Product(torch.nn.Module):
    """Has nothing for an NPU."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.prod(x, 1)


def test_a_model_with_nothing_for_the_npu_runs_on_the_core() -> None:
    x = torch.randn(2, LONGEST_PRODUCT + 1)
    npu = "cortex-m55+ethos-u55-128"
    exported = cmopt.quantize(Product(), (x,), target=npu)
    said: list[Diagnostic] = []
    with diagnostics_to(said.append):
        program = cmopt.compile(exported, target=npu)
    (warning,) = said
    assert warning.severity == "warning"
    assert "nothing in this program is for the NPU of 'cortex-m55+ethos-u55-128'" in warning.message
    assert "aten.prod.dim_int has no lowering to TOSA" in warning.message
    assert program.report.delegates == ()
    assert torch.equal(program.run(x)[0], program.interpret(x, stage="ethos_u")[0])


@pytest.mark.parametrize("size", [(0, 2, 2), (2, 0, 3), (2, 3, 0, 4)])
def test_empty_inputs_of_any_strides_run(size: tuple[int, ...]) -> None:
    """In one process: the runtime aborts it if strides are not those of the program."""

    class Twice(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * 2

    given = torch.randn(size)
    program = cmopt.compile(cmopt.quantize(Twice(), (given,)))
    for x in (given, torch.randn(size[::-1]).permute(*reversed(range(len(size))))):
        assert program.run(x)[0].shape == given.shape
