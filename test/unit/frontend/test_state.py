"""Buffers that a model changes are state; a program that changes an input is refused, as is one
that changes a buffer in a way of which its program has lost the trace."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from executorch.backends.cortex_m.quantizer.quantizer import CortexMQuantizer
from torch import nn
from torch.export import ExportedProgram
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

import cmopt
from cmopt.frontend.quantize import quantize
from cmopt.frontend.state import refuse_state
from cmopt.support.diagnostics import Diagnostic, diagnostics_to

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function

pytestmark = pytest.mark.filterwarnings("ignore")


class Stateful(nn.Module):
    """relu(x + h + buffer / 4), and a write to one of them."""

    def __init__(self, write: Callable[[Any, torch.Tensor, torch.Tensor], Any]) -> None:
        super().__init__()
        self.register_buffer("past", torch.ones(4))
        self.register_buffer("count", torch.zeros(1, dtype=torch.int64))
        self.write = write

    def forward(self, x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        y = torch.relu(x + h + self.past * 0.25)
        self.write(self, y, h)
        return y


def assign_past(model: Any, y: torch.Tensor, h: torch.Tensor) -> None:
    model.past = model.past * 0.5 + y


def add_to_past(model: Any, y: torch.Tensor, h: torch.Tensor) -> None:
    model.past += y


def set_part(model: Any, y: torch.Tensor, h: torch.Tensor) -> None:
    h[0] = y[0]


def set_part_of_past(model: Any, y: torch.Tensor, h: torch.Tensor) -> None:
    model.past[1:] = y[1:]


WRITES: dict[str, tuple[Callable[..., Any], str]] = {
    "input copied to": (lambda m, y, h: h.copy_(y), "input 'h'"),
    "input added to": (lambda m, y, h: h.add_(1), "input 'h'"),
    "input, a view of it": (lambda m, y, h: h.view(2, 2).mul_(2), "input 'h'"),
    "input, a part of it": (set_part, "input 'h'"),
    "input, an activation in place": (lambda m, y, h: F.relu_(h), "input 'h'"),
    "buffer copied to": (lambda m, y, h: m.past.copy_(y), "buffer 'past'"),
    "buffer added to": (add_to_past, "buffer 'past'"),
    "buffer assigned": (assign_past, "buffer 'past'"),
    "buffer, a part of it": (set_part_of_past, "buffer 'past'"),
    "a counter": (lambda m, y, h: m.count.add_(1), "buffer 'count'"),
}
INPUTS = (torch.randn(4), torch.randn(4))


def quantized_elsewhere(model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> ExportedProgram:
    """A program quantized by ExecuTorch's own quantizer, in the usual PT2E flow."""
    with torch.no_grad():
        graph = torch.export.export(model.eval(), inputs).module(check_guards=False)
        prepared = prepare_pt2e(graph, CortexMQuantizer())
        prepared(*inputs)
        return torch.export.export(convert_pt2e(prepared), inputs)


TO_INPUTS = [case for case in WRITES if case.startswith("input")]
TO_BUFFERS = [case for case in WRITES if case not in TO_INPUTS]


@pytest.mark.parametrize("case", TO_INPUTS)
def test_quantize_refuses_writes_to_inputs(case: str) -> None:
    write, what = WRITES[case]
    with pytest.raises(cmopt.CompileError, match=rf"test_state\.py:\d+.* changes its {what}"):
        quantize(Stateful(write), INPUTS)


@pytest.mark.parametrize("case", WRITES)
def test_compile_refuses_what_another_flow_has_hidden(case: str) -> None:
    """PT2E keeps the names of inputs, but loses those of buffers."""
    write, what = WRITES[case]
    named = f"its {what}" if what.startswith("input") else "a buffer of the model"
    program = quantized_elsewhere(Stateful(write), INPUTS)
    with pytest.raises(cmopt.CompileError, match=rf"test_state\.py:\d+.* changes {named},"):
        cmopt.compile(program)


