"""A model that a stock ExecuTorch build cannot run is refused at compile time, at its line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

import cmopt

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function

Tensor = torch.Tensor
VOLUME, IMAGE, ROWS = torch.randn(1, 2, 4, 4, 4), torch.randn(1, 2, 7, 9), torch.randn(3, 4)


def compiled(function: Callable[..., Any], *inputs: Tensor) -> cmopt.Program:
    return cmopt.compile(torch.export.export(Function(function), inputs), allow_float=True)


@pytest.mark.parametrize(
    ("function", "inputs", "kernel"),
    [
        (F.conv3d, (VOLUME, torch.randn(3, 2, 2, 2, 2)), "convolution.out, which takes 3 to 4 dim"),
        (F.conv_transpose3d, (VOLUME, torch.randn(2, 3, 2, 2, 2)), "convolution.out, which takes"),
        (lambda x: F.max_pool3d(x, 2), (VOLUME,), "max_pool3d_with_indices.out, which a stock"),
        (lambda x: torch.sort(x)[0], (ROWS,), "sort.values, which a stock ExecuTorch build"),
        (lambda x: F.adaptive_avg_pool2d(x, (3, 5)), (IMAGE,), "adaptive_avg_pool2d.out, which"),
        (torch.erfinv, (ROWS,), "erfinv.out, which a stock ExecuTorch build does not have"),
        (lambda x: torch.linalg.vector_norm(x, 1), (ROWS,), "linalg_vector_norm.out, which a"),
    ],
    ids=["conv3d", "conv_transpose3d", "max_pool3d", "sort", "uneven", "erfinv", "norm_of_order_1"],
)
def test_is_refused_at_compile(
    function: Callable[..., Any], inputs: tuple[Tensor, ...], kernel: str
) -> None:
    with pytest.raises(cmopt.CompileError, match=kernel) as caught:
        compiled(function, *inputs)
    assert "quantized.py:" in str(caught.value)  # where the model calls the function
    assert "replace the operator in the model" in str(caught.value)


@pytest.mark.parametrize(
    ("is_smoothed", "kernel"), [(False, "upsample_bilinear2d.vec_out"), (True, "_aa.out")]
)
def test_bilinear_images_of_bytes_are_refused(is_smoothed: bool, kernel: str) -> None:
    def function(x: Tensor) -> Tensor:
        return F.interpolate(x, size=(4, 5), mode="bilinear", antialias=is_smoothed)

    with pytest.raises(cmopt.CompileError, match=f"{kernel}, which rounds uint8 oth") as caught:
        compiled(function, IMAGE.to(torch.uint8))
    assert "convert the image to float32 first, and round the result" in str(caught.value)


def test_ranks_beyond_the_runtimes() -> None:
    with pytest.raises(cmopt.CompileError, match="a tensor of 17 dimensions, the runtime takes 16"):
        compiled(lambda x: x + 1, torch.randn([1] * 17))
    assert compiled(lambda x: x + 1, torch.randn([1] * 16)).pte


INDEX = torch.tensor([2, 0])


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (lambda x: F.linear(x, torch.eye(4)).argmax(-1) + 1, (ROWS,)),
        (lambda x: torch.where(x > 0, x, 0.5), (ROWS,)),
        (lambda x: torch.where(x > 0, 1.0, 0.0), (ROWS,)),
        (lambda x: (x + 1.5) // 2, (torch.arange(6, dtype=torch.int32),)),
        (lambda x, i: x[i], (ROWS, INDEX)),
        (lambda x, i: x[:, i], (ROWS, INDEX)),
        (lambda x, i, v: x.index_put((i,), v), (ROWS, INDEX, torch.randn(2, 4))),
        (lambda x, i, v: x.index_copy(0, i, v), (ROWS, INDEX, torch.randn(2, 4))),
        (lambda x: x.std(), (ROWS,)),
        (lambda x: F.interpolate(x, scale_factor=2.0, mode="bilinear"), (IMAGE,)),
    ],
    ids=[
        *("argmax_plus_one", "where_number", "where_numbers", "floor_divide", "index"),
        *("index_second", "index_put", "index_copy", "std", "interpolate"),
    ],
)
def test_arguments_are_of_the_kinds_that_the_schema_says(
    function: Callable[..., Any], inputs: tuple[Tensor, ...]
) -> None:
    """A number passed as a tensor, or a list of optional tensors or floats, does not abort."""
    expected = function(*inputs)
    (actual,) = compiled(function, *inputs).run(*inputs)
    assert actual.dtype == expected.dtype
    torch.testing.assert_close(actual, expected)
