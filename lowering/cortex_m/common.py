"""What the conversion patterns share: a builder with storage types at its border."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerType, TensorType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter

from cmopt.dialects.arrays import Array
from cmopt.dialects.constants import constant_op
from cmopt.dialects.cortex_m import KernelOp, ScratchOp, ViewOp
from cmopt.dialects.quant import SCastOp, storage_type
from cmopt.dialects.shapes import shape_of

I8 = IntegerType(8)


class Builder:
    """Collects the ops that replace one `edge` op, with storage types at its border."""

    def __init__(self, op: Operation, rewriter: PatternRewriter):
        self.op = op
        self.rewriter = rewriter
        self.ops: list[Operation] = []

    def add(self, op: Operation) -> SSAValue:
        """Append an op; gives its first result."""
        self.ops.append(op)
        return op.results[0]

    def storage(self, value: SSAValue) -> SSAValue:
        """A quantized value as its storage integers."""
        return self.add(SCastOp(value, storage_type(value.type)))

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
        return self.add(ViewOp(value, int8_tensor(shape)))

    def finish(self, kernel: KernelOp | SSAValue) -> None:
        """Replace the op by what was collected, its result cast back to the quantized type."""
        value = self.add(kernel) if isinstance(kernel, KernelOp) else kernel
        value.name_hint = self.op.results[0].name_hint
        result = self.add(SCastOp(value, self.op.results[0].type))
        self.rewriter.replace(self.op, self.ops, (result,))


def int8_tensor(shape: Sequence[int]) -> Attribute:
    """`tensor<…xi8>`."""
    return TensorType(I8, list(shape))