def frames(count: int, *shapes: tuple[int, ...]) -> list[tuple[torch.Tensor, ...]]:
    generator = torch.Generator().manual_seed(1)
    return [tuple(torch.randn(s, generator=generator) for s in shapes) for _ in range(count)]


def check_frame_by_frame(program: Any, model: nn.Module, inputs: Any, atol: float) -> None:
    """The program and its IR keep state like the model, and begin anew after `reset`."""
    program.reset()
    first: list[torch.Tensor] = []
    with torch.no_grad():
        for frame in inputs:
            expected = model(*frame)
            result = program.run(*frame)[0]
            torch.testing.assert_close(result, expected, rtol=0, atol=atol)
            assert torch.equal(result, program.interpret(*frame)[0])
            assert torch.equal(result, program.interpret(*frame, stage="planned")[0])
            first.append(result)
    program.reset()
    for frame, before in zip(inputs, first, strict=True):
        assert torch.equal(program.run(*frame)[0], before)


@pytest.mark.parametrize("case", TO_BUFFERS)
def test_a_buffer_is_kept_from_call_to_call(case: str) -> None:
    model = Stateful(WRITES[case][0]).eval()
    inputs = [tuple(x.clamp(-1, 1) for x in frame) for frame in frames(6, (4,), (4,))]
    program = cmopt.compile(quantize(model, inputs[0], calibration=inputs))
    assert program.input_names == ["x", "h"]
    assert program.output_names == ["output_0"]
    check_frame_by_frame(program, model, inputs, atol=0.3)
    assert torch.equal(model.past, torch.ones(4)) == (case == "a counter")


def test_the_models_own_state_is_untouched_by_quantization() -> None:
    model = Stateful(add_to_past)
    quantize(model, INPUTS)
    assert torch.equal(model.past, torch.ones(4))


def test_a_float_program_with_state() -> None:
    """Exported without quantization, with the buffer assigned and written to."""
    model = Stateful(assign_past).eval()
    exported = torch.export.export(model, INPUTS)
    program = cmopt.compile(exported, allow_float=True)
    with torch.no_grad():
        for frame in frames(5, (4,), (4,)):
            torch.testing.assert_close(program.run(*frame)[0], model(*frame))


def test_state_is_saved_with_the_program(tmp_path: Path) -> None:
    model = Stateful(add_to_past).eval()
    inputs = frames(4, (4,), (4,))
    exported = quantize(model, inputs[0], calibration=inputs)
    torch.export.save(exported, tmp_path / "model.pt2")
    loaded = torch.export.load(tmp_path / "model.pt2")
    one, other = cmopt.compile(exported), cmopt.compile(loaded)
    assert one.pte == other.pte
    assert "past" in loaded.state_dict
    module = loaded.module()
    for frame in inputs:
        torch.testing.assert_close(other.run(*frame)[0], module(*frame), rtol=0, atol=0.2)


