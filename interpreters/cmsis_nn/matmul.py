"""Matrix products: fully connected layers and batched matrix multiplication."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmopt.interpreters.cmsis_nn.fixed_point import (
    Int8Array,
    Int32Array,
    Int64Array,
    check_activation,
    check_bias,
    check_input_offsets,
    check_int8,
    check_rank,
    check_zero_points,
    requantize_to_int8,
)


def exact_matmul(lhs: NDArray[np.int16], rhs: NDArray[np.int16]) -> Int64Array:
    """`lhs @ rhs` without rounding, for operands of magnitude at most 256.

    It uses floating point for speed. Every partial sum is an integer that the chosen format holds
    exactly, so the order of summation does not matter.
    """
    bound = lhs.shape[-1] << 16
    if bound >= 1 << 53:
        raise ValueError("exact_matmul: the summed axis is too long")
    kind = np.float32 if bound < 1 << 24 else np.float64
    product: Int64Array = np.matmul(lhs.astype(kind), rhs.astype(kind)).astype(np.int64)
    return product


def shifted(array: Int8Array, offset: int) -> NDArray[np.int16]:
    """`array + offset` without overflow."""
    return np.add(array, offset, dtype=np.int16)


def fully_connected_s8(
    input: Int8Array,
    weights: Int8Array,
    bias: Int32Array | None,
    *,
    input_offset: int,
    filter_offset: int,
    output_offset: int,
    multiplier: ArrayLike,
    shift: ArrayLike,
    activation_min: int,
    activation_max: int,
) -> Int8Array:
    """Linear layer: input [..., I], weights [O, I], bias int32 [O] or None to int8 [..., O].

    `multiplier` and `shift` are scalars (`arm_fully_connected_s8`) or [O]
    (`arm_fully_connected_per_channel_s8`).
    """
    operator = "fully_connected_s8"
    check_int8(operator, input=input, weights=weights)
    check_rank(operator, 2, weights=weights)
    if input.ndim < 1 or input.shape[-1] != weights.shape[1]:
        raise ValueError(f"{operator}: input {input.shape} does not match weights {weights.shape}")
    check_bias(operator, bias, weights.shape[0])
    check_input_offsets(operator, input_offset=input_offset, filter_offset=filter_offset)
    check_zero_points(operator, output_offset=output_offset)
    check_activation(operator, activation_min, activation_max)
    for name, value in (("multiplier", multiplier), ("shift", shift)):
        if np.shape(value) not in ((), (1,), (weights.shape[0],)):
            raise ValueError(f"{operator}: {name} must be a scalar or [{weights.shape[0]}]")
    acc = exact_matmul(shifted(input, input_offset), shifted(weights, filter_offset).T)
    if bias is not None:
        acc = acc + bias
    return requantize_to_int8(acc, multiplier, shift, output_offset, activation_min, activation_max)


def batch_matmul_s8(
    lhs: Int8Array,
    rhs_transposed: Int8Array,
    *,
    lhs_offset: int,
    rhs_offset: int,
    output_offset: int,
    multiplier: int,
    shift: int,
    activation_min: int,
    activation_max: int,
) -> Int8Array:
    """Batched product: lhs [B, M, K], rhs_transposed [B, N, K] to int8 [B, M, N]."""
    operator = "batch_matmul_s8"
    check_int8(operator, lhs=lhs, rhs_transposed=rhs_transposed)
    check_rank(operator, 3, lhs=lhs, rhs_transposed=rhs_transposed)
    if lhs.shape[0] != rhs_transposed.shape[0] or lhs.shape[2] != rhs_transposed.shape[2]:
        raise ValueError(f"{operator}: {lhs.shape} and {rhs_transposed.shape} do not match")
    check_input_offsets(operator, lhs_offset=lhs_offset, rhs_offset=rhs_offset)
    check_zero_points(operator, output_offset=output_offset)
    check_activation(operator, activation_min, activation_max)
    rhs = shifted(rhs_transposed, rhs_offset).transpose(0, 2, 1)
    acc = exact_matmul(shifted(lhs, lhs_offset), rhs)
    return requantize_to_int8(acc, multiplier, shift, output_offset, activation_min, activation_max)
