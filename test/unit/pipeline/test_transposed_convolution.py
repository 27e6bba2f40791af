"""Transposed convolutions of every geometry compute in integers only."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cmopt.frontend.importer import import_program
from cmopt.interpreters.run import run_module
from cmopt.lowering.convolution_phases import Axis, phase_weights

sys.path.insert(0, str(Path(__file__).parents[1]))
from small_models import Function, check, check_delegate, compiled, kernels, random_inputs

pytestmark = pytest.mark.filterwarnings("ignore")

MODULES: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "doubles": (nn.ConvTranspose2d(3, 4, 2, 2), (1, 3, 4, 5)),
    "doubles, 4": (nn.ConvTranspose2d(3, 4, 4, 2, 1), (2, 3, 4, 5)),
    "output padding": (nn.ConvTranspose2d(3, 4, 3, 2, 1, output_padding=1), (1, 3, 4, 5)),
    "odd result": (nn.ConvTranspose2d(3, 4, 3, 2, 1), (1, 3, 4, 5)),
    "gaps": (nn.ConvTranspose2d(2, 3, 2, 3, output_padding=1), (1, 2, 3, 4)),
    "wide padding": (nn.ConvTranspose2d(2, 3, (1, 5), (2, 1), (2, 4)), (1, 2, 5, 6)),
    "no row is read twice": (nn.ConvTranspose2d(3, 6, 1, 2), (1, 3, 4, 4)),
    "many channels": (nn.ConvTranspose2d(17, 16, 2, 2), (1, 17, 9, 9)),
    "high padding": (nn.ConvTranspose2d(3, 4, 5, 3, 2), (2, 3, 4, 5)),
    "no bias": (nn.ConvTranspose2d(2, 3, 3, bias=False), (1, 2, 4, 4)),
    "dilation": (nn.ConvTranspose2d(2, 3, 3, 2, 1, dilation=2), (1, 2, 4, 4)),
    "1d": (nn.ConvTranspose1d(3, 2, 4, 2, 1), (1, 3, 7)),
    "groups": (nn.ConvTranspose2d(4, 6, 3, 2, 1, groups=2), (1, 4, 4, 5)),
    "groups, batch, 1d": (nn.ConvTranspose1d(4, 4, 4, 2, 1, groups=2), (3, 4, 7)),
}
DEPTHWISE = nn.ConvTranspose2d(5, 5, 4, 2, 1, groups=5), (1, 5, 4, 5)


IN_ONE_CALL = {
    "doubles": "cortex-m55",
    "doubles, 4": "cortex-m55",
    "output padding": "cortex-m55",
    "odd result": "cortex-m55",
    "gaps": "cortex-m55",
    "no row is read twice": "cortex-m55",
    "many channels": "cortex-m55",
    "high padding": "cortex-m4",
}
"""Those for which the kernel for transposed convolutions is taken, and for which target."""


@pytest.mark.parametrize("name", MODULES)
def test_is_one_convolution(name: str) -> None:
    torch.manual_seed(0)
    module, shape = MODULES[name]
    program = compiled(module, shape)
    called = [kernel for kernel in kernels(program) if kernel.endswith("conv2d")]
    assert len(called) == 1
    check(program, shape, steps=1)


@pytest.mark.parametrize("name", IN_ONE_CALL)
def test_is_one_call(name: str) -> None:
    """Nothing moves bytes, except between the caller's layout and the kernel's."""
    torch.manual_seed(0)
    module, shape = MODULES[name]
    program = compiled(module, shape, target=IN_ONE_CALL[name])
    called = [kernel for kernel in kernels(program) if kernel != "transpose"]
    assert called == ["quantized_transpose_conv2d"]
    check(program, shape, steps=1)


def test_moves_stay_where_the_kernel_multiplies_zeros_and_copies_its_filter() -> None:
    shape = (1, 24, 4, 4)
    program = compiled(nn.ConvTranspose2d(24, 24, 4, 2, 1), shape)
    assert "quantized_conv2d" in kernels(program)
    check(program, shape, steps=1)


def test_an_npu_takes_the_convolution() -> None:
    shape = (1, 8, 8, 8)
    module = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ConvTranspose2d(8, 4, 2, 2))
    program = compiled(module, shape, target="cortex-m55+ethos-u55-128")
    assert not any(kernel.endswith("conv2d") for kernel in kernels(program))


@pytest.mark.parametrize("name", [*MODULES, "depthwise"])
def test_an_npu_computes_it_in_one_delegate(name: str) -> None:
    """Within a step of PyTorch's simulation. Phases without a tap, as in "gaps", are the bias."""
    torch.manual_seed(0)
    module, shape = {**MODULES, "depthwise": DEPTHWISE}[name]
    program = compiled(module, shape, target="cortex-m55+ethos-u55-128")
    check_delegate(program, shape)


