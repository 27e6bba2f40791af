"""The arguments of kernel calls as EValues, of the kinds in the operator schemas.

The runtime does not check kinds when it loads a program. If an EValue has another kind than the
schema's, the call ends the process, or faults on the device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    FloatAttr,
    IntegerAttr,
    NoneType,
    StringAttr,
)
from xdsl.ir import Attribute, SSAValue

from cmopt.dialects.arrays import numpy_dtype
from cmopt.dialects.edge import OperandAttr
from cmopt.dialects.shapes import element_of

if TYPE_CHECKING:
    from cmopt.codegen.program_builder import ProgramBuilder

Plain = SSAValue | bool | int | float | str | list[Any] | None
"""An argument without its type: a tensor, a Python value, or a list of these."""

INT_TYPES = frozenset({"int", "ScalarType", "MemoryFormat", "Layout"})
"""Schema types whose EValue is an Int."""


def plain(value: Attribute | SSAValue | None, operands: Sequence[Any] = ()) -> Plain:
    """The argument that a property or an entry of `edge.call`'s `arguments` stands for.

    operands: `#edge.operand<i>` is the i-th of these, values or what stands for them. Raises
    ValueError for an unknown attribute.
    """
    match value:
        case None | NoneType():
            return None
        case SSAValue():
            return value
        case OperandAttr():
            operand: SSAValue = operands[value.index.value.data]
            return operand
        case IntegerAttr() if value.type.bitwidth == 1:
            return bool(value.value.data)
        case IntegerAttr() | FloatAttr() | StringAttr():
            data = value.data if isinstance(value, StringAttr) else value.value.data
            assert isinstance(data, int | float | str)
            return data
        case DenseArrayBase():
            return list(value.get_values())
        case ArrayAttr():
            return [plain(item, operands) for item in value.data]
    raise ValueError(f"cannot pass {value}")


def number_dtype(number: bool | int | float, tensors: Sequence[SSAValue]) -> np.dtype[Any]:
    """The dtype of a number passed where an operator takes a tensor.

    As in PyTorch, a number does not promote tensors of its own kind: an int gets the dtype of an
    integer tensor, a float that of a float tensor. Boolean tensors (conditions) do not count if
    there are others.
    """
    dtypes = [numpy_dtype(element_of(value)) for value in tensors]
    met = [d for d in dtypes if d.kind != "b"] or dtypes
    if isinstance(number, bool):
        return np.dtype(np.bool_)
    floats = [d for d in met if d.kind == "f"]
    if floats:
        return floats[0]
    if isinstance(number, float):
        return np.dtype(np.float32)
    integers = [d for d in met if d.kind in "iu"]
    return integers[0] if integers else np.dtype(np.int64)


class ArgumentEmitter:
    """Makes the EValues of one call.

    tensor: the EValue of a value that is a tensor. tensors: the tensors of the call, from which
    `number_dtype` takes the dtype of a number passed as a tensor.
    """

    def __init__(
        self,
        builder: ProgramBuilder,
        tensor: Callable[[SSAValue], int],
        tensors: Sequence[SSAValue] = (),
    ):
        self.builder = builder
        self.tensor = tensor
        self.tensors = tensors

    def emit(self, type: str, value: Plain) -> int:
        """The EValue for an argument of schema type `type`.

        Raises ValueError if `value` has another type. The caller adds the argument's name.
        """
        if type.endswith("?"):
            return self.builder.add_null() if value is None else self.emit(type[:-1], value)
        if type.endswith("[]"):
            if not isinstance(value, list):
                raise ValueError(f"{value} is not {type}")
            return self._list(type[:-2], value)
        if type == "Tensor":
            return self._tensor(value)
        return self._scalar(type, value)

    def _tensor(self, value: Plain) -> int:
        if isinstance(value, SSAValue):
            return self.tensor(value)
        if isinstance(value, bool | int | float):
            dtype = number_dtype(value, self.tensors)
            if dtype.kind in "iu":  # A number that does not fit wraps, as in PyTorch.
                value = int(np.array(value, np.int64).astype(dtype))
            return self.builder.add_number(value, dtype)
        raise ValueError(f"{value} is not a Tensor")

    def _scalar(self, type: str, value: Plain) -> int:
        builder = self.builder
        match type, value:
            case ("Scalar" | "bool", bool()):
                return builder.add_bool(value)
            case ("Scalar", int()):
                return builder.add_int(value)
            case ("Scalar" | "float", float()):
                return builder.add_double(value)
            case ("float", int()):
                return builder.add_double(float(value))
            case ("bool", int()) if value in (0, 1):
                return builder.add_bool(bool(value))
            case ("ScalarType" | "int", str()):  # the name of a dtype
                return builder.add_dtype(np.dtype(value))
            case ("str", str()):
                return builder.add_string(value)
            case (_, int()) if type in INT_TYPES and not isinstance(value, bool):
                return builder.add_int(value)
        raise ValueError(f"{value!r} is not {type}")

    def _list(self, item: str, values: list[Any]) -> int:
        builder = self.builder
        match item:
            case "Tensor":
                return builder.add_tensor_list([self._tensor(v) for v in values])
            case "Tensor?":
                return builder.add_optional_tensor_list(
                    [None if v is None else self._tensor(v) for v in values]
                )
            case "int":
                return builder.add_int_list([_number(v, int) for v in values])
            case "float":
                return builder.add_scalars("DoubleList", [_number(v, float) for v in values])
            case "bool":
                return builder.add_scalars("BoolList", [_number(v, bool) for v in values])
        raise ValueError(f"a list of {item} cannot be passed")


def _number(value: Plain, kind: type[Any]) -> Any:
    """An item of a list as a number of type `kind`. Raises ValueError if that changes its value."""
    if not isinstance(value, bool | int | float) or kind(value) != value:
        raise ValueError(f"{value!r} is not {kind.__name__}")
    return kind(value)
