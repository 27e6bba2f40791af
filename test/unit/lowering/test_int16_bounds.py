"""The rules of `lowering/int16` stay within their bounds, alone and mixed with int8."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import BoolAttr, IntegerAttr, TensorType, f32, i64
from xdsl.ir import Operation, SSAValue

from cmopt.arithmetic.interpolated_tables import (
    Spacing,
    function_of_one,
    interpolated_table,
    wide_type,
)
from cmopt.dialects import edge
from cmopt.dialects.parsing import make_context
from cmopt.dialects.quant import DCastOp, QCastOp, UniformQuantizedType, qtype_of
from cmopt.dialects.shapes import broadcast_shape, ints
from cmopt.interpreters.run import run_module
from cmopt.lowering.legality import no_kernel_reason
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.support.targets import OWN

sys.path.insert(0, str(Path(__file__).parents[1]))
from random_windows import NHWC, counts, pairs, windows
from rules_alone import (
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

LOWERING = (
    "convert-edge-to-cortex-m{kernels=cmopt},canonicalize,cse,dce,verify-stage{stage=cortex_m}"
)

SMALL_SCALE = r"the output's scale is (too|so) small .*"
"""The reason of a requantization beyond the kernels' shifts."""


class OnCore(Alone):
    """An op that is lowered for the core."""

    def holds(self, result: SSAValue, bound: int = 0, *limits: str) -> None:
        """Check that the op is lowered within `bound` steps, or refused because of a limit."""
        assert isinstance(result.owner, Operation)
        if (reason := no_kernel_reason(result.owner, OWN)) is not None:
            assert any(re.fullmatch(limit, reason) for limit in limits), reason
            return
        module = self._finish(result)
        (expected,) = run_module(module, self.values)
        run_passes(make_context(), module, parse_pipeline(LOWERING))
        (actual,) = run_module(module, self.values)
        steps = np.abs(actual.astype(int) - expected.astype(int)).max(initial=0)
        assert steps <= bound, f"{steps} steps, not {bound}"

    def _wide(self, value: SSAValue) -> SSAValue:
        return value


def is_wide(kind: UniformQuantizedType) -> bool:
    return kind.storage.width.data == 16


def reach(kind: UniformQuantizedType) -> float:
    """A number near the end of a type's range."""
    return kind.scale * (30000 if is_wide(kind) else 120)


def result_type(
    data: st.DataObject, most: float, sources: Sequence[UniformQuantizedType]
) -> UniformQuantizedType:
    """A type for results up to about `most`; int16 if all sources are int8."""
    if not any(map(is_wide, sources)) or data.draw(st.booleans()):
        return int16(most / 30000 * data.draw(powers(-1, 1)), data.draw(st.booleans()))
    return int8(most / 120 * data.draw(powers(-1, 1)), data.draw(zero_points))


def matrix(
    alone: Alone, data: st.DataObject, kind: Any, shape: tuple[int, ...],
    weight: tuple[int, ...], result: tuple[int, ...], properties: dict[str, Any],
) -> None:  # fmt: skip
    """Check a convolution or linear op, with weights of 8 or 16 bits: at most 2 steps."""
    source, channels = data.draw(mixed_kinds), weight[0]
    each = data.draw(st.lists(powers(-3, -1), min_size=channels, max_size=channels))
    like = data.draw(st.sampled_from([int8(1.0), int16(1 / 256)]))
    weights = UniformQuantizedType.get(like.storage, [scale * like.scale for scale in each], axis=0)
    step = source.scale * np.array(each) * like.scale
    most = 0.6 * reach(source) * max(each) * 73 * math.prod(weight[1:]) ** 0.5
    output = result_type(data, most, [source, like])
    operands: list[Any] = [
        alone.input(shape, source), alone.constant(alone.stored(weight, like), weights), [],
    ]  # fmt: skip
    if data.draw(st.booleans()):
        stored = alone.random.integers(-(1 << 28), 1 << 28, channels).astype(np.int32)
        stored >>= 0 if is_wide(source) or is_wide(like) else 14
        operands[2] = alone.constant(stored, bias_type(step.tolist()))
    properties = {**properties, **data.draw(activations())}
    alone.holds(alone.op(kind, operands, result, output, **properties), 2, SMALL_SCALE)


