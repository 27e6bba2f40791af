"""LSTMs of `torch.ao.nn.quantizable`, with and without observers, are quantized as `nn.LSTM` is."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.ao.nn.quantizable import LSTM
from torch.ao.quantization import MinMaxObserver, get_default_qconfig
from torch.ao.quantization.fx.lstm_utils import _get_lstm_with_individually_observed_parts

import cmopt
from cmopt.dialects.cortex_m import DequantizePerTensorOp
from cmopt.frontend.quantizable_lstms import config_of, with_plain_lstms

pytestmark = pytest.mark.filterwarnings("ignore")

INT8 = MinMaxObserver.with_args(dtype=torch.quint8)
INT16 = MinMaxObserver.with_args(dtype=torch.qint32, quant_min=-(2**15), quant_max=2**15 - 1)


class Outputs(nn.Module):
    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.layer(x)[0]
        return outputs


def observed(layers: int = 1, **options: Any) -> nn.Module:
    """An LSTM of 5 units and values with observers in its cells."""
    torch.manual_seed(0)
    layer = nn.LSTM(5, 5, layers)
    layer.qconfig = get_default_qconfig("fbgemm")  # type: ignore[assignment]
    example = (torch.randn(2, 5), (torch.randn(2, 5), torch.randn(2, 5)))
    made: nn.Module = _get_lstm_with_individually_observed_parts(layer, example, **options)
    return made.eval()


@pytest.mark.parametrize("split_gates", [False, True])
def test_two_layers_and_directions(split_gates: bool) -> None:
    """Only `from_float` gives the second layer the size of both directions. It also simulates the
    rounding of sigmoids, so the float layer is the reference."""
    torch.manual_seed(0)
    layer = nn.LSTM(5, 4, 2, bidirectional=True)
    layer.qconfig = get_default_qconfig("fbgemm")  # type: ignore[assignment]
    plain = with_plain_lstms(LSTM.from_float(layer, split_gates=split_gates).eval())
    assert plain.state_dict().keys() == layer.state_dict().keys()
    for name, value in layer.state_dict().items():
        assert torch.equal(plain.state_dict()[name], value)


@pytest.mark.parametrize("split_gates", [False, True])
def test_a_plain_lstm_computes_the_same(split_gates: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(6, 2, 5)
    layers = [
        LSTM(5, 4, split_gates=split_gates),
        LSTM(5, 4, bidirectional=True, split_gates=split_gates),
        LSTM(5, 4, bias=False, batch_first=True, split_gates=split_gates),
        observed(2, split_gates=split_gates),
    ]
    for layer in layers:
        with torch.no_grad():
            outputs, state = layer(x)
            plain = with_plain_lstms(layer)
            assert isinstance(plain, nn.LSTM)
            results, final = plain(x)
            for a, b in zip((outputs, *state), (results, *final), strict=True):
                torch.testing.assert_close(a, b)


def test_an_lstm_inside_a_model_is_replaced() -> None:
    model = nn.Sequential(nn.Linear(5, 5), Outputs(observed()))
    assert isinstance(with_plain_lstms(model).get_submodule("1.layer"), nn.LSTM)


@pytest.mark.parametrize("split_gates", [False, True])
@pytest.mark.parametrize("role", ["linear", "cell_state", "hidden_state"])
def test_the_types_of_the_parts(role: str, split_gates: bool) -> None:
    name = "linear_output_obs_ctr" if role == "linear" else f"{role}_obs_ctr"
    wide: dict[str, Any] = {name: INT16}
    wanted: dict[str, Any] = {role: "int16"}
    config = config_of(observed(split_gates=split_gates, **wide))
    assert config == cmopt.LstmConfig(split_gates=split_gates, **wanted)
    narrow: dict[str, Any] = {name: INT8}
    config = config_of(observed(split_gates=split_gates, **narrow))
    assert config == cmopt.LstmConfig(split_gates=split_gates)


@pytest.mark.parametrize(
    ("module", "role"), [("input_gate", "sigmoid"), ("cell_gate", "tanh"), ("tanh", "tanh")]
)
def test_the_types_of_functions(module: str, role: str) -> None:
    """Their observers are set here, because PyTorch's own back end has none of 16 bits for them."""
    layer: Any = observed()
    cell = layer.layers[0].layer_fw.cell
    (node,) = (node for node in cell.graph.nodes if node.name == module)
    (user,) = node.users
    setattr(cell, user.target, INT16())
    wanted: dict[str, Any] = {role: "int16"}
    assert config_of(layer) == cmopt.LstmConfig(**wanted)


def test_lstms_without_observers() -> None:
    assert config_of(nn.LSTM(5, 5)) is None
    assert config_of(LSTM(5, 5)) == cmopt.LstmConfig()
    assert config_of(LSTM(5, 5, split_gates=True)) == cmopt.LstmConfig(split_gates=True)


def test_different_types_are_refused() -> None:
    model = nn.Sequential(Outputs(observed()), Outputs(observed(cell_state_obs_ctr=INT16)))
    with pytest.raises(ValueError, match="in different types"):
        config_of(model)


@pytest.mark.parametrize("split_gates", [False, True])
@pytest.mark.parametrize("cell_state", [None, INT16], ids=["int8", "int16"])
def test_an_observed_lstm_is_compiled(split_gates: bool, cell_state: Any) -> None:
    """At most 2 steps of the output from PyTorch's simulation. The model is left as it is."""
    layer = observed(2, split_gates=split_gates, cell_state_obs_ctr=cell_state)
    model = Outputs(layer).eval()
    torch.manual_seed(1)
    samples = [(torch.randn(6, 2, 5),) for _ in range(4)]
    exported = cmopt.quantize(model, samples[0], calibration=samples, kernels="cmopt")
    assert model.layer is layer
    program = cmopt.compile(exported, kernels="cmopt")
    assert program.report.float_ops == 0
    assert ("cmopt.lstm" in program.report.ops) == (cell_state is None)
    (cast,) = (
        op for op in program.module("cortex_m").walk() if isinstance(op, DequantizePerTensorOp)
    )
    x = torch.randn(6, 2, 5)
    (result,), wanted = program.run(x), exported.module()(x)
    assert float((result - wanted).abs().max()) <= 2.01 * cast.scale.value.data
    with torch.no_grad():
        expected = model(x)
    assert float((result - expected).norm() / expected.norm()) < 0.1


def test_parts_of_16_bits_need_our_kernels() -> None:
    model = Outputs(observed(cell_state_obs_ctr=INT16))
    with pytest.raises(ValueError, match="parts of 16 bits"):
        cmopt.quantize(model, (torch.randn(6, 2, 5),))
