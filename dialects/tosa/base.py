"""The base class of the `tosa` ops, their constants, and `!tosa.shape`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import (
    BytesAttr,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    IndexType,
    IntAttr,
    TensorType,
    i32,
)
from xdsl.ir import Attribute, ParametrizedAttribute, SSAValue, TypeAttribute
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_attr_definition,
    irdl_op_definition,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.traits import ConstantLike, Pure
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.arrays import dense_elements
from cmopt.dialects.inferring import InferringOp
from cmopt.dialects.shapes import element_of


@irdl_attr_definition
class ShapeType(ParametrizedAttribute, TypeAttribute):
    """`!tosa.shape<4>`: a list of four sizes, known at compile time."""

    name = "tosa.shape"

    rank: IntAttr

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            return (IntAttr(parser.parse_integer(allow_boolean=False, allow_negative=False)),)

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(str(self.rank.data))


class TosaOp(InferringOp):
    """A pure op with one result, by default of the first operand's element type."""

    traits = traits_def(Pure())

    def infer_element(self) -> Attribute:
        return element_of(self.operands[0])

    def verify_(self) -> None:
        self.verify_result()


@irdl_op_definition
class ConstOp(IRDLOperation):
    """A constant tensor."""

    name = "tosa.const"

    values = prop_def(DenseIntOrFPElementsAttr)
    output = result_def(TensorType)

    traits = traits_def(Pure(), ConstantLike())

    def __init__(self, values: DenseIntOrFPElementsAttr):
        super().__init__(properties={"values": values}, result_types=[values.get_type()])

    def verify_(self) -> None:
        if self.values.get_type() != self.output.type:
            raise VerifyException(f"values are {self.values.get_type()}, not {self.output.type}")


@irdl_op_definition
class ConstShapeOp(IRDLOperation):
    """A `!tosa.shape` constant; `values` is a `tensor<Nxindex>`."""

    name = "tosa.const_shape"

    values = prop_def(DenseIntOrFPElementsAttr)
    output = result_def(ShapeType)

    irdl_options = (ParsePropInAttrDict(),)
    traits = traits_def(Pure(), ConstantLike())
    assembly_format = "attr-dict `:` `(` `)` `->` type($output)"

    @staticmethod
    def of(values: Sequence[int]) -> ConstShapeOp:
        """The constant that holds `values`."""
        data = np.asarray(values, "<i8").tobytes()
        type = TensorType(IndexType(), [len(values)])
        return ConstShapeOp(
            properties={"values": DenseIntOrFPElementsAttr(type, BytesAttr(data))},
            result_types=[ShapeType(IntAttr(len(values)))],
        )

    def sizes(self) -> tuple[int, ...]:
        """The sizes."""
        return tuple(dense_elements(self.values, np.dtype("<i8")).tolist())

    def verify_(self) -> None:
        wanted = TensorType(IndexType(), [self.output.type.rank.data])
        if self.values.get_type() != wanted:
            raise VerifyException(f"values are {self.values.get_type()}, not {wanted}")


def sizes_of(value: SSAValue) -> tuple[int, ...]:
    """The sizes in a `!tosa.shape` operand. Raises VerifyException if they are not constant."""
    if not isinstance(value.owner, ConstShapeOp):
        raise VerifyException("a shape operand must be a tosa.const_shape")
    return value.owner.sizes()


def verify_sizes(value: SSAValue, name: str, count: int) -> tuple[int, ...]:
    """Check the number of sizes in a shape operand and return them."""
    sizes = sizes_of(value)
    if len(sizes) != count:
        raise VerifyException(f"{name} must hold {count} sizes, got {list(sizes)}")
    return sizes


def ints32(values: Sequence[int]) -> DenseArrayBase:
    """`array<i32: …>`, the form of a permutation."""
    return DenseArrayBase.from_list(i32, list(values))


def verify_one(value: SSAValue, name: str, element: Attribute) -> None:
    """Check that a zero point, a shift or a padding value is one element of a type."""
    if value.type != (expected := TensorType(element, [1])):
        raise VerifyException(f"{name} must be {expected}, got {value.type}")
