"""The rules of `lowering.tosa` for pools stay within their stated bounds on random ops."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import BoolAttr
from xdsl.ir import Attribute

from cmopt.dialects import edge
from cmopt.dialects.quant import UniformQuantizedType
from cmopt.dialects.shapes import ints
from cmopt.lowering.averages import averages_once

sys.path.insert(0, str(Path(__file__).parents[1]))
from random_windows import LONG_STRIDE, NHWC, counts, pairs, windows
from rules_alone import Alone, activations, examples, int8, int16, seeds, type_pairs, wide_pairs

every_pair = st.one_of(type_pairs, wide_pairs)


def are_wide(types: tuple[UniformQuantizedType, UniformQuantizedType]) -> bool:
    return all(kind.storage.width.data == 16 for kind in types)


def requantized_by(types: tuple[UniformQuantizedType, UniformQuantizedType]) -> int:
    """The bound of a requantization."""
    return int(types[0] != types[1] and any(kind.storage.width.data == 16 for kind in types))


def pool(
    alone: Alone, kind: Any, w: dict[str, Any], images: int, channels: int,
    types: tuple[UniformQuantizedType, UniformQuantizedType], bound: int | None, *limits: str,
    ceil_mode: bool = False, **properties: Attribute,
) -> None:  # fmt: skip
    """Check a pool from one type to another.

    bound: None for that of an average pool, which depends on the divisors of its windows. With
    int16 to int16, an average may be one step more.
    """
    source, output = types
    result = alone.op(
        kind, [alone.input((images, *w["size"], channels), source)],
        (images, *counts(w, ceil_mode), channels), output, kernel_size=ints(w["kernel"]),
        stride=ints(w["stride"]), padding=ints(w["padding"]), data_format=NHWC,
        ceil_mode=BoolAttr.from_bool(ceil_mode), **properties,
    )  # fmt: skip
    if bound is None:
        assert isinstance(result.owner, edge.AvgPool2dOp)
        bound = 1 if averages_once(result.owner) else steps_of(types)
    bound += kind is edge.AvgPool2dOp and are_wide(types)
    alone.holds(result, bound, *limits)


def steps_of(types: tuple[UniformQuantizedType, UniformQuantizedType]) -> int:
    """The largest error, in steps of the second type, of rounding to both types."""
    source, output = types
    return math.ceil((1 + source.scale / output.scale) / 2 * (1 + 1e-6))


@examples(120)
@given(data=st.data(), types=every_pair, seed=seeds, images=st.integers(1, 2),
       channels=st.integers(1, 3), ceil_mode=st.booleans(), counted=st.booleans())  # fmt: skip
def test_avg_pool2d(
    data: st.DataObject, types: Any, seed: int, images: int, channels: int, ceil_mode: bool,
    counted: bool,
) -> None:  # fmt: skip
    """Padding that differs between opposite sides counts as input."""
    w = data.draw(windows())
    if counted and data.draw(st.booleans()):
        padding = [data.draw(st.integers(0, w["kernel"][side // 2] // 2)) for side in range(4)]
        size = [n + sum(w["padding"][2 * a : 2 * a + 2]) for a, n in enumerate(w["size"])]
        w = {**w, "padding": tuple(padding), "size": tuple(size)}
    limits = [LONG_STRIDE] if max(w["stride"]) > 3 else []
    pool(Alone(seed), edge.AvgPool2dOp, w, images, channels, types, None, *limits,
         ceil_mode=ceil_mode, count_include_pad=BoolAttr.from_bool(counted))  # fmt: skip


@pytest.mark.parametrize("kernel, stride, size", [(6, 4, 14), (5, 5, 17), (3, 9, 12)])
@pytest.mark.parametrize("types", [(int8(1.0, 3),) * 2, (int8(1.0, 3), int8(0.9, 1)),
                                   (int16(1.0),) * 2])  # fmt: skip
def test_avg_pool2d_of_few_windows_with_long_strides(
    kernel: int, stride: int, size: int, types: Any
) -> None:
    """Windows may overlap, touch or lie apart: each is a pool of its own."""
    w = {"kernel": (kernel, kernel), "stride": (stride, stride), "size": (size, size),
         "padding": (0, 0, 0, 0), "dilation": (1, 1)}  # fmt: skip
    alone = Alone(0)
    pool(alone, edge.AvgPool2dOp, w, 2, 3, types, None, count_include_pad=BoolAttr.from_bool(False))


def test_avg_pool2d_of_a_long_stride_and_padding() -> None:
    """Padded windows that do not overlap are rounded once."""
    w = {"kernel": (1, 2), "stride": (1, 4), "size": (1, 6), "padding": (0, 0, 1, 0),
         "dilation": (1, 1)}  # fmt: skip
    types = int8(1.0, 0), int8(10**-0.5, 0)
    pool(Alone(0), edge.AvgPool2dOp, w, 1, 1, types, 1, count_include_pad=BoolAttr.from_bool(True))


@examples(60)
@given(types=every_pair, seed=seeds, images=st.integers(1, 2), rows=st.integers(1, 9),
       width=st.integers(1, 300), stride=st.integers(1, 5))  # fmt: skip
def test_avg_pool2d_of_rows(
    types: Any, seed: int, images: int, rows: int, width: int, stride: int
) -> None:
    """A mean over the last dimension: one step of the result."""
    w = {"kernel": (1, width), "stride": (stride, 1), "size": (rows, width), "padding": (0,) * 4,
         "dilation": (1, 1)}  # fmt: skip
    pool(Alone(seed), edge.AvgPool2dOp, w, images, 1, types, 1,
         count_include_pad=BoolAttr.from_bool(False))  # fmt: skip


@examples(80)
@given(kernel=pairs(st.integers(1, 5)), more=pairs(st.integers(0, 3)),
       count=pairs(st.integers(1, 3)), types=every_pair, seed=seeds,
       images=st.integers(1, 2), channels=st.integers(1, 3),
       kind=st.sampled_from([edge.AvgPool2dOp, edge.MaxPool2dOp]))  # fmt: skip
def test_pools_of_windows_apart(
    kernel: Any, more: Any, count: Any, types: Any, seed: int, images: int, channels: int, kind: Any
) -> None:
    """For every stride."""
    stride = tuple(k + m for k, m in zip(kernel, more, strict=True))
    size = tuple((n - 1) * s + k for n, s, k in zip(count, stride, kernel, strict=True))
    w = {"kernel": kernel, "stride": stride, "size": size, "padding": (0,) * 4, "dilation": (1, 1)}
    if kind is edge.AvgPool2dOp:
        bound, more_properties = 1, {"count_include_pad": BoolAttr.from_bool(False)}
    else:
        bound, more_properties = requantized_by(types), {"dilation": ints((1, 1))}
    pool(Alone(seed), kind, w, images, channels, types, bound, **more_properties)


@examples(120)
@given(w=windows(dilations=2), types=every_pair, seed=seeds, images=st.integers(1, 2),
       channels=st.integers(1, 3), ceil_mode=st.booleans(), clamp=activations())  # fmt: skip
def test_max_pool2d(
    w: Any, types: Any, seed: int, images: int, channels: int, ceil_mode: bool, clamp: Any
) -> None:
    limits = [LONG_STRIDE] if max(w["stride"]) > 3 else []
    if max(w["dilation"]) > 1:
        limits.append("a window with dilation has no form in TOSA")
    pool(Alone(seed), edge.MaxPool2dOp, w, images, channels, types, requantized_by(types), *limits,
         ceil_mode=ceil_mode, dilation=ints(w["dilation"]), **clamp)  # fmt: skip
