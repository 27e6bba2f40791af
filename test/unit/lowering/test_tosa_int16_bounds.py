"""The rules of `lowering.tosa` stay within their bounds with int16, alone and mixed with int8."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import BoolAttr, IntegerAttr, TensorType, f32, i64
from xdsl.ir import SSAValue

from cmopt.dialects import edge
from cmopt.dialects.quant import DCastOp, QCastOp, UniformQuantizedType
from cmopt.dialects.shapes import broadcast_shape, ints
from cmopt.lowering.tosa.pieces import error_of
from cmopt.lowering.tosa.softmax import wide_powers

sys.path.insert(0, str(Path(__file__).parents[1]))
import rules_alone
from random_windows import LONG_STRIDE, NHWC, counts, pairs, windows
from rules_alone import (
    REALS,
    Alone,
    activations,
    bias_type,
    examples,
    f,
    int8,
    int16,
    mixed_kinds,
    powers,
    seeds,
    wide_kinds,
    zero_points,
)


def is_wide(kind: UniformQuantizedType) -> bool:
    return kind.storage.width.data == 16


def output_type(data: st.DataObject, step: float, sources: Any) -> UniformQuantizedType:
    """A type for results of about 100 int8 `step`s; int16 if all sources are int8."""
    if all(not is_wide(kind) for kind in sources) or data.draw(st.booleans()):
        return int16(step / 256 * data.draw(powers(-1, 1)), data.draw(st.booleans()))
    return int8(step * data.draw(powers(-1, 1)), data.draw(zero_points))


def matrix(
    alone: Alone, data: st.DataObject, kind: Any, shape: tuple[int, ...],
    weight: tuple[int, ...], result: tuple[int, ...], properties: dict[str, Any], *limits: str,
) -> None:  # fmt: skip
    """Check a convolution or linear op: ≤ 2 steps from int16 to int16, else 1."""
    source, channels = data.draw(mixed_kinds), weight[0]
    each = data.draw(st.lists(powers(-3, -1), min_size=channels, max_size=channels))
    weights = UniformQuantizedType.get(int8(1.0).storage, each, axis=0)
    step = source.scale * np.array(each)
    spread = 40 * 73 * (256 if is_wide(source) else 1) * math.prod(weight[1:]) ** 0.5
    output = output_type(data, float(step.max()) * spread / 100, [source])
    bound = 2 if is_wide(source) and is_wide(output) else 1
    operands = [alone.input(shape, source), alone.constant(alone.stored(weight), weights)]
    operands_of_op: list[Any] = [*operands, []]
    if data.draw(st.booleans()):
        stored = alone.random.integers(-(1 << 24), 1 << 24, channels).astype(np.int32)
        if not is_wide(source):
            stored >>= 8
        operands_of_op = [*operands, alone.constant(stored, bias_type(step.tolist()))]
    properties = {**properties, **data.draw(activations())}
    op = alone.op(kind, operands_of_op, result, output, **properties)
    alone.holds(op, bound, *limits)


@examples(160)
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
    matrix(
        Alone(seed), data, edge.Conv2dOp, (batch, *w["size"], ins * groups),
        (outs * groups, *w["kernel"], ins), (batch, *counts(w), outs * groups), properties,
        LONG_STRIDE, "all windows lie in the padding",
    )  # fmt: skip


@examples(40)
@given(shape=st.lists(st.integers(1, 5), min_size=1, max_size=4), outs=st.integers(1, 5),
       seed=seeds, data=st.data())  # fmt: skip
def test_linear(shape: list[int], outs: int, seed: int, data: st.DataObject) -> None:
    result = (*shape[:-1], outs)
    matrix(Alone(seed), data, edge.LinearOp, tuple(shape), (outs, shape[-1]), result, {})


def real_range(kind: UniformQuantizedType) -> float:
    """A number near the end of a type's range."""
    return kind.scale * (30000 if is_wide(kind) else 120)


BINARY = {
    edge.AddOp: lambda a, b: a + b,
    edge.SubOp: lambda a, b: a + b,
    edge.MulOp: lambda a, b: a * b,
    edge.MinimumOp: max,
    edge.MaximumOp: max,
}
"""The range of a result, from those of the operands."""


