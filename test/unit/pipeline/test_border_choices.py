"""Each input and output has its type and its memory order."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

import cmopt
from cmopt.dialects.program import DIM_ORDER, border_attributes, main_function
from cmopt.pipeline.cm_compile import by_name
from cmopt.pipeline.cm_compile import main as cm_compile
from cmopt.support.diagnostics import CompileError


class TwoHeads(nn.Module):
    """An image and a vector in, a map and scores out."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.map = nn.Conv2d(3, 8, 3, 1, 1), nn.Conv2d(8, 4, 1)
        self.scores = nn.Linear(8, 5)

    def forward(self, image: Tensor, gain: Tensor) -> dict[str, Tensor]:
        x = torch.relu(self.body(image))
        return {"map": self.map(x), "scores": self.scores(x.mean((2, 3))) * gain}


@cache
def exported() -> ExportedProgram:
    torch.manual_seed(0)
    batches = [(torch.randn(1, 3, 10, 9), torch.rand(1, 5)) for _ in range(4)]
    return cmopt.quantize(TwoHeads().eval(), batches[0], calibration=batches)


def arguments(seed: int = 5) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((1, 3, 10, 9), generator=generator), torch.rand((1, 5), generator=generator)


def dtypes(program: cmopt.Program, *inputs: Tensor) -> list[torch.dtype]:
    return [y.dtype for y in program.run(*inputs)]


def test_names() -> None:
    program = cmopt.compile(exported())
    assert program.input_names == ["image", "gain"] and len(program.output_names) == 2


def test_each_border_has_its_type() -> None:
    whole = cmopt.compile(exported())
    image, gain = arguments()
    first, second = whole.output_names
    program = cmopt.compile(exported(), io={"image": "int8", first: "int8", second: "float"})
    assert program.io == f"image=int8, {first}=int8, {second}=float"
    func = main_function(program.module("planned"))
    kind = border_attributes(func.arg_attrs, 2)[0]["quant.type"].element_type  # type: ignore[attr-defined]
    stored = torch.quantize_per_tensor(
        image, kind.scale, kind.zero_point, torch.qint8
    ).int_repr()  # fmt: skip
    assert dtypes(program, stored, gain) == [torch.int8, torch.float32]
    assert torch.equal(program.run(stored, gain)[1], whole.run(image, gain)[1])
    for ran, meant in zip(program.run(stored, gain), program.interpret(stored, gain), strict=True):
        assert torch.equal(ran, meant)


@pytest.mark.parametrize("io", ["float", "int8"])
def test_the_memory_order_is_the_callers(io: str) -> None:
    """Values and shapes stay; the file declares the order, and no byte is moved at the input."""
    whole = cmopt.compile(exported(), io=io)
    program = cmopt.compile(exported(), io=io, input_layout="NHWC", output_layout="NHWC")
    image, gain = arguments()
    if io == "int8":
        image, gain = ((x * 40).round().clamp(-128, 127).to(torch.int8) for x in (image, gain))
    for ours, theirs in zip(program.run(image, gain), whole.run(image, gain), strict=True):
        assert torch.equal(ours, theirs)
    for ours, theirs in zip(program.interpret(image, gain), whole.run(image, gain), strict=True):
        assert torch.equal(ours, theirs)
    entries = border_attributes(main_function(program.module("planned")).arg_attrs, 2)
    assert DIM_ORDER in entries[0] and DIM_ORDER not in entries[1]
    assert not {name for name in program.report.ops if "transpose" in name}
    assert {name for name in whole.report.ops if "transpose" in name}


def test_a_channels_last_model_may_have_row_major_borders() -> None:
    torch.manual_seed(0)
    batches = [
        (torch.randn(1, 3, 10, 9).to(memory_format=torch.channels_last), torch.rand(1, 5))
        for _ in range(4)
    ]
    last = cmopt.quantize(TwoHeads().eval(), batches[0], calibration=batches)
    layout = {"image": "NCHW"}
    program = cmopt.compile(last, input_layout=layout, output_layout="NCHW")
    func = main_function(program.module("planned"))
    assert DIM_ORDER not in border_attributes(func.arg_attrs, 2)[0]
    assert all(DIM_ORDER not in entry for entry in border_attributes(func.res_attrs, 2))
    for ours, theirs in zip(
        program.run(*arguments()), cmopt.compile(last).run(*arguments()), strict=True
    ):
        assert torch.equal(ours, theirs)


def test_mistakes() -> None:
    with pytest.raises(CompileError, match="no input or output 'picture'; it has image, gain"):
        cmopt.compile(exported(), io={"picture": "int8"})
    with pytest.raises(CompileError, match="unknown io 'int4'"):
        cmopt.compile(exported(), io={"image": "int4"})
    with pytest.raises(CompileError, match="input 'gain' has rank 2"):
        cmopt.compile(exported(), input_layout={"gain": "NHWC"})
    with pytest.raises(CompileError, match="unknown layout 'NHCW'"):
        cmopt.compile(exported(), input_layout="NHCW")


def test_on_the_command_line(tmp_path: Path) -> None:
    model, out = str(tmp_path / "m.pt2"), str(tmp_path / "m.pte")
    torch.export.save(exported(), model)
    options = ["--io", "image=int8", "--input-layout", "image=NHWC", "--output-layout", "NHWC"]
    assert cm_compile([model, "-o", out, *options]) == 0
    wanted = cmopt.compile(
        exported(), io={"image": "int8"}, input_layout={"image": "NHWC"}, output_layout="NHWC"
    )
    assert Path(out).read_bytes() == wanted.pte
    assert by_name("a=int8,b=float") == {"a": "int8", "b": "float"}
    with pytest.raises(CompileError, match="write name=choice"):
        by_name("a=int8,float")
