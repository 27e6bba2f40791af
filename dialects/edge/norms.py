"""Normalization of rows by their own statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from xdsl.dialects.builtin import BoolAttr, FloatAttr, IntegerAttr, TensorType, f64, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, var_operand_def
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge.base import EdgeOp
from cmopt.dialects.shapes import int_of, numel, shape_of, verify_shape


@irdl_op_definition
class LayerNormOp(EdgeOp):
    """`(x - m) / sqrt(mean((x - m)²) + epsilon) * weight + bias` for each row.

    A row is all elements along the last `inner_dims` dimensions. `m` is the row's mean if the op is
    `centered` (aten.layer_norm), else 0 (aten.rms_norm). `parameters` are none, the weight, or the
    weight and the bias; both have the shape of a row.
    """

    name = "edge.layer_norm"

    input = operand_def(TensorType)
    parameters = var_operand_def(TensorType)
    inner_dims = prop_def(IntegerAttr)
    epsilon = prop_def(FloatAttr)
    centered = prop_def(BoolAttr)
    output = result_def(TensorType)

    @classmethod
    def of(
        cls,
        input: SSAValue,
        parameters: Sequence[SSAValue],
        inner_dims: int,
        epsilon: float,
        centered: bool,
        element: Attribute | None = None,
    ) -> Self:
        """The norm of `input`, in its element type or in `element`."""
        properties = {
            "inner_dims": IntegerAttr(inner_dims, i64),
            "epsilon": FloatAttr(epsilon, f64),
            "centered": BoolAttr.from_bool(centered),
        }
        return cls.inferred([input, list(parameters)], properties, element=element)

    @property
    def weight(self) -> SSAValue | None:
        """What the normalized elements are multiplied by."""
        return self.parameters[0] if len(self.parameters) else None

    @property
    def bias(self) -> SSAValue | None:
        """What is added in the end."""
        return self.parameters[1] if len(self.parameters) > 1 else None

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of a row."""
        return shape_of(self.input)[-int_of(self.inner_dims) :]

    def infer_shape(self) -> Sequence[int]:
        shape, inner = shape_of(self.input), int_of(self.inner_dims)
        if not 1 <= inner <= len(shape):
            raise VerifyException(f"inner_dims must be 1 to {len(shape)}, got {inner}")
        if numel(self.row_shape) == 0:
            raise VerifyException("a row has no elements")
        if len(self.parameters) > 2:
            raise VerifyException(f"takes a weight and a bias, got {len(self.parameters)} operands")
        for name, value in (("weight", self.weight), ("bias", self.bias)):
            if value is not None:
                verify_shape(name, shape_of(value), self.row_shape)
        if not self.epsilon.value.data >= 0:
            raise VerifyException(f"epsilon must not be negative, got {self.epsilon.value.data}")
        return shape
