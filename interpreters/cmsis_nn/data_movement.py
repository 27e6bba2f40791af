"""Operations that move or replace bytes without arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cmopt.interpreters.cmsis_nn.fixed_point import Int8Array, check_int8


def pad_s8(
    input: Int8Array, pre_pad: Sequence[int], post_pad: Sequence[int], value: int
) -> Int8Array:
    """`input` with `pre_pad[i]` elements of `value` before and `post_pad[i]` after axis i."""
    check_int8("pad_s8", input=input)
    if len(pre_pad) != input.ndim or len(post_pad) != input.ndim:
        raise ValueError(f"pad_s8: {pre_pad} and {post_pad} do not fit rank {input.ndim}")
    if min([0, *pre_pad, *post_pad]) < 0 or not -128 <= value <= 127:
        raise ValueError("pad_s8: negative padding, or a value outside int8")
    return np.pad(input, list(zip(pre_pad, post_pad, strict=True)), constant_values=value)


def transpose(input: Int8Array, perm: Sequence[int]) -> Int8Array:
    """A row-major copy whose axis i is axis `perm[i]` of `input`."""
    check_int8("transpose", input=input)
    if sorted(perm) != list(range(input.ndim)):
        raise ValueError(f"transpose: {list(perm)} is not a permutation of rank {input.ndim}")
    return np.asarray(np.transpose(input, perm), order="C")


def lookup_s8(input: Int8Array, lut: Int8Array) -> Int8Array:
    """`lut[q + 128]` for each q of `input`; `lut` is int8 [256]."""
    check_int8("lookup_s8", input=input, lut=lut)
    if lut.shape != (256,):
        raise ValueError(f"lookup_s8: lut must be [256], not {lut.shape}")
    looked_up: Int8Array = lut[input.astype(np.int64) + 128]
    return looked_up
