"""`quantize` quantizes everything, in every memory format, and keeps source lines."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cmopt.frontend.locations import source_line
from cmopt.frontend.quantize import quantize
from cmopt.support.diagnostics import CompileError

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function, float_operators, is_conversion, name_of, run

pytestmark = pytest.mark.filterwarnings("ignore")


class Small(nn.Module):
    """Convolutions of both kinds, batch norm, residual, pools, linear, softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.drop = nn.Dropout(0.3)
        self.linear = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.conv(x)))
        x = x + self.depthwise(x)
        x = F.max_pool2d(x, 2)
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return self.linear(self.drop(x)).softmax(-1)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_everything_is_quantized_in_both_memory_formats(
    memory_format: torch.memory_format,
) -> None:
    torch.manual_seed(0)
    model = Small().eval().to(memory_format=memory_format)
    x = torch.randn(1, 3, 8, 8).to(memory_format=memory_format)
    program = quantize(model, (x,))
    assert float_operators(program) == []
    names = [name_of(node) for node in program.graph.nodes]
    assert names.count("conv2d") == 2
    assert {"add", "max_pool2d", "avg_pool2d", "linear", "softmax"} <= set(names)
    assert "batch_norm" not in names
    assert (run(program, x) - model(x)).abs().max() < 4 / 256


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        pytest.param(lambda x: x * torch.ones(2, 8), [(2, 8)], id="ones"),
        pytest.param(lambda x: x + torch.full((1, 8), 0.3), [(2, 8)], id="full"),
        pytest.param(lambda x: torch.sigmoid(x + torch.zeros(2, 8)), [(2, 8)], id="zeros"),
        pytest.param(lambda x: x * torch.tensor([1.0, -2.0]), [(3, 2)], id="tensor"),
        pytest.param(lambda x: (x * 2 + 1) / 4 - 0.5, [(2, 8)], id="scalars"),
        pytest.param(lambda x: 1 - x, [(2, 8)], id="reversed"),
        pytest.param(lambda x: torch.rsub(x, 1, alpha=2), [(2, 8)], id="reversed alpha"),
        pytest.param(lambda x, y: torch.add(x, y, alpha=0.5), [(2, 8)] * 2, id="alpha"),
        pytest.param(lambda x: x.mean(1) * x.mean(2), [(2, 5, 5)], id="mean"),
        pytest.param(lambda x: x**2, [(2, 8)], id="square"),
        pytest.param(lambda x: x.softmax(1), [(1, 4, 3)], id="softmax over dim 1"),
        pytest.param(lambda x, y: x * y, [(1, 4, 3, 3), (1, 4, 1, 1)], id="broadcast"),
        pytest.param(lambda x: F.avg_pool1d(x, 3, 2, 1), [(1, 3, 9)], id="avg_pool1d"),
        pytest.param(lambda x: F.avg_pool1d(x, 2), [(3, 9)], id="avg_pool1d unbatched"),
        pytest.param(lambda x: F.max_pool1d(x, 3, 1, 1, 2), [(1, 3, 9)], id="max_pool1d"),
        pytest.param(lambda x: F.adaptive_avg_pool1d(x, 3), [(1, 3, 9)], id="adaptive_avg_pool1d"),
        pytest.param(F.hardsigmoid, [(2, 8)], id="hardsigmoid"),
    ],
)
def test_quantized_without_floats(function: Any, shapes: list[tuple[int, ...]]) -> None:
    torch.manual_seed(1)
    inputs = tuple(torch.randn(shape) for shape in shapes)
    program = quantize(Function(function), inputs)
    assert float_operators(program) == []
    want = function(*inputs)
    # At most three roundings to 8 bits of the range, each half a step, and propagated ones.
    tolerance = 4 * float(want.max() - want.min() + want.abs().max()) / 255
    assert (run(program, *inputs) - want).abs().max() < tolerance