@examples(80)
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
        OnCore(seed), data, edge.Conv2dOp, (batch, *w["size"], ins * groups),
        (outs * groups, *w["kernel"], ins), (batch, *counts(w), outs * groups), properties,
    )  # fmt: skip


@examples(40)
@given(shape=st.lists(st.integers(1, 5), min_size=1, max_size=4), outs=st.integers(1, 5),
       seed=seeds, data=st.data())  # fmt: skip
def test_linear(shape: list[int], outs: int, seed: int, data: st.DataObject) -> None:
    result = (*shape[:-1], outs)
    matrix(OnCore(seed), data, edge.LinearOp, tuple(shape), (outs, shape[-1]), result, {})


BINARY = {
    edge.AddOp: lambda a, b: a + b,
    edge.SubOp: lambda a, b: a + b,
    edge.MulOp: lambda a, b: a * b,
    edge.HypotOp: math.hypot,
    edge.MinimumOp: max,
    edge.MaximumOp: max,
}
"""The range of a result, from those of the operands."""


@pytest.mark.parametrize("kind", BINARY, ids=lambda kind: kind.name)
@examples(30)
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=4), seed=seeds, data=st.data(),
       types=st.tuples(mixed_kinds, mixed_kinds))  # fmt: skip
def test_binary(kind: Any, shape: list[int], seed: int, data: st.DataObject, types: Any) -> None:
    """Either operand is broadcast, and one may be a constant."""
    alone = OnCore(seed)
    shapes = []
    for _ in types:
        keep = [n if data.draw(st.integers(0, 3)) else 1 for n in shape]
        shapes.append(tuple(keep[data.draw(st.integers(0, 1)) if len(keep) > 1 else 0 :]))
    first = data.draw(st.integers(0, 2))
    operands = [
        (alone.constant if place == first else lambda v, t, s=own: alone.input(s, t, v))(
            alone.stored(own, type), type
        )
        for place, (own, type) in enumerate(zip(shapes, types, strict=True))
    ]
    result = broadcast_shape(*shapes)
    assert result is not None
    output = result_type(data, BINARY[kind](*map(reach, types)), types)
    if kind in (edge.MinimumOp, edge.MaximumOp) and data.draw(st.booleans()):
        output = types[0]
    clamp = data.draw(activations()) if kind in (edge.AddOp, edge.SubOp) else {}
    op = alone.op(kind, operands, result, output, **clamp)
    if not any(map(is_wide, (*types, output))):
        return
    alone.holds(op, _bound(op, kind), SMALL_SCALE, ".*too steep.*", "one step is more than .*",
                "the output's scale is too far .*")  # fmt: skip


def _bound(op: SSAValue, kind: Any) -> int:
    """A function of one tensor has the error of its table, and half a step if it is narrowed."""
    assert isinstance(op.owner, Operation)
    if kind is edge.HypotOp:  # an operand in a finer scale is rounded to the other's
        coarse = max(wide_type(qtype_of(value)).scale for value in op.owner.operands)
        return 2 + math.ceil(coarse / 2 / qtype_of(op).scale)
    if (function := function_of_one(op.owner)) is None:
        return 2
    table = interpolated_table(function, *Spacing)
    assert table is not None
    narrow = 1 if is_wide(qtype_of(op)) else 128
    return 1 + math.ceil(table.error / narrow)


SMOOTH = ("sigmoid", "tanh", "exp", "log", "sqrt", "rsqrt", "square", "abs", "silu", "sin", "neg")


@pytest.mark.parametrize("name", SMOOTH)
@examples(12)
@given(source=mixed_kinds, size=powers(-1, 1), seed=seeds, data=st.data())
def test_functions(name: str, source: Any, size: float, seed: int, data: st.DataObject) -> None:
    """With inputs up to 0.1 … 10, and results in the range that the function has there."""
    alone = OnCore(seed)
    steps = size / (30000 if is_wide(source) else 120)
    source = UniformQuantizedType.get(source.storage, steps, source.zero_point)
    most = {"exp": math.exp(size), "rsqrt": 20 / size**0.5, "square": size**2, "log": 5.0}
    output = result_type(data, most.get(name, max(size, 1.0)), [source])
    stored = alone.stored((3, 50), source)
    if name in ("log", "sqrt", "rsqrt"):  # where they are defined
        shifted = source.zero_point + 1 + np.abs(stored.astype(int))
        stored = np.clip(shifted, None, source.storage_range[1]).astype(stored.dtype)
    value = alone.input((3, 50), source, stored)
    op = alone.op(edge.FUNCTIONS[name], [value], (3, 50), output)
    alone.holds(op, _bound(op, None), ".*too steep.*")


