"""Every rule of `lowering.tosa` that computes stays within its stated bound on random ops."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import BoolAttr, IntegerAttr, StringAttr, TensorType, f32, i64

from cmopt.arithmetic.functions import apply_unary
from cmopt.dialects import edge
from cmopt.dialects.arrays import dequantize
from cmopt.dialects.quant import DCastOp, QCastOp, UniformQuantizedType
from cmopt.dialects.shapes import broadcast_shape, ints
from cmopt.lowering.legality import npu_reason

sys.path.insert(0, str(Path(__file__).parents[1]))
from random_windows import LONG_STRIDE, NHWC, counts, pairs, windows
from rules_alone import (
    REALS,
    Alone,
    activations,
    bias_type,
    examples,
    f,
    int8,
    kinds,
    powers,
    scales,
    seeds,
    type_pairs,
    zero_points,
)


def reads_only_padding(w: dict[str, Any]) -> bool:
    """Whether all windows lie in the padding along at least one axis."""
    for axis, count in enumerate(counts(w)):
        inside = np.pad(np.ones(w["size"][axis]), w["padding"][2 * axis : 2 * axis + 2])
        taps = np.arange(w["kernel"][axis]) * w["dilation"][axis]
        if not inside[taps + np.arange(count)[:, None] * w["stride"][axis]].any():
            return True
    return False


def weight_type(data: st.DataObject, channels: int) -> UniformQuantizedType:
    """Symmetric int8, per tensor or per output channel."""
    if data.draw(st.booleans()):
        return int8(data.draw(scales))
    each = data.draw(st.lists(scales, min_size=channels, max_size=channels))
    return UniformQuantizedType.get(int8(1.0).storage, each, axis=0)


def matrix(
    alone: Alone, data: st.DataObject, kind: Any, shape: tuple[int, ...],
    weight: tuple[int, ...], result: tuple[int, ...], properties: dict[str, Any], *limits: str,
) -> None:  # fmt: skip
    """Check a convolution or linear op. A bias of another scale adds half an accumulator step."""
    source, channels = data.draw(kinds), weight[0]
    weights = weight_type(data, channels)
    step = source.scale * np.broadcast_to(weights.params.scales, channels)
    # Results fill the range of the output, or a part of it, or exceed it.
    scale = float(step.max()) * math.prod(weight[1:]) ** 0.5 * 40 * data.draw(powers(-2, 1))
    output, bound = int8(scale, data.draw(zero_points)), 1
    operands = [alone.input(shape, source), alone.constant(alone.stored(weight), weights)]
    bias = data.draw(st.sampled_from(["none", "exact", "other"]))
    if bias == "none":
        operands_of_op: list[Any] = [*operands, []]
    else:
        steps = step if bias == "exact" else step * data.draw(powers(-2, 1))
        stored = alone.random.integers(-(1 << 12), 1 << 12, channels).astype(np.int32)
        operands_of_op = [*operands, alone.constant(stored, bias_type(steps.tolist()))]
        bound += int(step.max() / scale / 2) if bias == "other" else 0
    properties = {**properties, **data.draw(activations())}
    alone.holds(alone.op(kind, operands_of_op, result, output, **properties), bound, *limits)


@examples(120)
@given(w=windows(most_padding=3, dilations=2), groups=st.sampled_from([1, 1, 2, 3]),
       seed=seeds, data=st.data())  # fmt: skip
def test_conv2d(w: dict[str, Any], groups: int, seed: int, data: st.DataObject) -> None:
    """With one group, with several, and with a group for each channel."""
    batch, (ins, outs) = data.draw(st.integers(1, 2)), data.draw(pairs(st.integers(1, 3)))
    properties = {
        **{name: ints(w[name]) for name in ("stride", "padding", "dilation")},
        "groups": IntegerAttr(groups, i64),
        "data_format": NHWC,
    }
    limits = [] if groups == 1 and max(w["dilation"]) == 1 else [LONG_STRIDE]
    if reads_only_padding(w):
        limits.append("all windows lie in the padding")
    matrix(
        Alone(seed), data, edge.Conv2dOp, (batch, *w["size"], ins * groups),
        (outs * groups, *w["kernel"], ins), (batch, *counts(w), outs * groups), properties,
        *limits,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "padding", "size"),
    [(1, 2, 3, (1, 1), 1), (1, 4, 1, (1, 1), 1), (2, 1, 2, (1, 1), 1), (1, 4, 1, (5, 0), 1)],
    ids=["between", "before", "around", "beyond"],
)
def test_windows_that_read_only_padding(
    kernel: int, stride: int, dilation: int, padding: tuple[int, int], size: int
) -> None:
    """Vela may drop the input, and the runtime would then pass the wrong arguments."""
    alone = Alone(0)
    w = {"kernel": (1, kernel), "stride": (1, stride), "dilation": (1, dilation),
         "padding": (0, 0, *padding), "size": (1, size)}  # fmt: skip
    operands: list[Any] = [
        alone.input((1, *w["size"], 1), int8(0.5)),
        alone.constant(alone.stored((1, *w["kernel"], 1)), int8(0.5)),
        [],
    ]
    geometry = {name: ints(w[name]) for name in ("stride", "padding", "dilation")}
    result = alone.op(
        edge.Conv2dOp, operands, (1, *counts(w), 1), int8(1.0), groups=IntegerAttr(1, i64),
        data_format=NHWC, **geometry,
    )  # fmt: skip
    reason = npu_reason(result.owner, "ethos-u55-128")
    assert reason == "all windows lie in the padding"


@examples(40)
@given(shape=st.lists(st.integers(1, 5), min_size=1, max_size=4), outs=st.integers(1, 5),
       seed=seeds, data=st.data())  # fmt: skip
def test_linear(shape: list[int], outs: int, seed: int, data: st.DataObject) -> None:
    result = (*shape[:-1], outs)
    matrix(Alone(seed), data, edge.LinearOp, tuple(shape), (outs, shape[-1]), result, {})


BINARY = {
    edge.AddOp: (1, lambda a, b: 2 * max(a, b)),
    edge.SubOp: (1, lambda a, b: 2 * max(a, b)),
    edge.MulOp: (1, lambda a, b: a * b * 64),
    edge.DivOp: (1, lambda a, b: a / b),
    edge.MinimumOp: (0, max),
    edge.MaximumOp: (0, max),
}
"""The bound of each, and the range of a result's step."""