def test_one_group_for_each_channel_is_one_depthwise_convolution() -> None:
    module, shape = DEPTHWISE
    program = compiled(module, shape)
    assert kernels(program).count("quantized_depthwise_conv2d") == 1
    check(program, shape, steps=1)


def test_takes_in_the_activation_behind_it() -> None:
    shape = (1, 4, 5, 5)
    for activation in (nn.ReLU(), nn.Hardtanh(-0.5, 0.5)):
        module = nn.Sequential(nn.Conv2d(4, 4, 3), nn.ConvTranspose2d(4, 3, 2, 2), activation)
        program = compiled(module, shape)
        called = [kernel for kernel in kernels(program) if kernel != "transpose"]
        assert called == ["quantized_conv2d", "quantized_transpose_conv2d"]
        check(program, shape, steps=3)


@pytest.mark.parametrize("name", MODULES)
def test_means_what_pytorch_computes(name: str) -> None:
    module, shape = MODULES[name]
    (x,) = random_inputs([shape], 0)
    imported = import_program(torch.export.export(Function(lambda m, x: m(x), module).eval(), (x,)))
    assert any(op.name == "edge.conv_transpose2d" for op in imported.walk())
    (result,) = run_module(imported, [x.numpy()])
    np.testing.assert_allclose(result, module(x).detach().numpy(), rtol=1e-5, atol=1e-5)


@st.composite
def axes(draw: st.DrawFn) -> tuple[Axis, int]:
    """An axis, and its output padding."""
    size, taps, stride, dilation = (draw(st.integers(1, high)) for high in (5, 4, 4, 3))
    reach = (size - 1) * stride + dilation * (taps - 1) + 1
    padding = draw(st.integers(0, (reach - 1) // 2))
    more = draw(st.integers(0, max(stride, dilation) - 1))
    output = reach - 2 * padding + more
    return Axis(size, taps, stride, padding, dilation, output, range(stride)), more


@settings(max_examples=200, deadline=None)
@given(axes(), axes(), st.integers(1, 3))
def test_phases_make_up_the_transposed_convolution(
    rows: tuple[Axis, int], columns: tuple[Axis, int], groups: int
) -> None:
    """The sums are exact, because all values are whole numbers."""
    (down, more_rows), (across, more_columns) = rows, columns
    generator = torch.Generator().manual_seed(0)

    def whole(*shape: int) -> torch.Tensor:
        return torch.randint(-9, 10, shape, generator=generator).float()

    x = whole(1, 2 * groups, down.size, across.size)
    weight = whole(2 * groups, 3, down.taps, across.taps)
    expected = torch.conv_transpose2d(
        x, weight, None, (down.stride, across.stride), (down.padding, across.padding),
        (more_rows, more_columns), groups, (down.dilation, across.dilation),
    )  # fmt: skip
    border: list[Any] = [*across.border, *down.border]
    padded = torch.nn.functional.pad(x, border)
    filters = torch.from_numpy(phase_weights(weight.numpy(), groups, down, across))
    phases = torch.conv2d(padded, filters, groups=groups)
    assert phases.shape[2:] == (down.steps, across.steps)
    apart = phases.reshape(groups, down.stride, across.stride, 3, down.steps, across.steps)
    whole_result = apart.permute(0, 3, 4, 1, 5, 2).reshape(
        1, 3 * groups, down.steps * down.stride, -1
    )
    torch.testing.assert_close(whole_result[:, :, : down.output, : across.output], expected)
