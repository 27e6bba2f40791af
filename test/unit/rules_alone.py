"""One `edge` op of the layout stage at a time, before and after it is lowered to TOSA.

The TOSA must be within the rule's bound of the op's meaning. Arm's reference model must give the
same bytes, and Vela must compile it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import (
    FloatAttr,
    FunctionType,
    IntegerType,
    ModuleOp,
    TensorType,
    f32,
    i8,
    i32,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from cmopt.codegen.tosa_flatbuffer import serialize
from cmopt.codegen.vela import compile_stream
from cmopt.dialects.arrays import numpy_dtype
from cmopt.dialects.constants import typed_constant
from cmopt.dialects.edge import ClampOp, EdgeOp
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.parsing import make_context
from cmopt.dialects.program import main_function
from cmopt.dialects.quant import SCastOp, UniformQuantizedType
from cmopt.interpreters.run import run_module
from cmopt.lowering.legality import npu_reason
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.support.targets import NPUS

sys.path.insert(0, str(Path(__file__).parent))
from tosa_programs import Array, numbers, reference
from vela_server import forked_vela

DELEGATION = 'delegate-to-ethos-u{npu="ethos-u55-128"},verify-stage{stage=ethos_u}'
COMPILED_FOR = ("ethos-u55-128", "ethos-u85-256")
WIDE = 1e30
"""A clamp to it changes no value and lowers to no op, but the delegate then does more than move."""

parsed = cache(parse_pipeline)

zero_points = numbers(-128, 127)
seeds = st.integers(0, 2**32 - 1)


def powers(low: float, high: float) -> st.SearchStrategy[float]:
    """10^low … 10^high, with equally likely exponents."""
    return st.floats(low, high).map(lambda exponent: float(10**exponent))


scales = powers(-4, 1)


def int8(scale: float, zero_point: int = 0) -> UniformQuantizedType:
    """An int8 type per tensor."""
    return UniformQuantizedType.get(i8, scale, zero_point)


def int16(scale: float, symmetric: bool = False) -> UniformQuantizedType:
    """An int16 type with zero point 0; `symmetric`: without -32768, as upstream's."""
    limits = (-32767, 32767) if symmetric else None
    return UniformQuantizedType.get(IntegerType(16), scale, storage_range=limits)


def bias_type(scales: Sequence[float]) -> UniformQuantizedType:
    """An int32 type with a scale for each element."""
    return UniformQuantizedType.get(i32, scales, axis=0)


kinds = st.builds(int8, scales, zero_points)
wide_kinds = st.builds(int16, powers(-6, -1), st.booleans())
mixed_kinds = st.one_of(kinds, wide_kinds)
same = kinds.map(lambda kind: (kind, kind))
near = st.builds(
    lambda source, factor, zero: (source, int8(source.scale * factor, zero)),
    kinds, powers(-1, 1), zero_points,
)  # fmt: skip
type_pairs = st.one_of(same, near)
wide_pairs = st.one_of(
    wide_kinds.map(lambda kind: (kind, kind)),
    st.builds(lambda kind, factor: (kind, int16(kind.scale * factor)), wide_kinds, powers(-1, 1)),
    st.builds(lambda kind, factor: (kind, int16(kind.scale / 256 * factor)), kinds, powers(-1, 1)),
    st.builds(
        lambda kind, factor, zero: (kind, int8(kind.scale * 256 * factor, zero)),
        wide_kinds, powers(-1, 1), zero_points,
    ),
)  # fmt: skip
"""Types of which one is int16, or both."""
REALS = st.floats(-5, 5, width=32)


def examples(count: int) -> settings:
    """Settings for `count` examples, without a time limit."""
    return settings(max_examples=count, deadline=None)


def f(value: float) -> FloatAttr[Any]:
    """A float32 property."""
    return FloatAttr(value, f32)


@st.composite
def activations(draw: Any) -> dict[str, Attribute]:
    """No clamp, one bound, or two in any order."""
    names = draw(st.sets(st.sampled_from(["activation_min", "activation_max"])))
    return {name: f(draw(st.one_of(st.just(0.0), REALS))) for name in sorted(names)}


