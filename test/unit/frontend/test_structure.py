"""Inputs and outputs of any structure: numbers, None, dicts, lists, keyword arguments."""

from __future__ import annotations

import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import cmopt
from cmopt.dialects.program import border_names, main_function

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function

pytestmark = pytest.mark.filterwarnings("ignore")

Tensor = torch.Tensor
Detections = namedtuple("Detections", "boxes scores")


def data(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape or (2, 4), generator=torch.Generator().manual_seed(seed))


X, Y = data(1), data(2)


class Detector(nn.Module):
    """Takes every kind of argument."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(
        self,
        x: Tensor,
        scale: float,
        batch: dict[str, Tensor],
        pair: list[Any],
        is_relu: bool = True,
        *,
        mask: Tensor | None = None,
        mode: str = "sum",
        bias: Tensor,
    ) -> dict[str, Any]:
        y = self.linear(x) * scale + batch["image"] + pair[0][1]
        if is_relu:
            y = torch.relu(y)
        if mask is not None:
            y = y * mask
        y = y + bias if mode == "sum" else y
        return {"boxes": y, "extra": [y + 1, None, 3], "both": (batch["Other Key"] * 2, y)}


ARGUMENTS: tuple[Any, ...] = (X, 2.0, {"image": X + 1, "Other Key": X - 1}, [[1, X * 2]], True)
KEYWORDS: dict[str, Any] = {"bias": Y, "mode": "sum", "mask": X.abs()}
NAMES = ["x", "batch_image", "batch_other_key", "pair_0_1", "bias", "mask"]


def near(found: Tensor, wanted: Tensor) -> bool:
    return float((found - wanted).abs().max()) < 0.05 * float(wanted.abs().max())


def test_every_kind_of_argument() -> None:
    torch.manual_seed(0)
    model = Detector().eval()
    exported = cmopt.quantize(model, ARGUMENTS, KEYWORDS, calibration=[(ARGUMENTS, KEYWORDS)] * 2)
    program = cmopt.compile(exported)
    assert program.input_names == NAMES
    assert program.output_names == ["boxes", "extra_0", "both_0", "both_1"]
    assert program.report.inputs == tuple(NAMES)
    assert program.report.outputs == tuple(program.output_names)
    assert "batch_other_key" in str(program.report)
    assert program.report.float_ops == 0
    for stage in ("edge", "planned"):
        names = border_names(main_function(program.module(stage)))
        assert names == (NAMES, program.output_names)
    with torch.no_grad():
        wanted = model(*ARGUMENTS, **KEYWORDS)
    tensors = X, X + 1, X - 1, X * 2, Y, X.abs()
    ran = program.run(*tensors)
    flat = [wanted["boxes"], wanted["extra"][0], *wanted["both"]]
    assert all(near(have, want) for have, want in zip(ran, flat, strict=True))
    again = program.interpret(*tensors, stage="planned")
    assert all(torch.equal(a, b) for a, b in zip(ran, again, strict=True))


def test_inputs_of_a_run_by_name_and_in_their_structure() -> None:
    model = Detector().eval()
    program = cmopt.compile(cmopt.quantize(model, ARGUMENTS, KEYWORDS))
    wanted = program.run(X, X + 1, X - 1, X * 2, Y, X.abs())
    structured = X, {"image": X + 1, "Other Key": X - 1}, [[X * 2]]
    for found in (
        program.run(X, X + 1, X - 1, X * 2, mask=X.abs(), bias=Y),
        program.run(*structured, bias=Y, mask=X.abs()),
        program.interpret(*structured, mask=X.abs(), bias=Y, stage="planned"),
    ):
        assert all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))


def test_a_run_with_wrong_arguments() -> None:
    program = cmopt.compile(cmopt.quantize(Detector(), ARGUMENTS, KEYWORDS))
    order = X, {"Other Key": X - 1, "image": X + 1}, [[X * 2]]
    with pytest.raises(cmopt.CompileError, match=r"'Other Key'.* is not input 'batch_image'"):
        program.run(*order, mask=X.abs(), bias=Y)
    with pytest.raises(cmopt.CompileError, match=r"has no input 'missing'.*batch_image"):
        program.run(X, missing=Y)
    with pytest.raises(cmopt.CompileError, match="input 'x' is given twice"):
        program.run(X, x=Y)
    with pytest.raises(cmopt.CompileError, match="takes 6 inputs, got 1"):
        program.run(X)
    with pytest.raises(cmopt.CompileError, match="a number is a constant of the program"):
        program.run(X, 2.0)


@pytest.mark.parametrize(
    ("model", "inputs", "names", "flat"),
    [
        pytest.param(lambda x: (x * 2, x), (X,), ["output_0", "output_1"], lambda r: r, id="input"),
        pytest.param(lambda x: x, (X,), ["output_0"], lambda r: [r], id="only an input"),
        pytest.param(
            lambda x: ((y := x * 2), y, y + 1),
            (X,), ["output_0", "output_1", "output_2"], lambda r: r, id="repeated"
        ),
        pytest.param(lambda x: (x, x), (X,), ["output_0", "output_1"], lambda r: r, id="twice"),
        pytest.param(
            lambda x: [None, x * 2, 7, "name", x.shape[0], 1.5, True],
            (X,), ["output_1"], lambda r: [r[1]], id="constants",
        ),
        pytest.param(
            lambda x: Detections(x * 2, (x + 1, x - 1)),
            (X,), ["boxes", "scores_0", "scores_1"], lambda r: [r[0], *r[1]], id="namedtuple",
        ),
        pytest.param(
            lambda x: [{"a": x * 2}, {"a": [x + 1]}],
            (X,), ["output_0_a", "output_1_a_0"], lambda r: [r[0]["a"], *r[1]["a"]], id="nested",
        ),
        pytest.param(
            lambda x, y: x - 2 * y, (X, X), ["output_0"], lambda r: [r], id="one tensor twice"
        ),
        pytest.param(
            lambda xs: xs[0] + xs[1], ([X, Y],), ["output_0"], lambda r: [r], id="a list"
        ),
        pytest.param(
            lambda d: d["a"] * d["k"], ({"a": X, "k": 3},), ["output_0"], lambda r: [r], id="a dict"
        ),
        pytest.param(
            lambda x, n, s: x.sum(n) if s else x, (X, 1, True), ["output_0"], lambda r: [r], id="n"
        ),
        pytest.param(lambda x, y: x + 1, (X, None), ["output_0"], lambda r: [r], id="none"),
        pytest.param(
            lambda x: (x * 2, torch.ones(2, 4)), (X,), ["output_0", "output_1"], lambda r: r,
            id="constant",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_quantized", [True, False], ids=["int8", "float"])
def test_structures(
    model: Any, inputs: tuple[Any, ...], names: list[str], flat: Any, is_quantized: bool
) -> None:
    module = Function(model)
    if is_quantized:
        exported = cmopt.quantize(module, inputs)
    else:
        exported = torch.export.export(module, tuple(distinct(inputs)))
    program = cmopt.compile(exported, allow_float=True)
    assert program.output_names == names
    tensors = [x for x in torch.utils._pytree.tree_leaves(inputs) if isinstance(x, Tensor)]
    ran = program.run(*tensors)
    assert all(near(a, b) for a, b in zip(ran, flat(model(*inputs)), strict=True))
    again = program.interpret(*tensors, stage="planned")
    assert all(torch.equal(a, b) for a, b in zip(ran, again, strict=True))


def distinct(inputs: tuple[Any, ...]) -> Any:
    return (x.clone() if isinstance(x, Tensor) else x for x in inputs)


def test_samples_of_a_model_of_one_argument() -> None:
    for given in (X, (X,), [X]):
        cmopt.quantize(Function(lambda x: x * 2), (X,), calibration=[given])
    for given in ({"a": X, "k": 3}, {"k": 3, "a": X}, ({"a": X, "k": 3},)):
        cmopt.quantize(
            Function(lambda d: d["a"] * d["k"]), ({"a": X, "k": 3},), calibration=[given]
        )
    for given in ([X, Y], ([X, Y],)):
        cmopt.quantize(Function(lambda xs: xs[0] + xs[1]), ([X, Y],), calibration=[given])


class Named(nn.Module):
    def forward(self, *, x: Tensor, times: int = 2) -> Tensor:
        return x * times


def test_only_keyword_arguments() -> None:
    keywords: dict[str, Any] = {"x": X, "times": 3}
    exported = cmopt.quantize(Named(), (), keywords, calibration=[keywords, ((), keywords)])
    program = cmopt.compile(exported)
    assert program.input_names == ["x"]
    assert near(program.run(x=X)[0], X * 3)


@pytest.mark.parametrize(
    ("calibration", "error", "message"),
    [
        ([(X, 3.0)], ValueError, r"calibration sample 0: input 1 is 3.0, not 2.0.* constant"),
        ([(X, 2.0), (X, 2)], ValueError, r"calibration sample 1: input 1 is 2, not 2.0.* constant"),
        ([(X, Y)], TypeError, r"calibration sample 0: input 1 must be 2.0, got Tensor"),
        ([(X,)], ValueError, r"calibration sample 0 has 1 inputs, not 2"),
        ([X], ValueError, r"calibration sample 0 has 1 inputs, not 2"),
        ([(2.0, 2.0)], TypeError, r"calibration sample 0: input 0 must be a tensor, got float"),
        ([(X[:1], 2.0)], ValueError, r"input 0 is torch.float32 \[1, 4\], but the example"),
    ],
)  # fmt: skip
def test_a_sample_that_does_not_fit(calibration: Any, error: Any, message: str) -> None:
    model = Function(lambda x, scale: x * scale)
    with pytest.raises(error, match=message):
        cmopt.quantize(model, (X, 2.0), calibration=calibration)


def test_a_sample_of_another_structure() -> None:
    model = Function(lambda d: d["a"] * 2)
    with pytest.raises(ValueError, match="calibration sample 0: its structure is not"):
        cmopt.quantize(model, ({"a": X},), calibration=[({"b": X},)])
    with pytest.raises(ValueError, match="calibration sample 0 must be a pair"):
        cmopt.quantize(Named(), (), {"x": X}, calibration=[(X,)])


@pytest.mark.parametrize(
    ("inputs", "keywords", "message"),
    [
        (([1, {2}],), None, r"example_inputs\[0\]\[1\] must be a tensor, a number.*got set"),
        (({"a": 1j},), None, r"example_inputs\[0\]\['a'\] must be .*got complex"),
        ((X,), {"y": object()}, r"example_kwargs\['y'\] must be .*got object"),
        ([X], None, "example_inputs must be a tuple, not list"),
        ((X,), [X], "example_kwargs must be a dict, not list"),
        ((1, 2), None, "no tensor"),
    ],
)
def test_what_cannot_be_an_input(inputs: Any, keywords: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        cmopt.quantize(Function(lambda *x, **y: x), inputs, keywords)


def test_a_program_without_a_tensor_as_output() -> None:
    exported = torch.export.export(Function(lambda x: x.shape[0]), (X,))
    with pytest.raises(cmopt.CompileError, match="no output that is a tensor"):
        cmopt.compile(exported, allow_float=True)
