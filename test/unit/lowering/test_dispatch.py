"""The table of CMSIS-NN's dispatch, compared with what its functions read for each output."""

from __future__ import annotations

from hypothesis import assume, event, example, given, settings
from hypothesis import strategies as st

from cmopt.dialects.shapes import window_output
from cmopt.lowering.cortex_m.dispatch import (
    Function,
    Window,
    function_of,
    is_right,
    is_row_right,
    orientations,
    right_calls,
)

CHANNELS = 4


def row(size: int, taps: int, stride: int, padding: int, missing: int = 0) -> Window:
    """A row of four channels, padded equally at both ends, but by `missing` less on the right."""
    outputs = window_output(size, taps, stride, 2 * padding - missing)
    input, weight, output = (1, 1, size, CHANNELS), (2, 1, taps, CHANNELS), (1, 1, outputs, 2)
    return Window(input, weight, output, (1, stride), (0, padding), (1, 1))


def meant(window: Window) -> list[list[int | None]]:
    """For each output of a row, the input index of each tap; None is padding."""
    size, taps = window.input[2], window.weight[2]
    starts = [i * window.stride[1] - window.padding[1] for i in range(window.output[2])]
    return [[x if 0 <= x < size else None for x in range(a, a + taps)] for a in starts]


def read_in_three_runs(window: Window) -> list[list[int | None]] | None:
    """What arm_convolve_1_x_n_s8 reads on MVE; None if it returns an error.

    Two of its three runs read a copy: the padding with the first inputs, and the last inputs (from
    the first window that may not fit) with the padding.
    """
    size, taps, outputs = window.input[2], window.weight[2], window.output[2]
    stride, left = window.stride[1], window.padding[1]
    total = (outputs - 1) * stride + taps - size
    odd = abs(total) % 2
    if total < 0 or 2 * left + odd != total:
        return None
    at_left = -(-left // stride)
    at_right = -(-(left + odd) // stride)
    if outputs < at_left + at_right:
        return meant(window)  # It calls arm_convolve_s8.
    whole = outputs - at_left - at_right
    first: list[int | None] = [None] * left + list(range(taps))
    second = stride * at_left - left
    third = stride * (at_left + whole) - left
    last: list[int | None] = [*range(third, third + taps - 1)]
    last += [None] * (at_right if odd else left)
    middle: list[int | None] = list(range(second, second + whole * stride + taps))
    runs = ((first, at_left), (middle, whole), (last, at_right))
    return [copy[i * stride : i * stride + taps] for copy, count in runs for i in range(count)]


@settings(max_examples=500)
@given(*[st.integers(1, high) for high in (30, 12, 5)], st.integers(0, 11), st.integers(0, 1))
@example(20, 5, 1, 2, 0)
@example(10, 3, 2, 1, 0)
@example(11, 5, 2, 2, 0)
def test_a_row_is_right_where_each_output_reads_its_inputs(
    size: int, taps: int, stride: int, padding: int, missing: int
) -> None:
    assume(padding < taps and missing <= padding and size + 2 * padding - missing >= taps)
    window = row(size, taps, stride, padding, missing)
    read = read_in_three_runs(window)
    event(f"right: {is_row_right(window)}")
    if is_row_right(window):
        assert read == meant(window)
    elif missing == 0:
        # A row counts as wrong only if it is, or if the copy would go beyond the input.
        assert read != meant(window) or taps > size


def test_a_column_of_several_channels_is_never_a_row() -> None:
    assert function_of(row(20, 5, 1, 2)) is Function.CONVOLVE_1XN
    assert function_of(row(20, 5, 1, 2).turned()) is Function.CONVOLVE


@given(*[st.integers(1, high) for high in (30, 12, 5)], st.integers(0, 11))
def test_there_is_always_a_right_call(size: int, taps: int, stride: int, padding: int) -> None:
    assume(padding < taps and size + 2 * padding >= taps)
    calls = right_calls(row(size, taps, stride, padding), groups=1)
    assert calls and all(is_right(call) for call in calls)


def test_what_is_counted_in_16_bits_does_not_wrap() -> None:
    assert right_calls(row(65535, 3, 1, 0), groups=1)
    assert not right_calls(row(65536, 3, 1, 0), groups=1)
    assert right_calls(row(65536, 1, 1, 0), groups=1), "1×1 is counted in 32 bits"


def test_width_comes_first() -> None:
    window = row(20, 5, 1, 2)
    assert orientations(window) == orientations(window.turned()) == [window, window.turned()]