def test_constants_made_in_the_graph_become_int8() -> None:
    program = quantize(Function(lambda x: x * torch.full((2, 8), 3.0)), (torch.randn(2, 8),))
    names = {name_of(node) for node in program.graph.nodes}
    assert not names & {"ones", "full"}
    assert [b.dtype for b in program.state_dict.values()] == [torch.int8]


def test_conv1d_is_quantized() -> None:
    model = nn.Sequential(nn.Conv1d(4, 8, 3, padding=1), nn.ReLU(), nn.Conv1d(8, 4, 5))
    program = quantize(model, (torch.randn(1, 4, 17),))
    assert float_operators(program) == []


@pytest.mark.parametrize(("kind", "size"), [(nn.Conv1d, (9,)), (nn.Conv2d, (9, 9))])
def test_padding_by_name_is_quantized_per_channel(kind: Any, size: tuple[int, ...]) -> None:
    model = nn.Sequential(kind(4, 8, 4, padding="same"), nn.ReLU())
    program = quantize(model, (torch.randn(1, 4, *size),))
    assert float_operators(program) == []
    names = [name_of(node) for node in program.graph.nodes]
    assert names.count("dequantize_per_channel") == 2


def test_an_activation_without_a_fused_kernel_is_quantized_on_its_own() -> None:
    model = nn.Sequential(nn.Conv2d(4, 8, 3), nn.Hardsigmoid())
    program = quantize(model, (torch.randn(1, 4, 9, 9),))
    assert float_operators(program) == []


def test_glu_is_quantized() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.GLU())
    assert float_operators(quantize(model, (torch.randn(2, 4),))) == []


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_the_inside_of_recurrent_operators_is_quantized(kind: Any) -> None:
    torch.manual_seed(2)
    model = Function(lambda rnn, x: rnn(x)[0], kind(4, 6)).eval()
    x = torch.randn(3, 2, 4)
    program = quantize(model, (x,))
    assert float_operators(program) == []
    assert (run(program, x) - model(x)).abs().max() < 0.03


def test_attention_without_a_mask_is_quantized() -> None:
    torch.manual_seed(3)
    attention = nn.MultiheadAttention(16, 2, batch_first=True)
    model = Function(lambda a, x: a(x, x, x, need_weights=False)[0], attention).eval()
    x = torch.randn(1, 6, 16)
    program = quantize(model, (x,))
    assert float_operators(program) == []
    assert (run(program, x) - model(x)).abs().max() < 0.03


@pytest.mark.parametrize(
    ("function", "part", "shape"),
    [
        pytest.param(lambda n, x: n(x), nn.BatchNorm2d(3), (1, 3, 4, 4), id="batch norm"),
        pytest.param(lambda m, x: x @ m.weight, nn.Linear(4, 3), (2, 5, 3), id="matmul"),
        pytest.param(lambda m, x: torch.mm(x, m.weight), nn.Linear(4, 3), (2, 3), id="mm"),
        pytest.param(
            lambda m, x: torch.addmm(m.bias, x, m.weight.t()), nn.Linear(4, 3), (2, 4), id="addmm"
        ),
        pytest.param(
            lambda m, x: m.weight[None, :, :, 0] @ x, nn.Conv1d(3, 4, 1), (1, 3, 5), id="bmm"
        ),
    ],
)
def test_operators_with_parameters(function: Any, part: nn.Module, shape: Any) -> None:
    torch.manual_seed(4)
    for parameter in part.parameters():  # made when the module was imported, from any seed
        parameter.data.uniform_(-0.5, 0.5)
    model = Function(function, part).eval()
    if isinstance(part, nn.BatchNorm2d):
        part.running_mean = torch.tensor([0.5, -1.0, 2.0])
        part.running_var = torch.tensor([0.5, 1.0, 2.0])
        part.weight.data = torch.tensor([1.0, -2.0, 0.5])
    x = torch.randn(shape)
    program = quantize(model, (x,))
    assert float_operators(program) == []
    want = model(x)
    assert (run(program, x) - want).abs().max() < 4 * float(want.max() - want.min()) / 255


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_one_hot_of_an_input(shape: tuple[int, ...]) -> None:
    model = Function(lambda layer, i: layer(F.one_hot(i, 5).float()), nn.Linear(5, 4))
    classes = torch.randint(5, shape)
    want = model(classes)
    assert (run(quantize(model, (classes,)), classes) - want).abs().max() < 0.01


