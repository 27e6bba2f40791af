"""Builds kernel calls: ops on storage integers that replace ops on quantized values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import IntegerType, StringAttr, TensorType
from xdsl.ir import Attribute, Operation, SSAValue

from cmopt.arithmetic.lookup_tables import requantization_table
from cmopt.dialects.arrays import Array, quantize
from cmopt.dialects.constants import constant_op, float_constant_of
from cmopt.dialects.cortex_m import QuantizedActivationOp, ScratchOp, ViewOp
from cmopt.dialects.quant import (
    SCastOp,
    UniformQuantizedType,
    qtype_of,
    quantized_element,
    storage_type,
)
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.lowering.portable_calls import Argument, portable_call
from cmopt.lowering.rules import Builder
from cmopt.lowering.weights import require_int8
from cmopt.support.targets import OWN, STOCK, Isa

I8 = IntegerType(8)


class KernelBuilder(Builder):
    """Collects calls of the kernels of one library, for one instruction set.

    A rule reads the values of the ops that are lowered. `value` returns their replacement: the
    stored integers of a quantized value; any other value itself.
    """

    def __init__(
        self, isa: Isa, lower: Callable[[Operation, KernelBuilder], SSAValue], kernels: str = STOCK
    ):
        super().__init__()
        self.isa = isa
        self.has_own_kernels = kernels == OWN
        self._lower = lower
        self._values: dict[SSAValue, SSAValue] = {}

    def lower(self, op: Operation) -> SSAValue:
        """Append the ops that compute `op` and record the result. Raises Unsupported."""
        start = len(self.ops)
        value = self._lower(op, self)
        for new in self.ops[start:]:
            new.location = op.location
            if new is value.owner and value.name_hint is None:
                value.name_hint = op.results[0].name_hint
        self._values[op.results[0]] = value
        return value

    def expand(self, ops: Sequence[Operation]) -> SSAValue:
        """Lower the ops that an op is made of, in order; returns what replaces the last result.

        The ops are in no block, and cannot be used afterwards.
        """
        try:
            return [self.lower(op) for op in ops][-1]
        finally:
            for op in ops:
                if not isinstance(op, ConstantOp):
                    op.drop_all_references()

    def forget(self, start: int) -> None:
        """Drop the ops from `start` on: those of an op that could not be lowered."""
        for op in reversed(self.ops[start:]):
            op.drop_all_references()
        dropped = set(self.ops[start:])
        del self.ops[start:]
        self._values = {v: new for v, new in self._values.items() if new.owner not in dropped}

    def value(self, outside: SSAValue) -> SSAValue:
        """The replacement of a value of the ops that are lowered."""
        if outside in self._values:
            return self._values[outside]
        if quantized_element(outside.type) is None:
            return outside
        owner = outside.owner
        if isinstance(owner, SCastOp) and quantized_element(owner.input.type) is None:
            stored = owner.input
        else:
            stored = self.add(SCastOp(outside, storage_type(outside.type)))
        return self._values.setdefault(outside, stored)

    def value_as(self, outside: SSAValue, target: UniformQuantizedType) -> SSAValue:
        """The stored integers of a value, requantized to another int8 type: a constant's at compile
        time, else by a lookup table; exact."""
        if (real := float_constant_of(outside)) is not None:
            return self.constant(quantize(real, target), outside.name_hint)
        stored = self.value(outside)
        if (source := qtype_of(outside)) == target:
            return stored
        require_int8(outside)
        return self.lookup(stored, requantization_table(source, target))

    def lookup(self, stored: SSAValue, table: Array, hint: str = "lut") -> SSAValue:
        """`table[stored + 128]` of int8; `table` has 256 entries."""
        return self.add(
            QuantizedActivationOp([stored, self.constant(table, hint)], stored.type, {})
        )

    def constant(self, array: Array, hint: str | None = None) -> SSAValue:
        """A plain constant."""
        return self.add(constant_op(array, hint))

    def scratch(self, size: int) -> SSAValue:
        """Working memory of `size` bytes."""
        value = self.add(ScratchOp(TensorType(I8, [size])))
        value.name_hint = "scratch"
        return value

    def view(self, value: SSAValue, shape: Sequence[int]) -> SSAValue:
        """The same bytes under `shape`."""
        if shape_of(value) == tuple(shape):
            return value
        return self.add(ViewOp(value, TensorType(element_of(value), list(shape))))

    def portable(self, target: str, *arguments: Argument, type: Attribute) -> SSAValue:
        """A call of ExecuTorch's portable library that is exact on stored integers."""
        call = portable_call(target, arguments, type)
        name = target.split(".")[1]
        call.reason = StringAttr(
            f"no CMSIS-NN kernel for {name} of integers; the portable one is exact"
        )
        return self.add(call)


def int8_tensor(shape: Sequence[int]) -> TensorType:
    """`tensor<…xi8>`."""
    return TensorType(I8, list(shape))
