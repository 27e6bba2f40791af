"""Lookups that are part of other operations: the values stay, and Vela needs no more operations."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.ir import Block, SSAValue
from xdsl.transforms.common_subexpression_elimination import cse

from cmopt.codegen.vela import OpFigures
from cmopt.dialects import tosa
from cmopt.lowering.tosa.lookups import join_lookups

sys.path.insert(0, str(Path(__file__).parents[1]))
from rules_alone import examples, seeds
from tosa_region import SHAPE, Graph


def alone(ops: tuple[OpFigures, ...]) -> int:
    """Tables and clamps that take cycles of their own."""
    return sum(op.operator in ("LUT", "Clamp") and op.cycles > 0 for op in ops)


def kinds(graph: Graph) -> list[type]:
    return [type(op) for op in graph.block.ops]


def test_a_table_of_an_input_is_part_of_a_product() -> None:
    graph = Graph(0)
    before, after = graph.changed(join_lookups, graph.table(graph.source()))
    assert (alone(before), alone(after)) == (1, 0)
    assert sum(op.cycles for op in after) < sum(op.cycles for op in before)


def test_tables_in_a_row_are_one() -> None:
    """Also through a reshape, and with a clamp between them."""
    graph = Graph(0)
    value = graph.build.clamp(graph.table(graph.source()), -90, 70)
    value = graph.table(graph.build.reshape(value, (6, 20)))
    graph.changed(join_lookups, value)
    assert kinds(graph).count(tosa.TableOp) == 1
    assert tosa.ClampOp not in kinds(graph)


def test_two_clamps_stay_a_clamp() -> None:
    graph = Graph(0)
    graph.changed(join_lookups, graph.build.clamp(graph.build.clamp(graph.source(), 3, 9), -5, 7))
    (clamp,) = (op for op in graph.block.ops if isinstance(op, tosa.ClampOp))
    assert (clamp.min_val.value.data, clamp.max_val.value.data) == (3, 7)


def test_a_table_with_two_readers_stays() -> None:
    graph = Graph(0)
    first = graph.table(graph.source())
    graph.changed(join_lookups, graph.table(first), first)
    assert kinds(graph).count(tosa.TableOp) == 2


def test_each_table_of_an_input_has_its_own_product() -> None:
    """Also after `cse`: Vela computes a product together with one table."""

    def joined(block: Block) -> None:
        join_lookups(block)
        cse(block)

    graph = Graph(0)
    x = graph.source()
    _, after = graph.changed(joined, graph.table(x), graph.table(x))
    assert alone(after) == 0 and len(after) == 4


def test_a_table_after_an_operation_needs_no_product() -> None:
    graph = Graph(0)
    total = graph.sum(graph.source(), graph.source())
    before, after = graph.changed(join_lookups, graph.table(total))
    assert before == after and alone(after) == 0


@pytest.mark.parametrize("rank", [0, 1, 6])
def test_any_rank(rank: int) -> None:
    graph = Graph(0)
    _, after = graph.changed(join_lookups, graph.table(graph.source((2,) * rank)))
    assert alone(after) == 0


def test_the_table_of_each_number_is_no_op() -> None:
    graph = Graph(0)
    x = graph.source()
    assert graph.build.table(x, np.arange(-128, 128).astype(np.int8)) is x


@examples(60)
@given(data=st.data(), seed=seeds)
def test_random_graphs(data: st.DataObject, seed: int) -> None:
    graph = Graph(seed)
    values = [graph.source(), graph.source()]
    for _ in range(data.draw(st.integers(1, 8))):
        value = values[data.draw(st.integers(0, len(values) - 1))]
        values.append(step(graph, value, data))
    wanted = data.draw(st.sets(st.integers(2, len(values) - 1), min_size=1))
    outputs = {values[index]: None for index in sorted(wanted)}
    outputs |= {value: None for value in values[2:] if not list(value.uses)}  # no dead code
    outputs |= {graph.sum(argument, argument): None for argument in graph.block.args}
    before, after = graph.changed(join_lookups, *outputs)
    assert alone(after) == 0
    assert sum(op.cycles for op in after) <= sum(op.cycles for op in before)


def step(graph: Graph, value: SSAValue, data: st.DataObject) -> SSAValue:
    """One more value, of the same shape."""
    match data.draw(st.sampled_from(["table", "clamp", "sum", "slices", "transpose", "reshape"])):
        case "table":
            return graph.table(value)
        case "clamp":
            return graph.build.clamp(value, data.draw(st.integers(-128, 0)), 100)
        case "sum":
            return graph.sum(value, value)
        case "slices":
            parts = [graph.build.slice_dim(value, 2, start, 2) for start in (2, 0)]
            return graph.build.concat(parts, 2)
        case "transpose":
            turned = graph.build.transpose(value, (3, 0, 1, 2))
            return graph.build.reshape(turned, SHAPE)
        case _:
            twice = graph.build.reshape(graph.table(graph.build.reshape(value, (6, 20))), SHAPE)
            return twice
