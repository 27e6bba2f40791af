"""Fuse float ops that compute one element from one element into an `edge.map`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import AnyFloat, IntegerType, ModuleOp, TensorType, f32
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.arithmetic.maps import can_be_in_map
from cmopt.dialects.arrays import Array
from cmopt.dialects.constants import constant_of, constant_op, float_constant_of
from cmopt.dialects.edge import CallOp, MapOp
from cmopt.dialects.edge.map import YieldOp
from cmopt.dialects.quant import DCastOp, QCastOp, is_int8, qtype_of, quantized_element
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.lowering.rewrite import apply_patterns


@dataclass
class Chain:
    """Float ops that compute a value from one int8 tensor, element by element."""

    source: SSAValue | None = None
    """The quantized tensor."""
    ops: list[Operation] = field(default_factory=list)
    """In order: an op's operands come before it."""
    numbers: dict[SSAValue, Array] = field(default_factory=dict)
    """Constants of one value."""

    @property
    def is_worth_fusing(self) -> bool:
        """Whether this is more than one op that becomes a table by itself."""
        return len(self.ops) > 1 or any(isinstance(op, CallOp) for op in self.ops)


def chain_of(result: SSAValue) -> Chain | None:
    """The chain that computes a float value; None if that is not a function of one int8 tensor."""
    chain, shape = Chain(), shape_of(result)
    for value in _in_order(result):
        owner = value.owner
        if (number := _number(value)) is not None:
            chain.numbers[value] = number
        elif shape_of(value) != shape:
            return None
        elif isinstance(owner, DCastOp):
            if not is_int8(qtype_of(owner.input)) or chain.source not in (None, owner.input):
                return None
            chain.source = owner.input
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
            if isinstance(value.owner, Operation) and can_be_in_map(value.owner):
                stack += [(operand, False) for operand in reversed(value.owner.operands)]


def _number(value: SSAValue) -> Array | None:
    """The one value of a constant as an array of rank 0; None for any other value."""
    values = constant_of(value)
    if values is None and isinstance(value.owner, DCastOp):
        values = float_constant_of(value.owner.input)
    if values is None or not values.size or not (values == values.flat[0]).all():
        return None
    return np.asarray(values.flat[0])


class FuseChain(RewritePattern):
    """`qcast(f(g(dcast(x))))` → `edge.map(x)` with the body `f(g(…))`; exact by its definition."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: QCastOp, rewriter: PatternRewriter) -> None:
        if not is_int8(quantized_element(op.output.type)):
            return
        chain = chain_of(op.input)
        if chain is None or not chain.is_worth_fusing:
            return
        assert chain.source is not None
        fused = MapOp(chain.source, _body(chain, op.input), op.output.type)
        fused.location = chain.ops[-1].location
        fused.output.name_hint = op.input.name_hint
        rewriter.replace(op, fused)


def _body(chain: Chain, result: SSAValue) -> Block:
    block = Block(arg_types=[TensorType(f32, [])])
    inner: dict[SSAValue, SSAValue] = {}
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

    A chain begins at one int8 tensor and ends where its result is quantized to int8. It may hold
    comparisons and other calls. The values in the chain may have other readers.
    """

    name = "fuse-elementwise-chains"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, FuseChain())
