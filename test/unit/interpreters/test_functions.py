"""Every function of one element in NumPy, compared with PyTorch's operator of the same name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from xdsl.dialects.builtin import FloatAttr, FunctionType, ModuleOp, TensorType, f32
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.dialects.test import TestOp
from xdsl.ir import Block, Region

from cmopt.arithmetic import functions
from cmopt.arithmetic.functions import apply_unary, numbers_of
from cmopt.dialects import edge
from cmopt.interpreters.run import run_module

# The operators' parameters in PyTorch's order.
PARAMETERS: dict[str, list[list[float]]] = {
    "elu": [[0.5, 1.25, 2.0], [1.5, 1.0, 1.0]],
    "hardshrink": [[0.75]],
    "logit": [[-1.0], [0.0], [0.125], [0.75]],
    "leaky_relu": [[0.125], [-0.5]],
    "pow": [[2.0], [3.0], [0.5], [-1.0], [-0.5], [0.0]],
    "softplus": [[2.0, 3.0], [0.5, 20.0]],
    "softshrink": [[0.25]],
    "threshold": [[0.5, -3.0]],
}
CASES = [(name, list[float]()) for name in edge.FUNCTIONS] + [
    (name, numbers) for name in edge.WITH_PARAMETERS for numbers in PARAMETERS[name]
]
VALUES = np.concatenate(
    [np.linspace(-9, 9, 289), np.linspace(-1, 1, 65), [-80, 80, -0.5, 1.5, 2.5]]
).astype(np.float32)


def make(name: str, numbers: list[float]) -> edge.UnaryOp:
    """The op with that name, with these numbers as properties."""
    kind = (edge.FUNCTIONS | edge.WITH_PARAMETERS)[name]
    type = TensorType(f32, [4])
    names = kind.get_irdl_definition().properties
    properties = {p: FloatAttr(n, f32) for p, n in zip(names, numbers, strict=True)}
    return kind([TestOp(result_types=[type]).results[0]], type, properties)


@pytest.mark.parametrize(("name", "numbers"), CASES)
def test_functions_are_pytorchs(name: str, numbers: list[float]) -> None:
    op = make(name, numbers)
    assert numbers_of(op) == numbers
    got = apply_unary(op, VALUES)
    want = getattr(torch.ops.aten, name)(torch.from_numpy(VALUES), *numbers).numpy()
    assert got is not None
    assert got.dtype == np.float32
    # Near a zero of the function the error is relative to the terms that cancel.
    np.testing.assert_allclose(got, want, rtol=3e-6, atol=3e-7)


@pytest.mark.parametrize("kind", functions.BINARY, ids=lambda kind: kind.name)
def test_functions_of_two_tensors_are_pytorchs(kind: type[edge.BinaryOp]) -> None:
    """As the interpreter calls PyTorch; also by zero, and of infinities."""
    ends = np.array([0, 1, -1, 2.5, -2.5, 0.3, -0.3, 7, np.inf, -np.inf, np.nan], np.float32)
    lhs, rhs = (np.ascontiguousarray(a) for a in np.meshgrid(ends, ends))
    types = [TensorType(f32, lhs.shape)] * 2
    op = kind(TestOp(result_types=types).results, types[0])
    block = Block(arg_types=types)
    op.operands = block.args
    block.add_ops([op, ReturnOp(op.results[0])])
    function = FuncOp("forward", FunctionType.from_lists(types, types[:1]), Region(block))
    (want,) = run_module(ModuleOp([function]), [lhs, rhs])
    np.testing.assert_array_equal(functions.apply_binary(op, lhs, rhs), want)


def test_a_number_must_be_given() -> None:
    op = make("leaky_relu", [0.5])
    del op.properties["negative_slope"]
    with pytest.raises(Exception, match="negative_slope"):
        op.verify()
