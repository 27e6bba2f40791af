"""Types of PyTorch's tensors in the IR."""

from __future__ import annotations

import re

import torch
from xdsl.dialects.builtin import (
    Float32Type,
    Float64Type,
    IntegerType,
    Signedness,
    TensorType,
)
from xdsl.ir import Attribute

_ELEMENT_TYPES: dict[torch.dtype, Attribute] = {
    torch.float32: Float32Type(),
    torch.float64: Float64Type(),
    torch.int8: IntegerType(8),
    torch.int16: IntegerType(16),
    torch.int32: IntegerType(32),
    torch.int64: IntegerType(64),
    torch.uint8: IntegerType(8, Signedness.UNSIGNED),
    torch.bool: IntegerType(1),
}


class UnsupportedTensor(Exception):
    """A tensor has no type in the IR; `str()` says why, `hint` what would help."""

    def __init__(self, message: str, hint: str | None = None):
        super().__init__(message)
        self.hint = hint


def dtype_name(dtype: torch.dtype) -> str:
    """The name PyTorch gives a dtype, without the module: `float32`."""
    return str(dtype).removeprefix("torch.")


def element_type(dtype: torch.dtype) -> Attribute:
    """The element type of a dtype; raises `UnsupportedTensor`."""
    if (element := _ELEMENT_TYPES.get(dtype)) is None:
        raise UnsupportedTensor(
            f"dtype {dtype_name(dtype)} is not supported",
            "use float32, or one of " + ", ".join(dtype_name(d) for d in list(_ELEMENT_TYPES)[1:]),
        )
    return element


def check_sizes(value: torch.Tensor) -> None:
    """Raises `UnsupportedTensor` if a size of the tensor is not a number."""
    for index, size in enumerate(value.shape):
        if isinstance(size, int):
            continue
        if re.search(r"\bu\d", str(size)):  # unbacked: PyTorch knows no example of it
            raise UnsupportedTensor(
                f"dimension {index} depends on the values of the inputs ({size})",
                "choose elements by torch.where or a product with a mask, which keep the shape",
            )
        raise UnsupportedTensor(
            f"dimension {index} is dynamic ({size})", "export without dynamic_shapes"
        )


def tensor_type(value: torch.Tensor) -> TensorType[Attribute]:
    """The type of a tensor, in default memory order; raises `UnsupportedTensor`."""
    check_sizes(value)
    return TensorType(element_type(value.dtype), list(value.shape))


def input_order(value: torch.Tensor) -> tuple[int, ...]:
    """`memory_order` if the runtime takes inputs in it (it takes two); else the default order."""
    order = memory_order(value)
    return order if order == (0, 2, 3, 1) else tuple(range(value.dim()))


def memory_order(value: torch.Tensor) -> tuple[int, ...]:
    """Dimensions from outermost to innermost.

    The default order if the strides allow it. Also if elements overlap or leave gaps, because no
    order of dimensions describes such strides.
    """
    default = tuple(range(value.dim()))
    if value.is_contiguous():
        return default
    if value.dim() == 4 and value.is_contiguous(memory_format=torch.channels_last):
        return (0, 2, 3, 1)
    strides = value.stride()
    order = tuple(sorted(default, key=lambda d: (-strides[d], d)))
    expected = 1
    for dimension in reversed(order):
        if value.shape[dimension] != 1 and strides[dimension] != expected:
            return default
        expected *= value.shape[dimension]
    return order