@pytest.mark.parametrize("kind", BINARY, ids=lambda kind: kind.name)
@examples(40)
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=4), seed=seeds, data=st.data(),
       types=st.tuples(kinds, kinds))  # fmt: skip
def test_binary(kind: Any, shape: list[int], seed: int, data: st.DataObject, types: Any) -> None:
    """Either operand is broadcast. One may be a constant, a number, or the same as the other."""
    alone, (bound, scale_of) = Alone(seed), BINARY[kind]
    form = data.draw(st.sampled_from(["computed", "constant", "splat", "twice", "one type"]))
    if form in ("twice", "one type"):
        types = (types[0], types[0])
    shapes = []
    for _ in types:
        keep = [n if data.draw(st.integers(0, 3)) else 1 for n in shape]
        shapes.append(tuple(keep[data.draw(st.integers(0, 1)) if len(keep) > 1 else 0 :]))
    first = data.draw(st.integers(0, 1)) if form in ("constant", "splat") else 2
    operands: list[Any] = []
    for place, (own, type) in enumerate(zip(shapes, types, strict=True)):
        value = alone.stored(own)
        if place == first and form == "splat":
            value = np.full(own, value.flat[0])
        operand = alone.constant(value, type) if place == first else alone.input(own, type, value)
        operands.append(operand)
    if form == "twice":
        operands, shapes = [operands[1]] * 2, [shapes[1]] * 2
    result = broadcast_shape(*shapes)
    assert result is not None
    output = data.draw(st.sampled_from([types[0], None]))
    if kind not in (edge.MinimumOp, edge.MaximumOp) or output is None:
        scale = scale_of(types[0].scale, types[1].scale) * data.draw(powers(-1.5, 1))
        output = int8(scale, data.draw(zero_points))
    clamp = data.draw(activations()) if kind in (edge.AddOp, edge.SubOp) else {}
    alone.holds(alone.op(kind, operands, result, output, **clamp), bound)


@examples(100)
@given(name=st.sampled_from(sorted({**edge.FUNCTIONS, **edge.WITH_PARAMETERS})), seed=seeds,
       source=st.builds(int8, powers(-4, -0.5), zero_points), output=kinds, data=st.data(),
       shape=st.lists(st.integers(1, 9), min_size=1, max_size=4))  # fmt: skip
def test_unary(
    name: str, seed: int, source: Any, output: Any, data: st.DataObject, shape: list[int]
) -> None:
    """A table. The last bits of a function may differ between libraries.

    Where the function is undefined, the table has the nearest defined entry, not the op's meaning.
    """
    alone, numbers = Alone(seed), st.floats(0.125, 3, width=32)
    kind = edge.FUNCTIONS.get(name) or edge.WITH_PARAMETERS[name]
    properties = {key: f(data.draw(numbers)) for key in kind.get_irdl_definition().properties}
    result = alone.op(kind, [alone.input(shape, source)], shape, output, **properties)
    every = np.arange(-128, 128).astype(np.int8)
    assert isinstance(result.owner, edge.UnaryOp)
    results = apply_unary(result.owner, dequantize(every, source))
    assert results is not None
    defined = every[~np.isnan(results)]
    (value,) = alone.values
    if not np.isin(value, defined).all():
        alone.values[0] = alone.random.choice(defined if defined.size else every, value.shape)
    alone.holds(result, 1)


@examples(30)
@given(kind=kinds, seed=seeds, low=st.one_of(st.none(), REALS), high=st.one_of(st.none(), REALS),
       shape=st.lists(st.integers(1, 9), min_size=1, max_size=6))  # fmt: skip
