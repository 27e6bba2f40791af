"""Programs on data sets, from Python and with `cm-run --validate`; the borders of programs."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import cmopt
from cmopt.pipeline import cm_run
from cmopt.pipeline.scores import Difference, Labels
from cmopt.support.diagnostics import CompileError

sys.path.insert(0, str(Path(__file__).parents[1]))


class Classifier(torch.nn.Module):
    """Scores of the classes "the first feature is the largest", … and a second output."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x * 2, x.sum(1)


DATA = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
TARGETS = DATA.argmax(1)
WRONG = torch.where(torch.arange(40) < 4, (TARGETS + 1) % 3, TARGETS)
"""Four of the labels are not what the model says."""


def compiled(io: str) -> cmopt.Program:
    exported = cmopt.quantize(Classifier(), (DATA[:1],), calibration=[DATA])
    return cmopt.compile(exported, io=io)


@pytest.fixture(scope="module")
def programs() -> dict[str, cmopt.Program]:
    return {io: compiled(io) for io in ("float", "int8")}


def test_the_border_of_a_program(programs: dict[str, cmopt.Program]) -> None:
    (x,) = programs["float"].inputs
    assert (x.name, x.shape, x.dtype, x.scale, x.zero_point) == ("x", (1, 3), "float32", None, None)
    (x,), outputs = programs["int8"].inputs, programs["int8"].outputs
    assert (x.name, x.shape, x.dtype, x.dim_order) == ("x", (1, 3), "int8", (0, 1))
    assert [y.name for y in outputs] == ["output_0", "output_1"]
    assert [y.shape for y in outputs] == [(1, 3), (1,)]
    # The numbers are those of the header for firmware.
    header = programs["int8"].header("m")
    for prefix, tensor in (("M_INPUT_0", x), ("M_OUTPUT_0", outputs[0])):
        assert f"#define {prefix}_SCALE {tensor.scale!r}f" in header
        assert f"#define {prefix}_ZERO_POINT ({tensor.zero_point})" in header
    assert x.scale is not None and x.zero_point is not None
    reals = DATA[:1].numpy()
    stored = x.stored(reals)
    assert stored.dtype == np.int8
    np.testing.assert_allclose(x.real(stored), reals, atol=x.scale * 0.51)
    rounded = np.rint(reals / np.float32(x.scale)) + x.zero_point
    assert (stored == rounded.clip(-128, 127)).all()


def test_channels_last_has_the_shape_of_pytorch() -> None:
    image = torch.randn(1, 3, 4, 5)
    exported = cmopt.quantize(torch.nn.Conv2d(3, 2, 1).eval(), (image,))
    program = cmopt.compile(exported, input_layout="NHWC")
    (x,) = program.inputs
    assert x.shape == (1, 3, 4, 5) and x.dim_order == (0, 2, 3, 1)


@pytest.mark.parametrize("io", ["float", "int8"])
@pytest.mark.parametrize("batch", [1, 8, 16])
def test_accuracy(programs: dict[str, cmopt.Program], io: str, batch: int) -> None:
    loader = DataLoader(TensorDataset(DATA, WRONG), batch_size=batch)
    found = programs[io].evaluate(loader, model=Classifier())
    outputs = [programs[io].run(programs[io].inputs[0].stored(x[None].numpy()))[0] for x in DATA]
    predicted = torch.cat(outputs).argmax(1)
    assert found.samples == 40
    right = int((predicted == WRONG).sum())
    assert found.labels is not None and found.labels.correct == right
    assert found.accuracy == right / 40
    assert found.model_labels is not None and found.model_labels.accuracy == 0.9
    assert found.labels.confusion.total() == 40
    assert 20 < found.model["output_0"].snr_db < 60
    assert "accuracy" in str(found) and "float model: accuracy 90.00% (36 of 40)" in str(found)


