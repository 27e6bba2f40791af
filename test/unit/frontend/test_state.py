"""A program that changes an input or a buffer is refused, whichever flow quantized it."""

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
    """relu(x + h + buffer), and a write to one of them."""

    def __init__(self, write: Callable[[Any, torch.Tensor, torch.Tensor], Any]) -> None:
        super().__init__()
        self.register_buffer("past", torch.ones(4))
        self.register_buffer("count", torch.zeros(1, dtype=torch.int64))
        self.write = write

    def forward(self, x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        y = torch.relu(x + h + self.past)
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


@pytest.mark.parametrize("case", WRITES)
def test_quantize_refuses(case: str) -> None:
    write, what = WRITES[case]
    with pytest.raises(cmopt.CompileError, match=rf"test_state\.py:\d+.* changes its {what}"):
        quantize(Stateful(write), INPUTS)


@pytest.mark.parametrize("case", WRITES)
def test_compile_refuses_what_another_flow_quantized(case: str) -> None:
    """PT2E keeps the names of inputs, but loses those of buffers."""
    write, what = WRITES[case]
    named = f"its {what}" if what.startswith("input") else "a buffer of the model"
    program = quantized_elsewhere(Stateful(write), INPUTS)
    with pytest.raises(cmopt.CompileError, match=rf"test_state\.py:\d+.* changes {named};"):
        cmopt.compile(program)


def test_statistics_that_are_still_learnt_are_state() -> None:
    def function(bn: Any, x: torch.Tensor) -> torch.Tensor:
        return F.batch_norm(x, bn.running_mean, bn.running_var, training=True)

    model = Function(function, nn.BatchNorm1d(4))
    with pytest.raises(cmopt.CompileError, match=r"changes its buffer 'parts\.0\.running_mean'"):
        quantize(model, (torch.randn(8, 4),))


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
        (assign_buffer, "changes its buffer '0.past'"),
        (assign_seen, "keeps something from call to call"),
        (assign_item, "keeps something from call to call"),
        (no_grad, "changes its buffer '0.past'"),
        (write_data, r"torch\.export cannot follow a tensor's \.data"),
    ],
)
def test_assignments_that_torch_export_drops(write: Callable[..., Any], what: str) -> None:
    with pytest.raises(cmopt.CompileError, match=what):
        quantize(nn.Sequential(Inner(write)), (torch.randn(2, 4),))


def test_a_write_without_gradients_is_refused_at_compile_too() -> None:
    exported = torch.export.export(nn.Sequential(Inner(no_grad)), (torch.randn(2, 4),))
    with pytest.raises(cmopt.CompileError, match=r"test_state\.py:\d+.* its buffer '0.past'"):
        cmopt.compile(exported, allow_float=True)


def test_what_is_kept_and_never_read_is_no_state() -> None:
    quantize(nn.Sequential(Inner(assign_new)), (torch.randn(2, 4),))


@pytest.mark.parametrize(
    "kind", [nn.Dropout, nn.Dropout1d, nn.AlphaDropout, nn.FeatureAlphaDropout]
)
def test_an_in_place_dropout_outside_of_training_writes_nothing(kind: Any) -> None:
    x = torch.randn(2, 3, 4)
    program = cmopt.compile(quantize(nn.Sequential(kind(0.5, True), nn.Linear(4, 4)), (x,)))
    assert program.report.float_ops == 0
