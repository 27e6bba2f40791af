"""The phases of a transposed convolution: ordinary convolutions whose outputs alternate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, Operation, SSAValue

from cmopt.dialects.arrays import Array
from cmopt.dialects.constants import constant_of, typed_constant
from cmopt.dialects.edge import (
    CatOp,
    Conv2dOp,
    ConvTranspose2dOp,
    PermuteOp,
    ReshapeOp,
    SliceOp,
    optional,
)
from cmopt.dialects.quant import UniformQuantizedType, quantized_element
from cmopt.dialects.shapes import element_of, int_of, ints, ints_of, numel, shape_of


@dataclass(frozen=True)
class Axis:
    """One axis of a transposed convolution: `size` inputs, `taps` weights `dilation` apart.

    Output o has phase o mod stride. The outputs of one phase are an ordinary convolution of the
    input with every stride-th weight, in reverse order. phases: those that are computed together.
    """

    size: int
    taps: int
    stride: int
    padding: int
    dilation: int
    output: int
    phases: range

    def with_phase(self, phase: int) -> Axis:
        """The same axis, of which only one phase is computed."""
        return replace(self, phases=range(phase, phase + 1))

    def readers(self) -> dict[tuple[int, int], int]:
        """(phase, offset) → tap: output t·stride + phase reads input t + offset with this tap.

        The phases count from the first that is computed.
        """
        found = {}
        for i, phase in enumerate(self.phases):
            for tap in range(self.taps):
                distance = phase + self.padding - tap * self.dilation
                if distance % self.stride == 0:
                    found[i, distance // self.stride] = tap
        return found

    @property
    def offsets(self) -> range:
        """The inputs that output 0 of these phases reads: the window of the convolution."""
        offsets = [offset for _, offset in self.readers()]
        return range(min(offsets), max(offsets) + 1)

    @property
    def steps(self) -> int:
        """The number of outputs of each phase. The last one may lie behind the end."""
        return -(-self.output // self.stride)

    @property
    def border(self) -> tuple[int, int]:
        """Padding before and behind the input; negative if input elements are not read."""
        return -self.offsets[0], self.steps - 1 + self.offsets[-1] - (self.size - 1)


def phase_weights(weight: Array, groups: int, rows: Axis, columns: Axis) -> Array:
    """[C,O,KH,KW] of a transposed convolution → [groups·phases·O,C/groups,KH',KW'] of the
    ordinary one; O is of one group."""
    channels, outputs = weight.shape[0] // groups, weight.shape[1]
    window = (len(rows.offsets), len(columns.offsets))
    shape = (groups, len(rows.phases), len(columns.phases), outputs, channels, *window)
    phases = np.zeros(shape, weight.dtype)
    apart = weight.reshape(groups, channels, *weight.shape[1:]).swapaxes(1, 2)
    for (row, down), i in rows.readers().items():
        for (column, across), j in columns.readers().items():
            y, x = down - rows.offsets[0], across - columns.offsets[0]
            phases[:, row, column, :, :, y, x] = apart[..., i, j]
    return phases.reshape(-1, channels, *window)


def for_each_phase(values: Array, groups: int, count: int, outputs: int) -> Array:
    """One value for each output channel, in the order of `phase_weights`.

    values: one for each of the groups' channels, or for each of the `outputs` of a group.
    """
    apart = np.broadcast_to(values.reshape(-1, 1, outputs), (groups, 1, outputs))
    return np.tile(apart, (1, count, 1)).reshape(-1)


def repeated_type(
    type: Attribute, groups: int, count: int, outputs: int, shape: tuple[int, ...]
) -> TensorType:
    """A constant's type with its output channels on the first axis, in `phase_weights`' order."""
    element = quantized_element(type)
    assert element is not None
    if element.is_per_axis:
        scales, zeros = (
            for_each_phase(values, groups, count, outputs).tolist()
            for values in (element.params.scales, element.params.zero_points)
        )
        low, high = element.storage_range
        element = UniformQuantizedType.get(
            element.storage, scales, zeros, axis=0, storage_range=(low, high)
        )
    return TensorType(element, shape)


def axes_of(op: ConvTranspose2dOp) -> tuple[Axis, Axis]:
    """Rows and columns."""
    rows, columns = (
        Axis(
            shape_of(op.input)[2 + i], shape_of(op.weight)[2 + i], ints_of(op.stride)[i],
            ints_of(op.padding)[i], ints_of(op.dilation)[i], shape_of(op.output)[2 + i],
            range(ints_of(op.stride)[i]),
        )
        for i in range(2)
    )  # fmt: skip
    return rows, columns


class Moves:
    """A chain of ops, each on the result of the one before."""

    def __init__(self, ops: list[Operation], value: SSAValue):
        self.ops = ops
        self.value = value

    def append(self, op: Operation, hint: str | None = None) -> None:
        """Append `op`; its result becomes the value."""
        self.ops.append(op)
        self.value = op.results[0]
        self.value.name_hint = hint

    def drop(self) -> None:
        """Release what the ops read, if they are not used."""
        for op in reversed(self.ops):
            op.drop_all_references()

    def reshape(self, shape: tuple[int, ...]) -> None:
        """The same elements under another shape."""
        assert numel(shape) == numel(shape_of(self.value))
        self.append(ReshapeOp.of(self.value, shape))

    def slice(self, dim: int, start: int, size: int) -> None:
        """A part of a dimension; no op if the part is the whole dimension."""
        if size != shape_of(self.value)[dim]:
            self.append(SliceOp.of(self.value, dim, start, size))


def interleaved(op: ConvTranspose2dOp, rows: Axis, columns: Axis) -> Moves:
    """The outputs of the phases of two axes, by one convolution and one permute of its channels."""
    weight = constant_of(op.weight)
    assert weight is not None
    axes, groups = (rows, columns), int_of(op.groups)
    down, across = (len(axis.phases) for axis in axes)
    count, (batch, channels) = down * across, shape_of(op.output)[:2]
    outputs = channels // groups
    stored = phase_weights(weight, groups, *axes)
    type = repeated_type(op.weight.type, groups, count, outputs, stored.shape)
    ops, weights = typed_constant(stored, type, op.weight.name_hint)
    bias: SSAValue | None = None
    if op.bias is not None and (values := constant_of(op.bias)) is not None:
        tiled = for_each_phase(values, groups, count, outputs)
        type = repeated_type(op.bias.type, groups, count, outputs, tiled.shape)
        new, bias = typed_constant(tiled, type, op.bias.name_hint)
        ops += new
    build = Moves(ops, op.input)
    for dim, axis in zip((2, 3), axes, strict=True):
        low, high = (max(0, -amount) for amount in axis.border)
        build.slice(dim, low, axis.size - low - high)
    conv = Conv2dOp.of(
        [build.value, weights, optional(bias)],
        {
            "stride": ints([1, 1]),
            "padding": ints([max(0, amount) for axis in axes for amount in axis.border]),
            "dilation": ints([1, 1]),
            "groups": op.groups,
            "activation_min": op.activation_min,
            "activation_max": op.activation_max,
        },
        element_of(op.output),
    )
    build.append(conv, op.output.name_hint)
    steps = rows.steps, columns.steps
    build.reshape((batch * groups, down, across, outputs, *steps))
    build.append(PermuteOp.of(build.value, (0, 3, 4, 1, 5, 2)))
    build.reshape((batch, channels, steps[0] * down, steps[1] * across))
    return build


def woven(parts: Sequence[Moves], down: int) -> Moves:
    """Images of equal sizes, one for each phase of `down` rows and of the columns, as one image."""
    batch, channels, rows, columns = shape_of(parts[0].value)
    across = len(parts) // down
    for part in parts:
        part.reshape((1, batch, channels, rows, columns))
    build = Moves([op for part in parts for op in part.ops], parts[0].value)
    build.append(CatOp.of([part.value for part in parts], 0))
    build.reshape((down, across, batch, channels, rows, columns))
    build.append(PermuteOp.of(build.value, (2, 3, 4, 0, 5, 1)))
    build.reshape((batch, channels, rows * down, columns * across))
    return build
