"""Parts of random functions of quantized ops: types, values, constants, one block."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import (
    BytesAttr,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IntegerType,
    ModuleOp,
    TensorType,
    f32,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from cmopt.dialects.quant import SCastOp, UniformQuantizedType
from cmopt.dialects.shapes import element_of, numel, shape_of

Shape = tuple[int, ...]

SMALL = (1, 1, 2, 3, 4, 5, 7, 8)
"""Sizes for programs that are executed."""

LONG = (1, 2, 3, 7, 8, 9, 16, 33, 64, 65, 255, 256, 257, 1024, 4097, 65535, 65536, 65537)
"""Sizes around the limits of an NPU's counters."""


class FunctionBuilder:
    """Builds one function. Every choice comes from `random`.

    sizes: dimensions to choose from. most: the most elements of a tensor.
    """

    def __init__(self, random: Random, sizes: Sequence[int] = SMALL, most: int = 4000):
        self.random = random
        self.sizes = sizes
        self.most = most
        self.numbers = np.random.default_rng(random.randrange(2**32))
        self.block = Block()
        self.values: list[SSAValue] = []
        self.fits: Callable[[Operation], bool] = lambda op: True

    # ------------------------------------------------------------------------- types and values

    def type(self, like: SSAValue | None = None) -> UniformQuantizedType:
        """An element type, sometimes that of `like`."""
        if like is not None and self.random.random() < 0.5:
            return self.element(like)
        zero = self.random.choice([-128, 0, 0, 127, self.random.randint(-128, 127)])
        return UniformQuantizedType.get(
            IntegerType(8), [math.exp(self.random.uniform(-5, 0))], [zero]
        )

    def element(self, value: SSAValue) -> UniformQuantizedType:
        """The element type of a value."""
        element = element_of(value)
        assert isinstance(element, UniformQuantizedType)
        return element

    def shape(self, rank: int | None = None) -> Shape:
        """A shape of rank `rank`, or of rank 1 to 6, with at most `most` elements."""
        rank = self.random.randint(1, 6) if rank is None else rank
        shape = [self.random.choice(self.sizes) for _ in range(rank)]
        while numel(shape) > self.most:
            at = self.random.randrange(rank)
            shape[at] = self.random.choice([n for n in self.sizes if n < shape[at]] or [1])
        return tuple(shape)

    def argument(self, shape: Shape) -> SSAValue:
        """A new argument, which later ops can use too."""
        value = self.block.insert_arg(TensorType(self.type(), shape), len(self.block.args))
        self.values.append(value)
        return value

    def any(self, rank: int | None = None) -> SSAValue:
        """A value of a rank, preferably the last one; a new argument if there is none."""
        fitting = [v for v in self.values if rank is None or len(shape_of(v)) == rank]
        if not fitting or self.random.random() < 0.1:
            return self.argument(self.shape(rank))
        return fitting[-1] if self.random.random() < 0.7 else self.random.choice(fitting)

    def stored(self, array: NDArray[Any], type: UniformQuantizedType) -> SSAValue:
        """A constant of a quantized type."""
        storage = TensorType(IntegerType(array.dtype.itemsize * 8), array.shape)
        values = DenseIntOrFPElementsAttr(storage, BytesAttr(array.tobytes()))
        self.block.add_op(constant := ConstantOp(values))
        self.block.add_op(cast := SCastOp(constant.result, TensorType(type, array.shape)))
        return cast.output

    def constant(self, shape: Shape) -> SSAValue:
        """An int8 constant."""
        return self.stored(self.numbers.integers(-128, 128, shape).astype(np.int8), self.type())

    def op(
        self, kind: type[Operation], operands: Sequence[SSAValue], shape: Sequence[int],
        element: Attribute, **properties: Attribute,
    ) -> SSAValue | None:  # fmt: skip
        """An op with one result, if it fits. Raises VerifyException if the op is invalid."""
        return self.add(
            kind.create(
                operands=operands, result_types=[TensorType(element, shape)], properties=properties
            )
        )

    def add(self, op: Operation) -> SSAValue | None:
        """`op`, if it fits."""
        op.verify()
        if not self.fits(op):
            op.drop_all_references()
            return None
        self.block.add_op(op)
        self.values.append(op.results[0])
        return op.results[0]

    def bounds(self) -> dict[str, Attribute]:
        """The bounds of a fused clamp, each with a probability of 1 in 5."""
        low, high = sorted(round(self.random.uniform(-3, 6), 3) for _ in range(2))
        chosen = {"activation_min": low, "activation_max": high}
        return {
            k: FloatAttr(v, f32) for k, v in chosen.items() if self.random.random() < 0.2
        }  # fmt: skip

    def finish(self, results: Sequence[SSAValue]) -> ModuleOp:
        """The module with its function."""
        self.block.add_op(ReturnOp(*results))
        types = [a.type for a in self.block.args], [v.type for v in results]
        module = ModuleOp([FuncOp("forward", types, Region(self.block))])
        module.verify()
        return module
