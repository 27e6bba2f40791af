"""Calls of PyTorch operators on plain integers, before and after they are lowered to TOSA.

The delegate must give the same bytes, also in Arm's reference model, and Vela must compile it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from xdsl.dialects.builtin import FunctionType, IntegerType, ModuleOp, TensorType, i8, i16, i32
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Region, SSAValue

from cmopt.codegen.tosa_flatbuffer import serialize
from cmopt.codegen.vela import compile_stream
from cmopt.dialects.constants import typed_constant
from cmopt.dialects.edge import CallOp
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.parsing import make_context
from cmopt.dialects.program import main_function
from cmopt.interpreters.run import run_module
from cmopt.lowering.portable_calls import portable_call
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.support.targets import NPUS

sys.path.insert(0, str(Path(__file__).parent))
from tosa_programs import Array, reference
from vela_server import forked_vela

COMPILED_FOR = ("ethos-u55-128", "ethos-u65-256", "ethos-u85-256")
KINDS: dict[IntegerType, type[np.signedinteger]] = {i8: np.int8, i16: np.int16, i32: np.int32}


class Calls:
    """A function of calls on plain integers, and values for its arguments."""

    def __init__(self) -> None:
        self.block = Block()
        self.values: list[Array] = []

    def input(self, value: Array) -> SSAValue:
        """A new argument."""
        self.values.append(value)
        element = IntegerType(8 * value.dtype.itemsize)
        return self.block.insert_arg(TensorType(element, value.shape), len(self.block.args))

    def constant(self, value: Array) -> SSAValue:
        """A constant."""
        element = IntegerType(8 * value.dtype.itemsize)
        ops, result = typed_constant(value, TensorType(element, value.shape))
        self.block.add_ops(ops)
        return result

    def call(
        self, target: str, element: IntegerType, shape: Sequence[int],
        *arguments: SSAValue | int | str | None,
    ) -> SSAValue:  # fmt: skip
        """The result of a call."""
        op = portable_call(target, arguments, TensorType(element, shape))
        self.block.add_op(op)
        return op.results[0]

    def cast(self, value: SSAValue, element: IntegerType, shape: Sequence[int]) -> SSAValue:
        """A value in another type."""
        name = np.dtype(KINDS[element]).name
        more = (name, None, None, None, False, None)
        return self.call("aten._to_copy.default", element, shape, value, *more)

    def holds(self, result: SSAValue, npus: Sequence[str] = COMPILED_FOR) -> None:
        """Check that all is one delegate, which gives the bytes of the calls and compiles."""
        self.block.add_op(ReturnOp(result))
        type = FunctionType.from_lists([a.type for a in self.block.args], [result.type])
        module = ModuleOp([FuncOp("forward", type, Region(self.block))])
        module.verify()
        (expected,) = run_module(module, self.values)
        delegation = f'delegate-to-ethos-u{{npu="{COMPILED_FOR[0]}"}},verify-stage{{stage=ethos_u}}'
        run_passes(make_context(), module, parse_pipeline(delegation))
        left = [op for op in module.walk() if isinstance(op, CallOp)]
        assert not left, [str(op.attributes.get("ethos_u.reason")) for op in left]
        (actual,) = run_module(module, self.values)
        np.testing.assert_array_equal(actual, expected)
        assert actual.dtype == expected.dtype
        for delegate in module.walk():
            if isinstance(delegate, DelegateOp):
                self._check_delegate(delegate, main_function(module).body.block, actual, npus)

    def _check_delegate(
        self, delegate: DelegateOp, block: Block, actual: Array, npus: Sequence[str]
    ) -> None:
        inputs = [self.values[list(block.args).index(v)] for v in delegate.inputs]  # type: ignore[arg-type]
        outputs = reference(delegate, inputs)
        assert outputs is not None, "the reference model refuses the program"
        np.testing.assert_array_equal(outputs[0].reshape(actual.shape), actual)
        for npu in npus:
            with forked_vela():
                stream = compile_stream(serialize(delegate), NPUS[npu])
            assert len(stream.inputs) == len(inputs)
