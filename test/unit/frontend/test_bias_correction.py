"""The mean error of a layer's result goes into its bias."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.export import ExportedProgram

import cmopt
from cmopt.frontend.bias_correction import mean_error
from cmopt.frontend.simulation import KeptSamples, Simulation, noise_ratios, quantizer_of
from cmopt.frontend.structure import Arguments

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function, name_of

pytestmark = pytest.mark.filterwarnings("ignore")


def _samples(*shapes: tuple[int, ...], count: int = 16) -> list[tuple[torch.Tensor, ...]]:
    generator = torch.Generator().manual_seed(1)
    return [tuple(torch.randn(s, generator=generator) + 1 for s in shapes) for _ in range(count)]


def _both(
    module: nn.Module, samples: list[tuple[torch.Tensor, ...]], **options: Any
) -> list[ExportedProgram]:
    return [
        cmopt.quantize(module, samples[0], calibration=samples, bias_correction=on, **options)
        for on in (False, True)
    ]


def _errors(
    program: ExportedProgram, module: nn.Module, samples: list[tuple[torch.Tensor, ...]]
) -> torch.Tensor:
    run = program.module(check_guards=False)
    with torch.no_grad():
        return torch.stack([run(*x) - module(*x) for x in samples])


def _layer(kind: str, bias: bool) -> tuple[nn.Module, tuple[int, ...], int]:
    """A layer, the shape of its input, and the axis of its channels in stacked results."""
    layers: dict[str, tuple[nn.Module, tuple[int, ...], int]] = {
        "linear": (nn.Linear(9, 4, bias=bias), (5, 9), -1),
        "linear of one row": (nn.Linear(9, 4, bias=bias), (9,), -1),
        "conv1d": (nn.Conv1d(3, 4, 3, bias=bias), (2, 3, 9), -2),
        "conv2d": (nn.Conv2d(3, 4, 3, 2, bias=bias), (1, 3, 9, 8), -3),
        "grouped": (nn.Conv2d(4, 4, 3, groups=2, bias=bias), (1, 4, 6, 6), -3),
        "depthwise": (nn.Conv2d(4, 8, 3, groups=4, bias=bias), (2, 4, 6, 6), -3),
        "transposed": (nn.ConvTranspose2d(3, 4, 3, 2, bias=bias), (1, 3, 4, 4), -3),
        "transposed in one dimension": (nn.ConvTranspose1d(3, 4, 3, 2, bias=bias), (1, 3, 5), -2),
        "conv3d": (nn.Conv3d(2, 4, 2, bias=bias), (1, 2, 3, 4, 4), -4),
    }
    return layers[kind]


KINDS = (
    *("linear", "linear of one row", "conv1d", "conv2d", "grouped"),
    *("depthwise", "transposed", "transposed in one dimension", "conv3d"),
)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_the_mean_error_of_a_layer_is_removed(kind: str, bias: bool) -> None:
    torch.manual_seed(0)
    module, shape, axis = _layer(kind, bias)
    samples = _samples(shape, count=128)
    programs = _both(module, samples, kernels="cmopt", precision=cmopt.Precision("int16"))
    before, after = (
        _errors(program, module, samples).movedim(axis, 0).flatten(1).mean(1).abs().max()
        for program in programs
    )
    assert after < before / 20


@pytest.mark.parametrize("kind", KINDS)
def test_the_error_does_not_grow_in_int8(kind: str) -> None:
    torch.manual_seed(0)
    module, shape, _ = _layer(kind, False)
    samples = _samples(shape)
    before, after = (
        float(_errors(program, module, samples).square().sum())
        for program in _both(module, samples)
    )
    assert after <= before * 1.0001


def test_layers_of_a_network_are_corrected_one_after_another() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=8, bias=False), nn.ReLU(),
        nn.Conv2d(8, 8, 1), nn.Flatten(), nn.Linear(128, 6),
    ).eval()  # fmt: skip
    samples = _samples((1, 3, 8, 8), count=40)
    before, after = (
        float(_errors(program, module, samples).square().sum())
        for program in _both(module, samples)
    )
    assert after < before * 0.9


def _layer_errors(*errors: list[float]) -> torch.Tensor:
    """What is corrected of a linear layer's errors; the numbers of one list are one channel's."""
    graph = torch.export.export(nn.Linear(4, len(errors)), (torch.ones(len(errors[0]), 4),)).graph
    (layer,) = [node for node in graph.nodes if node.op == "call_function"]
    exact = torch.tensor(errors).T
    return mean_error(layer, [exact], [torch.zeros_like(exact)])


def test_an_error_that_is_always_the_same_is_corrected() -> None:
    assert _layer_errors([3.0, 3.0], [-1.0, -1.0]).tolist() == [3.0, -1.0]
    assert _layer_errors([0.0, 0.0], [0.0, 0.0]).tolist() == [0.0, 0.0]


def test_what_may_be_chance_is_not_corrected() -> None:
    assert _layer_errors([1.0, -1.0], [0.5, -1.5]).tolist() == [0.0, 0.0]
    assert _layer_errors([7.0]).tolist() == [0.0]
    # Variances 2 and 0 and means 3 and 1: the share is 1 - (2 / 2) / (9 + 1).
    assert _layer_errors([2.0, 4.0], [1.0, 1.0]).tolist() == pytest.approx([2.7, 0.9])


def _biases(program: ExportedProgram) -> int:
    """How many layers have a bias."""
    names = ("linear", "conv1d", "conv2d", "conv_transpose2d")
    layers = [n for n in program.graph.nodes if n.op == "call_function" and name_of(n) in names]
    return sum(len(n.args) > 2 and n.args[2] is not None for n in layers)


def test_a_layer_without_a_bias_gets_one_only_if_it_helps() -> None:
    exact, samples = nn.Linear(4, 4, bias=False), _samples((2, 4))
    exact.weight.data = torch.zeros(4, 4)
    assert [_biases(program) for program in _both(exact, samples)] == [0, 0]
    torch.manual_seed(0)
    rounded = nn.Linear(4, 4, bias=False)
    programs = _both(rounded, samples, kernels="cmopt", precision=cmopt.Precision("int16"))
    assert [_biases(program) for program in programs] == [0, 1]


def test_layers_of_one_weight_share_one_bias() -> None:
    torch.manual_seed(0)
    linear = nn.Linear(4, 4, bias=False)
    module = Function(lambda layer, x: layer(torch.relu(layer(x)) + x), linear)
    samples = _samples((3, 4))
    _, program = _both(module, samples)
    used = [
        node.args[2].args[0]
        for node in program.graph.nodes
        if node.op == "call_function" and name_of(node) == "linear"
    ]
    assert len(used) == 2
    state = {**program.state_dict, **program.constants}
    names = program.graph_signature.inputs_to_buffers | program.graph_signature.inputs_to_parameters
    first, second = (state[names[node.name]] for node in used)
    assert first.shape == second.shape == (4,)


def test_parameters_with_several_names_stay_one() -> None:
    """The linear layers of an unrolled recurrence."""
    torch.manual_seed(0)
    module = Function(lambda rnn, x: rnn(x)[0], nn.GRU(4, 5, 2)).eval()
    samples = _samples((6, 1, 4))
    before, after = _both(module, samples)
    sizes = [cmopt.compile(program).report.constant_bytes for program in (before, after)]
    assert sizes[0] == sizes[1]
    errors = [float(_errors(p, module, samples).square().sum()) for p in (before, after)]
    assert errors[1] <= errors[0]


def test_a_value_without_dimensions_before_a_layer() -> None:
    torch.manual_seed(0)
    module = Function(lambda layer, x: layer(x * x.sum().tanh()), nn.Linear(4, 3))
    for program in _both(module, _samples((2, 4))):
        assert program.module(check_guards=False)(torch.ones(2, 4)).shape == (2, 3)


def test_a_layer_that_stays_in_float_keeps_its_form() -> None:
    module = Function(lambda x, weight: F.linear(x, weight))
    samples = _samples((2, 4), (3, 4))
    for program in _both(module, samples):
        assert _biases(program) == 0


def test_the_result_is_the_same_each_time() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv1d(3, 5, 3), nn.ReLU(), nn.Conv1d(5, 4, 3, bias=False)).eval()
    samples = _samples((1, 3, 12))
    first, second = (
        cmopt.quantize(module, samples[0], calibration=(s for s in samples)) for _ in range(2)
    )
    for name, value in first.state_dict.items():
        assert torch.equal(value, second.state_dict[name])


def test_an_in_place_operator_does_not_change_what_is_compared() -> None:
    torch.manual_seed(0)

    def function(conv: nn.Module, x: torch.Tensor) -> torch.Tensor:
        return conv(x).relu_().add_(1.0)

    module = Function(function, nn.Conv1d(3, 4, 3))
    samples = _samples((1, 3, 9))
    copies = [tuple(x.clone() for x in sample) for sample in samples]
    before, after = (
        float(_errors(p, module, copies).square().sum()) for p in _both(module, samples)
    )
    assert after <= before * 1.0001
    for sample, copy in zip(samples, copies, strict=True):
        assert torch.equal(sample[0], copy[0])


def test_keyword_arguments_and_numbers_among_them() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(
            self, x: torch.Tensor, scale: float, *, other: torch.Tensor, flag: bool
        ) -> torch.Tensor:
            return self.layer(x * scale + (other if flag else x))

    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    x, other = (torch.randn(2, 4, generator=generator) + 1 for _ in range(2))
    for kwargs in ({"other": other, "flag": True}, {"flag": True, "other": other}):
        program = cmopt.quantize(Model(), (x, 0.5), kwargs)
        assert _biases(program) == 1


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 8, 9, 63, 64, 65])
def test_kept_samples_are_spread_evenly(count: int) -> None:
    kept = KeptSamples(4)
    for number in range(count):
        kept.offer(Arguments((torch.tensor([float(number)]),), {}))
    numbers = [int(sample.args[0]) for sample in kept.samples]
    assert len(numbers) == count if count <= 4 else 2 <= len(numbers) <= 4
    assert len({b - a for a, b in pairwise(numbers)}) <= 1
    assert numbers[:1] == ([0] if count else [])
    if count > 4:
        assert count - numbers[-1] <= numbers[1] - numbers[0]


def test_what_a_simulation_says_is_what_the_program_does() -> None:
    """Of a network with all kinds of values: in float, quantized, and constant."""
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    from cmopt.frontend.observers import uses_of_observers
    from cmopt.frontend.quantizer import Int8Quantizer

    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.Hardswish(inplace=True), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(54, 6), nn.Softmax(-1),
    ).eval()  # fmt: skip
    samples = [Arguments(x, {}) for x in _samples((2, 3, 8, 8), count=3)]
    graph = torch.export.export(module, samples[0].args).module(check_guards=False)
    observed = prepare_pt2e(graph, Int8Quantizer())
    for sample in samples:
        observed(*sample.args)
    quantizers = {o: quantizer_of(o) for o in uses_of_observers(observed)}
    exact, rounded = Simulation(observed, samples).run(quantizers)
    converted = convert_pt2e(observed)
    for index, sample in enumerate(samples):
        torch.testing.assert_close(exact[0][index], module(*sample.args))
        torch.testing.assert_close(rounded[0][index], converted(*sample.args), atol=1e-6, rtol=0)
    assert 0 < noise_ratios(exact, rounded)[0] < 0.01
