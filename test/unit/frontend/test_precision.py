"""int16 by module, by type and by operator; weights of 4 and of 16 bits."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.export import ExportedProgram

import cmopt
from cmopt.frontend.annotation import ROOM, room_of

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function, is_conversion, name_of


class Speech(nn.Module):
    """An encoder, a head and scores."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv1d(4, 8, 3, padding=1), nn.ReLU(), nn.Conv1d(8, 8, 3, bias=False)
        )
        self.head = nn.Linear(8, 5)
        self.scores = nn.Softmax(-1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scores(self.head(self.encoder(x).mean(-1)))


def _samples(*shapes: tuple[int, ...], count: int = 4) -> list[tuple[torch.Tensor, ...]]:
    generator = torch.Generator().manual_seed(1)
    return [tuple(torch.randn(s, generator=generator) for s in shapes) for _ in range(count)]


def _quantized(
    module: nn.Module, *shapes: tuple[int, ...], precision: Any, target: str = "cortex-m55"
) -> ExportedProgram:
    samples = _samples(*shapes)
    return cmopt.quantize(
        module,
        samples[0],
        calibration=samples,
        kernels="cmopt",
        precision=precision,
        target=target,
    )


def _speech(precision: Any) -> ExportedProgram:
    torch.manual_seed(0)
    return _quantized(Speech(), (1, 4, 9), precision=precision)


def _types(program: ExportedProgram) -> list[tuple[float, int, torch.dtype]]:
    """Scale, zero point and type of each value of the program, in its order."""
    nodes = [n for n in program.graph.nodes if is_conversion(n, "quantize_per_tensor")]
    return [(n.args[1], n.args[2], n.args[5]) for n in nodes]


def _dtypes(program: ExportedProgram) -> list[torch.dtype]:
    return [dtype for *_, dtype in _types(program)]


def _snr(
    program: ExportedProgram, module: nn.Module, *shapes: tuple[int, ...], is_new: bool = True
) -> float:
    """Signal to noise against the float module in dB, on samples like those of the calibration.

    is_new: whether on other samples, a little smaller, so that they lie in the same ranges.
    """
    samples = _samples(*shapes)
    if is_new:
        generator = torch.Generator().manual_seed(2)
        samples = [
            tuple(torch.randn(s, generator=generator) * 0.8 for s in shapes) for _ in range(8)
        ]
    run = program.module(check_guards=False)
    with torch.no_grad():
        pairs = [(module(*x), run(*x)) for x in samples]
    signal = sum(float(expected.square().sum()) for expected, _ in pairs)
    noise = sum(float((expected - got).square().sum()) for expected, got in pairs)
    return 10 * math.log10(signal / noise)


def test_by_default_all_is_int8() -> None:
    assert set(_dtypes(_speech(None))) == {torch.int8}
    assert _types(_speech(cmopt.Precision())) == _types(_speech(None))


def test_a_whole_model_in_int16() -> None:
    types = _types(_speech(cmopt.Precision("int16")))
    assert {dtype for *_, dtype in types} == {torch.int16}
    assert {zero_point for _, zero_point, _ in types} == {0}
    assert types[-1][0] == 2.0**-15


@pytest.mark.parametrize(
    "pattern", ["encoder.*", "encoder", "enc*", "conv1d", "aten.conv1d.default", nn.Conv1d]
)
def test_patterns_of_all_kinds_name_the_encoder(pattern: Any) -> None:
    dtypes = _dtypes(_speech(cmopt.Precision(int16=[pattern])))
    assert dtypes[0] == torch.int16, "the input, which the first convolution reads"
    assert dtypes[-2:] == [torch.int8, torch.int8], "the head and the scores"
    assert dtypes.count(torch.int16) >= 3


def test_what_an_operator_reads_keeps_the_type_of_what_gives_it() -> None:
    dtypes = _dtypes(_speech(cmopt.Precision(int16=[nn.Softmax])))
    assert dtypes[:-1] == [torch.int8] * (len(dtypes) - 1)
    assert dtypes[-1] == torch.int16


def test_exceptions_from_int16() -> None:
    dtypes = _dtypes(_speech(cmopt.Precision("int16", int8=["head"])))
    assert dtypes[-2:] == [torch.int8, torch.int16]


def test_no_value_is_quantized_twice() -> None:
    """Between operators of different types stands one quantization, the producer's."""
    program = _speech(cmopt.Precision(int16=["encoder.2", "scores"]))
    for node in program.graph.nodes:
        if is_conversion(node, "quantize_per_tensor"):
            (source,) = node.all_input_nodes
            assert not is_conversion(source, "dequantize")


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (lambda x: torch.cat([torch.tanh(x), x.flip(0)]).reshape(-1), ["tanh"]),
        (lambda x: torch.nn.functional.max_pool1d(x * 2, 2), ["mul"]),
        (lambda x: torch.relu(x)[:, 1:].transpose(0, 1), ["relu"]),
    ],
)
def test_operators_that_share_a_range_share_the_type(function: Any, names: list[str]) -> None:
    program = _quantized(Function(function), (3, 4, 6), precision=cmopt.Precision(int16=names))
    assert _dtypes(program)[-1] == torch.int16
    for node in program.graph.nodes:
        if is_conversion(node, "quantize_per_tensor") and node.args[5] == torch.int16:
            assert node.args[2] == 0