@pytest.mark.parametrize("kind", BINARY, ids=lambda kind: kind.name)
@examples(40)
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=4), seed=seeds, data=st.data(),
       types=st.tuples(mixed_kinds, mixed_kinds))  # fmt: skip
def test_binary(kind: Any, shape: list[int], seed: int, data: st.DataObject, types: Any) -> None:
    """Either operand is broadcast. One may be a constant, a number, or the same as the other."""
    alone = Alone(seed)
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
        value = alone.stored(own, type)
        if place == first and form == "splat":
            value = np.full(own, value.flat[0])
        operand = alone.constant(value, type) if place == first else alone.input(own, type, value)
        operands.append(operand)
    if form == "twice":
        operands, shapes = [operands[1]] * 2, [shapes[1]] * 2
    result = broadcast_shape(*shapes)
    assert result is not None
    output = output_type(data, BINARY[kind](*map(real_range, types)) / 100, types)
    if kind in (edge.MinimumOp, edge.MaximumOp) and data.draw(st.booleans()):
        output = types[0]
    clamp = data.draw(activations()) if kind in (edge.AddOp, edge.SubOp) else {}
    alone.holds(alone.op(kind, operands, result, output, **clamp), 1)


@examples(30)
@given(
    source=mixed_kinds,
    number=REALS.filter(lambda value: abs(value) > 2.0**-100),  # a scale is a normal number
    seed=seeds,
    data=st.data(),
)
def test_division_by_a_number(source: Any, number: float, seed: int, data: Any) -> None:
    alone = Alone(seed)
    output = output_type(data, real_range(source) / abs(number) / 100, [source])
    value = alone.input((3, 50), source)
    scale = abs(number)
    divisor = alone.constant(np.full((1, 1), math.copysign(1, number), np.int8), int8(scale))
    alone.holds(alone.op(edge.DivOp, [value, divisor], (3, 50), output), 1)


@examples(30)
@given(source=mixed_kinds, seed=seeds, data=st.data())
def test_sign_change(source: Any, seed: int, data: Any) -> None:
    alone = Alone(seed)
    output = output_type(data, real_range(source) / 100, [source])
    alone.holds(alone.op(edge.FUNCTIONS["neg"], [alone.input((3, 50), source)], (3, 50), output), 1)


@examples(60)
@given(types=st.tuples(mixed_kinds, wide_kinds), swapped=st.booleans(), spread=powers(-1, 5),
       seed=seeds, shape=st.lists(st.integers(1, 9), min_size=1, max_size=6))  # fmt: skip
def test_requantization(
    types: Any, swapped: bool, spread: float, seed: int, shape: list[int]
) -> None:
    """Between int8 and int16, and between two types of int16."""
    alone, (source, output) = Alone(seed), types[::-1] if swapped else types
    if spread < 1e4:
        scale = real_range(source) / (30000 if is_wide(output) else 120) * spread
        output = UniformQuantizedType.get(output.storage, scale, output.zero_point)
    real = alone.add(DCastOp(alone.input(shape, source), TensorType(f32, shape)))
    alone.holds(alone.add(QCastOp(real, TensorType(output, shape))), 1)


@examples(40)
@given(kind=wide_kinds, other=st.one_of(st.none(), mixed_kinds), seed=seeds, data=st.data(),
       shape=st.lists(st.integers(1, 9), min_size=1, max_size=6))  # fmt: skip
def test_clamp(kind: Any, other: Any, seed: int, data: Any, shape: list[int]) -> None:
    """Exact on one type. Without a bound it is ReLU."""
    alone = Alone(seed)
    bound = st.one_of(st.none(), st.floats(-1, 1, width=32).map(lambda x: x * real_range(kind)))
    bounds = {key: f(v) for key in ("min", "max") if (v := data.draw(bound)) is not None}
    op = edge.ClampOp if bounds else edge.ReluOp
    output = kind if other is None else other
    alone.holds(
        alone.op(op, [alone.input(shape, kind)], shape, output, **bounds), other is not None
    )


