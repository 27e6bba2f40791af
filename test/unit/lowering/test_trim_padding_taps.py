"""Trimming changes no bit and no output size, and removes all unused taps of Wav2Letter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cmopt.dialects.parsing import make_context, parse_module
from cmopt.lowering.trim_padding_taps import Axis
from cmopt.pipeline.interpreting import interpret
from cmopt.pipeline.passes import parse_pipeline, run_passes

# Powers of two: float32 sums are exact, so their order does not matter.
Q, W = "!quant.uniform<i8:f32, 0.5:-9>", "!quant.uniform<i8:f32, 0.25>"


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    size, taps = draw(st.integers(1, 9)), draw(st.integers(1, 12))
    stride, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    padding = st.integers(0, dilation * (taps - 1))
    axis = Axis(size, taps, stride, draw(padding), draw(padding), dilation)
    assume(axis.output >= 1)
    return axis


@given(axes())
def test_a_tap_is_live_where_some_position_reads_the_input(axis: Axis) -> None:
    """Compared with every position one by one."""
    for tap in range(axis.taps):
        first = tap * axis.dilation - axis.before
        reads = [first + i * axis.stride for i in range(axis.output)]
        assert axis.is_live(tap) == any(0 <= at < axis.size for at in reads)


@settings(max_examples=60, deadline=None)
@given(axes(), axes(), st.booleans(), st.booleans(), st.integers(0, 2**32 - 1))
def test_changes_no_bit(h: Axis, w: Axis, nhwc: bool, depthwise: bool, seed: int) -> None:
    channels, groups = 2, 2 if depthwise else 1
    input, weight = [2, channels, h.size, w.size], [4, channels // groups, h.taps, w.taps]
    output = [2, 4, h.output, w.output]
    order = (0, 2, 3, 1) if nhwc else (0, 1, 2, 3)
    x, k, y = ("x".join(str(shape[i]) for i in order) for shape in (input, weight, output))
    random = np.random.default_rng(seed)
    values = random.integers(-127, 128, [weight[i] for i in order]).astype(np.int8)
    attributes = (
        f"stride = array<i64: {h.stride}, {w.stride}>, "
        f"padding = array<i64: {h.before}, {h.after}, {w.before}, {w.after}>, "
        f"dilation = array<i64: {h.dilation}, {w.dilation}>, groups = {groups} : i64, "
        f'data_format = "{"NHWC" if nhwc else "NCHW"}"'
    )
    text = f"""func.func @forward(%x: tensor<{x}x{Q}>) -> tensor<{y}x{Q}> {{
      %c = arith.constant dense<{values.tolist()}> : tensor<{k}xi8>
      %w = quant.scast %c : tensor<{k}xi8> to tensor<{k}x{W}>
      %y = edge.conv2d %x, %w {{{attributes}}}
        : (tensor<{x}x{Q}>, tensor<{k}x{W}>) -> tensor<{y}x{Q}>
      func.return %y : tensor<{y}x{Q}>
    }}"""
    module = parse_module(make_context(), text)
    data = random.integers(-128, 128, [input[i] for i in order]).astype(np.int8)
    (before,) = interpret(module, [data])
    run_passes(make_context(), module, parse_pipeline("trim-padding-taps"))
    (after,) = interpret(module, [data])
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize(
    ("axis", "taps"),
    [(Axis(4, 48, 2, 23, 23, 1), 6), (Axis(2, 7, 1, 3, 3, 1), 3), (Axis(2, 32, 1, 16, 16, 1), 4)],
)
def test_wav2letter_on_700_samples(axis: Axis, taps: int) -> None:
    assert axis.trimmed()[0].taps == taps


@given(axes())
def test_keeps_the_geometry(axis: Axis) -> None:
    short, cut = axis.trimmed()
    assert short.output == axis.output and short.taps <= axis.taps
    assert short.before == axis.before - cut * axis.dilation
    assert 0 <= max(short.before, short.after) <= axis.dilation * (axis.taps - 1)