def test_other_forms_of_data(programs: dict[str, cmopt.Program]) -> None:
    program, x, label = programs["float"], DATA[:1], TARGETS[:1]
    same = program.evaluate([(x, label)])
    for item in (
        (DATA[0], TARGETS[0]), (DATA[0].numpy(), int(TARGETS[0])), [x, label],
        {"x": x, "labels": label}, {"x": x.numpy(), "labels": label.numpy()},
    ):  # fmt: skip
        assert program.evaluate([item]) == same
    expected = Classifier()(x)
    (found,) = [program.evaluate([item]) for item in [(x, expected)]]
    assert found.labels is None and set(found.expected) == {"output_0", "output_1"}
    assert found.expected["output_0"] == program.evaluate([x], model=Classifier()).model["output_0"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "the data holds no samples"),
        ([(DATA[:1], TARGETS[:1], 0)], r"item 0 of the data holds 3 values; the program takes 1"),
        ([DATA[:1, :2]], r"item 0 of the data: input 'x' has shape \[1, 2\], the program takes"),
        ([(DATA[:2], TARGETS[:3])], "has 2 samples, but 3 expected results"),
        ([(DATA[:1], torch.tensor([3]))], "label 3 is not one of the 3 classes of output"),
        ([(DATA[:1], DATA[:1])], "1 outputs are expected, the program has 2"),
        ([{"y": DATA[:1]}], "the program has no input 'y'; it has x"),
    ],
)
def test_data_that_does_not_fit(
    programs: dict[str, cmopt.Program], data: list[object], message: str
) -> None:
    with pytest.raises(CompileError, match=message):
        programs["float"].evaluate(data)


def test_scores_of_one_class_are_no_classification() -> None:
    with pytest.raises(CompileError, match="no scores of classes"):
        Labels().add(np.zeros((1, 1)), np.zeros(1, np.int64), "output 'y'")


def test_labels_of_pixels() -> None:
    scores = np.zeros((1, 2, 2, 2))
    scores[0, 1, 0, 0] = 1
    labels = Labels()
    labels.add(scores, np.array([[[1, 0], [1, 0]]]), "output 'y'")
    assert (labels.correct, labels.total) == (3, 4)
    assert list(labels.lines()) == ["accuracy 75.00% (3 of 4)", "  1 of class 1 taken for 0"]


def test_differences() -> None:
    found = Difference()
    found.add(np.array([1.0, 2.0]), np.array([1.0, 4.0]), "y")
    found.add(np.array([3.0, 0.0]), np.array([2.0, 0.0]), "y")
    assert (found.mean_squared_error, found.largest) == (5 / 4, 2.0)
    assert found.snr_db == pytest.approx(10 * np.log10(21 / 5))


@pytest.fixture(scope="module")
def files(
    programs: dict[str, cmopt.Program], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("programs")
    program = programs["float"]
    program.save(str(folder / "m.pte"))
    (folder / "m.mlir").write_text(program.ir("planned"))
    program.save_c(str(folder / "c"), name="m")
    return {"pte": folder / "m.pte", "mlir": folder / "m.mlir", "c": folder / "c"}


@pytest.mark.parametrize("kind", ["pte", "mlir", "c"])
def test_validate(
    kind: str, files: dict[str, Path], programs: dict[str, cmopt.Program], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    data = tmp_path / "set.npz"
    # The convention of --calibrate is a new first dimension; for a batch of one it may be left out.
    for x in (DATA.numpy(), DATA[:, None].numpy()):
        np.savez(data, x=x, labels=WRONG.numpy())
        assert cm_run.main([str(files[kind]), "--validate", str(data)]) == 0
        found = programs["float"].evaluate(zip(DATA, WRONG, strict=True))
        assert capsys.readouterr().out == f"{found}\n"
    scores, sums = Classifier()(DATA)
    np.savez(data, x=DATA.numpy(), output_0=scores.numpy(), output_1=sums.numpy())
    assert cm_run.main([str(files[kind]), "--validate", str(data)]) == 0
    found = programs["float"].evaluate(zip(DATA, zip(scores, sums, strict=True), strict=True))
    assert capsys.readouterr().out == f"{found}\n"


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": DATA}, "does not say what is expected; add an array 'labels' of classes, or output"),
        ({"x": DATA, "labels": TARGETS[:3]}, "array 'labels' has shape [3], but there are 40"),
        ({"x": DATA, "labels": DATA[:, 0]}, "labels must be integers, got float32"),
        ({"x": DATA, "labels": TARGETS + 5}, "is not one of the 3 classes"),
        ({"x": DATA[:, :2], "labels": TARGETS}, "has shape [40, 2], not [samples, 1, 3]"),
        ({"labels": TARGETS}, "has no array"),
    ],
)
def test_a_set_that_does_not_fit(
    arrays: dict[str, torch.Tensor], message: str, files: dict[str, Path], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    np.savez(tmp_path / "set.npz", **{name: x.numpy() for name, x in arrays.items()})
    # A program file starts a process, so it has one case of each kind.
    kinds = ["mlir", "pte"] if "labels" in arrays and len(arrays["labels"]) == 3 else ["mlir"]
    for kind in kinds:
        assert cm_run.main([str(files[kind]), "--validate", str(tmp_path / "set.npz")]) == 1
        captured = capsys.readouterr()
        assert captured.out == "" and captured.err.count("\n") == 1
        assert message in captured.err
