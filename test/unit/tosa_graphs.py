"""Small TOSA graphs as flatbuffers, by name, to test Vela with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tosa_serializer as ts

DTYPES = {np.dtype(np.int8): ts.DType.INT8, np.dtype(np.int32): ts.DType.INT32}


class Graph:
    """Builds one graph, tensor by tensor. A tensor is identified by its name."""

    def __init__(self) -> None:
        self.serializer = ts.TosaSerializer(
            "", targetMajor=1, targetMinor=0, targetPatch=0, targetDraft=False
        )
        self.block = self.serializer.currRegion.currBasicBlock
        self.random = np.random.default_rng(0)

    def input(self, name: str, shape: Sequence[int]) -> str:
        """An int8 input."""
        tensor = ts.TosaSerializerTensor(name, list(shape), ts.DType.INT8, data=None)
        self.serializer.addInputTensor(tensor)
        return name

    def constant(self, name: str, values: Any, dtype: Any) -> str:
        """A constant of rank one or more."""
        data = np.atleast_1d(np.asarray(values, dtype))
        self.serializer.addConst(list(data.shape), DTYPES[data.dtype], data, name=name)
        return name

    def random_constant(self, name: str, shape: Sequence[int], dtype: Any = np.int8) -> str:
        """A constant of seeded random values."""
        return self.constant(name, self.random.integers(-127, 128, shape), dtype)

    def op(self, kind: Any, inputs: list[str], name: str, shape: Sequence[int],
           dtype: Any = np.int8, **attributes: Any) -> str:  # fmt: skip
        """An operator with one result. attributes: those that the serializer has for its kind."""
        self.block.addTensor(name, list(shape), DTYPES[np.dtype(dtype)])
        attribute = ts.TosaSerializerAttribute()
        names = {
            ts.Op.CONV2D: "Conv2dAttribute",
            ts.Op.RESCALE: "RescaleAttribute",
            ts.Op.REVERSE: "ReverseAttribute",
            ts.Op.MAX_POOL2D: "MaxPool2dAttribute",
            ts.Op.ADD: "AddAttribute",
            ts.Op.CONCAT: "ConcatAttribute",
            ts.Op.RESHAPE: "ReshapeAttribute",
            ts.Op.TRANSPOSE: "TransposeAttribute",
        }
        getattr(attribute, names[kind])(**attributes)
        self.serializer.addOperator(kind, inputs, [name], attribute)
        return name

    def rescale(self, source: str, name: str, shape: Sequence[int], dtype: Any = np.int8) -> str:
        """`source` (int8 or int32) divided by 256, or int8 widened to int32."""
        widen = np.dtype(dtype) == np.int32
        return self.op(
            ts.Op.RESCALE,
            [
                source,
                self.constant(f"{name}_multiplier", 1 << 30, np.int32),
                self.constant(f"{name}_shift", 30 if widen else 38, np.int8),
                self.constant(f"{name}_in", 0, np.int8 if widen else np.int32),
                self.constant(f"{name}_out", 0, dtype),
            ],
            name,
            shape,
            dtype,
            scale32=True,
            rounding_mode=ts.RoundingMode.SINGLE_ROUND,
            per_channel=False,
            input_unsigned=False,
            output_unsigned=False,
        )

    def convolution(self, source: str, name: str, shape: Sequence[int], channels: int) -> str:
        """A padded 3×3 convolution that keeps height and width, with an int8 result."""
        out = [*shape[:3], channels]
        self.op(
            ts.Op.CONV2D,
            [
                source,
                self.random_constant(f"{name}_weight", (channels, 3, 3, shape[3])),
                self.random_constant(f"{name}_bias", (channels,), np.int32),
                self.constant(f"{name}_zero", 0, np.int8),
                self.constant(f"{name}_weight_zero", 0, np.int8),
            ],
            f"{name}_sum",
            out,
            np.int32,
            pad=[1, 1, 1, 1],
            stride=[1, 1],
            dilation=[1, 1],
            local_bound=False,
            acc_type=ts.DType.INT32,
        )
        return self.rescale(f"{name}_sum", name, out)

    def finish(self, *outputs: str) -> bytes:
        """The flatbuffer."""
        for name in outputs:
            self.serializer.addOutputTensor(self.block.tensors[name])
        return bytes(self.serializer.serialize())


def convolutions() -> bytes:
    """Two convolutions with weights worth compressing, one input and one output."""
    graph = Graph()
    x = graph.input("x", (1, 16, 16, 3))
    first = graph.convolution(x, "first", (1, 16, 16, 3), 16)
    return graph.finish(graph.convolution(first, "second", (1, 16, 16, 16), 24))


def sum_of_two() -> bytes:
    """Two inputs of rank 2 and two outputs: their sum, and one input reversed. No weights."""
    graph = Graph()
    shape = (5, 33)
    wide = [graph.rescale(graph.input(n, shape), f"{n}_wide", shape, np.int32) for n in "ab"]
    graph.op(ts.Op.ADD, wide, "sum", shape, np.int32)
    graph.rescale("sum", "y", shape)
    graph.op(ts.Op.REVERSE, ["a"], "z", shape, axis=0)
    return graph.finish("y", "z")


def join_of_parts() -> bytes:
    """Only data movement: a transposed input and another input, concatenated."""
    graph = Graph()
    x, y = graph.input("x", (1, 4, 6, 8)), graph.input("y", (1, 6, 4, 3))
    graph.op(ts.Op.TRANSPOSE, [x], "turned", (1, 6, 4, 8), perms=[0, 2, 1, 3])
    return graph.finish(graph.op(ts.Op.CONCAT, ["turned", y], "z", (1, 6, 4, 11), axis=3))


def reversed_channels() -> bytes:
    """A graph that no U55 and no U65 can run."""
    graph = Graph()
    x = graph.input("x", (1, 8, 8, 3))
    return graph.finish(graph.op(ts.Op.REVERSE, [x], "y", (1, 8, 8, 3), axis=3))


def bad_pool() -> bytes:
    """A pool whose windows do not fill its input, which violates the TOSA specification."""
    graph = Graph()
    x = graph.input("x", (1, 8, 8, 3))
    pool = {"kernel": [2, 2], "stride": [4, 4], "pad": [0, 0, 0, 0], "nan_mode": 1}
    return graph.finish(graph.op(ts.Op.MAX_POOL2D, [x], "y", (1, 2, 2, 3), **pool))


GRAPHS: dict[str, Callable[[], bytes]] = {
    f.__name__: f for f in (convolutions, sum_of_two, join_of_parts)
}
"""Those every NPU can do."""
