"""Delegates built op by op, compared with Arm's TOSA reference model.

A delegate must give the reference model's bytes. If the reference model refuses a program as
unpredictable (the specification's REQUIRE) or wrong, the interpreter must refuse it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import tosa_reference_model
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from xdsl.dialects.builtin import (
    BytesAttr,
    DenseIntOrFPElementsAttr,
    IntegerType,
    ModuleOp,
    TensorType,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, SSAValue

from cmopt.codegen.tosa_flatbuffer import serialize
from cmopt.dialects import tosa
from cmopt.dialects.ethos_u import DelegateOp, YieldOp
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.interpreters.run import run_module

Array = NDArray[Any]

I1, I8, I16, I32, I48 = (IntegerType(width) for width in (1, 8, 16, 32, 48))
DTYPES = {I1: np.bool_, I8: np.int8, I16: np.int16, I32: np.int32, I48: np.int64}
LIMITS = {
    element: (-(1 << element.width.data - 1), (1 << element.width.data - 1) - 1)
    for element in (I8, I16, I32, I48)
}


class Program:
    """A delegate under construction, with the values of its inputs."""

    def __init__(self) -> None:
        self.block = Block()
        self.values: list[Array] = []
        self.module = ModuleOp([])
        self.delegate: DelegateOp

    def input(self, value: Array, element: IntegerType) -> SSAValue:
        """A new input with its value."""
        self.values.append(value.astype(DTYPES[element]))
        type = TensorType(element, value.shape)
        return self.block.insert_arg(type, len(self.block.args))

    def const(self, values: Any, element: IntegerType) -> SSAValue:
        """A constant. A number becomes a constant of one element."""
        array = np.atleast_1d(np.asarray(values)).astype(DTYPES[element])
        data = BytesAttr(array.tobytes())
        op = tosa.ConstOp(DenseIntOrFPElementsAttr(TensorType(element, array.shape), data))
        self.block.add_op(op)
        return op.output

    def sizes(self, *values: int) -> SSAValue:
        """A shape operand."""
        op = tosa.ConstShapeOp.of(values)
        self.block.add_op(op)
        return op.output

    def op(
        self, kind: Any, operands: Sequence[SSAValue], element: IntegerType, shape: Sequence[int],
        **properties: Attribute,
    ) -> SSAValue:  # fmt: skip
        """An op with one result."""
        op = kind.create(
            operands=operands, result_types=[TensorType(element, shape)], properties=properties
        )
        self.block.add_op(op)
        return op.results[0]

    def finish(self, *outputs: SSAValue) -> None:
        """Make the module and verify its ops, but not whether an NPU has them."""
        self.block.add_op(YieldOp(outputs))
        types = [argument.type for argument in self.block.args]
        func = FuncOp("forward", (types, [value.type for value in outputs]))
        results = [value.type for value in outputs]
        self.delegate = DelegateOp(func.body.block.args, "ethos-u55-128", self.block, results)
        func.body.block.add_ops([self.delegate, ReturnOp(*self.delegate.outputs)])
        self.module = ModuleOp([func])
        for op in self.block.ops:
            op.verify()

    def agrees(self, *outputs: SSAValue) -> bool:
        """Run both on the inputs and compare the bytes. Returns False if both refuse them."""
        self.finish(*outputs)
        expected = reference(self.delegate, self.values)
        if expected is None:
            try:
                run_module(self.module, self.values)
            except ValueError as error:
                assert "tosa." in str(error)
                return False
            raise AssertionError("the reference model refuses what the interpreter computes")
        actual = run_module(self.module, self.values)
        for ours, theirs in zip(actual, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        return True


def reference(delegate: DelegateOp, inputs: Sequence[Array]) -> list[Array] | None:
    """The reference model's results; None if it refuses the program."""
    outputs = run_reference(serialize(delegate), inputs)
    if outputs is None:
        return None
    return [
        array.view(DTYPES[element_of(result)]).reshape(shape_of(result))  # type: ignore[index]
        for array, result in zip(outputs, delegate.outputs, strict=True)
    ]


def run_reference(flatbuffer: bytes, inputs: Sequence[Array]) -> list[Array] | None:
    """What the reference model gives for a graph, as bytes of any type; None if it refuses it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")  # or it would start a debugger if it refuses a program
        outputs, status = tosa_reference_model.run(
            flatbuffer,
            [np.ascontiguousarray(value) for value in inputs],
            verbosity="NONE",
            initialize_variable_tensor_from_numpy=True,
        )
    valid = status == tosa_reference_model.GraphStatus.TOSA_VALID
    return list(outputs) if valid else None


def numbers(low: int, high: int) -> st.SearchStrategy[int]:
    """Integers in [low, high], often its ends or numbers next to 0."""
    ends = [low, low + 1, -1, 0, 1, high - 1, high]
    return st.one_of(st.integers(low, high), st.sampled_from([n for n in ends if low <= n <= high]))


def arrays(
    shape: Sequence[int], element: IntegerType, low: int | None = None, high: int | None = None
) -> st.SearchStrategy[Array]:
    """Arrays of a type, with values of its range or of a part of that."""
    least, most = LIMITS[element]
    low, high = least if low is None else low, most if high is None else high
    return hnp.arrays(DTYPES[element], tuple(shape), elements=numbers(low, high))


def shapes(rank: int | None = None, most: int = 5) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes of `rank` dimensions, else of 1 to 5."""
    low, high = (1, 5) if rank is None else (rank, rank)
    return hnp.array_shapes(min_dims=low, max_dims=high, max_side=most)


def zero_points(element: IntegerType) -> st.SearchStrategy[int]:
    """A zero point that a tensor of this type may have."""
    return numbers(*LIMITS[I8]) if element == I8 else st.just(0)
