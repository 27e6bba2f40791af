"""Shape rules shared by the verifiers of several dialects."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, TensorType, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.utils.exceptions import VerifyException

NHWC_TO_NCHW = (0, 3, 1, 2)
NCHW_TO_NHWC = (0, 2, 3, 1)
MAX_CONSTANT_BYTES = 1 << 26
"""The most bytes of one constant. A wrong shape is then an error before it fills the memory."""


def shape_of(value: SSAValue | Attribute) -> tuple[int, ...]:
    """The static shape of a tensor value or type."""
    type = value.type if isinstance(value, SSAValue) else value
    assert isinstance(type, TensorType), type
    return type.get_shape()


def element_of(value: SSAValue | Attribute) -> Attribute:
    """The element type of a tensor value or type."""
    type = value.type if isinstance(value, SSAValue) else value
    assert isinstance(type, TensorType), type
    element: Attribute = type.element_type
    return element


def with_element(type: Attribute, element: Attribute) -> TensorType:
    """The tensor type `type` with another element type."""
    assert isinstance(type, TensorType), type
    return TensorType(element, type.get_shape(), type.encoding)


def numel(shape: Sequence[int]) -> int:
    """Number of elements."""
    return math.prod(shape)


def ints(values: Sequence[int]) -> DenseArrayBase:
    """`array<i64: …>`, the form of every integer list property."""
    return DenseArrayBase.from_list(i64, list(values))


def int_of(attr: Attribute) -> int:
    """The number in an integer attribute."""
    assert isinstance(attr, IntegerAttr)
    return int(attr.value.data)


def ints_of(attr: Attribute) -> tuple[int, ...]:
    """The numbers in an `array<i64: …>`."""
    assert isinstance(attr, DenseArrayBase)
    return tuple(int(v) for v in attr.get_values())


def resized(shape: Sequence[int], dim: int, size: int) -> tuple[int, ...]:
    """`shape` with `size` in dimension `dim`."""
    return (*shape[:dim], size, *shape[dim + 1 :])


def permuted(shape: Sequence[int], perm: Sequence[int]) -> tuple[int, ...]:
    """`out[i] = shape[perm[i]]`."""
    return tuple(shape[p] for p in perm)


def inverse(perm: Sequence[int]) -> tuple[int, ...]:
    """The permutation that undoes `perm`."""
    result = [0] * len(perm)
    for i, p in enumerate(perm):
        result[p] = i
    return tuple(result)


def broadcast_shape(a: Sequence[int], b: Sequence[int]) -> tuple[int, ...] | None:
    """NumPy's broadcast of two shapes, or None if they do not fit."""
    rank = max(len(a), len(b))
    padded = [(1,) * (rank - len(s)) + tuple(s) for s in (a, b)]
    result = []
    for x, y in zip(*padded, strict=True):
        if x != y and 1 not in (x, y):
            return None
        result.append(y if x == 1 else x)
    return tuple(result)


def window_output(
    size: int, kernel: int, stride: int, pad: int, dilation: int = 1, *, ceil_mode: bool = False
) -> int:
    """Output length of a sliding window over `size` elements with `pad` added in all.

    With `ceil_mode` PyTorch counts a last partial window, but only if it starts inside the
    input or its left padding; callers with asymmetric padding pass the total.
    """
    span = size + pad - dilation * (kernel - 1) - 1
    count = -(-span // stride) if ceil_mode else span // stride
    if ceil_mode and count * stride >= size + pad // 2:
        count -= 1
    return count + 1


def verify_ints(name: str, values: Attribute, length: int, minimum: int) -> tuple[int, ...]:
    """Check length and least value of an integer list property and return it."""
    result = ints_of(values)
    if len(result) != length or any(v < minimum for v in result):
        raise VerifyException(f"{name} must be {length} integers ≥ {minimum}, got {list(result)}")
    return result


def verify_dim(dim: int, rank: int) -> None:
    """Check that a tensor of `rank` dimensions has dimension `dim`."""
    if not 0 <= dim < rank:
        raise VerifyException(f"dim {dim} is outside rank {rank}")


def verify_permutation(perm: Sequence[int], rank: int) -> None:
    """Check that `perm` has every dimension of `rank` once."""
    if sorted(perm) != list(range(rank)):
        raise VerifyException(f"perm {list(perm)} is not a permutation of rank {rank}")


def verify_shape(what: str, actual: Sequence[int], expected: Sequence[int]) -> None:
    """Check a shape against the expected one."""
    if tuple(actual) != tuple(expected):
        raise VerifyException(f"{what} shape {list(actual)} should be {list(expected)}")