@examples(40)
@given(types=st.tuples(mixed_kinds, wide_kinds), swapped=st.booleans(), spread=powers(-1, 4),
       seed=seeds, shape=st.lists(st.integers(1, 9), max_size=6))  # fmt: skip
def test_requantization(
    types: Any, swapped: bool, spread: float, seed: int, shape: list[int]
) -> None:
    """Between int8 and int16, and between two types of int16."""
    alone, (source, output) = OnCore(seed), types[::-1] if swapped else types
    scale = reach(source) / (30000 if is_wide(output) else 120) * spread
    output = UniformQuantizedType.get(output.storage, scale, output.zero_point)
    real = alone.add(DCastOp(alone.input(shape, source), TensorType(f32, shape)))
    alone.holds(alone.add(QCastOp(real, TensorType(output, shape))), 1)


@examples(30)
@given(kind=wide_kinds, other=st.one_of(st.none(), mixed_kinds), seed=seeds, data=st.data())
def test_clamp(kind: Any, other: Any, seed: int, data: st.DataObject) -> None:
    """At most 1 step. Without a bound it is ReLU."""
    alone = OnCore(seed)
    bound = st.one_of(st.none(), st.floats(-1, 1, width=32).map(lambda x: x * reach(kind)))
    bounds = {key: f(v) for key in ("min", "max") if (v := data.draw(bound)) is not None}
    op = edge.ClampOp if bounds else edge.ReluOp
    output = kind if other is None else other
    result = alone.op(op, [alone.input((4, 5), kind)], (4, 5), output, **bounds)
    alone.holds(result, 1, "one step is more than .*")


@examples(40)
@given(size=st.integers(1, 300), source=mixed_kinds, reach_of=powers(-1, 1.5), seed=seeds,
       data=st.data())  # fmt: skip
def test_softmax(size: int, source: Any, reach_of: float, seed: int, data: st.DataObject) -> None:
    """At most 2 steps of 1/32768, and one of another type."""
    alone = OnCore(seed)
    scale = reach_of / (30000 if is_wide(source) else 120)
    source = UniformQuantizedType.get(source.storage, scale, source.zero_point)
    output = data.draw(st.sampled_from([int16(1 / 32768), int8(1 / 256, -128)]))
    if not is_wide(source) and not is_wide(output):
        return
    last = {"dim": IntegerAttr(1, i64)}
    op = alone.op(edge.SoftmaxOp, [alone.input((3, size), source)], (3, size), output, **last)
    alone.holds(op, 2 if is_wide(output) else 1)


@examples(40)
@given(sizes=st.lists(st.integers(1, 20), min_size=4, max_size=4), seed=seeds, data=st.data(),
       types=st.tuples(mixed_kinds, mixed_kinds))  # fmt: skip
def test_matmul(sizes: list[int], seed: int, data: st.DataObject, types: Any) -> None:
    """At most 2 steps."""
    alone, (items, rows, columns, depth) = OnCore(seed), sizes
    most = 0.6 * reach(types[0]) * reach(types[1]) * depth**0.5
    output = result_type(data, most, types)
    operands = [alone.input((items, rows, depth), types[0]),
                alone.input((items, columns, depth), types[1])]  # fmt: skip
    flag = {"transposed_rhs": BoolAttr.from_bool(True)}
    op = alone.op(edge.MatmulOp, operands, (items, rows, columns), output, **flag)
    alone.holds(op, 2, SMALL_SCALE)