class RingBuffers(nn.Module):
    """Two causal convolutions over buffers of past samples, one step at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv1d(4, 6, 3), nn.Conv1d(6, 4, 2, dilation=3)
        self.register_buffer("past", torch.zeros(1, 4, 2))
        self.register_buffer("later", torch.zeros(1, 6, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        window = torch.cat([self.past, x], 2)
        self.past.copy_(window[:, :, -2:])
        y = torch.relu(self.first(window))
        window = torch.cat([self.later, y], 2)
        self.later = window[:, :, 1:]
        return self.second(window)


def test_ring_buffers_move_each_byte_once() -> None:
    torch.manual_seed(0)
    model, inputs = RingBuffers().eval(), frames(30, (1, 4, 1))
    program = cmopt.compile(quantize(model, inputs[0], calibration=inputs))
    assert program.report.float_ops == 0
    assert program.report.ops["cortex_m.shift"] == 2
    assert "cortex_m.transpose" not in program.report.ops
    check_frame_by_frame(program, with_empty_buffers(model), inputs, atol=0.1)


def with_empty_buffers(model: nn.Module) -> nn.Module:
    """A model of the same weights whose buffers are zeros."""
    fresh = RingBuffers()
    weights = {k: v for k, v in model.state_dict().items() if "weight" in k or "bias" in k}
    fresh.load_state_dict(weights, strict=False)
    return fresh.eval()


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(lambda x: x.clone().add_(1), id="clone"),
        pytest.param(lambda x: x.t().contiguous().add_(1), id="made contiguous"),
        pytest.param(lambda x: x.t().reshape(-1).add_(1), id="reshaped"),
        pytest.param(lambda x: F.relu_(x * 2).view(-1).add_(1), id="a result"),
    ],
)
def test_a_copy_may_be_written_to(function: Any) -> None:
    model, inputs = Function(function), (torch.randn(2, 3),)
    cmopt.compile(quantize(model, inputs))
    cmopt.compile(quantized_elsewhere(model, inputs), allow_float=True)


def test_an_alias_that_no_schema_tells_of() -> None:
    model = Function(lambda x, y: (torch.atleast_1d(x).type_as(y).add_(1), y)[1])
    with pytest.raises(cmopt.CompileError, match="changes its input 'inputs_0'"):
        refuse_state(torch.export.export(model, (torch.randn(2), torch.randn(2))))


@pytest.mark.parametrize(
    "model",
    [
        nn.LeakyReLU(inplace=True),
        nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 3)),
        Function(torch.tanh_),
        Function(lambda x: F.hardswish(x, inplace=True)),
        Function(lambda x: x.clamp_(-0.5, 1.0)),
        Function(lambda x: x.abs_()),
    ],
    ids=["leaky_relu", "in front of a layer", "tanh_", "hardswish", "clamp_", "abs_"],
)
def test_an_in_place_function_of_an_input_is_its_result(model: nn.Module) -> None:
    """A warning says that the device does not write to the input itself."""
    x = torch.randn(2, 4)
    expected = model(x.clone())
    said: list[Diagnostic] = []
    with diagnostics_to(said.append):
        program = cmopt.compile(cmopt.quantize(model, (x.clone(),)))
    assert ["in place; the compiled program leaves it unchanged" in d.message for d in said] == [
        True
    ]
    assert program.report.float_ops == 0
    assert float((program.run(x)[0] - expected).abs().max()) < 0.1


def test_what_is_read_of_the_input_behind_a_function_is_its_result() -> None:
    x = torch.randn(2, 4)
    model = Function(lambda x: torch.relu_(x) + x)
    program = cmopt.compile(cmopt.quantize(model, (x.clone(),)))
    assert float((program.run(x)[0] - 2 * torch.relu(x)).abs().max()) < 0.1


def test_in_a_float_program_too() -> None:
    x = torch.randn(2, 4)
    model = Function(lambda x: torch.relu_(x) + x)
    exported = torch.export.export(model, (x.clone(),))
    before = str(exported.graph)
    said: list[Diagnostic] = []
    with diagnostics_to(said.append):
        program = cmopt.compile(exported, allow_float=True)
    assert [d.message for d in said if "relu_ changes the input" in d.message]
    assert torch.equal(torch.as_tensor(program.run(x)[0]), 2 * torch.relu(x))
    assert str(exported.graph) == before


def add_and_read(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    x += y
    return torch.relu(x)


def read_through_a_view(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    flat = x.view(-1)
    x.add_(y)
    return flat * 2


def test_another_flow_may_write_to_an_input_that_only_the_model_reads() -> None:
    inputs = torch.randn(2, 4), torch.randn(2, 4)
    program = quantized_elsewhere(Function(add_and_read), tuple(x.clone() for x in inputs))
    said: list[Diagnostic] = []
    with diagnostics_to(said.append):
        compiled = cmopt.compile(program)
    assert ["add_ changes the input 'inputs_0' in place" in d.message for d in said] == [True]
    expected = add_and_read(*(x.clone() for x in inputs))
    assert float((compiled.run(*inputs)[0] - expected).abs().max()) < 0.1


def test_a_write_that_another_flow_has_hidden_from_a_reader_is_refused() -> None:
    inputs = torch.randn(2, 4), torch.randn(2, 4)
    program = quantized_elsewhere(Function(read_through_a_view), inputs)
    with pytest.raises(cmopt.CompileError, match="changes its input 'inputs_0'"):
        cmopt.compile(program)


def test_a_functional_program_that_returns_the_inputs_new_value() -> None:
    inputs = torch.randn(2, 4), torch.randn(2, 4)
    exported = torch.export.export(Function(add_and_read), inputs).run_decompositions({})
    said: list[Diagnostic] = []
    with diagnostics_to(said.append):
        compiled = cmopt.compile(exported, allow_float=True)
    assert ["changes the input 'inputs_0' in place" in d.message for d in said] == [True]
    expected = add_and_read(*(x.clone() for x in inputs))
    (result,) = compiled.run(*inputs)
    assert torch.equal(result, expected)


class Inner(nn.Module):
    """A part with a buffer, a tensor that is not a buffer, and a write in forward."""

    def __init__(self, write: Callable[[Any, torch.Tensor], Any]) -> None:
        super().__init__()
        self.register_buffer("past", torch.ones(4))
        self.seen = torch.ones(4)
        self.seen_in_a_list = [torch.ones(4)]
        self.write = write

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(x + self.past + self.seen + self.seen_in_a_list[0])
        self.write(self, y)
        return y


def assign_seen(model: Any, y: torch.Tensor) -> None:
    model.seen = y[0] * 2


def assign_item(model: Any, y: torch.Tensor) -> None:
    model.seen_in_a_list[0] = y[0] * 2


def assign_new(model: Any, y: torch.Tensor) -> None:
    model.for_plots = y


def no_grad(model: Any, y: torch.Tensor) -> None:
    with torch.no_grad():
        model.past.copy_(y[0])


def assign_buffer(model: Any, y: torch.Tensor) -> None:
    model.past = y[0] * 2


def write_data(model: Any, y: torch.Tensor) -> None:
    model.past.data.copy_(y[0])


@pytest.mark.parametrize(
    ("write", "what"),
    [
        (assign_buffer, r"changes its buffer '0\.past'.*; write to it in place"),
        (assign_seen, "keeps something from call to call"),
        (assign_item, "keeps something from call to call"),
        (write_data, r"torch\.export cannot follow a tensor's \.data"),
    ],
)
def test_assignments_that_torch_export_drops(write: Callable[..., Any], what: str) -> None:
    with pytest.raises(cmopt.CompileError, match=what):
        quantize(nn.Sequential(Inner(write)), (torch.randn(2, 4),))


def test_a_buffer_of_a_part() -> None:
    model = nn.Sequential(Inner(no_grad)).eval()
    inputs = frames(4, (2, 4))
    program = cmopt.compile(quantize(model, inputs[0], calibration=inputs))
    assert "0.past" in program.ir("edge")
    check_frame_by_frame(program, nn.Sequential(Inner(no_grad)).eval(), inputs, atol=0.3)


def test_what_is_kept_and_never_read_is_no_state() -> None:
    quantize(nn.Sequential(Inner(assign_new)), (torch.randn(2, 4),))


@pytest.mark.parametrize(
    "kind", [nn.Dropout, nn.Dropout1d, nn.AlphaDropout, nn.FeatureAlphaDropout]
)
def test_an_in_place_dropout_outside_of_training_writes_nothing(kind: Any) -> None:
    x = torch.randn(2, 3, 4)
    program = cmopt.compile(quantize(nn.Sequential(kind(0.5, True), nn.Linear(4, 4)), (x,)))
    assert program.report.float_ops == 0