@pytest.mark.parametrize("name", ["softmax", "sigmoid", "tanh"])
def test_the_fixed_types_of_scores(name: str) -> None:
    function = {"softmax": lambda x: torch.softmax(x, -1)}.get(name, getattr(torch, name))
    program = _quantized(Function(function), (2, 7), precision=cmopt.Precision("int16"))
    assert _types(program)[-1] == (2.0**-15, 0, torch.int16)


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_for_an_npu_the_scale_of_scores_follows_small_ones(name: str) -> None:
    torch.manual_seed(0)
    model, x = Function(getattr(torch, name)), torch.rand(2, 7) / 8
    wide = cmopt.Precision("int16")
    program = cmopt.quantize(model, (x,), target="cortex-m55+ethos-u55-128", precision=wide)
    largest = float(getattr(torch, name)(x).max())
    assert _types(program)[-1][0] == pytest.approx(1.25 * largest / 32767, rel=1e-6)
    program = cmopt.quantize(model, (x + 9,), target="cortex-m55+ethos-u55-128", precision=wide)
    assert _types(program)[-1][0] == 2.0**-15


def test_a_mask_in_int16_hides_what_it_hides() -> None:
    mask = torch.zeros(5, 5).masked_fill(torch.ones(5, 5).triu(1).bool(), -torch.inf)
    module = Function(lambda x: torch.softmax(x + mask, -1))
    program = _quantized(module, (2, 5, 5), precision=cmopt.Precision("int16"))
    x = torch.randn(2, 5, 5, generator=torch.Generator().manual_seed(3))
    got = program.module(check_guards=False)(x)
    assert not got[mask.expand_as(x) == -torch.inf].any()
    torch.testing.assert_close(got, module(x), atol=3e-4, rtol=0)


@pytest.mark.parametrize("target", ["cortex-m55", "cortex-m55+ethos-u85-256"])
def test_weights_of_16_bits_have_scales_by_channel(target: str) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4))
    precision = cmopt.Precision("int16", weights={"0": 16})
    program = _quantized(module, (3, 6), precision=precision, target=target)
    kinds = [
        (node.args[6], node.args[3])
        for node in program.graph.nodes
        if is_conversion(node, "dequantize_per_channel")
    ]
    assert kinds == [
        (torch.int16, 0), (torch.int32, 0), (torch.int8, 0), (torch.int32, 0),
    ]  # fmt: skip


