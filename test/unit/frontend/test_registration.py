"""A process that imports only `cmopt` and `torch` can load a quantized program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import cmopt


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "model.pt2"
    model, x = torch.nn.Linear(4, 3), torch.randn(2, 4)
    torch.export.save(cmopt.quantize(model, (x,)), path)
    return path


@pytest.mark.parametrize(
    "imports",
    [
        "import cmopt, torch",
        "import torch, cmopt",
        "import torch.export.pt2_archive, torch._export.serde.serialize, cmopt",
        "import cmopt, torch, torch._export.serde.serialize",
    ],
)
def test_a_fresh_process_loads_it(imports: str, saved: Path) -> None:
    code = f"{imports}; print(torch.export.load({str(saved)!r}).module()(torch.ones(2, 4)).shape)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "torch.Size([2, 3])", result.stderr


def test_importing_torch_alone_does_not_register_them() -> None:
    """Only a reader of files needs them, and importing them would slow down every start."""
    code = (
        "import cmopt, torch, sys; sys.exit('torch.ao.quantization.fx._decomposed' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
