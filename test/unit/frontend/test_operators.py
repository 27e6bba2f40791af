"""The rows of the table of operators: each operator exists, and in-place variants are included."""

from __future__ import annotations

import executorch.exir.passes.dim_order_ops_registry  # noqa: F401
import pytest
import torch
import torch.ao.quantization.fx._decomposed

from cmopt.dialects import edge
from cmopt.frontend.operators import (
    CLAMPED,
    CONVERSIONS,
    FREE,
    OBSERVED,
    OPERATORS,
    SHARED,
    Operator,
)


def exists(name: str) -> bool:
    namespace, operator, overload = name.split(".")
    packet = getattr(getattr(torch.ops, namespace), operator, None)
    return packet is not None and hasattr(packet, overload)


@pytest.mark.parametrize("row", OPERATORS, ids=lambda row: row.names)
def test_a_row_is_of_operators_that_exist(row: Operator) -> None:
    speaks_of_overloads = row.imported or row.prepared or row.rewritten
    for name in row.overloads():
        namespace, operator, _ = name.split(".")
        if operator.endswith("_") and row.observed in (FREE, CLAMPED):
            continue  # not every function has an in-place variant
        if speaks_of_overloads:
            assert exists(name), name
        else:
            assert hasattr(getattr(torch.ops, namespace), operator), name


def test_the_variant_in_place_of_a_free_operator_is_meant_too() -> None:
    row = Operator("add.Tensor", FREE)
    assert list(row.overloads()) == ["aten.add.Tensor", "aten.add_.Tensor"]
    assert list(Operator("t", SHARED).overloads()) == ["aten.t.default"]


def test_functions_and_binary_ops_of_the_dialect_need_no_row() -> None:
    for op in edge.Edge.operations:
        if issubclass(op, edge.BinaryOp) and op.ATEN:
            assert all(f"aten.{name}" in CONVERSIONS for name in op.ATEN)
            assert OBSERVED[op.name.removeprefix("edge.")] in (FREE, CLAMPED)
    for name in (*edge.FUNCTIONS, *edge.WITH_PARAMETERS):
        assert OBSERVED[name] in (FREE, CLAMPED)
