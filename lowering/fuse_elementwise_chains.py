"""Fuse float ops that compute one element from one element into an `edge.map`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import (
    AnyFloat,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    ModuleOp,
    Signedness,
    TensorType,
    f32,
    f64,
    i8,
    i16,
    i64,
)
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.arithmetic.maps import can_be_in_map
from cmopt.dialects.arrays import Array
from cmopt.dialects.constants import constant_of, constant_op, float_constant_of
from cmopt.dialects.edge import BitcastOp, CallOp, MapOp, OperandAttr
from cmopt.dialects.edge.map import YieldOp
from cmopt.dialects.quant import (
    DCastOp,
    QCastOp,
    SCastOp,
    UniformQuantizedType,
    is_int8,
    qtype_of,
    quantized_element,
)
from cmopt.dialects.shapes import element_of, shape_of, with_element
from cmopt.lowering.legality import no_kernel_reason, why_not_delegated
from cmopt.lowering.plain_integers import COPY
from cmopt.lowering.rewrite import apply_patterns
from cmopt.support.targets import STOCK


@dataclass
class Chain:
    """Float ops that compute a value from one tensor of integers, element by element."""

    source: SSAValue | None = None
    """The int8 or int16 tensor, quantized per tensor, or a tensor of unsigned bytes."""
    ops: list[Operation] = field(default_factory=list)
    """In order: an op's operands come before it."""
    numbers: dict[SSAValue, Array] = field(default_factory=dict)
    """Constants of one value."""
    casts: list[SSAValue] = field(default_factory=list)
    """The unsigned bytes of the source as float numbers."""

    @property
    def is_worth_fusing(self) -> bool:
        """Whether this is more than one op that becomes a table by itself."""
        has_call = bool(self.casts) or any(isinstance(op, CallOp) for op in self.ops)
        return len(self.ops) > 1 or has_call


def chain_of(result: SSAValue) -> Chain | None:
    """The chain that computes a float value; None if that is not a function of one such tensor."""
    chain, shape = Chain(), shape_of(result)
    for value in _in_order(result):
        owner = value.owner
        if (number := _number(value)) is not None:
            chain.numbers[value] = number
        elif shape_of(value) != shape:
            return None
        elif (source := _source(owner)) is not None:
            if chain.source not in (None, source):
                return None
            chain.source = source
            if not isinstance(owner, DCastOp):
                chain.casts.append(value)
        elif isinstance(owner, Operation) and can_be_in_map(owner):
            chain.ops.append(owner)
        else:
            return None
    return None if chain.source is None else chain


def _in_order(result: SSAValue) -> Iterator[SSAValue]:
    """The values that a value is computed from, each once and after its operands.

    The walk ends at casts, at constants, and at ops that cannot be in a map.
    """
    seen: set[SSAValue] = set()
    stack = [(result, False)]
    while stack:
        value, is_ready = stack.pop()
        if is_ready:
            yield value
        elif value not in seen:
            seen.add(value)
            stack.append((value, True))
            if _is_of_bytes(value.owner):
                continue
            if isinstance(value.owner, Operation) and can_be_in_map(value.owner):
                stack += [(operand, False) for operand in reversed(value.owner.operands)]


_ONE = UniformQuantizedType.get(i8, 1.0, 0)
"""Integers that are their own value."""


def unsigned(signed: SSAValue) -> CallOp:
    """The number of an unsigned byte, from the number of the same byte as a signed one."""
    arguments = [OperandAttr(IntegerAttr(0, i64)), FloatAttr(256.0, f64)]
    return CallOp("aten.remainder.Scalar", [signed], arguments, [signed.type])


def _source(owner: Operation | Block) -> SSAValue | None:
    """The tensor of 8 or 16-bit integers that an op makes float; None if it does not."""
    if isinstance(owner, DCastOp):
        return owner.input if _has_table(qtype_of(owner.input)) else None
    return owner.operands[0] if isinstance(owner, CallOp) and _is_of_bytes(owner) else None


def _has_table(element: UniformQuantizedType | None) -> bool:
    """Whether values of this type can be looked up in a table, or be results of a lookup."""
    if element is None or element.is_per_axis:
        return False
    width = element.storage.width.data
    return width == 8 or (width == 16 and element.zero_point == 0)


def _is_of_bytes(owner: Operation | Block) -> bool:
    """Whether an op casts unsigned bytes to float32."""
    if not isinstance(owner, CallOp) or owner.target.data != COPY:
        return False
    kinds = [element_of(value) for value in (*owner.operands, *owner.results)]
    return kinds == [IntegerType(8, Signedness.UNSIGNED), f32]


