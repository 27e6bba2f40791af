"""The elementwise functions of `edge` in float32, without torch: lookup tables are made of them.

Against PyTorch's own float32 kernels a result may differ in its last bits, so an entry of an int8
table by at most one step.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation

from cmopt.dialects import edge

Float = NDArray[np.float32]

ONE, THREE, SIX = np.float32(1), np.float32(3), np.float32(6)


def _clamp(x: Float, low: float | None, high: float | None) -> Float:
    """Clamp to the bounds that are given, in PyTorch's order: the upper bound wins."""
    if low is not None:
        x = np.maximum(x, np.float32(low)).astype(np.float32)
    if high is not None:
        x = np.minimum(x, np.float32(high)).astype(np.float32)
    return x


def _sigmoid(x: Float) -> Float:
    # exp of the non-positive value only: no overflow at either end.
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, ONE / (ONE + e), e / (ONE + e)).astype(np.float32)


def _gelu(op: edge.GeluOp, x: Float) -> Float:
    wide = x.astype(np.float64)
    if op.approximate.data == "tanh":
        inner = math.sqrt(2 / math.pi) * (wide + 0.044715 * wide**3)
        return np.asarray(0.5 * wide * (1 + np.tanh(inner)), np.float32)
    erf = np.vectorize(math.erf, otypes=[np.float64])
    return np.asarray(0.5 * wide * (1 + erf(wide / math.sqrt(2))), np.float32)


def _bound(attr: object) -> float | None:
    return None if attr is None else float(attr.value.data)  # type: ignore[attr-defined]


def clamp_bounds(op: Operation) -> tuple[float | None, float | None] | None:
    """The (min, max) of an op that only clamps, None where it is another function."""
    if isinstance(op, edge.ReluOp):
        return 0.0, None
    if isinstance(op, edge.ClampOp):
        return _bound(op.min), _bound(op.max)
    return None


def activation_bounds(op: Operation) -> tuple[float | None, float | None]:
    """The clamp fused into an op: its `activation_min` and `activation_max`."""
    low, high = (op.properties.get(f"activation_{end}") for end in ("min", "max"))
    return _bound(low), _bound(high)


_UNARY: dict[str, Callable[[Operation, Float], Float]] = {
    "edge.sigmoid": lambda op, x: _sigmoid(x),
    "edge.tanh": lambda op, x: np.tanh(x),
    "edge.hardsigmoid": lambda op, x: _clamp(x + THREE, 0, 6) / SIX,
    "edge.hardswish": lambda op, x: x * _clamp(x + THREE, 0, 6) / SIX,
    "edge.silu": lambda op, x: x * _sigmoid(x),
    "edge.gelu": lambda op, x: _gelu(op, x),  # type: ignore[arg-type]
}


_BINARY: dict[str, Callable[[Float, Float], Float]] = {
    "edge.add": np.add,
    "edge.sub": np.subtract,
    "edge.mul": np.multiply,
    "edge.div": np.divide,
    "edge.minimum": np.minimum,
    "edge.maximum": np.maximum,
}


def apply_unary(op: Operation, x: Float) -> Float | None:
    """The elementwise function `op` stands for, or None where it is not elementwise unary."""
    if (bounds := clamp_bounds(op)) is not None:
        return _clamp(x, *bounds)
    function = _UNARY.get(op.name)
    return None if function is None else function(op, x).astype(np.float32)


def apply_binary(op: Operation, lhs: Float, rhs: Float) -> Float | None:
    """The elementwise function of two tensors `op` stands for, or None."""
    function = _BINARY.get(op.name)
    if function is None:
        return None
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return _clamp(function(lhs, rhs).astype(np.float32), *activation_bounds(op))
