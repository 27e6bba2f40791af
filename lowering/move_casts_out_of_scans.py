"""Let loops carry, read and write quantized values instead of floats."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Attribute, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from cmopt.dialects.edge import ScanOp
from cmopt.dialects.program import bodies, retype_argument
from cmopt.dialects.quant import DCastOp, QCastOp, quantization_of_users, quantized_element
from cmopt.dialects.shapes import shape_of
from cmopt.lowering.rewrite import pass_through, read_through


def _quantized_by(value: SSAValue) -> Attribute | None:
    """The element type that all users of a float value quantize it to, per tensor."""
    element = quantization_of_users(value)
    return None if element is None or element.is_per_axis else element


def _dequantized_from(value: SSAValue) -> Attribute | None:
    """The element type that a float value is dequantized from, if it is."""
    if not isinstance(cast := value.owner, DCastOp):
        return None
    element = quantized_element(cast.input.type)
    return None if element is None or element.is_per_axis else element


def _take_quantized(scan: ScanOp, index: int, element: Attribute) -> None:
    """Quantize operand `index` in front of the loop, and not at its uses in the body."""
    pass_through(scan, index, QCastOp.of(scan.operands[index], element))
    argument = scan.body.block.args[index]
    inner = retype_argument(scan, index, TensorType(element, shape_of(argument)))
    for user in [use.operation for use in inner.uses]:
        assert isinstance(user, QCastOp)
        user.output.replace_all_uses_with(inner)
        Rewriter.erase_op(user)


def _make_quantized(scan: ScanOp, index: int, element: Attribute) -> None:
    """Yield result `index` quantized, and dequantize it behind the loop."""
    end, result = scan.end, scan.results[index]
    value = end.values[index]
    if _dequantized_from(value) == element:
        assert isinstance(value.owner, DCastOp)
        end.operands[index] = value.owner.input
    else:
        pass_through(end, index, QCastOp.of(value, element))
    type = result.type
    made = Rewriter.replace_value_with_new_type(result, TensorType(element, shape_of(result)))
    if made.uses:
        read_through(made, DCastOp(made, type), InsertPoint.after(scan))


def move_casts(scan: ScanOp) -> None:
    """Move the casts at the border of one loop out of it.

    A float operand is quantized in front of the loop if its uses in the body all quantize it
    alike; a float result is dequantized behind it. A carried value needs both: the body may also
    yield another float for it, if the final value is not used, or only quantized to this type.
    """
    carried = len(scan.initial)
    for index, argument in enumerate(list(scan.body.block.args)):
        element = _quantized_by(argument)
        if index >= carried:
            if element is not None:
                _take_quantized(scan, index, element)
            continue
        made = _dequantized_from(scan.end.values[index])
        element = element or (made if not argument.uses else None)
        final = scan.final[index]
        is_seen = bool(final.uses) and _quantized_by(final) != element
        if element is not None and (made == element or not is_seen):
            _take_quantized(scan, index, element)
            _make_quantized(scan, index, element)
    for index in range(carried, len(scan.results)):
        if (element := _dequantized_from(scan.end.values[index])) is not None:
            _make_quantized(scan, index, element)


@dataclass(frozen=True)
class MoveCastsOutOfScansPass(ModulePass):
    """Move the quantization of what a loop takes and makes out of its body: no bit changes.

    An inner loop comes first, so that its casts can leave the outer loop too.
    """

    name = "move-casts-out-of-scans"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for body in list(bodies(op)):
            if isinstance(body, ScanOp):
                move_casts(body)
                for inner in list(body.body.block.ops):
                    if isinstance(inner, DCastOp) and not inner.output.uses:
                        Rewriter.erase_op(inner)
