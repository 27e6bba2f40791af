"""For each operator of ExecuTorch's portable library a call in PyTorch, or why there is none.

A call is a function of tensors, with example inputs. Its result must not depend on the order of
additions, so the numbers are small multiples of 1/8.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from executorch.exir.passes import dim_order_ops_registry  # noqa: F401, registers operators

aten = torch.ops.aten
Tensor = torch.Tensor


@dataclass(frozen=True)
class PortableCall:
    """`function(*inputs)` calls the operator once. steps: allowed error in float32 steps."""

    function: Callable[..., Any]
    inputs: tuple[Tensor, ...]
    steps: int = 0


def floats(*shape: int, low: float = -2.0, high: float = 2.0) -> Tensor:
    """Random multiples of 1/8 in [low, high]."""
    generator = torch.Generator().manual_seed(sum(shape) + 1)
    return torch.randint(round(low * 8), round(high * 8) + 1, shape, generator=generator) / 8


def ints(*shape: int, low: int = -9, high: int = 9, dtype: torch.dtype = torch.int32) -> Tensor:
    """Random integers in [low, high]."""
    generator = torch.Generator().manual_seed(sum(shape) + 2)
    return torch.randint(low, high + 1, shape, generator=generator).to(dtype)


def bools(*shape: int) -> Tensor:
    return ints(*shape, low=0, high=1).bool()


def indices(*values: int) -> Tensor:
    return torch.tensor(values)


X = floats(3, 4)
Y = floats(3, 4, low=0.125, high=3.0)
INTS, SMALL = ints(3, 4), ints(3, 4, low=1, high=5)
MASK, OTHER_MASK = bools(3, 4), bools(4, 3).T.contiguous()
IMAGE = floats(1, 2, 6, 6)
VOLUME = floats(1, 2, 4, 4, 4)
ROWS = floats(2, 3, 8)


def one(overload: Any, *arguments: Any, x: Tensor = X, steps: int = 0, **more: Any) -> PortableCall:
    """A call of one tensor and constants."""
    return PortableCall(lambda t: overload(t, *arguments, **more), (x,), steps)


def two(overload: Any, x: Tensor = X, y: Tensor = Y, steps: int = 0, **more: Any) -> PortableCall:
    """A call of two tensors."""
    return PortableCall(lambda a, b: overload(a, b, **more), (x, y), steps)


# For functions that PyTorch and the C library compute with different last bits.
LIBM = 8


def _names(text: str) -> list[str]:
    return text.split()


_UNARY = {
    f"{name}.out": one(getattr(aten, name).default, x=x, steps=LIBM)
    for name, x in {
        **dict.fromkeys(_names("abs atan asinh ceil cos cosh erf exp expm1 floor"), X),
        **dict.fromkeys(_names("neg relu round sigmoid sign sin sinh tan tanh trunc"), X),
        **dict.fromkeys(_names("log log10 log1p log2 reciprocal rsqrt sqrt"), Y),
        **dict.fromkeys(_names("acos asin atanh"), X / 4),
        **dict.fromkeys(_names("isinf isnan"), X / torch.tensor([0.0, 1.0, 2.0, 4.0])),
        "acosh": Y + 1,
        "bitwise_not": INTS,
        "logical_not": MASK,
    }.items()
}
_COMPARISONS = {
    f"{name}.{kind}_out": two(getattr(aten, name).Tensor, X, X.flip(0))
    if kind == "Tensor"
    else one(getattr(aten, name).Scalar, 0.5)
    for name in ("eq", "ge", "gt", "le", "lt", "ne")
    for kind in ("Tensor", "Scalar")
}
_BITWISE = {
    f"bitwise_{name}.{kind}_out": two(getattr(aten, f"bitwise_{name}").Tensor, INTS, SMALL)
    if kind in ("Tensor",)
    else one(getattr(aten, f"bitwise_{name}").Scalar, 6, x=INTS)
    for name in ("and", "or", "xor")
    for kind in ("Tensor", "Scalar")
}
_SHIFTS = {
    f"bitwise_{name}_shift.{kind}_out": two(
        getattr(aten, f"bitwise_{name}_shift").Tensor, INTS, SMALL
    )
    if kind == "Tensor"
    else one(getattr(aten, f"bitwise_{name}_shift").Tensor_Scalar, 2, x=INTS)
    for name in ("left", "right")
    for kind in ("Tensor", "Tensor_Scalar")
}
_LOGICAL = {
    f"logical_{name}.out": two(getattr(aten, f"logical_{name}").default, MASK, OTHER_MASK)
    for name in ("and", "or", "xor")
}
_ARITHMETIC = {
    "add.out": two(aten.add.Tensor, alpha=2),
    "atan2.out": two(aten.atan2.default, steps=LIBM),
    "bmm.out": two(aten.bmm.default, ROWS, floats(2, 8, 5)),
    "clamp.Tensor_out": PortableCall(aten.clamp.Tensor, (X, X - 1, Y)),
    "clamp.out": one(aten.clamp.default, -0.5, 1.0),
    "div.out": two(aten.div.Tensor),
    "div.out_mode": two(aten.div.Tensor_mode, rounding_mode="trunc"),
    "elu.out": one(aten.elu.default, steps=LIBM),
    "floor_divide.out": two(aten.floor_divide.default, INTS, SMALL),
    "fmod.Scalar_out": one(aten.fmod.Scalar, 0.75),
    "fmod.Tensor_out": two(aten.fmod.Tensor),
    "gelu.out": one(aten.gelu.default, steps=64),
    "hardtanh.out": one(aten.hardtanh.default),
    "leaky_relu.out": one(aten.leaky_relu.default, 0.125),
    "logit.out": one(aten.logit.default, 0.0625, x=Y / 4, steps=LIBM),
    "maximum.out": two(aten.maximum.default, X, X.flip(0)),
    "minimum.out": two(aten.minimum.default, X, X.flip(0)),
    "mm.out": two(aten.mm.default, X, Y.T.contiguous()),
    "mul.out": two(aten.mul.Tensor),
    "pow.Scalar_out": PortableCall(lambda x: aten.pow.Scalar(2.0, x), (X,), LIBM),
    "pow.Tensor_Scalar_out": one(aten.pow.Tensor_Scalar, 2.5, x=Y, steps=LIBM),
    "pow.Tensor_Tensor_out": two(aten.pow.Tensor_Tensor, Y, X, steps=LIBM),
    "remainder.Scalar_out": one(aten.remainder.Scalar, 0.75),
    "remainder.Tensor_out": two(aten.remainder.Tensor),
    "sub.out": two(aten.sub.Tensor),
    "where.self_out": PortableCall(aten.where.self, (MASK, X, Y)),
    "addmm.out": PortableCall(aten.addmm.default, (floats(3), X, Y.T.contiguous())),
}
_WITH_NUMBERS = {
    "add.Scalar_out": one(aten.hardswish.default, steps=LIBM),
    "div.Scalar_out": one(aten.hardsigmoid.default, steps=LIBM),
    "div.Scalar_mode_out": one(aten.div.Scalar_mode, 0.5, rounding_mode="floor"),
    "mul.Scalar_out": one(aten.softplus.default, 2.0, steps=LIBM),
    "rsub.Scalar_out": one(aten.rsub.Scalar, 0.5),
    "sub.Scalar_out": one(aten.sub.Scalar, 0.5),
}
_REDUCTIONS = {
    "amax.out": one(aten.amax.default, [1]),
    "amin.out": one(aten.amin.default, [0], True),
    "any.all_out": one(aten.any.default, x=MASK),
    "any.dims_out": one(aten.any.dims, [0, 1], x=MASK),
    "any.out": one(aten.any.dim, 1, x=MASK),
    "argmax.out": one(aten.argmax.default, 1),
    "argmin.out": one(aten.argmin.default, 1),
    "cumsum.out": one(aten.cumsum.default, 1),
    "max.dim_max": one(aten.max.dim, 1),
    "max.unary_out": one(aten.max.default),
    "mean.out": one(aten.mean.dim, [1]),
    "mean.dtype_out": one(aten.mean.default),
    "min.dim_min": one(aten.min.dim, 1),
    "min.unary_out": one(aten.min.default),
    "prod.int_out": one(aten.prod.dim_int, 1),
    "prod.out": one(aten.prod.default, x=Y),
    "sum.IntList_out": one(aten.sum.dim_IntList, [0]),
    "topk.values": one(aten.topk.default, 2, x=torch.arange(12.0).reshape(3, 4)),
    "var.correction_out": one(aten.var.correction, [1], correction=1, steps=2),
    "var.out": one(aten.var.dim, [1], steps=2),
    "var_mean.correction_out": one(aten.var_mean.correction, [1], correction=1, steps=2),
}
_WINDOWS = {
    "_adaptive_avg_pool2d.out": one(aten._adaptive_avg_pool2d.default, [4, 5], x=IMAGE, steps=1),
    "_upsample_bilinear2d_aa.out": one(
        aten._upsample_bilinear2d_aa.default, [3, 4], False, x=IMAGE, steps=LIBM
    ),
    "avg_pool2d.out": one(aten.avg_pool2d.default, [2, 2], [2, 2], x=IMAGE),
    "convolution.out": PortableCall(
        lambda x, w: aten.convolution.default(x, w, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1),
        (IMAGE, floats(3, 2, 3, 3)),
    ),
    "grid_sampler_2d.out": PortableCall(
        lambda x, g: aten.grid_sampler_2d.default(x, g, 0, 0, False),
        (IMAGE, floats(1, 3, 3, 2, low=-1, high=1)),
        LIBM,
    ),
    "max_pool2d_with_indices.out": one(aten.max_pool2d_with_indices.default, [2, 2], x=IMAGE),
    "pixel_shuffle.out": one(aten.pixel_shuffle.default, 2, x=floats(1, 8, 3, 3)),
    "pixel_unshuffle.out": one(aten.pixel_unshuffle.default, 2, x=IMAGE),
    **{
        f"{kind}_pad{rank}d.out": one(getattr(aten, f"{kind}_pad{rank}d").default, border, x=x)
        for kind in ("reflection", "replication")
        for rank, border, x in (
            (1, [1, 2], ROWS),
            (2, [1, 2, 0, 1], IMAGE),
            (3, [1, 2, 0, 1, 1, 1], VOLUME),
        )
    },
    "upsample_bilinear2d.vec_out": one(
        aten.upsample_bilinear2d.vec, [9, 7], False, None, x=IMAGE, steps=LIBM
    ),
    "upsample_nearest2d.vec_out": one(aten.upsample_nearest2d.vec, [9, 7], None, x=IMAGE),
}
_NORMALIZATIONS = {
    "_log_softmax.out": one(aten._log_softmax.default, 1, False, steps=LIBM),
    "_softmax.out": one(aten._softmax.default, 1, False, steps=LIBM),
    "native_group_norm.out": one(
        aten.native_group_norm.default, None, None, 1, 2, 36, 2, 1e-5, x=IMAGE, steps=LIBM
    ),
    "native_layer_norm.out": one(aten.native_layer_norm.default, [4], None, None, 1e-5, steps=LIBM),
    "_native_batch_norm_legit_no_training.out": PortableCall(
        lambda x, m, v: aten._native_batch_norm_legit_no_training.default(
            x, None, None, m, v, 0.1, 1e-5
        ),
        (IMAGE, floats(2), floats(2, low=0.5, high=2)),
        LIBM,
    ),
    "_native_batch_norm_legit.no_stats_out": one(
        aten._native_batch_norm_legit.no_stats, None, None, True, 0.1, 1e-5, x=IMAGE, steps=LIBM
    ),
    "_cdist_forward.out": two(
        lambda a, b: aten._cdist_forward.default(a, b, 2.0, None), X, Y, steps=LIBM
    ),
    "_pdist_forward.out": one(aten._pdist_forward.default, 2.0, steps=LIBM),
    "glu.out": one(aten.glu.default, 1, steps=LIBM),
}
_MOVEMENT = {
    "alias_copy.out": one(aten.alias_copy.default),
    "as_strided_copy.out": one(aten.as_strided_copy.default, [2, 2], [1, 3], 1),
    "cat.out": PortableCall(lambda a, b: aten.cat.default([a, b], 1), (X, Y)),
    "clone.out": one(aten.clone.default),
    "constant_pad_nd.out": one(aten.constant_pad_nd.default, [1, 2], 0.5),
    "copy.out": two(aten.copy.default),
    "detach_copy.out": one(aten.detach_copy.default),
    "diagonal_copy.out": one(aten.diagonal_copy.default),
    "embedding.out": PortableCall(aten.embedding.default, (X, indices(2, 0))),
    "expand_copy.out": one(aten.expand_copy.default, [2, 3, 4]),
    "flip.out": one(aten.flip.default, [0, 1]),
    "gather.out": PortableCall(
        lambda x, i: aten.gather.default(x, 1, i), (X, torch.tensor([[0, 3], [2, 1], [1, 1]]))
    ),
    "index.Tensor_out": PortableCall(lambda x, i: aten.index.Tensor(x, [i]), (X, indices(2, 0))),
    "index_put.out": PortableCall(
        lambda x, i, v: aten.index_put.default(x, [i], v), (X, indices(2, 0), floats(2, 4))
    ),
    "index_select.out": PortableCall(
        lambda x, i: aten.index_select.default(x, 1, i), (X, indices(2, 0))
    ),
    "lift_fresh_copy.out": one(aten.lift_fresh_copy.default),
    "masked_fill.Scalar_out": PortableCall(
        lambda x, m: aten.masked_fill.Scalar(x, m, 0.5), (X, MASK)
    ),
    "masked_scatter.out": PortableCall(aten.masked_scatter.default, (X, MASK, Y)),
    "narrow_copy.out": one(aten.narrow_copy.default, 1, 1, 2),
    "permute_copy.out": one(aten.permute_copy.default, [1, 0]),
    "repeat.out": one(aten.repeat.default, [2, 1, 3]),
    "roll.out": one(aten.roll.default, [1], [0]),
    "scatter.src_out": PortableCall(
        lambda x, i, s: aten.scatter.src(x, 0, i, s), (X, torch.tensor([[0, 1, 2, 0]]), Y)
    ),
    "scatter.value_out": PortableCall(
        lambda x, i: aten.scatter.value(x, 0, i, 0.5), (X, torch.tensor([[0, 1, 2, 0]]))
    ),
    "scatter_add.out": PortableCall(
        lambda x, i, s: aten.scatter_add.default(x, 0, i, s), (X, torch.tensor([[0, 1, 2, 0]]), Y)
    ),
    "select_copy.int_out": one(aten.select_copy.int, 1, -1),
    "select_scatter.out": PortableCall(
        lambda x, s: aten.select_scatter.default(x, s, 0, 1), (X, floats(4))
    ),
    "slice_copy.Tensor_out": one(aten.slice_copy.Tensor, 1, 0, 4, 2),
    "slice_scatter.out": PortableCall(
        lambda x, s: aten.slice_scatter.default(x, s, 0, 1, 3, 1), (X, floats(2, 4))
    ),
    "split_copy.Tensor_out": one(aten.split_copy.Tensor, 2, 1),
    "split_with_sizes_copy.out": one(aten.split_with_sizes_copy.default, [1, 3], 1),
    "squeeze_copy.dim_out": one(aten.squeeze_copy.dim, 0, x=floats(1, 4)),
    "squeeze_copy.dims_out": one(aten.squeeze_copy.dims, [0, 2], x=floats(1, 4, 1)),
    "stack.out": PortableCall(lambda a, b: aten.stack.default([a, b]), (X, Y)),
    "t_copy.out": one(aten.t_copy.default),
    "transpose_copy.int_out": one(aten.transpose_copy.int, 0, 1),
    "tril.out": one(aten.tril.default, 1),
    "unbind_copy.int_out": one(aten.unbind_copy.int, 0),
    "unfold_copy.out": one(aten.unfold_copy.default, 1, 2, 1),
    "unsqueeze_copy.out": one(aten.unsqueeze_copy.default, 1),
    "view_copy.out": one(aten.view_copy.default, [2, 6]),
}
_MAKERS = {
    "_to_copy.out": one(aten._to_copy.default, dtype=torch.int32),
    "fill.Scalar_out": one(aten.fill.Scalar, 0.5),
    "fill.Tensor_out": two(aten.fill.Tensor, X, torch.tensor(0.5)),
    "full_like.out": one(aten.hardshrink.default),
}

_DIM_ORDER = {
    "dim_order_ops::_to_dim_order_copy.out": one(
        torch.ops.dim_order_ops._to_dim_order_copy.default, dtype=torch.int32, dim_order=[0, 1]
    ),
}
"""ExecuTorch's form of a cast, in programs of its Edge dialect."""

