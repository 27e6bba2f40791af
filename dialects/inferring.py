"""Ops that infer the type of their result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import IRDLOperation, ParsePropInAttrDict
from xdsl.rewriter import Rewriter
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.shapes import element_of, shape_of, verify_shape


class InferringOp(IRDLOperation):
    """An op with one result, in MLIR's functional form, properties in the attribute dictionary.

    `infer_shape` and `infer_element` infer the result's type. `verify_result` checks the result
    against it, and `inferred` makes an op with such a result.
    """

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format: ClassVar[str | None] = (
        "operands attr-dict `:` functional-type(operands, results)"
    )

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
        """The op with the inferred result. Raises VerifyException if none can be inferred.

        element: the result's element type if the op does not infer it; by default that of the
        first operand. shape: the result's shape as far as the op does not infer it.
        """
        first = operands[0] if isinstance(operands[0], SSAValue) else operands[0][0]
        op = cls(operands, TensorType(element or element_of(first), shape), properties)
        return op.with_inferred_type()

    def with_operands(self, operands: Sequence[SSAValue], **properties: Attribute) -> Self:
        """The op on other operands, with some other properties and the inferred result."""
        op = self.create(
            operands=operands,
            result_types=[self.results[0].type],
            properties={**self.properties, **properties},
            attributes=dict(self.attributes),
            regions=[region.clone() for region in self.regions],
        )
        return op.with_inferred_type()

    def with_inferred_type(self) -> Self:
        """The op, which is in no block, after its result has got the inferred type."""
        try:
            Rewriter.replace_value_with_new_type(self.results[0], self.infer_type())
        except VerifyException:
            self.erase()  # so that it uses no operand
            raise
        return self

    def infer_shape(self) -> Sequence[int]:
        """The result's shape, by default the first operand's.

        Raises VerifyException if operands and properties do not fit.
        """
        return shape_of(self.operands[0])

    def infer_element(self) -> Attribute:
        """The result's element type; by default the one it has, which may then be any.

        Raises as `infer_shape`.
        """
        return element_of(self.results[0])

    def infer_type(self) -> TensorType:
        """The result's type. Raises as `infer_shape`."""
        shape = self.infer_shape()
        return TensorType(self.infer_element(), shape)

    def verify_result(self) -> None:
        """Check the result's type against the inferred type."""
        expected, (result,) = self.infer_type(), self.results
        verify_shape("result", shape_of(result), shape_of(expected))
        if element_of(result) != element_of(expected):
            raise VerifyException(f"result should be {expected}, not of {element_of(result)}")
