"""Let an NPU compute masks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, ModuleOp, TensorType, i1, i8
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects import edge
from cmopt.dialects.arrays import Array, dequantize, quantize
from cmopt.dialects.constants import constant_of, float_constant_of, typed_constant
from cmopt.dialects.edge import MASK, CallOp
from cmopt.dialects.quant import DCastOp, QCastOp, SCastOp, UniformQuantizedType, qtype_of
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.lowering.legality import npu_reason
from cmopt.lowering.rewrite import apply_patterns, recreated

Comparison = tuple[type[edge.ComparisonOp], bool, bool]

COMPARISONS: dict[str, Comparison] = {
    "eq": (edge.EqualOp, False, False),
    "ne": (edge.EqualOp, False, True),
    "gt": (edge.GreaterOp, False, False),
    "lt": (edge.GreaterOp, True, False),
    "ge": (edge.GreaterEqualOp, False, False),
    "le": (edge.GreaterEqualOp, True, False),
}
"""By ATen operator: the op, whether its operands are swapped, whether its result is negated."""

LOGICAL: dict[str, tuple[type[edge.BinaryOp], bool]] = {
    **dict.fromkeys(("logical_and.default", "bitwise_and.Tensor"), (edge.MinimumOp, False)),
    **dict.fromkeys(("logical_or.default", "bitwise_or.Tensor"), (edge.MaximumOp, False)),
    **dict.fromkeys(("logical_xor.default", "bitwise_xor.Tensor"), (edge.EqualOp, True)),
}
"""By ATen operator on masks: the op, and whether its result is negated."""

NOT = {"logical_not.default", "bitwise_not.default"}


class NotForNpu(Exception):
    """An op that the NPU does not take, or a value without a form as a number."""


@dataclass
class Builder:
    """Makes the ops of a choice. `ops` are in order."""

    npu: str
    ops: list[Operation] = field(default_factory=list)
    made: dict[SSAValue, SSAValue] = field(default_factory=dict)
    """The masks as numbers, by the bools."""

    def add(self, op: Operation) -> SSAValue:
        """Append an op, which the NPU must take. Raises NotForNpu."""
        self.ops.append(op)
        if npu_reason(op, self.npu) is not None:
            raise NotForNpu
        return op.results[0]

    def constant(self, values: Array, type: UniformQuantizedType) -> SSAValue:
        """A constant of stored integers."""
        ops, value = typed_constant(values, TensorType(type, values.shape))
        self.ops += ops
        return value

    def mask(self, truth: SSAValue) -> SSAValue:
        """Bools as numbers. Those that are not computed from quantized tensors are cast."""
        if truth not in self.made:
            self.made[truth] = self._mask(truth)
        return self.made[truth]

    def _mask(self, truth: SSAValue) -> SSAValue:
        if (values := constant_of(truth)) is not None:
            return self.constant(values.astype(np.int8), MASK)
        owner = truth.owner
        match owner:
            case edge.ReshapeOp() | edge.PermuteOp() | edge.ExpandOp():
                type = TensorType(MASK, shape_of(truth))
                return self.add(recreated(owner, [self.mask(owner.input)], type))
            case CallOp() if (computed := self._computed(owner)) is not None:
                return computed
        bytes = edge.BitcastOp([truth], TensorType(i8, shape_of(truth)))
        self.ops += [bytes, cast := SCastOp(bytes.output, TensorType(MASK, shape_of(truth)))]
        return cast.output

    def _computed(self, call: CallOp) -> SSAValue | None:
        """The mask of a comparison or of a logical operator; None of any other call."""
        name = call.target.data.removeprefix("aten.")
        if name in NOT and _are_bools(call):
            return self._negated(self.mask(call.operands_[0]))
        if name in LOGICAL and _are_bools(call) and len(call.operands_) == 2:
            kind, is_negated = LOGICAL[name]
            operands = [self.mask(value) for value in call.operands_]
        elif name.partition(".")[0] in COMPARISONS:
            kind, is_swapped, is_negated = COMPARISONS[name.partition(".")[0]]
            if (numbers := self._compared(call)) is None:
                return None
            operands = numbers[::-1] if is_swapped else numbers
        else:
            return None
        result = self.add(kind.inferred(operands, element=MASK))
        return self._negated(result) if is_negated else result

    def _negated(self, mask: SSAValue) -> SSAValue:
        zero = self.constant(np.zeros((1,) * len(shape_of(mask)), np.int8), MASK)
        return self.add(edge.EqualOp.inferred([mask, zero], element=MASK))

    def _compared(self, call: CallOp) -> list[SSAValue] | None:
        """The two numbers that a call compares; None if one is not a number that is quantized."""
        found = [self.number(value) for value in call.operands_]
        if isinstance(number := call.arguments.data[1], FloatAttr | IntegerAttr):
            values = np.full((1,) * len(shape_of(call.operands_[0])), number.value.data, np.float32)
            found.append(self.exactly(values))
        numbers = [value for value in found if value is not None]
        return numbers if len(numbers) == 2 else None

    def number(self, value: SSAValue) -> SSAValue | None:
        """A float value that is dequantized from int8 or int16, or a constant, quantized."""
        if isinstance(value.owner, DCastOp):
            kind = qtype_of(value.owner.input)
            is_narrow = not kind.is_per_axis and kind.storage.width.data <= 16
            return value.owner.input if is_narrow else None
        values = float_constant_of(value)
        return None if values is None else self.exactly(values)

    def exactly(self, values: Array) -> SSAValue | None:
        """A constant of one number, in a type in which it is exact; None if there is none."""
        if not values.size or (values != values.flat[0]).any() or not np.isfinite(values.flat[0]):
            return None
        number = float(np.float32(values.reshape(-1)[0]))
        kind = UniformQuantizedType.get(i8, abs(number) or 1.0)
        stored = quantize(values.astype(np.float32), kind)
        if (dequantize(stored, kind) != values).any():
            return None
        return self.constant(np.asarray(stored, np.int8), kind)


def _are_bools(call: CallOp) -> bool:
    return all(element_of(value) == i1 for value in (*call.operands_, *call.outputs))


@dataclass
class QuantizeChoice(RewritePattern):
    """`qcast(where(mask, …))` of dequantized tensors → `edge.where` with a mask of numbers."""

    npu: str

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: QCastOp, rewriter: PatternRewriter) -> None:
        call = op.input.owner
        if not isinstance(call, CallOp) or call.target.data != "aten.where.self":
            return
        build = Builder(self.npu)
        mask, *choices = call.operands_
        try:
            numbers = [number for value in choices if (number := build.number(value)) is not None]
            if len(numbers) != len(choices):
                return
            operands = [build.mask(mask), *numbers]
            result = build.add(edge.WhereOp.inferred(operands, element=qtype_of(op.output)))
        except NotForNpu:
            return
        rewriter.replace(op, build.ops, (result,))


@dataclass(frozen=True)
class QuantizeMasksPass(ModulePass):
    """Make numbers 0 and 1 of the masks that an NPU can compute and choose by; exact.

    The root is a quantized `where` of two dequantized tensors or numbers. The comparisons and the
    logical operators of its mask become ops on quantized tensors; other bools are read as bytes.
    Nothing changes without an NPU, or if it cannot take one of these ops.
    """

    name = "quantize-masks"

    npu: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if self.npu:
            apply_patterns(op, QuantizeChoice(self.npu))
