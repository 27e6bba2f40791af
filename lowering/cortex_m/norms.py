"""edge.layer_norm of int8 or int16 → layer_norm, a kernel of this project."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import TensorType
from xdsl.ir import SSAValue

from cmopt.dialects import cmopt as own
from cmopt.dialects.constants import float_constant_of
from cmopt.dialects.cortex_m.limits import LARGEST_MULTIPLIER
from cmopt.dialects.edge import LayerNormOp
from cmopt.dialects.quant import UniformQuantizedType, qtype_of
from cmopt.dialects.shapes import int_of, numel, shape_of
from cmopt.lowering.cortex_m.builder import KernelBuilder
from cmopt.lowering.int16.values import require_activation
from cmopt.lowering.rules import Unsupported

RealArray = NDArray[np.float64]

LEAST_FRACTION_BITS = 3
"""With these a result is less than 0.76 steps off, so that it is the exact one or next to it."""


def layer_norm(op: LayerNormOp, b: KernelBuilder) -> SSAValue:
    """edge.layer_norm → layer_norm; at most 1 step from the exact norm of the stored integers.

    The float32 meaning of the op is further from it where the elements of a row are nearly equal.
    An epsilon of 0 gives the bias for equal elements, where the float norm is not a number.
    """
    for value in (op.input, op.output):
        require_activation(value)
    if not b.has_own_kernels:
        raise Unsupported('a norm of rows needs kernels="cmopt"')
    source, target = qtype_of(op.input), qtype_of(op.output)
    row, longest = numel(op.row_shape), own.longest_norm_row(source.storage.width.data)
    if row > longest:
        raise Unsupported(f"the norm kernel takes rows of {longest} at most, not {row}")
    weight, bias = parameters(op)
    epsilon = row * row * op.epsilon.value.data / source.scale**2
    multiplier, shift = fixed_epsilon(epsilon)
    weights, biases, bits = scaled_parameters(weight, bias, row, target)
    low, high = target.storage_range
    return b.add(
        own.LayerNormOp(
            [
                b.value(op.input),
                b.constant(weights, _name(op.weight, "weight")),
                b.constant(biases, _name(op.bias, "bias")),
            ],
            TensorType(target.storage, shape_of(op.output)),
            {
                "row": row,
                "centered": bool(int_of(op.centered)),
                "input_zero_point": source.zero_point,
                "epsilon_multiplier": multiplier,
                "epsilon_shift": shift,
                "fraction_bits": bits,
                "activation_min": low,
                "activation_max": high,
            },
        )
    )


def _name(value: SSAValue | None, other: str) -> str:
    return other if value is None or value.name_hint is None else value.name_hint


def parameters(op: LayerNormOp) -> tuple[RealArray, RealArray]:
    """Weight and bias, flat; one number for equal ones. Raises Unsupported for computed ones."""
    found: list[RealArray] = []
    for value, default in ((op.weight, 1.0), (op.bias, 0.0)):
        if value is None:
            found.append(np.array([default]))
            continue
        if (array := float_constant_of(value)) is None:
            raise Unsupported("the weight and the bias of a norm must be constants")
        flat = array.reshape(-1).astype(np.float64)
        if not np.isfinite(flat).all():
            raise Unsupported("the weight or the bias of a norm is not finite")
        found.append(flat[:1] if (flat == flat[0]).all() else flat)
    return found[0], found[1]


def fixed_epsilon(epsilon: float) -> tuple[int, int]:
    """An epsilon as (multiplier, shift): `multiplier · 2^shift` with a multiplier of 31 bits.

    One that is nothing next to an energy of 1 becomes 0, and one that is so large that all results
    are the bias stays so large.
    """
    least, most = own.EPSILON_SHIFTS
    mantissa, exponent = math.frexp(min(epsilon, math.ldexp(0.5, most + 31)))
    if not mantissa or exponent - 31 < least:
        return 0, 0
    multiplier, shift = round(mantissa * (1 << 31)), exponent - 31
    if multiplier == 1 << 31:
        multiplier, shift = multiplier // 2, shift + 1
    return multiplier, shift


def scaled_parameters(
    weight: RealArray, bias: RealArray, row: int, target: UniformQuantizedType
) -> tuple[NDArray[np.int32], NDArray[np.int32], int]:
    """The kernel's weight and bias, and the fraction bits of a result: the most for which no sum
    has more than 32 bits. Raises Unsupported if they are too few."""
    weight, bias = weight / target.scale, bias / target.scale + target.zero_point
    # A normalized element has 29 - root_bits fraction bits, and a product loses 32.
    more = 3 + own.norm_root_bits(row)
    room = [own.MOST_FRACTION_BITS]
    if (largest := float(np.abs(weight).max())) > 0:
        room.append(31 - more - math.frexp(largest)[1])
    room.append(30 - math.frexp(float(np.abs(bias).max()) + 1)[1])
    bits = min(room)
    if bits < LEAST_FRACTION_BITS:
        raise Unsupported("the output's scale is too small for the norm kernel")
    weights = np.rint(np.ldexp(weight, bits + more))
    weights = np.clip(weights, -LARGEST_MULTIPLIER, LARGEST_MULTIPLIER)
    biases = np.rint(np.ldexp(bias, bits)) + (1 << (bits - 1))
    return weights.astype(np.int32), biases.astype(np.int32), bits