CALLS: dict[str, PortableCall] = {
    f"aten::{name}": call
    for table in (
        _UNARY,
        _COMPARISONS,
        _BITWISE,
        _SHIFTS,
        _LOGICAL,
        _ARITHMETIC,
        _WITH_NUMBERS,
        _REDUCTIONS,
        _WINDOWS,
        _NORMALIZATIONS,
        _MOVEMENT,
        _MAKERS,
    )
    for name, call in table.items()
} | _DIM_ORDER
"""By the name of the operator in the compiled program."""


def _full(names: str) -> frozenset[str]:
    return frozenset(f"aten::{name}" for name in names.split())


OTHERWISE = _full(
    """
    alias_copy.out as_strided_copy.out clone.out copy.out detach_copy.out diagonal_copy.out
    div.Scalar_mode_out fill.Scalar_out flip.out fmod.Scalar_out glu.out hardtanh.out
    lift_fresh_copy.out
    masked_fill.Scalar_out max.unary_out mean.dtype_out min.unary_out narrow_copy.out
    pixel_shuffle.out pixel_unshuffle.out reflection_pad1d.out reflection_pad2d.out
    reflection_pad3d.out remainder.Scalar_out repeat.out replication_pad1d.out
    replication_pad2d.out rsub.Scalar_out
    replication_pad3d.out roll.out select_copy.int_out select_scatter.out slice_scatter.out
    split_copy.Tensor_out sub.Scalar_out
    split_with_sizes_copy.out squeeze_copy.dim_out squeeze_copy.dims_out stack.out t_copy.out
    transpose_copy.int_out tril.out unbind_copy.int_out unfold_copy.out unsqueeze_copy.out
    upsample_nearest2d.vec_out view_copy.out"""
)
"""Operators that the compiler replaces by others, or by no call."""