@pytest.mark.parametrize("function", [None, nn.ReLU()], ids=str)
def test_results_of_layers_have_room_by_the_number_of_samples(function: nn.Module | None) -> None:
    torch.manual_seed(0)
    layer = nn.Conv1d(4, 5, 3)
    module = layer if function is None else nn.Sequential(layer, function)
    types = _types(_quantized(module, (1, 4, 9), precision=cmopt.Precision("int16")))
    samples = torch.stack([x for (x,) in _samples((1, 4, 9))])
    results = module(samples[:, 0])
    room = room_of(results.numel(), is_of_sums=True)
    assert room > 1.4
    wanted = ROOM * samples.abs().max().item(), room * results.abs().max().item()
    for (scale, *_), reach in zip((types[0], types[-1]), wanted, strict=True):
        assert scale * 32767 == pytest.approx(reach, rel=1e-3)


def test_room_shrinks_with_the_number_of_values() -> None:
    rooms = [room_of(count, is_of_sums=True) for count in (1, 12, 30, 1000, 100_000, 10**9)]
    assert rooms[:2] == [4.0, 4.0]
    assert rooms == sorted(rooms, reverse=True)
    assert rooms[2] == pytest.approx(2.905, abs=1e-3)
    assert rooms[-2:] == [ROOM, ROOM]
    assert room_of(1, is_of_sums=False) == ROOM


def test_few_samples_show_only_a_part_of_the_sums() -> None:
    """A convolution with 12 results, calibrated with one sample, on 30 others of the same kind."""
    torch.manual_seed(4)
    module = nn.Conv2d(3, 3, 3, stride=3, bias=False).eval()
    sample, *others = torch.randn(31, 1, 3, 7, 7)
    program = cmopt.quantize(module, (sample,), kernels="cmopt", precision=cmopt.Precision("int16"))
    run = program.module(check_guards=False)
    bound = sample.abs().max()
    inside = [x.clamp(-bound, bound) for x in others]
    expected, got = (torch.cat([f(x) for x in inside]) for f in (module, run))
    assert module(sample).abs().max() * ROOM < expected.abs().max(), "1.25 is not enough here"
    assert expected.square().sum() > 1e4 * (expected - got).square().sum()


@pytest.mark.parametrize("target", ["cortex-m55", "cortex-m55+ethos-u85-256"])
@pytest.mark.parametrize("make", [lambda: nn.Linear(6, 5), lambda: nn.Conv1d(6, 5, 3)])
def test_weights_of_4_bits(make: Any, target: str) -> None:
    """They are from -7 to 7, with a scale for each output channel, which reaches its largest."""
    torch.manual_seed(0)
    module = nn.Sequential(make(), nn.ReLU())
    precision = cmopt.Precision(weights={"0": 4})
    program = _quantized(module, (1, 6, 6), precision=precision, target=target)
    weight, bias = (
        node for node in program.graph.nodes if is_conversion(node, "dequantize_per_channel")
    )
    assert weight.args[3:] == (0, -7, 7, torch.int8)
    assert bias.args[6] == torch.int32
    stored = [value for value in program.state_dict.values() if value.dtype == torch.int8]
    (values,) = stored
    assert values.flatten(1).abs().amax(1).tolist() == [7] * 5


def test_the_last_pattern_of_weights_counts() -> None:
    program = _speech(cmopt.Precision(weights={"*": 4, "head": 16, "encoder.2": 8}))
    kinds = [
        (node.args[4], node.args[5])
        for node in program.graph.nodes
        if is_conversion(node, "dequantize_per_channel") and node.args[6] != torch.int32
    ]
    assert kinds == [(-7, 7), (-128, 127), (-32767, 32767)]


def test_stock_kernels_take_weights_of_4_bits() -> None:
    (x,) = _samples((1, 4, 9), count=1)
    cmopt.quantize(Speech(), x, precision=cmopt.Precision(weights={"head": 4}))


def test_more_bits_are_more_exact() -> None:
    torch.manual_seed(0)
    module = Speech().eval()
    found = [
        _snr(_quantized(module, (1, 4, 9), precision=precision), module, (1, 4, 9))
        for precision in (
            None,
            cmopt.Precision("int16", weights={"*": 4}),
            cmopt.Precision("int16"),
            cmopt.Precision("int16", weights={"*": 16}),
        )
    ]
    assert found[0] + 15 < found[2] < found[3] - 5
    assert found[1] + 15 < found[2], "4 bits fewer are up to 24 dB"


