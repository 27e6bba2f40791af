"""Unusual inputs and operators: strides, tensors without dimensions, bad zero points."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import cmopt


class Doubled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + x)


@pytest.mark.parametrize(
    "example",
    [
        torch.randn(3, 2, 4).transpose(0, 1),
        torch.randn(2, 1, 4, 3).transpose(0, 1),
        torch.randn(2, 6)[:, ::2],
    ],
)
def test_the_runtime_takes_two_memory_orders(example: Tensor) -> None:
    """An example with other strides gives the same program as a contiguous one."""
    program = cmopt.compile(cmopt.quantize(Doubled(), (example,)))
    assert "dim_order" not in program.ir("edge").partition("->")[0]
    for x in (example, example.contiguous()):
        assert torch.equal(program.run(x)[0], program.interpret(x)[0])


class Reduced(nn.Module):
    def __init__(self, name: str):
        super().__init__()
        self.name = name

    def forward(self, x: Tensor) -> Tensor:
        result = getattr(torch.relu(x), self.name)(0)
        assert isinstance(result, Tensor)
        return result


@pytest.mark.parametrize("name", ["sum", "mean", "amax", "amin"])
def test_a_tensor_without_dimensions_is_its_own_reduction(name: str) -> None:
    """ExecuTorch's kernels abort the process on these."""
    x = torch.tensor(0.7)
    program = cmopt.compile(cmopt.quantize(Reduced(name), (x,)))
    assert "aten." not in program.ir("edge")
    assert torch.equal(program.run(x)[0], program.interpret(x)[0])
    assert float(program.run(x)[0]) == pytest.approx(0.7, abs=0.01)


def test_a_zero_point_out_of_range_is_an_error_of_the_program() -> None:
    exported = cmopt.quantize(Doubled(), (torch.randn(4),))
    node = next(n for n in exported.graph.nodes if "quantize_per_tensor" in str(n.target))
    node.args = (*node.args[:2], 1000, *node.args[3:])
    with pytest.raises(cmopt.CompileError, match="zero point outside i8"):
        cmopt.compile(exported)
