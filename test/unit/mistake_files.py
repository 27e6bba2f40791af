"""The files and values that the mistakes of `mistakes.py` are made with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

import cmopt

IR = """\
func.func @forward(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = edge.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}
"""


class Net(torch.nn.Module):
    """Two inputs, the second by keyword, a batch norm and a function."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(8, 4)
        self.norm = torch.nn.BatchNorm1d(4)

    def forward(self, x: torch.Tensor, *, mask: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.linear(x))) * mask


class Unsupported(torch.nn.Module):
    """An operator that no kernel computes."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.linalg.det(x)
        return y + 1


class Complex(torch.nn.Module):
    """A spectrum."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.fft.fft(x).abs()


def write_text_files(folder: Path) -> None:
    """The files that are made without torch."""
    (folder / "model.mlir").write_text(IR)
    (folder / "unknown_op.mlir").write_text(IR.replace("edge.relu", "edge.rellu"))
    (folder / "wrong_type.mlir").write_text(IR.replace("-> tensor<4xf32>\n", "-> tensor<5xf32>\n"))
    (folder / "syntax.mlir").write_text(IR.replace("(%x:", "(%x"))
    (folder / "notes.txt").write_text("hello\n")
    (folder / "net.py").write_text("import torch\n")
    (folder / "picture.mlir").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "directory").mkdir()
    x = np.random.default_rng(0).normal(size=(4, 1, 8)).astype(np.float32)
    mask = np.ones((4, 1, 4), np.float32)
    nan = x.copy()
    nan[2, 0, 3] = np.nan
    for name, arrays in {
        "data": {"x": x, "mask": mask},
        "other_name": {"image": x, "mask": mask},
        "other_shape": {"x": x[:, :, :7], "mask": mask},
        "float64": {"x": x.astype(np.float64), "mask": mask},
        "not_finite": {"x": nan, "mask": mask},
        "other_count": {"x": x[:3], "mask": mask},
        "empty": {"x": x[:0], "mask": mask},
        "one": {"x": x[0], "mask": mask[0]},
        "double": {"x": x[0].astype(np.float64), "mask": mask[0]},
    }.items():
        np.savez(folder / f"{name}.npz", **arrays)
    np.save(folder / "array.npy", x)


def values() -> dict[str, Any]:
    """What the mistakes in Python are made with, by name."""
    torch.manual_seed(0)
    net, x, mask = Net().eval(), torch.randn(1, 8), torch.ones(1, 4)
    exported = cmopt.quantize(net, (x,), {"mask": mask})
    return {
        "cmopt": cmopt, "torch": torch, "net": net, "x": x, "mask": mask, "exported": exported,
        "program": cmopt.compile(exported), "Unsupported": Unsupported, "Complex": Complex,
        "Net": Net,
    }  # fmt: skip


def write_model_files(folder: Path, made: dict[str, Any]) -> None:
    """The files that are made with torch."""
    net, x, mask, exported = (made[name] for name in ("net", "x", "mask", "exported"))
    torch.save(net.state_dict(), folder / "weights.pt")
    torch.export.save(exported, folder / "quantized.pt2")
    torch.export.save(torch.export.export(net, (x,), {"mask": mask}), folder / "float.pt2")
    batch = torch.export.Dim("batch", min=2, max=8)
    many = torch.export.export(
        net, (torch.zeros(4, 8),), {"mask": mask}, dynamic_shapes={"x": {0: batch}, "mask": None}
    )
    torch.export.save(many, folder / "dynamic.pt2")
    spectrum = torch.export.export(Complex(), (torch.zeros(1, 8),))
    torch.export.save(spectrum, folder / "complex.pt2")
    cut = (folder / "quantized.pt2").read_bytes()
    (folder / "cut.pt2").write_bytes(cut[: len(cut) // 2])
    made["program"].save(str(folder / "model.pte"))