def test_a_transposed_convolution_in_groups_with_weights_of_16_bits() -> None:
    torch.manual_seed(0)
    module = nn.ConvTranspose2d(4, 6, 3, 2, groups=2).eval()
    precision = cmopt.Precision("int16", weights={"conv_transpose2d": 16})
    assert _snr(_quantized(module, (1, 4, 5, 5), precision=precision), module, (1, 4, 5, 5)) > 75


def test_parts_of_an_operator_that_is_taken_apart() -> None:
    torch.manual_seed(0)
    module = Function(lambda rnn, x: rnn(x)[0], nn.GRU(4, 6)).eval()
    program = _quantized(module, (3, 2, 4), precision=cmopt.Precision(int16=[nn.GRU]))
    assert set(_dtypes(program)) == {torch.int16}


@pytest.mark.parametrize(
    ("pattern", "close"),
    [("encodr.*", "encoder.0"), ("sofmax", "softmax"), (nn.LSTM, "LSTM"), ("aten.conv1", "conv1d")],
)
def test_a_pattern_without_a_match_is_refused(pattern: Any, close: str) -> None:
    with pytest.raises(ValueError, match=close):
        _speech(cmopt.Precision(int16=[pattern]))
    with pytest.raises(ValueError, match="no module"):
        _speech(cmopt.Precision(weights={pattern: 16}))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"default": "int4"}, ValueError),
        ({"int16": "encoder"}, TypeError),
        ({"int16": [3]}, TypeError),
        ({"int16": [int]}, TypeError),
        ({"int8": 3}, TypeError),
        ({"weights": ["encoder"]}, TypeError),
        ({"weights": {"encoder": 2}}, ValueError),
        ({"weights": {"encoder": 4.5}}, ValueError),
        ({"weights": {"encoder": True}}, ValueError),
    ],
)
def test_invalid_arguments(arguments: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        cmopt.Precision(**arguments)


@pytest.mark.parametrize(
    "precision",
    [
        cmopt.Precision("int16"),
        cmopt.Precision(int16=["head"]),
        cmopt.Precision(weights={"head": 16}),
    ],
)
def test_stock_kernels_have_no_int16(precision: cmopt.Precision) -> None:
    (x,) = _samples((1, 4, 9), count=1)
    with pytest.raises(ValueError, match='kernels="cmopt"'):
        cmopt.quantize(Speech(), x, precision=precision)
    cmopt.quantize(Speech(), x, precision=cmopt.Precision(int8=["head"], weights={"head": 8}))


def test_precision_of_another_kind() -> None:
    (x,) = _samples((1, 4, 9), count=1)
    with pytest.raises(TypeError, match="Precision"):
        cmopt.quantize(Speech(), x, kernels="cmopt", precision={"default": "int16"})  # type: ignore[arg-type]


def _magnitude(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a**2 + b * b).sqrt()


MAGNITUDES = [
    _magnitude,
    lambda a, b: (a.square() + b.square()) ** 0.5,
    lambda a, b: torch.log(a * a + b * b + 1e-3),
    lambda a, b: torch.log(torch.clamp(a**2 + b**2, min=1e-2)),
    torch.hypot,
]


@pytest.mark.parametrize("function", MAGNITUDES)
def test_a_magnitude_in_int16_is_rounded_at_its_ends_only(function: Any) -> None:
    module = Function(function)
    shapes = (2, 3, 5), (2, 3, 5)
    program = _quantized(module, *shapes, precision=cmopt.Precision("int16"))
    assert len(_types(program)) in (3, 4)
    names = [name_of(n) for n in program.graph.nodes if n.op == "call_function"]
    assert "hypot" in names
    scales = [scale for scale, *_ in _types(program)]
    assert scales[0] == scales[1], "the kernel squares both in steps of one scale"
    assert _snr(program, module, *shapes, is_new=False) > 75


@pytest.mark.parametrize(
    ("function", "precision", "target"),
    [
        (_magnitude, None, "cortex-m55"),
        (_magnitude, cmopt.Precision("int16"), "cortex-m55+ethos-u85-256"),
        (lambda a, b: a**2 + b**2, cmopt.Precision("int16"), "cortex-m55"),
        (lambda a, b: (a**2 + 2 * b**2).sqrt(), cmopt.Precision("int16"), "cortex-m55"),
        (lambda a, b: (a**2 + b[:, :1] ** 2).sqrt(), cmopt.Precision("int16"), "cortex-m55"),
        (lambda a, b: (a**3 + b**2).sqrt(), cmopt.Precision("int16"), "cortex-m55"),
        (lambda a, b: (a**2).sqrt() + b**2, cmopt.Precision("int16"), "cortex-m55"),
    ],
)
def test_what_is_no_magnitude_in_int16(function: Any, precision: Any, target: str) -> None:
    shapes = (2, 3, 5), (2, 3, 5)
    program = _quantized(Function(function), *shapes, precision=precision, target=target)
    names = [name_of(n) for n in program.graph.nodes if n.op == "call_function"]
    assert "hypot" not in names


def test_squares_that_are_read_elsewhere_stay() -> None:
    def function(a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        square = a**2
        return (square + b**2).sqrt(), square

    shapes = (2, 3, 5), (2, 3, 5)
    program = _quantized(Function(function), *shapes, precision=cmopt.Precision("int16"))
    assert "hypot" not in [name_of(n) for n in program.graph.nodes if n.op == "call_function"]


@pytest.mark.parametrize(
    "module",
    [
        nn.LayerNorm(64),
        nn.RMSNorm(64),
        nn.Softmax(-1),
        nn.LogSoftmax(-1),
        nn.GELU(),
        nn.GELU("tanh"),
        nn.SiLU(),
    ],
    ids=lambda module: str(module).partition("(")[0],
)
def test_functions_in_int16_have_65_db_on_other_data(module: nn.Module) -> None:
    samples = _samples((4, 64), count=96)
    program = cmopt.quantize(
        module, samples[0], calibration=samples[:64], kernels="cmopt",
        precision=cmopt.Precision("int16"),
    )  # fmt: skip
    run = program.module(check_guards=False)
    with torch.no_grad():
        pairs = [(module(*x), run(*x)) for x in samples[64:]]
    signal = sum(float(expected.square().sum()) for expected, _ in pairs)
    noise = sum(float((expected - got).square().sum()) for expected, got in pairs)
    assert 10 * math.log10(signal / noise) > 65


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM])
def test_a_recurrence_in_int16_is_as_exact_as_its_weights(kind: type[nn.Module]) -> None:
    """Three layers, 20 steps: within 1 dB of float activations with the same int8 weights."""
    torch.manual_seed(0)
    module = Function(lambda rnn, x: rnn(x)[0], kind(8, 16, 3)).eval()
    samples = [(x * 0.7,) for (x,) in _samples((20, 1, 8), count=36)]
    program = cmopt.quantize(
        module, samples[0], calibration=samples[:24], kernels="cmopt",
        precision=cmopt.Precision("int16"), bias_correction=False,
    )  # fmt: skip
    exact = _in_float(program)
    errors = [
        sum(float((module(*x) - run(*x)).detach().square().sum()) for x in samples[24:])
        for run in (program.module(check_guards=False), exact)
    ]
    assert errors[0] != errors[1]
    assert 10 * math.log10(errors[0] / errors[1]) < 1


def _in_float(program: ExportedProgram) -> torch.fx.GraphModule:
    """The program without the rounding of activations, also in loops; weights stay rounded."""
    graph = program.module(check_guards=False)
    for part in graph.modules():
        if not isinstance(part, torch.fx.GraphModule):
            continue
        for node in list(part.graph.nodes):
            if is_conversion(node, "dequantize_per_tensor"):
                quantize = node.args[0]
                if is_conversion(quantize, "quantize_per_tensor"):
                    node.replace_all_uses_with(quantize.args[0])
        part.graph.eliminate_dead_code()
        part.recompile()
    return graph
