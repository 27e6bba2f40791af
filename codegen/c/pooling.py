"""The C of portable pooling operators on integers."""

from __future__ import annotations

from typing import Any

from cmopt.codegen.arguments import plain
from cmopt.codegen.c.step import SUFFIXES, Step
from cmopt.codegen.c.text import fields
from cmopt.dialects.arrays import numpy_dtype
from cmopt.dialects.edge import CallOp
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.support.diagnostics import CompileError

POOLS = frozenset({"aten.max_pool2d_with_indices.default"})
"""Operators with a C form for int8 and int16."""


def emit_pool(op: CallOp, step: Step) -> None:
    """Add the calls for an operator in `POOLS`, one for each image of the batch.

    Raises CompileError if it has no C form.
    """
    input, (values, places) = op.operands_[0], op.results
    suffix = SUFFIXES.get(numpy_dtype(element_of(input)).name)
    if suffix is None:
        raise CompileError(f"{op.target.data} has no C form for these arguments", op=op)
    is_last = op.data_format is not None
    batch, channels, h, w = _sizes(shape_of(input), is_last)
    _, _, out_h, out_w = _sizes(shape_of(values), is_last)
    kernel, stride, padding, dilation = (_pair(plain(a)) for a in op.arguments.data[1:5])
    stride = stride or kernel
    pool = fields(
        h=h,
        w=w,
        channels=channels,
        out_h=out_h,
        out_w=out_w,
        kernel_h=kernel[0],
        kernel_w=kernel[1],
        stride_h=stride[0],
        stride_w=stride[1],
        pad_h=padding[0],
        pad_w=padding[1],
        dilation_h=dilation[0],
        dilation_w=dilation[1],
        last="true" if is_last else "false",
    )
    address = step.declare("cmopt_pool", "pool", pool)
    for image in range(batch):
        before, after = image * channels * h * w, image * channels * out_h * out_w
        arguments = [
            step.pointer(input, "input", before),
            address,
            step.pointer(values, element=after),
            step.pointer(places, element=after),
        ]
        step.lines.append(f"cmopt_max_pool_{suffix}({', '.join(arguments)});")
    step.lines.append("return 0;")


def _sizes(shape: tuple[int, ...], is_last: bool) -> tuple[int, int, int, int]:
    """Batch, channels, height and width."""
    n, *rest = shape if len(shape) == 4 else (1, *shape)
    c, h, w = (rest[2], rest[0], rest[1]) if is_last else rest
    return n, c, h, w


def _pair(value: Any) -> list[int]:
    """A number, or a list of none, one or two, for height and width."""
    values = value if isinstance(value, list) else [value]
    return values * 2 if len(values) == 1 else values
