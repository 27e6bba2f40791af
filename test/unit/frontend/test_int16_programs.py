"""Programs in int16 that other quantizers and quantization-aware training make."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.export import ExportedProgram
from torch.fx import GraphModule
from torchao.quantization.pt2e import (
    FakeQuantize,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    PerChannelMinMaxObserver,
    move_exported_model_to_eval,
    move_exported_model_to_train,
)
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
from torchao.quantization.pt2e.quantizer import (
    QuantizationAnnotation,
    QuantizationSpec,
    Quantizer,
    SharedQuantizationSpec,
)
from torchao.quantization.pt2e.quantizer.quantizer import Q_ANNOTATION_KEY

import cmopt
from cmopt.frontend.overloads import operator_name
from cmopt.frontend.wide_types import LAYERS

sys.path.insert(0, str(Path(__file__).parents[3] / "demo"))
sys.path.insert(0, str(Path(__file__).parents[1]))
import training
from digits_net import DigitsNet, load
from quantized import is_conversion

pytestmark = pytest.mark.filterwarnings("ignore")

_LIMITS = {torch.int8: (-128, 127), torch.int16: (-32767, 32767)}


class MixedQuantizer(Quantizer):
    """Layers, sums and activations in int8 or int16, as `types` says by operator."""

    def __init__(self, types: dict[str, torch.dtype], *, is_qat: bool = False) -> None:
        super().__init__()
        self._types, self._is_qat = types, is_qat

    def _activation(self, name: str) -> QuantizationSpec:
        dtype = self._types.get(name, torch.int8)
        low, high = _LIMITS[dtype]
        scheme = torch.per_tensor_affine if dtype == torch.int8 else torch.per_tensor_symmetric
        observer: Any = MinMaxObserver
        if self._is_qat:
            observer = FakeQuantize.with_args(observer=MovingAverageMinMaxObserver)
        return QuantizationSpec(dtype, observer, low, high, scheme)

    def _weight(self) -> QuantizationSpec:
        observer: Any = PerChannelMinMaxObserver
        if self._is_qat:
            observer = FakeQuantize.with_args(observer=PerChannelMinMaxObserver)
        return QuantizationSpec(torch.int8, observer, -127, 127, torch.per_channel_symmetric, 0)

    def annotate(self, model: GraphModule) -> GraphModule:
        for node in model.graph.nodes:
            name = operator_name(node)
            spec = self._activation(name)
            if name in LAYERS:
                inputs: Any = {node.args[0]: spec, node.args[1]: self._weight()}
            elif name in ("add", "relu"):
                inputs = dict.fromkeys(node.all_input_nodes, spec)
            elif name in ("avg_pool2d", "flatten"):
                inputs = {node.args[0]: spec}
                shared = SharedQuantizationSpec((node.args[0], node))
                node.meta[Q_ANNOTATION_KEY] = QuantizationAnnotation(inputs, shared, None, True)
                continue
            else:
                continue
            norms = [user for user in node.users if operator_name(user) == "batch_norm"]
            output = None if norms else spec
            node.meta[Q_ANNOTATION_KEY] = QuantizationAnnotation(inputs, output, None, True)
            for norm in norms:  # it becomes part of the convolution
                norm.meta[Q_ANNOTATION_KEY] = QuantizationAnnotation({}, spec, None, True)
        return model

    def validate(self, model: GraphModule) -> None:
        return None


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 6, 3, padding=1)
        self.second = nn.Conv2d(6, 6, 3, padding=1)
        self.head = nn.Linear(6 * 2 * 2, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.first(x))
        x = torch.relu(self.second(x) + x)
        return self.head(torch.flatten(nn.functional.avg_pool2d(x, 4), 1))


def _types(program: ExportedProgram) -> set[torch.dtype]:
    nodes = [n for n in program.graph.nodes if is_conversion(n, "quantize_per_tensor")]
    return {n.args[5] for n in nodes}


def _worst(program: ExportedProgram, inputs: list[torch.Tensor], stage: str) -> int:
    """The largest difference of a stage from what PyTorch computes, in steps of the output."""
    scales = [n.args[1] for n in program.graph.nodes if is_conversion(n, "dequantize_per_tensor")]
    compiled, run = cmopt.compile(program, kernels="cmopt"), program.module(check_guards=False)
    assert compiled.report.float_ops == 0
    with torch.no_grad():
        expected = [run(x) for x in inputs]
    got = [torch.as_tensor(compiled.interpret(x.numpy(), stage=stage)[0]) for x in inputs]
    found = [float((a - b).abs().max()) for a, b in zip(expected, got, strict=True)]
    return round(max(found) / scales[-1])


INT16 = torch.int16
MIXES = [
    {},
    dict.fromkeys(("conv2d", "add", "relu", "avg_pool2d", "flatten", "linear"), INT16),
    {"conv2d": INT16},
    {"add": INT16, "relu": INT16},
    {"linear": INT16, "flatten": INT16},
    {"relu": INT16},
]


@pytest.mark.parametrize("types", MIXES, ids=lambda types: "+".join(types) or "int8")
def test_programs_of_a_quantizer_that_mixes_types(types: dict[str, torch.dtype]) -> None:
    torch.manual_seed(0)
    module = Small().eval()
    inputs = [torch.randn(1, 2, 8, 8) for _ in range(6)]
    graph = torch.export.export(module, (inputs[0],)).module(check_guards=False)
    observed = prepare_pt2e(graph, MixedQuantizer(types))
    for x in inputs:
        observed(x)
    program = torch.export.export(convert_pt2e(observed), (inputs[0],))
    assert (INT16 in _types(program)) == bool(types)
    assert _worst(program, inputs, "quantized") <= 1
    with torch.no_grad():
        run = program.module(check_guards=False)
        errors = torch.cat([run(x) - module(x) for x in inputs])
    assert float(errors.abs().max()) < 0.05


@pytest.mark.parametrize("is_wide", [False, True], ids=["int8", "int16"])
def test_a_program_of_quantization_aware_training(is_wide: bool) -> None:
    """A few steps on digits: the loss falls, and the program computes what PyTorch does."""
    torch.manual_seed(0)
    data = load()
    example = (data.train_images[:32],)
    graph = torch.export.export(DigitsNet().train(), example).module(check_guards=False)
    types = MIXES[1] if is_wide else {}
    prepared = training.prepare(graph, MixedQuantizer(types, is_qat=True))
    move_exported_model_to_train(prepared)
    optimizer = torch.optim.Adam(prepared.parameters(), lr=3e-3)
    losses = []
    for step in range(30):
        rows = slice(32 * step, 32 * step + 32)
        loss = nn.functional.cross_entropy(
            prepared(data.train_images[rows]), data.train_labels[rows]
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert sum(losses[-5:]) < sum(losses[:5]) * 0.85
    move_exported_model_to_eval(prepared)
    converted = training.convert(prepared)
    program = torch.export.export(converted, example)
    assert (INT16 in _types(program)) == is_wide
    # PyTorch adds in another order, so that some values of each layer are a step apart.
    images = [data.test_images[:32], data.test_images[32:64]]
    assert _worst(program, images, "quantized") <= (4 if is_wide else 1)
