"""The inputs and outputs of a program as its callers see them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.func import FuncOp

from cmopt.codegen.emit_pte import logical_view
from cmopt.dialects.arrays import Array, dequantize, numpy_dtype, quantize
from cmopt.dialects.program import DIM_ORDER, QUANTIZED, border_names, sides
from cmopt.dialects.quant import UniformQuantizedType, quantized_element
from cmopt.dialects.shapes import element_of


@dataclass(frozen=True)
class BorderTensor:
    """One input or output of a program.

    shape: as in PyTorch. dtype: numpy's name of it. dim_order: the dimensions from the outermost to
    the innermost in memory. scale, zero_point: of integers that stand for reals, which are
    `(integer - zero_point) * scale`; None for all other values.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    dim_order: tuple[int, ...]
    scale: float | None = None
    zero_point: int | None = None
    _type: UniformQuantizedType | None = field(default=None, repr=False, compare=False)

    def stored(self, values: Array) -> Array:
        """Reals as the integers that stand for them; other values as they are."""
        is_real = values.dtype.kind == "f"
        return quantize(values, self._type) if self._type is not None and is_real else values

    def real(self, values: Array) -> NDArray[np.generic]:
        """Integers that stand for reals as these reals; other values as they are."""
        return dequantize(values, self._type) if self._type is not None else values


def border_tensors(func: FuncOp) -> tuple[list[BorderTensor], list[BorderTensor]]:
    """The inputs and the outputs of a planned function."""
    found = []
    for names, (_, values, entries) in zip(border_names(func), sides(func), strict=True):
        tensors = []
        for name, value, entry in zip(names, values, entries, strict=True):
            view = logical_view(value, entry.get(DIM_ORDER))
            quantized = entry.get(QUANTIZED)
            type = None if quantized is None else quantized_element(quantized)
            tensors.append(
                BorderTensor(
                    name=name,
                    shape=tuple(view.sizes),
                    dtype=str(numpy_dtype(element_of(value))),
                    dim_order=tuple(view.order),
                    scale=None if type is None else type.scale,
                    zero_point=None if type is None else type.zero_point,
                    _type=type,
                )
            )
        found.append(tensors)
    return found[0], found[1]