class Alone:
    """A function under construction, and random values for its arguments."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.block = Block()
        self.values: list[Array] = []

    def stored(self, shape: Sequence[int], kind: UniformQuantizedType | None = None) -> Array:
        """Random integers from the whole range of a type, by default of int8, from its ends, or
        from a part of it."""
        least, most = (-128, 127) if kind is None else kind.storage_range
        dtype = np.dtype(np.int8) if kind is None else numpy_dtype(kind)
        way = self.random.integers(4)
        if way == 0:
            return self.random.choice(np.array([least, most], dtype), tuple(shape))
        low, high = least, most
        if way == 1:
            low, high = sorted(self.random.integers(least, most + 1, 2))
        return self.random.integers(low, high + 1, tuple(shape)).astype(dtype)

    def input(
        self, shape: Sequence[int], kind: UniformQuantizedType, value: Array | None = None
    ) -> SSAValue:
        """A new argument; its value is random if not given."""
        self.values.append(self.stored(shape, kind) if value is None else value)
        type = TensorType(kind, shape)
        return self._wide(self.block.insert_arg(type, len(self.block.args)))

    def constant(self, stored: Array, kind: UniformQuantizedType) -> SSAValue:
        """A constant of a quantized type."""
        ops, value = typed_constant(stored, TensorType(kind, stored.shape))
        self.block.add_ops(ops)
        return value

    def op(
        self, kind: Any, operands: Sequence[SSAValue | Sequence[SSAValue]], shape: Sequence[int],
        element: Attribute, **properties: Attribute | None,
    ) -> SSAValue:  # fmt: skip
        """An `edge` op."""
        return self.add(kind(operands, TensorType(element, shape), properties))

    def add(self, op: Operation) -> SSAValue:
        """Any op with one result."""
        self.block.add_op(op)
        return op.results[0]

    def _wide(self, value: SSAValue) -> SSAValue:
        return self.add(ClampOp([value], value.type, {"min": f(-WIDE), "max": f(WIDE)}))

    def holds(self, result: SSAValue, bound: int = 0, *limits: str) -> None:
        """Check that the op is lowered within `bound` steps, or refused because of a limit.

        limits: regular expressions of the reasons.
        """
        assert isinstance(result.owner, Operation)
        if (reason := npu_reason(result.owner, COMPILED_FOR[0])) is not None:
            assert any(re.fullmatch(limit, reason) for limit in limits), reason
            return
        module = self._finish(result)
        (expected,) = run_module(module, self.values)
        actual = self._delegated(module)
        steps = np.abs(actual.astype(int) - expected.astype(int)).max(initial=0)
        assert steps <= bound, f"{steps} steps, not {bound}"

    def lowered(self, result: SSAValue) -> Array:
        """The integers that the delegate gives."""
        return self._delegated(self._finish(result))

    def _delegated(self, module: ModuleOp) -> Array:
        """Lower a module, and check the delegate against Arm's tools; its result."""
        run_passes(make_context(), module, parsed(DELEGATION))
        assert not any(isinstance(op, EdgeOp) for op in module.walk()), "an op was left outside"
        (actual,) = run_module(module, self.values)
        self._check_delegate(module, actual)
        return actual

    def _finish(self, result: SSAValue) -> ModuleOp:
        """A verified module with the function."""
        value = self._wide(result)
        self.block.add_op(ReturnOp(value))
        type = FunctionType.from_lists([a.type for a in self.block.args], [value.type])
        module = ModuleOp([FuncOp("forward", type, Region(self.block))])
        module.verify()
        return module

    def _check_delegate(self, module: ModuleOp, actual: Array) -> None:
        """Check one delegate against Arm's tools; there is none if there is nothing to compute."""
        delegates = [op for op in module.walk() if isinstance(op, DelegateOp)]
        if not delegates:
            assert any(np.array_equal(actual.ravel(), value.ravel()) for value in self.values)
            return
        (delegate,) = delegates
        arguments = list(main_function(module).body.block.args)
        inputs = []
        for value in delegate.inputs:
            assert isinstance(value.owner, SCastOp)
            inputs.append(self.values[arguments.index(value.owner.input)])  # type: ignore[arg-type]
        outputs = reference(delegate, inputs)
        assert outputs is not None, "the reference model refuses the program"
        np.testing.assert_array_equal(outputs[0].reshape(actual.shape), actual)
        for npu in COMPILED_FOR:
            with forked_vela():
                stream = compile_stream(serialize(delegate), NPUS[npu])
            assert len(stream.inputs) == len(inputs)