def _number(value: SSAValue) -> Array | None:
    """The one value of a constant as an array of rank 0; None for any other value."""
    values = constant_of(value)
    if values is None and isinstance(value.owner, DCastOp):
        values = float_constant_of(value.owner.input)
    if values is None or not values.size or not (values == values.flat[0]).all():
        return None
    return np.asarray(values.flat[0])


@dataclass
class DequantizeIntegers(RewritePattern):
    """A cast of int8 to float32 → `dcast(scast(x))` with a step of 1; exact.

    One of int16 too, if the NPU or the library `kernels` has integers of 16 bits.
    """

    has_int16: bool = False

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CallOp, rewriter: PatternRewriter) -> None:
        if op.target.data != COPY or element_of(op.outputs[0]) != f32:
            return
        (source,) = op.operands_
        element = element_of(source)
        if element != i8 and not (self.has_int16 and element == i16):
            return
        step = UniformQuantizedType.get(element, 1.0, 0)
        stored = SCastOp(source, with_element(source.type, step))
        rewriter.replace(op, [stored, DCastOp(stored.output, op.outputs[0].type)])


@dataclass
class FuseChain(RewritePattern):
    """`qcast(f(g(dcast(x))))` → `edge.map(x)` with the body `f(g(…))`; exact by its definition.

    A function of int8 always has a table. One with int16 is fused only if it has a kernel.
    """

    npu: str = ""
    kernels: str = STOCK

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: QCastOp, rewriter: PatternRewriter) -> None:
        if not _has_table(quantized_element(op.output.type)):
            return
        chain = chain_of(op.input)
        if chain is None or not chain.is_worth_fusing:
            return
        assert chain.source is not None
        source, casts = chain.source, list[Operation]()
        if chain.casts:
            signed = BitcastOp([source], TensorType(i8, shape_of(source)))
            casts = [signed, cast := SCastOp(signed.output, with_element(signed.output.type, _ONE))]
            source = cast.output
        fused = MapOp(source, _body(chain, op.input), op.output.type)
        fused.location = chain.ops[-1].location if chain.ops else op.location
        fused.output.name_hint = op.input.name_hint
        if not self._has_kernel(fused):
            for new in (fused, *reversed(casts)):
                new.drop_all_references()
            return
        rewriter.replace(op, [*casts, fused])

    def _has_kernel(self, op: MapOp) -> bool:
        """Whether the core or the NPU can compute a function."""
        if is_int8(qtype_of(op.input)) and is_int8(qtype_of(op.output)):
            return True
        is_on_core = no_kernel_reason(op, self.kernels) is None
        return is_on_core or why_not_delegated(op, self.npu) is None


def _body(chain: Chain, result: SSAValue) -> Block:
    block = Block(arg_types=[TensorType(f32, [])])
    inner: dict[SSAValue, SSAValue] = {}
    if chain.casts:
        number = unsigned(block.args[0])
        block.add_op(number)
        inner |= dict.fromkeys(chain.casts, number.outputs[0])
    for op in chain.ops:
        for operand in op.operands:
            if operand in inner:
                continue
            if operand in chain.numbers:
                element = element_of(operand)
                assert isinstance(element, IntegerType | AnyFloat)
                constant = constant_op(chain.numbers[operand], operand.name_hint, element)
                block.add_op(constant)
                inner[operand] = constant.result
            else:
                inner[operand] = block.args[0]
        (outer,) = op.results
        twin = op.create(
            operands=[inner[operand] for operand in op.operands],
            result_types=[TensorType(element_of(outer), [])],
            properties=dict(op.properties),
        )
        twin.location = op.location
        twin.results[0].name_hint = outer.name_hint
        block.add_op(twin)
        inner[outer] = twin.results[0]
    block.add_op(YieldOp(inner[result]))
    return block


@dataclass(frozen=True)
class FuseElementwiseChainsPass(ModulePass):
    """Compute a chain of functions of one element as one function, without roundings in between.

    A chain begins at one int8 or int16 tensor, or at a cast of such integers to float. It ends
    where its result is quantized to int8 or int16. It may hold comparisons and other calls. The
    values in the chain may have other readers. A chain with int16 is fused if the NPU `npu`, if
    there is one, or the library `kernels` computes it.
    """

    name = "fuse-elementwise-chains"

    npu: str = ""
    kernels: str = STOCK

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        has_int16 = bool(self.npu) or self.kernels != STOCK
        patterns = (DequantizeIntegers(has_int16), FuseChain(self.npu, self.kernels))
        apply_patterns(op, *patterns)