@pytest.mark.parametrize("kind", [edge.AvgPool2dOp, edge.MaxPool2dOp], ids=lambda k: k.name)
@examples(30)
@given(w=windows(), ceil=st.booleans(), seed=seeds, data=st.data(), source=mixed_kinds)
def test_pools(
    kind: Any, w: dict[str, Any], ceil: bool, seed: int, data: st.DataObject, source: Any
) -> None:
    """Exact maxima of one type, means of at most 1 step; a requantization adds half a step of the
    input's type and rounds once more."""
    alone, channels = OnCore(seed), data.draw(st.integers(1, 5))
    keeps = is_wide(source) and data.draw(st.booleans())
    output = source if keeps else result_type(data, reach(source), [source])
    properties: dict[str, Any] = {
        "kernel_size": ints(w["kernel"]),
        "stride": ints(w["stride"]),
        "padding": ints(w["padding"]),
        "ceil_mode": BoolAttr.from_bool(ceil),
        "data_format": NHWC,
    }
    if kind is edge.MaxPool2dOp:
        properties["dilation"] = ints((1, 1))
        bound = 0 if keeps else 1
    else:
        properties["count_include_pad"] = BoolAttr.from_bool(data.draw(st.booleans()))
        wide = source.scale / (1 if is_wide(source) else 128)
        bound = 1 if keeps else 1 + math.ceil((1 + wide / output.scale) / 2)
    result = (1, *counts(w, ceil), channels)
    value = alone.input((1, *w["size"], channels), source)
    op = alone.op(kind, [value], result, output, **properties)
    alone.holds(op, bound, "a window of ceil_mode .*", "the average pool kernel pads .*")


@examples(30)
@given(shape=st.lists(st.integers(1, 5), min_size=1, max_size=5), kind=wide_kinds, seed=seeds,
       data=st.data())  # fmt: skip
def test_moves(shape: list[int], kind: Any, seed: int, data: st.DataObject) -> None:
    """Exact, and also on the stock kernels."""
    perm = data.draw(st.permutations(range(len(shape))))
    alone = OnCore(seed)
    value = alone.input(shape, kind)
    cases = [
        edge.PermuteOp.of(value, perm),
        edge.SliceOp.of(value, perm[0], shape[perm[0]] // 2, 1),
        edge.ReshapeOp.of(value, (math.prod(shape),)),
        edge.CatOp.of([value, value], perm[0]),
    ]
    op = data.draw(st.sampled_from(cases))
    alone.add(op)
    assert no_kernel_reason(op) is None
    alone.holds(op.results[0])


@examples(20)
@given(types=st.lists(mixed_kinds, min_size=1, max_size=3), output=mixed_kinds,
       dim=st.integers(0, 1), seed=seeds)  # fmt: skip
def test_join_of_types(types: list[Any], output: Any, dim: int, seed: int) -> None:
    """At most 1 step."""
    alone = OnCore(seed)
    parts = [alone.input((2, 3), kind) for kind in types]
    if not any(map(is_wide, (*types, output))):
        return
    shape = [2, 3]
    shape[dim] *= len(types)
    op = alone.add(edge.CatOp([parts], TensorType(output, shape), {"dim": IntegerAttr(dim, i64)}))
    alone.holds(op, 1, "one step is more than .*")


def test_without_the_library_an_op_says_what_it_needs() -> None:
    alone = OnCore(0)
    value = alone.input((2, 3), int16(0.1))
    op = alone.op(edge.FUNCTIONS["tanh"], [value], (2, 3), int16(1 / 32768))
    assert isinstance(op.owner, Operation)
    assert no_kernel_reason(op.owner) == 'int16 needs kernels="cmopt"'


def test_a_zero_point_has_no_kernel() -> None:
    alone = OnCore(0)
    shifted = UniformQuantizedType.get(int16(1.0).storage, 0.1, 3)
    op = alone.op(edge.FUNCTIONS["tanh"], [alone.input((2, 3), shifted)], (2, 3), int16(1 / 32768))
    alone.holds(op, 0, "takes int16 with zero point 0, got 3")


def test_a_function_that_jumps_has_no_table() -> None:
    alone = OnCore(0)
    value = alone.input((2, 3), int16(10 / 32768))
    op = alone.op(edge.FUNCTIONS["floor"], [value], (2, 3), int16(10 / 32768))
    alone.holds(op, 0, r"floor is too steep for a table of int16: off by up to \d+ steps of .*")