def test_clamp_on_one_type(kind: Any, seed: int, low: Any, high: Any, shape: list[int]) -> None:
    """Exact. Without a bound it is ReLU."""
    alone = Alone(seed)
    source = alone.input(shape, kind)
    bounds = {key: f(v) for key, v in (("min", low), ("max", high)) if v is not None}
    op = edge.ClampOp if bounds else edge.ReluOp
    alone.holds(alone.op(op, [source], shape, kind, **bounds))


@examples(30)
@given(approximate=st.sampled_from(["none", "tanh"]), types=type_pairs, seed=seeds)
def test_gelu(approximate: str, types: Any, seed: int) -> None:
    alone, (source, output) = Alone(seed), types
    kind = StringAttr(approximate)
    value = alone.input((3, 90), source)
    alone.holds(alone.op(edge.GeluOp, [value], (3, 90), output, approximate=kind), 1)


@examples(30)
@given(types=type_pairs, seed=seeds, shape=st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_requantization(types: Any, seed: int, shape: list[int]) -> None:
    """Exact."""
    alone, (source, output) = Alone(seed), types
    real = alone.add(DCastOp(alone.input(shape, source), TensorType(f32, shape)))
    alone.holds(alone.add(QCastOp(real, TensorType(output, shape))))


@examples(60)
@given(batch=st.lists(st.integers(1, 3), max_size=2), sizes=st.tuples(*[st.integers(1, 9)] * 3),
       transposed=st.booleans(), types=st.tuples(kinds, kinds), spread=powers(-2, 1),
       zero=zero_points, seed=seeds)  # fmt: skip
def test_matmul(
    batch: list[int], sizes: Any, transposed: bool, types: Any, spread: float, zero: int, seed: int
) -> None:
    alone, (rows, depth, columns) = Alone(seed), sizes
    right = (columns, depth) if transposed else (depth, columns)
    operands = [
        alone.input(shape, type)
        for shape, type in zip(((*batch, rows, depth), (*batch, *right)), types, strict=True)
    ]
    output = int8(types[0].scale * types[1].scale * depth**0.5 * 40 * spread, zero)
    flag = BoolAttr.from_bool(transposed)
    result = alone.op(edge.MatmulOp, operands, (*batch, rows, columns), output, transposed_rhs=flag)
    alone.holds(result, 1)


@examples(60)
@given(others=st.lists(st.integers(1, 3), max_size=3), row=st.one_of(st.integers(1, 9),
       st.integers(1, 600)), source=kinds, data=st.data(), seed=seeds)  # fmt: skip
def test_softmax(others: list[int], row: int, source: Any, data: st.DataObject, seed: int) -> None:
    dim, alone = data.draw(st.integers(0, len(others))), Alone(seed)
    shape = (*others[:dim], row, *others[dim:])
    probability = int8(1 / 256, -128)
    output = data.draw(st.one_of(st.just(probability), st.builds(int8, powers(-4, 0), zero_points)))
    along = IntegerAttr(dim, i64)
    alone.holds(alone.op(edge.SoftmaxOp, [alone.input(shape, source)], shape, output, dim=along), 1)


@pytest.mark.parametrize(
    ("row", "limits"),
    [(4096, []), (65_536, []),
     (65_537, ["a softmax over 65537 elements leaves its sum too few bits"])],
)  # fmt: skip
def test_softmax_of_long_rows(row: int, limits: list[str]) -> None:
    """Rows up to the length at which the sum has as many bits as its reciprocal uses."""
    alone = Alone(row)
    dim = IntegerAttr(1, i64)
    value = alone.input((1, row), int8(0.1))
    result = alone.op(edge.SoftmaxOp, [value], (1, row), int8(1e-4, -128), dim=dim)
    alone.holds(result, 1, *limits)


@pytest.mark.parametrize("step", [1 / 256, 1 / 900, 1e-4, 1e-7])
@pytest.mark.parametrize("row", [40, 225, 226, 1000])
@pytest.mark.parametrize("lost", [0.49, 0.51])
def test_softmax_of_a_peak(row: int, step: float, lost: float) -> None:
    """One large element, and others whose exponentials all lose as much in 15 bits as they can."""
    alone = Alone(row)
    kind = int8(math.log(32767 / lost) / 200)
    stored = np.full((3, row), -100, np.int8)
    stored[:, 0] = 100
    value = alone.input(stored.shape, kind, stored)
    dim = IntegerAttr(1, i64)
    alone.holds(alone.op(edge.SoftmaxOp, [value], stored.shape, int8(step, -128), dim=dim), 1)


def test_softmax_in_tiny_steps() -> None:
    """Steps that even fine exponentials are too coarse for."""
    alone = Alone(0)
    value, dim = alone.input((2, 9), int8(0.1)), IntegerAttr(1, i64)
    result = alone.op(edge.SoftmaxOp, [value], (2, 9), int8(1e-9, -128), dim=dim)
    alone.holds(result, 1, "a softmax in steps of 1e-09 leaves its exponentials too few bits")