MATMUL_LIMIT = "tosa.matmul: takes i8, not i16"


@pytest.mark.parametrize("npu", ["ethos-u55-128", "ethos-u85-256"])
@examples(40)
@given(batch=st.lists(st.integers(1, 3), max_size=2), sizes=st.tuples(*[st.integers(1, 9)] * 3),
       transposed=st.booleans(), types=st.tuples(mixed_kinds, mixed_kinds), seed=seeds,
       data=st.data())  # fmt: skip
def test_matmul(
    npu: str, batch: list[int], sizes: Any, transposed: bool, types: Any, seed: int, data: Any
) -> None:
    """Only a U85 has it for int16. From int8 to int16, every NPU."""
    alone, (rows, depth, columns) = Alone(seed), sizes
    right = (columns, depth) if transposed else (depth, columns)
    operands = [
        alone.input(shape, type)
        for shape, type in zip(((*batch, rows, depth), (*batch, *right)), types, strict=True)
    ]
    step = types[0].scale * types[1].scale * depth**0.5 * 73 * 73
    output = output_type(data, step * 256 ** sum(map(is_wide, types)) / 100, types)
    flag = BoolAttr.from_bool(transposed)
    result = alone.op(edge.MatmulOp, operands, (*batch, rows, columns), output, transposed_rhs=flag)
    with pytest.MonkeyPatch.context() as patch:
        delegation = rules_alone.DELEGATION.replace("ethos-u55-128", npu)
        patch.setattr(rules_alone, "DELEGATION", delegation)
        patch.setattr(rules_alone, "COMPILED_FOR", (npu,))
        wide = any(map(is_wide, types))
        limits = [MATMUL_LIMIT] if wide and "u55" in npu else []
        alone.holds(result, 2 if wide and is_wide(output) else 1, *limits)


def softmax(alone: Alone, source: Any, output: Any, value: Any, dim: int) -> SSAValue:
    shape = value.shape
    along = IntegerAttr(dim, i64)
    return alone.op(edge.SoftmaxOp, [alone.input(shape, source, value)], shape, output, dim=along)


@examples(60)
@given(
    others=st.lists(st.integers(1, 3), max_size=3),
    row=st.one_of(st.integers(1, 9), st.integers(1, 600)),
    source=mixed_kinds,
    spread=powers(-1, 1),
    data=st.data(),
    seed=seeds,
)
def test_softmax(
    others: list[int], row: int, source: Any, spread: float, data: Any, seed: int
) -> None:
    """The bound is that of exponentials whose errors all have one sign."""
    dim, alone = data.draw(st.integers(0, len(others))), Alone(seed)
    shape = (*others[:dim], row, *others[dim:])
    output = output_type(data, 1 / 100 * spread, [source])
    value = alone.stored(shape, source)
    factor, pieces = wide_powers(source)
    places = np.arange(-(1 << 15), 1 << 15)
    exact = 32767 * np.exp(np.minimum(source.scale / factor * places, 0))
    error = (row + 1) * (error_of(pieces, exact, places <= 0) + 1) / 32767
    error += source.scale / 2 if factor < 1 else 0
    error += 2.0**-13
    alone.holds(softmax(alone, source, output, value, dim), math.ceil(1 + error / output.scale))


@pytest.mark.parametrize("reach", [0.01, 0.3, 1, 5, 10, 30, 100])
@pytest.mark.parametrize("row", [4, 64, 700])
def test_noise_of_softmax(row: int, reach: float) -> None:
    """At least 65 dB against float, of normal numbers up to `reach` or so."""
    alone = Alone(row)
    real = alone.random.normal(0, reach / 3, (16, row))
    source = int16(float(np.abs(real).max()) / 32767)
    value = np.rint(real / source.scale).astype(np.int16)
    shares = np.exp(value * source.scale - (value * source.scale).max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    output = int16(float(shares.max()) / 32767)
    got = alone.lowered(softmax(alone, source, output, value, 1)) * output.scale
    noise = ((got - shares) ** 2).sum()
    assert 10 * np.log10((shares**2).sum() / noise) >= 65
