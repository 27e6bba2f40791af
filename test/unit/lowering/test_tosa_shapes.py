"""The shapes of elementwise ops: the values stay, and Vela copies no more than before."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.ir import SSAValue

from cmopt.codegen.vela import OpFigures
from cmopt.dialects import tosa
from cmopt.dialects.shapes import numel, shape_of
from cmopt.lowering.tosa.reductions import reduce
from cmopt.lowering.tosa.shapes import choose_shapes, under

sys.path.insert(0, str(Path(__file__).parents[1]))
from rules_alone import examples, seeds
from tosa_programs import I32
from tosa_region import Graph


def copies(ops: tuple[OpFigures, ...]) -> int:
    """Vela's copies of values that are read under several shapes."""
    return sum(op.operator == "MemoryCopy" and op.source == "Reshape" for op in ops)


def chosen(graph: Graph, *outputs: SSAValue) -> tuple[int, int]:
    """Vela's copies before and after shapes are chosen."""
    before, after = graph.changed(choose_shapes, *outputs)
    return copies(before), copies(after)


def test_a_residual_needs_no_copy() -> None:
    """The sum has the shape of the transposes."""
    graph = Graph(0)
    x = graph.source((1, 8, 6, 6))
    turned = graph.build.transpose(x, (0, 2, 3, 1))
    inner = graph.table(turned)
    back = graph.build.transpose(inner, (0, 3, 1, 2))
    assert chosen(graph, graph.sum(x, back)) == (1, 0)


def test_a_broadcast_operand_follows() -> None:
    """The maxima of rows are added to the rows of an image; both are read as a matrix too."""
    graph = Graph(0)
    build = graph.build
    x = build.clamp(graph.source((1, 4, 6, 8)), -100, 100)
    largest = reduce(tosa.ReduceMaxOp, build.rows(x, 8), 3, build)
    result = graph.sum(x, build.reshape(largest, (1, 4, 6, 1)))
    turned = build.transpose(build.rows(result, 8), (0, 1, 3, 2))
    assert chosen(graph, turned) == (1, 0)


def test_a_constant_follows() -> None:
    """A constant for each channel of an image, whose pixels are read as a matrix too."""
    graph = Graph(0)
    x = graph.source((1, 4, 6, 8))
    channels = graph.build.constant(np.arange(4, dtype=np.int32).reshape(1, 4, 1, 1))
    total = graph.build.arithmetic(tosa.AddOp, graph.build.rescale(x, 1.0, to=I32), channels)
    turned = graph.build.transpose(x, (0, 2, 3, 1))
    assert chosen(graph, graph.build.rescale(total, 0.5), turned) == (1, 0)


def test_a_broadcast_is_not_split() -> None:
    """No shape of the matrix has the dimension along which the sum is broadcast."""
    graph = Graph(0)
    x, row = graph.source((1, 1, 6, 8)), graph.source((1, 1, 6, 1))
    turned = graph.build.transpose(graph.build.reshape(x, (1, 1, 4, 12)), (0, 1, 3, 2))
    assert chosen(graph, graph.sum(x, row), turned) == (1, 1)


def factorizations(size: int) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes of four dimensions at most with `size` elements."""

    def shape(sizes: list[int]) -> tuple[int, ...]:
        result, rest = [], size
        for wanted in sizes:
            result.append(max(n for n in range(1, wanted + 1) if rest % n == 0))
            rest //= result[-1]
        return (*result, rest)

    return st.lists(st.integers(1, 12), max_size=3).map(shape)


@examples(60)
@given(data=st.data(), seed=seeds)
def test_random_graphs(data: st.DataObject, seed: int) -> None:
    """Elementwise ops with and without broadcasting, transposes and reductions: values stay.

    The number of copies is not compared: the choice counts their elements, as an estimate of what
    Vela does, and in rare graphs Vela makes one copy more.
    """
    graph = Graph(seed)
    values = [graph.source(), graph.source()]
    for _ in range(data.draw(st.integers(2, 10))):
        value = values[data.draw(st.integers(0, len(values) - 1))]
        if data.draw(st.booleans()):
            value = graph.build.reshape(value, data.draw(factorizations(numel(shape_of(value)))))
        values.append(step(graph, value, values, data))
    outputs = [value for value in values[2:] if isinstance(value.owner, tosa.RescaleOp)]
    for argument in graph.block.args:
        outputs.append(graph.build.rescale(argument, 0.25))
    graph.changed(choose_shapes, *dict.fromkeys(outputs))


def step(graph: Graph, value: SSAValue, values: list[SSAValue], data: st.DataObject) -> SSAValue:
    """One more value."""
    shape, build = shape_of(value), graph.build
    way = data.draw(st.sampled_from(["table", "sum", "broadcast", "transpose", "maximum"]))
    match way:
        case "table":
            return graph.table(value)
        case "sum":
            same = [v for v in values if numel(shape_of(v)) == numel(shape)]
            return graph.sum(
                value, build.reshape(same[data.draw(st.integers(0, len(same) - 1))], shape)
            )
        case "broadcast":
            own = tuple(n if data.draw(st.booleans()) else 1 for n in shape)
            operand = graph.source(own)
            if data.draw(st.booleans()):
                operand = build.constant(graph.random.integers(-128, 128, own).astype(np.int8))
            return graph.sum(value, operand)
        case "transpose":
            turned = build.transpose(value, data.draw(st.permutations(range(len(shape)))))
            return build.rescale(turned, 1.0)
        case _:
            dim = data.draw(st.integers(0, len(shape) - 1))
            return build.rescale(reduce(tosa.ReduceMaxOp, value, dim, build), 1.0)


@pytest.mark.parametrize(
    ("own", "old", "new", "expected"),
    [
        ((4, 64, 1), (4, 64, 64), (1, 1, 256, 64), (1, 1, 256, 1)),
        ((4, 64, 1), (4, 64, 64), (1, 256, 8, 8), (1, 256, 1, 1)),
        ((1, 16, 1, 1), (1, 16, 32, 32), (16, 1024), (16, 1)),
        ((1, 16, 1, 1), (2, 16, 3, 3), (2, 16, 9), (1, 16, 1)),
        ((1, 1, 1), (2, 3, 4), (24,), (1,)),
        ((2, 3, 4), (2, 3, 4), (24, 1), (24, 1)),
    ],
)  # fmt: skip
def test_the_shape_of_an_operand(
    own: tuple[int, ...], old: tuple[int, ...], new: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    operand = Graph(0).source(own)
    assert under(operand, old, new) == expected
