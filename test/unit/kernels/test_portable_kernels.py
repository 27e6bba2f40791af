"""The portable C kernels, compared with the interpreters' specification bit for bit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from cmsis_nn_capi import CmsisNN, Guarded, Int8, Int32, OverrunError, StatusError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cmopt.interpreters import cmsis_nn as spec

Pair = tuple[int, int]

kernel_test = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

small = st.integers(1, 7)
input_offsets = st.one_of(st.sampled_from([-127, 128]), st.integers(-127, 128))
zero_points = st.one_of(st.sampled_from([-128, 127]), st.integers(-128, 127))


@st.composite
def bytes_of(draw: st.DrawFn, *shape: int) -> Int8:
    """int8 data: noise, or one extreme value everywhere."""
    fill = draw(st.sampled_from([None, None, None, -128, 127]))
    if fill is not None:
        return np.full(shape, fill, np.int8)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.integers(-128, 128, shape).astype(np.int8)


@st.composite
def activations(draw: st.DrawFn) -> dict[str, int]:
    low, high = sorted((draw(zero_points), draw(zero_points)))
    full = draw(st.booleans())
    return {"activation_min": -128 if full else low, "activation_max": 127 if full else high}


@st.composite
def scales(draw: st.DrawFn, low: int = -12, high: int = 1) -> Pair:
    """A multiplier and a shift: those of a real layer, or any that the kernels accept."""
    if draw(st.integers(0, 9)):
        return draw(st.integers(2**30, 2**31 - 1)), draw(st.integers(low, high))
    return draw(st.integers(-(2**31) + 1, 2**31 - 1)), draw(st.integers(-31, 30))


@st.composite
def channel_scales(draw: st.DrawFn, channels: int) -> dict[str, Int32]:
    pairs = [draw(scales()) for _ in range(channels)]
    multipliers, shifts = np.array(pairs, np.int32).T
    return {
        "multipliers": np.ascontiguousarray(multipliers),
        "shifts": np.ascontiguousarray(shifts),
    }


@st.composite
def biases(draw: st.DrawFn, channels: int) -> Int32 | None:
    bound = draw(st.sampled_from([0, 40_000, 2**31 - 1]))
    if draw(st.booleans()):
        return None
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.integers(-bound, bound + 1, channels).astype(np.int32)


@dataclass
class Window:
    input_hw: Pair
    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    output_hw: Pair


@st.composite
def windows(draw: st.DrawFn, *, dilated: bool, largest_padding: int = 3) -> Window:
    """A sliding window. Its first and last position read at least one input value, but with
    dilation they may read none. The end padding may differ from the start padding."""
    axes = []
    for _ in range(2):
        taps = draw(st.integers(1, 4))
        dilation = draw(st.integers(1, 2)) if dilated else 1
        stride = draw(st.integers(1, 3))
        reach = (taps - 1) * dilation
        padding = draw(st.integers(0, min(reach, largest_padding)))
        size = draw(st.integers(max(1, reach + 1 - 2 * padding), 8))
        output = (size + 2 * padding - reach - 1) // stride + 1
        if output * stride - padding < size:
            output += draw(st.integers(0, 1))
        axes.append((size, taps, stride, padding, dilation, output))
    return Window(*((a, b) for a, b in zip(*axes, strict=True)))


@given(data=st.data())
@kernel_test
def test_convolution(portable: CmsisNN, data: st.DataObject) -> None:
    window = data.draw(windows(dilated=True))
    groups = data.draw(st.sampled_from([1, 1, 2, 3]))
    depth, outputs = data.draw(small), data.draw(small) * groups
    batch = data.draw(st.integers(1, 2))
    check(
        portable.convolve,
        spec.convolve_s8,
        data.draw(bytes_of(batch, *window.input_hw, depth * groups)),
        data.draw(bytes_of(outputs, *window.kernel, depth)),
        data.draw(biases(outputs)),
        stride=window.stride,
        padding=window.padding,
        dilation=window.dilation,
        input_offset=data.draw(input_offsets),
        output_offset=data.draw(zero_points),
        output_hw=window.output_hw,
        **data.draw(channel_scales(outputs)),
        **data.draw(activations()),
    )


@given(data=st.data())
@kernel_test
def test_depthwise_convolution(portable: CmsisNN, data: st.DataObject) -> None:
    window = data.draw(windows(dilated=True))
    channels, multiplier = data.draw(small), data.draw(st.integers(1, 4))
    outputs = channels * multiplier
    batch = data.draw(st.integers(1, 2))
    check(
        portable.depthwise,
        spec.depthwise_conv_s8,
        data.draw(bytes_of(batch, *window.input_hw, channels)),
        data.draw(bytes_of(1, *window.kernel, outputs)),
        data.draw(biases(outputs)),
        stride=window.stride,
        padding=window.padding,
        dilation=window.dilation,
        depth_multiplier=multiplier,
        input_offset=data.draw(input_offsets),
        output_offset=data.draw(zero_points),
        output_hw=window.output_hw,
        **data.draw(channel_scales(outputs)),
        **data.draw(activations()),
    )


@st.composite
def transposed_axis(draw: st.DrawFn) -> tuple[int, int, int, int, int, int]:
    """input, kernel, stride, padding, output padding, output: also where s + p > k."""
    kernel, stride = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    padding = draw(st.integers(0, kernel - 1))
    output_padding = draw(st.integers(0, stride - 1))
    shortest = max(1, math.ceil((1 + 2 * padding - kernel - output_padding) / stride) + 1)
    size = draw(st.integers(shortest, shortest + 4))
    output = (size - 1) * stride - 2 * padding + kernel + output_padding
    return size, kernel, stride, padding, output_padding, output


@given(data=st.data())
@kernel_test
def test_transposed_convolution(portable: CmsisNN, data: st.DataObject) -> None:
    pairs = zip(data.draw(transposed_axis()), data.draw(transposed_axis()), strict=True)
    input_hw, kernel, stride, padding, output_padding, output_hw = pairs
    depth, outputs = data.draw(small), data.draw(small)
    batch = data.draw(st.integers(1, 2))
    check(
        portable.transpose_conv,
        spec.transpose_conv_s8,
        data.draw(bytes_of(batch, *input_hw, depth)),
        data.draw(bytes_of(outputs, *kernel, depth)),
        data.draw(biases(outputs)),
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=(1, 1),
        input_offset=data.draw(input_offsets),
        output_offset=data.draw(zero_points),
        output_hw=output_hw,
        **data.draw(channel_scales(outputs)),
        **data.draw(activations()),
    )


@given(data=st.data())
@kernel_test
def test_fully_connected(portable: CmsisNN, data: st.DataObject) -> None:
    rows, features = data.draw(small), data.draw(st.integers(1, 40))
    outputs = data.draw(small)
    multiplier, shift = data.draw(scales())
    check(
        portable.fully_connected,
        spec.fully_connected_s8,
        data.draw(bytes_of(rows, features)),
        data.draw(bytes_of(outputs, features)),
        data.draw(biases(outputs)),
        input_offset=data.draw(input_offsets),
        filter_offset=data.draw(st.one_of(st.just(0), input_offsets)),
        output_offset=data.draw(zero_points),
        multiplier=multiplier,
        shift=shift,
        **data.draw(activations()),
    )


@given(data=st.data())
@kernel_test
def test_vector_sum(portable: CmsisNN, data: st.DataObject) -> None:
    weights = data.draw(bytes_of(data.draw(small), data.draw(small)))
    lhs, rhs = data.draw(input_offsets), data.draw(input_offsets)
    bias = data.draw(biases(weights.shape[0]))
    expected = (weights.astype(np.int64) + rhs).sum(1) * lhs
    if bias is not None:
        expected += bias
    assert portable.vector_sum(weights, lhs, rhs, bias).tolist() == wrap_int32(expected).tolist()


@given(data=st.data())
@kernel_test
def test_batch_matmul(portable: CmsisNN, data: st.DataObject) -> None:
    batches, rows, inner, columns = (data.draw(small) for _ in range(4))
    multiplier, shift = data.draw(scales())
    check(
        portable.batch_matmul,
        spec.batch_matmul_s8,
        data.draw(bytes_of(batches, rows, inner)),
        data.draw(bytes_of(batches, columns, inner)),
        lhs_offset=data.draw(input_offsets),
        rhs_offset=data.draw(input_offsets),
        output_offset=data.draw(zero_points),
        multiplier=multiplier,
        shift=shift,
        **data.draw(activations()),
    )


@given(data=st.data())
@kernel_test
def test_add(portable: CmsisNN, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 40))
    self_scale, other_scale = data.draw(scales(-6, 0)), data.draw(scales(-6, 0))
    output_scale = data.draw(scales(-20, -10))
    check(
        portable.add,
        spec.elementwise_add_s8,
        data.draw(bytes_of(size)),
        data.draw(bytes_of(size)),
        self_offset=data.draw(input_offsets),
        self_multiplier=self_scale[0],
        self_shift=self_scale[1],
        other_offset=data.draw(input_offsets),
        other_multiplier=other_scale[0],
        other_shift=other_scale[1],
        left_shift=20,
        output_offset=data.draw(zero_points),
        output_multiplier=output_scale[0],
        output_shift=output_scale[1],
        **data.draw(activations()),
    )


@given(data=st.data())
@kernel_test
def test_mul(portable: CmsisNN, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 40))
    multiplier, shift = data.draw(scales(-12, 0))
    check(
        portable.mul,
        spec.elementwise_mul_s8,
        data.draw(bytes_of(size)),
        data.draw(bytes_of(size)),
        self_offset=data.draw(input_offsets),
        other_offset=data.draw(input_offsets),
        output_offset=data.draw(zero_points),
        output_multiplier=multiplier,
        output_shift=shift,
        **data.draw(activations()),
    )


@pytest.mark.parametrize("kind", ["avgpool", "max_pool"])
@given(data=st.data())
@kernel_test
def test_pooling(portable: CmsisNN, kind: str, data: st.DataObject) -> None:
    window = data.draw(windows(dilated=False))
    batch, channels = data.draw(st.integers(1, 2)), data.draw(small)
    arguments: dict[str, Any] = {
        "kernel": window.kernel,
        "stride": window.stride,
        "padding": window.padding,
        "output_hw": window.output_hw,
        **data.draw(activations()),
    }
    input = data.draw(bytes_of(batch, *window.input_hw, channels))
    expected = getattr(spec, f"{kind}_s8")(input, **arguments)
    np.testing.assert_array_equal(portable.pool(kind, input, **arguments), expected)


@pytest.mark.parametrize("kind", ["avgpool", "max_pool"])
def test_pooling_refuses_a_window_without_input(portable: CmsisNN, kind: str) -> None:
    with pytest.raises(StatusError):
        portable.pool(
            kind,
            np.zeros((1, 2, 2, 1), np.int8),
            kernel=(1, 1),
            stride=(1, 1),
            padding=(1, 0),
            activation_min=-128,
            activation_max=127,
            output_hw=(4, 2),
        )


def softmax_parameters(scale: float) -> dict[str, int]:
    """The parameters that a compiler derives from an input scale."""
    fraction, exponent = math.frexp(min(scale * 2**26, 2**31 - 1))
    multiplier = min(round(fraction * 2**31), 2**31 - 1)
    diff_min = -math.floor(31 * 2**26 / 2**exponent)
    return {"multiplier": multiplier, "shift": exponent, "diff_min": diff_min}


@given(data=st.data())
@kernel_test
def test_softmax(portable: CmsisNN, data: st.DataObject) -> None:
    shape = data.draw(small), data.draw(st.integers(1, 300))
    parameters = softmax_parameters(math.exp(data.draw(st.floats(-7, -0.7))))
    if data.draw(st.booleans()):
        parameters["diff_min"] = data.draw(st.integers(-20, 0))
    check(portable.softmax, spec.softmax_s8, data.draw(bytes_of(*shape)), **parameters)


@pytest.mark.parametrize("scale", [0.002, 0.01, 0.03, 0.1, 0.3])
def test_softmax_of_many_rows(portable: CmsisNN, scale: float) -> None:
    """There are enough values near rounding boundaries to check the precision of all steps."""
    rng = np.random.default_rng(0)
    for size in (3, 10, 40):
        input = rng.integers(-128, 128, (5000, size)).astype(np.int8)
        check(portable.softmax, spec.softmax_s8, input, **softmax_parameters(scale))


def test_softmax_is_close_to_the_real_function(portable: CmsisNN) -> None:
    rng = np.random.default_rng(0)
    input = rng.integers(-128, 128, (200, 12)).astype(np.int8)
    scale = 0.0625
    actual = portable.softmax(input, multiplier=2**30, shift=23, diff_min=-248)
    exponentials = np.exp((input.astype(np.float64) - input.max(1, keepdims=True)) * scale)
    expected = exponentials / exponentials.sum(1, keepdims=True) * 256 - 128
    assert np.abs(actual - np.minimum(expected, 127)).max() < 1


@given(data=st.data())
@kernel_test
def test_transpose(portable: CmsisNN, data: st.DataObject) -> None:
    rank = data.draw(st.integers(1, 4))
    input = data.draw(bytes_of(*(data.draw(small) for _ in range(rank))))
    perm = data.draw(st.permutations(range(rank)))
    check(portable.transpose, spec.transpose, input, perm)


@given(data=st.data())
@kernel_test
def test_pad(portable: CmsisNN, data: st.DataObject) -> None:
    input = data.draw(bytes_of(*(data.draw(st.integers(1, 4)) for _ in range(4))))
    pads = st.lists(st.integers(0, 3), min_size=4, max_size=4)
    pre, post = data.draw(pads), data.draw(pads)
    check(portable.pad, spec.pad_s8, input, pre, post, data.draw(zero_points))


@pytest.mark.parametrize("kind", ["minimum", "maximum"])
@given(data=st.data())
@kernel_test
def test_minimum_and_maximum(portable: CmsisNN, kind: str, data: st.DataObject) -> None:
    shape = [data.draw(st.integers(1, 4)) for _ in range(4)]
    a, b = (
        data.draw(bytes_of(*(1 if data.draw(st.booleans()) else size for size in shape)))
        for _ in range(2)
    )
    expected = getattr(spec, kind)(a, b)
    np.testing.assert_array_equal(portable.select(kind, a, b), expected)


def test_the_guard_sees_an_overrun(portable: CmsisNN) -> None:
    """The other tests rely on the guard to notice a write behind the output."""
    buffer = Guarded(4, np.int8)
    buffer.bytes[4] = 0
    with pytest.raises(OverrunError):
        buffer.array([4])


def wrap_int32(value: NDArray[np.int64]) -> NDArray[np.int64]:
    return (value + 2**31) % 2**32 - 2**31


def check(kernel: Any, specification: Any, *args: Any, **kwargs: Any) -> None:
    """Check that the kernel gives the bytes of the specification."""
    expected = specification(*args, **kwargs)
    np.testing.assert_array_equal(kernel(*args, **kwargs), expected)
