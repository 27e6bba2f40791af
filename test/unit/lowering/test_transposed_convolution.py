"""Transposed convolutions in one kernel call: at most one step from their exact meaning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from cmopt.dialects.cortex_m import QuantizedTransposeConv2dOp
from cmopt.dialects.cortex_m.limits import row_buffer, transposed_convolution_limit
from cmopt.dialects.parsing import make_context, parse_module
from cmopt.dialects.shapes import ints_of, shape_of
from cmopt.lowering.cortex_m import scratch
from cmopt.lowering.cortex_m.transposed_convolution import TransposedWindow
from cmopt.pipeline.interpreting import interpret
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.support.targets import Isa

TO_NHWC = parse_pipeline("convert-to-nhwc")
TO_KERNELS = parse_pipeline("convert-to-nhwc,canonicalize,convert-edge-to-cortex-m,canonicalize")


@dataclass(frozen=True)
class Axis:
    """One axis of a transposed convolution, and the size of its output."""

    size: int
    taps: int
    stride: int
    padding: int
    more: int

    @property
    def output(self) -> int:
        return (self.size - 1) * self.stride - 2 * self.padding + self.taps + self.more


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    size, taps, stride = (draw(st.integers(1, high)) for high in (6, 5, 4))
    padding = draw(st.integers(0, ((size - 1) * stride + taps - 1) // 2))
    return Axis(size, taps, stride, padding, draw(st.integers(0, stride - 1)))


channels = st.sampled_from([1, 2, 3, 5, 16, 17, 20])


def text_of(batch: int, inner: int, outer: int, rows: Axis, columns: Axis, seed: int) -> str:
    """A function with one op on NCHW: per-channel weights, a bias and a clamp."""
    random = np.random.default_rng(seed)
    weight = random.integers(-127, 128, (inner, outer, rows.taps, columns.taps))
    bias = random.integers(-3000, 3000, outer)
    scales = random.uniform(0.1, 1, outer)
    step = 40 * (inner * rows.taps * columns.taps) ** 0.5
    x = f"tensor<{batch}x{inner}x{rows.size}x{columns.size}x!quant.uniform<i8:f32, 1.0:-5>>"
    y = f"tensor<{batch}x{outer}x{rows.output}x{columns.output}x!quant.uniform<i8:f32, {step}:9>>"
    shape = "x".join(map(str, weight.shape))
    list_of_scales = ", ".join(f"{scale:.17e}" for scale in scales)
    w = f"tensor<{shape}x!quant.uniform<i8:f32:1, {{{list_of_scales}}}>>"
    b = f"tensor<{outer}x!quant.uniform<i32:f32:0, {{{list_of_scales}}}>>"
    pairs = ", ".join(
        f"{name} = array<i64: {first}, {last}>"
        for name, first, last in (
            ("stride", rows.stride, columns.stride),
            ("padding", rows.padding, columns.padding),
            ("output_padding", rows.more, columns.more),
            ("dilation", 1, 1),
        )
    )
    clamp = f"activation_min = 0.0 : f32, activation_max = {90 * step} : f32"
    return f"""func.func @forward(%x: {x}) -> {y} {{
      %c = arith.constant dense<{weight.tolist()}> : tensor<{shape}xi8>
      %w = quant.scast %c : tensor<{shape}xi8> to {w}
      %d = arith.constant dense<{bias.tolist()}> : tensor<{outer}xi32>
      %b = quant.scast %d : tensor<{outer}xi32> to {b}
      %0 = edge.conv_transpose2d %x, %w, %b {{{pairs}, groups = 1 : i64, {clamp}}}
        : ({x}, {w}, {b}) -> {y}
      func.return %0 : {y}
    }}"""


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 2), channels, st.integers(1, 5), axes(), axes(), st.integers(0, 2**32 - 1))
def test_one_call_is_within_one_step(
    batch: int, inner: int, outer: int, rows: Axis, columns: Axis, seed: int
) -> None:
    assume(rows.output >= 1 and columns.output >= 1)
    ctx, text = make_context(), text_of(batch, inner, outer, rows, columns, seed)
    before, nhwc, after = (parse_module(ctx, text) for _ in range(3))
    run_passes(ctx, nhwc, TO_NHWC, verify_each=False)
    run_passes(ctx, after, TO_KERNELS, verify_each=False)
    calls = [op for op in after.walk() if isinstance(op, QuantizedTransposeConv2dOp)]
    event(f"calls: {len(calls)}")
    assume(calls)
    after.verify()
    x = np.random.default_rng(seed).integers(-128, 128, (batch, inner, rows.size, columns.size))
    (exact,), (same,), (lowered,) = (
        interpret(m, [x.astype(np.int8)]) for m in (before, nhwc, after)
    )
    assert np.array_equal(same, exact)
    assert int(np.abs(exact.astype(int) - lowered).max()) <= 1


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 2), channels, st.integers(1, 5), axes(), axes())
def test_zeros_and_rows_keep_the_windows(
    batch: int, inner: int, outer: int, rows: Axis, columns: Axis
) -> None:
    """A repaired window is right, and its output begins with the rows of the op."""
    assume(rows.output >= 1 and columns.output >= 1)
    pair = rows, columns
    window = TransposedWindow(
        (batch, rows.size, columns.size, inner),
        (outer, rows.taps, columns.taps, inner),
        (batch, rows.output, columns.output, outer),
        *(tuple(getattr(axis, name) for axis in pair) for name in ("stride", "padding", "more")),
    )
    found = window.repaired()
    assume(found is not None)
    assert found is not None
    assert found.limit is None
    assert found.output[0] == batch and found.output[2:] == window.output[2:]
    assert found.output[1] == rows.output + found.more_rows
    assert found.more_rows == 0 or batch == 1
    assert min(found.zeros) >= 0 and min(found.output_padding) >= 0
    sizes = (
        (size - 1) * s - 2 * p + k + more
        for size, k, s, p, more in zip(
            window.input[1:3], found.weight[1:3], found.stride, found.padding,
            found.output_padding, strict=True,
        )
    )  # fmt: skip
    assert tuple(sizes) == found.output[1:3]


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 16), st.integers(1, 5), axes(), axes())
def test_the_planned_sums_are_large_enough(
    inner: int, outer: int, rows: Axis, columns: Axis
) -> None:
    """CMSIS-NN's size function is too small for some shapes, which the table refuses."""
    assume(rows.output >= 1 and columns.output >= 1)
    input, weight = (1, rows.size, columns.size, inner), (outer, rows.taps, columns.taps, inner)
    output = (1, rows.output, columns.output, outer)
    stride, padding = (rows.stride, columns.stride), (rows.padding, columns.padding)
    more = rows.more, columns.more
    planned, reversed = scratch.transpose_conv2d(
        Isa.MVE, weight, more, input=input, output=output, stride=stride, padding=padding,
        dilation=(1, 1),
    )  # fmt: skip
    assert reversed == 0
    if transposed_convolution_limit(input, weight, output, stride, padding, more) is None:
        assert planned >= row_buffer(input, weight, stride)
    else:
        event("refused")


def test_a_clamp_and_zero_points_are_properties_of_the_call() -> None:
    axis = Axis(3, 2, 2, 0, 0)
    ctx = make_context()
    module = parse_module(ctx, text_of(1, 2, 3, axis, axis, 0))
    run_passes(ctx, module, TO_KERNELS)
    (call,) = (op for op in module.walk() if isinstance(op, QuantizedTransposeConv2dOp))
    numbers = [call.input_offset, call.output_offset, call.activation_min, call.activation_max]
    assert [n.value.data for n in numbers] == [5, 9, 9, 99]
    assert ints_of(call.dilation) == (1, 1)
    assert shape_of(call.weight) == (3, 2, 2, 2)
