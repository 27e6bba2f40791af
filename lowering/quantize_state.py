"""Keep state in the quantization in which the model reads it."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import AnyFloat, ModuleOp, TensorType
from xdsl.dialects.func import ReturnOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint

from cmopt.dialects.arrays import dense_array, quantize
from cmopt.dialects.constants import constant_op
from cmopt.dialects.edge import CatOp, MovementOp, PadOp
from cmopt.dialects.program import (
    State,
    functions,
    retype_argument,
    set_initial_value,
    states,
    terminator,
    update,
)
from cmopt.dialects.quant import DCastOp, QCastOp, UniformQuantizedType, quantized_element
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.lowering.rewrite import pass_through, read_through


def readers_quantization(state: State) -> UniformQuantizedType | None:
    """The one type to which every element of a state is quantized before anything computes with it.

    Between the state and the quantization, its elements are only moved; they may also move to the
    state's own next value. None if there is no such type.
    """
    found: set[UniformQuantizedType] = set()
    seen: set[SSAValue] = set()
    open: list[SSAValue] = [state.argument]
    while open:
        for use in open.pop().uses:
            user = use.operation
            if isinstance(user, QCastOp):
                element = quantized_element(user.output.type)
                assert element is not None
                found.add(element)
            elif isinstance(user, ReturnOp) and use.index == state.result:
                continue
            elif isinstance(user, MovementOp | CatOp) and not isinstance(user, PadOp):
                if user.results[0] not in seen:
                    seen.add(user.results[0])
                    open.append(user.results[0])
            else:
                return None
    if not found and not seen and isinstance(cast := state.next.owner, DCastOp):
        found.add(quantized_element(cast.input.type))  # type: ignore[arg-type]
    (element,) = found if len(found) == 1 else (None,)
    return None if element is None or element.is_per_axis else element


def quantize_state(state: State) -> None:
    """Let one float state be quantized, if all that read it quantize it alike.

    The float stays inside: a dequantize reads the state, a quantize makes its next value.
    """
    if not isinstance(element_of(state.argument), AnyFloat):
        return
    if (element := readers_quantization(state)) is None:
        return
    func, old = state.func, state.argument.type
    stored = quantize(dense_array(state.initial), element)
    quantized = retype_argument(func, state.index, TensorType(element, shape_of(old)))
    read_through(quantized, DCastOp(quantized, old), InsertPoint.at_start(func.body.block))
    pass_through(terminator(func), state.result, QCastOp.of(state.next, element))
    set_initial_value(state, constant_op(stored).value)  # type: ignore[arg-type]


@dataclass(frozen=True)
class QuantizeStatePass(ModulePass):
    """Quantize state that the model only reads quantized; no result changes a bit.

    What is kept in float is quantized when it is read. So it can be kept as integers, if there is
    one quantization for all that read it. The initial value is quantized at compile time. The
    function then reads the state through a dequantize, and makes its next value by a quantize;
    `fold-quantize-dequantize` folds both.
    """

    name = "quantize-state"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for func in functions(op):
            for state in states(func):
                quantize_state(state)
            update(func)