_CHANGED = "training, or a write into an operand"
_DYNAMIC = "its result has no static shape"
_RANDOM = "its result is random"
_CONSTANT = "it has no tensor operand, so that its result is a constant"
NEVER_CALLED: dict[str, str] = {
    **dict.fromkeys(
        _full(
            """convolution_backward.out copy_ index_put_ max_pool2d_with_indices_backward.grad_input
            native_dropout.out _native_batch_norm_legit.out"""
        ),
        _CHANGED,
    ),
    **dict.fromkeys(_full("masked_select.out nonzero.out repeat_interleave.Tensor_out"), _DYNAMIC),
    **dict.fromkeys(_full("rand.out randn.out"), _RANDOM),
    **dict.fromkeys(
        _full(
            """
            arange.out arange.start_out empty.out full.out ones.out scalar_tensor.out zeros.out"""
        ),
        _CONSTANT,
    ),
    **dict.fromkeys(
        _full("_conj_physical.out view_as_real_copy.out"), "complex tensors are refused"
    ),
    "dim_order_ops::_clone_dim_order.out": "memory orders are transposes here",
    "dim_order_ops::_empty_dim_order.out": _CONSTANT,
    "et_copy::_d2h_copy.out": "there is one memory",
    "et_copy::_h2d_copy.out": "there is one memory",
}
"""The operators that no compiled program calls, and why."""
