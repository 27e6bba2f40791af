"""What every `edge` op has in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from xdsl.dialects.builtin import (
    DenseArrayBase,
    TensorType,
)
from xdsl.ir import Attribute, ParametrizedAttribute, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_attr_definition,
    traits_def,
)
from xdsl.parser import AttrParser
from xdsl.pattern_rewriter import RewritePattern
from xdsl.printer import Printer
from xdsl.rewriter import Rewriter
from xdsl.traits import HasCanonicalizationPatternsTrait, Pure
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.quant import quantized_element, verify_axis
from cmopt.dialects.shapes import element_of, ints, ints_of, shape_of, verify_shape

I64Array = DenseArrayBase


def _parse_dims(parser: AttrParser) -> DenseArrayBase:
    return ints(parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_integer))


@irdl_attr_definition
class DimOrderAttr(ParametrizedAttribute):
    """`#edge.dim_order<[0, 2, 3, 1]>`: an encoding, dimensions from outermost to innermost."""

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


class _EdgePatterns(HasCanonicalizationPatternsTrait):
    """Looks patterns up by op class in `dialects.edge.canonicalization`."""

    def get_patterns(self, op: type[IRDLOperation]) -> tuple[RewritePattern, ...]:  # type: ignore[override]
        from cmopt.dialects.edge import canonicalization as patterns

        return patterns.CANONICALIZATION.get(op.name, ())

    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        return ()


class EdgeOp(IRDLOperation):
    """Common ground: pure, properties in the attribute dictionary, MLIR's functional type.

    `infer_shape` and `infer_type` are the op's rule for its result: `verify_` holds the result to
    it, and `of` makes an op with the result it gives.
    """

    irdl_options = (ParsePropInAttrDict(),)
    traits = traits_def(Pure(), _EdgePatterns())
    assembly_format: ClassVar[str] = "operands attr-dict `:` functional-type(operands, results)"

    def __init__(
        self,
        operands: Sequence[SSAValue | Sequence[SSAValue]],
        result_type: Attribute,
        properties: Mapping[str, Attribute | None] | None = None,
    ):
        super().__init__(
            operands=operands,
            result_types=[result_type],
            properties={k: v for k, v in (properties or {}).items() if v is not None},
        )

    @classmethod
    def inferred(
        cls,
        operands: Sequence[SSAValue | Sequence[SSAValue]],
        properties: Mapping[str, Attribute | None] | None = None,
        *,
        element: Attribute | None = None,
        shape: Sequence[int] = (),
    ) -> Self:
        """The op with the result its rule gives. Raises VerifyException where that gives none.

        element: the result's element type where the rule leaves it open; by default that of the
        first operand. shape: what the rule leaves open of the result's shape.
        """
        first = operands[0] if isinstance(operands[0], SSAValue) else operands[0][0]
        op = cls(operands, TensorType(element or element_of(first), shape), properties)
        return op.with_inferred_type()

    def with_operands(self, operands: Sequence[SSAValue], **properties: Attribute) -> Self:
        """The op on other operands, with some other properties and the result the rule gives."""
        op = self.create(
            operands=operands,
            result_types=[self.results[0].type],
            properties={**self.properties, **properties},
            attributes=dict(self.attributes),
        )
        return op.with_inferred_type()

    def with_inferred_type(self) -> Self:
        """The op, which stands in no block, its result now of the type the rule gives."""
        try:
            Rewriter.replace_value_with_new_type(self.results[0], self.infer_type())
        except VerifyException:
            self.erase()  # so that it uses no operand
            raise
        return self

    def infer_shape(self) -> Sequence[int]:
        """The result's shape, by default the first operand's.

        Raises VerifyException where operands and properties do not fit.
        """
        return shape_of(self.operands[0])

    def infer_type(self) -> TensorType:
        """The result's type, by default of the element type it has. Raises as `infer_shape`."""
        return TensorType(element_of(self.results[0]), self.infer_shape())

    def verify_(self) -> None:
        verify_elements(self)
        self.verify_result()

    def verify_result(self) -> None:
        """Check the result's type against the rule."""
        expected, (result,) = self.infer_type(), self.results
        verify_shape("result", shape_of(result), shape_of(expected))
        if element_of(result) != element_of(expected):
            raise VerifyException(f"must keep the element type: the result should be {expected}")


def optional(value: SSAValue | None) -> list[SSAValue]:
    """An optional operand in the form op constructors take."""
    return [] if value is None else [value]


def verify_tensors(op: IRDLOperation) -> None:
    """Default memory order everywhere, and per-axis scales that fit their shapes."""
    for value in (*op.operands, *op.results):
        if isinstance(value.type, TensorType) and isinstance(value.type.encoding, DimOrderAttr):
            raise VerifyException(
                f"works in the default memory order, got {value.type}; insert edge.to_dim_order"
            )
        verify_axis(value.type)


def verify_elements(op: IRDLOperation) -> None:
    """All floating or all quantized: a half-folded op would have no exact meaning."""
    verify_tensors(op)
    quantized = [quantized_element(v.type) is not None for v in (*op.operands, *op.results)]
    if any(quantized) and not all(quantized):
        raise VerifyException(
            "mixes quantized and plain tensors; "
            "insert quant.qcast or quant.dcast so that all are of one kind"
        )
