"""What every `edge` op has in common."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import (
    DenseArrayBase,
    TensorType,
)
from xdsl.ir import Attribute, ParametrizedAttribute, SSAValue, TypeAttribute
from xdsl.irdl import (
    IRDLOperation,
    irdl_attr_definition,
    traits_def,
)
from xdsl.parser import AttrParser
from xdsl.pattern_rewriter import RewritePattern
from xdsl.printer import Printer
from xdsl.traits import HasCanonicalizationPatternsTrait, Pure
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.inferring import InferringOp
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import element_of, ints, ints_of
from cmopt.support.verification import TensorPart

I64Array = DenseArrayBase


def _parse_dims(parser: AttrParser) -> DenseArrayBase:
    return ints(parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_integer))


@irdl_attr_definition
class DimOrderAttr(ParametrizedAttribute, TensorPart):
    """`#edge.dim_order<[0, 2, 3, 1]>`: dimensions from outermost to innermost, as an encoding."""

    name = "edge.dim_order"

    order: DenseArrayBase

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            return (_parse_dims(parser),)

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(str(list(ints_of(self.order))))

    def verify(self) -> None:
        order = list(ints_of(self.order))
        if sorted(order) != list(range(len(order))):
            raise VerifyException(f"#edge.dim_order: {order} is not a permutation")

    def verify_shape(self, shape: Sequence[int]) -> None:
        if len(self.order) != len(shape):
            raise VerifyException(
                f"dim order {list(ints_of(self.order))} does not fit shape {list(shape)}"
            )


class EdgePatterns(HasCanonicalizationPatternsTrait):
    """Looks patterns up by op class in `dialects.edge.canonicalization`."""

    def get_patterns(self, op: type[IRDLOperation]) -> tuple[RewritePattern, ...]:  # type: ignore[override]
        from cmopt.dialects.edge import canonicalization as patterns

        table = patterns.CANONICALIZATION
        return next((table[kind] for kind in op.__mro__ if kind in table), ())

    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        return ()


class EdgeOp(InferringOp):
    """An `edge` op: pure, properties in the attribute dictionary, MLIR's functional type.

    By default an op does not fix its result's element type, which may have its own quantization.
    """

    traits = traits_def(Pure(), EdgePatterns())

    def verify_(self) -> None:
        verify_elements(self)
        self.verify_result()


def optional(value: SSAValue | None) -> list[SSAValue]:
    """An optional operand in the form that op constructors take."""
    return [] if value is None else [value]


def verify_tensors(op: IRDLOperation) -> None:
    """Check that memory orders are the default, and that element types are types."""
    for value in (*op.operands, *op.results):
        if isinstance(value.type, TensorType) and isinstance(value.type.encoding, DimOrderAttr):
            raise VerifyException(
                f"works in the default memory order, got {value.type}; insert edge.to_dim_order"
            )
        if isinstance(value.type, TensorType) and not isinstance(element_of(value), TypeAttribute):
            raise VerifyException(f"element type of {value.type} is an attribute, not a type")


def verify_elements(op: IRDLOperation) -> None:
    """Check that all tensors are floating or all are quantized: a mixed op has no exact meaning."""
    verify_tensors(op)
    quantized = [quantized_element(v.type) is not None for v in (*op.operands, *op.results)]
    if any(quantized) and not all(quantized):
        raise VerifyException(
            "mixes quantized and plain tensors; "
            "insert quant.qcast or quant.dcast so that all are of one kind"
        )
