"""Random windows of convolutions and pools. They need not fill their inputs exactly."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from xdsl.dialects.builtin import StringAttr

from cmopt.dialects.shapes import window_output

LONG_STRIDE = r"tosa\.\w+: a stride is 3 at most, not [45]"
"""The reason for a stride above 3, as a regular expression."""

NHWC = StringAttr("NHWC")


def pairs(values: st.SearchStrategy[int]) -> st.SearchStrategy[tuple[int, int]]:
    """Height and width."""
    return st.tuples(values, values)


@st.composite
def windows(draw: Any, most_padding: int | None = None, dilations: int = 1) -> dict[str, Any]:
    """A window, and a height and width that it need not fill exactly.

    most_padding: on each side; by default half the kernel, and equal on opposite sides.
    """
    kernel, stride = draw(pairs(st.integers(1, 4))), draw(pairs(st.integers(1, 5)))
    dilation, count = draw(pairs(st.integers(1, dilations))), draw(pairs(st.integers(1, 3)))
    padding, size = [], []
    for k, s, d, n in zip(kernel, stride, dilation, count, strict=True):
        before = after = draw(st.integers(0, k // 2 if most_padding is None else most_padding))
        if most_padding is not None:
            after = draw(st.integers(0, most_padding))
        span = (n - 1) * s + (k - 1) * d + 1 + draw(st.integers(0, s - 1))
        padding += [before, after]
        size.append(max(1, span - before - after))
    return {"kernel": kernel, "stride": stride, "dilation": dilation, "padding": tuple(padding),
            "size": tuple(size)}  # fmt: skip


def counts(w: dict[str, Any], ceil_mode: bool = False) -> tuple[int, ...]:
    """How many windows there are."""
    pads = w["padding"][0] + w["padding"][1], w["padding"][2] + w["padding"][3]
    each = zip(w["size"], w["kernel"], w["stride"], pads, w["dilation"], strict=True)
    return tuple(window_output(*one, ceil_mode=ceil_mode) for one in each)