def test_one_hot_of_as_many_classes_as_there_are() -> None:
    model = Function(lambda i: F.one_hot(i).float())
    with pytest.raises(CompileError, match=r"test_quantize\.py:\d+: .*depends on.*num_classes"):
        quantize(model, (torch.tensor([1, 3]),))


def test_writing_through_a_view_keeps_its_meaning() -> None:
    def function(x: torch.Tensor) -> torch.Tensor:
        y = x.clone()
        y.view(-1)[:4].add_(1)
        return y

    x = torch.randn(2, 8)
    assert (run(quantize(Function(function), (x,)), x) - function(x)).abs().max() < 0.05


def test_a_quantized_result_is_not_quantized_again() -> None:
    program = quantize(Function(lambda x: x.softmax(-1)), (torch.randn(2, 8),))
    scales = [n.args[1] for n in program.graph.nodes if is_conversion(n, "quantize")]
    assert len(scales) == 2
    assert scales[1] == 1 / 256


def test_the_users_module_is_untouched() -> None:
    model = Small()
    model.train()
    before = copy.deepcopy(model.state_dict())
    quantize(model, (torch.randn(1, 3, 8, 8),))
    assert all(module.training for module in model.modules())
    assert before.keys() == model.state_dict().keys()
    assert all(torch.equal(v, model.state_dict()[k]) for k, v in before.items())


def test_every_call_has_the_users_line() -> None:
    program = quantize(Small(), (torch.randn(1, 3, 8, 8),))
    with open(__file__) as file:
        lines = file.read().splitlines()
    for node in program.graph.nodes:
        if node.op != "call_function":
            continue
        found = source_line(node)
        assert found is not None, node
        path, number = found
        assert path.endswith("test_quantize.py")
        text = lines[number - 1]
        if name_of(node) in ("conv2d", "linear", "max_pool2d", "avg_pool2d", "softmax"):
            part = {"conv2d": "(x)", "avg_pool2d": "adaptive_avg_pool2d"}.get(name_of(node))
            assert (part or name_of(node)) in text


def test_calibration_sets_the_ranges() -> None:
    model = Function(lambda x: x + x)
    example = torch.zeros(1, 4)
    example[0, 0] = 1.0
    wide = [example * 10, (example * -30,)]
    narrow_scale, wide_scale = (
        next(n.args[1] for n in quantize(model, (example,), calibration=c).graph.nodes
             if is_conversion(n, "quantize"))
        for c in (None, wide)
    )  # fmt: skip
    assert narrow_scale == pytest.approx(1 / 255, rel=0.01)
    assert wide_scale == pytest.approx(40 / 255, rel=0.01)


def test_calibration_may_be_a_generator() -> None:
    quantize(Function(lambda x: x + x), (torch.ones(2),), calibration=(torch.ones(2) for _ in "ab"))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"module": lambda x: x}, TypeError, "torch.nn.Module"),
        ({"example_inputs": torch.ones(2)}, TypeError, "tuple"),
        ({"example_inputs": (1,)}, TypeError, "example_inputs .* hold no tensor"),
        ({"target": "avr"}, ValueError, "unknown target 'avr'; one of cortex-m0"),
        ({"kernels": "fast"}, ValueError, "unknown kernels .*; one of stock"),
        ({"calibration": []}, ValueError, "no inputs"),
        ({"calibration": [torch.ones(3)]}, ValueError, r"\[3\]"),
        ({"calibration": [(torch.ones(2),) * 3]}, ValueError, "3 inputs, not 1"),
    ],
)
def test_rejects(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments = {"module": nn.ReLU(), "example_inputs": (torch.ones(2),)} | changes
    with pytest.raises(error, match=message):
        quantize(**arguments)


def test_the_packages_do_not_import_torch() -> None:
    code = "import sys, cmopt, cmopt.frontend; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
