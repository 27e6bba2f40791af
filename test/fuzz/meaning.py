"""Whether a pass keeps what a module computes: runs the interpreter before and after it.

`docs/ir.md` says which passes may change a result, and by how much.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

import numpy as np
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Operation
from xdsl.passes import ModulePass

from cmopt.arithmetic.functions import apply_unary
from cmopt.codegen.verify_plan import PlanChecker
from cmopt.dialects import edge
from cmopt.dialects.arrays import Array, dequantize, numpy_dtype, quantize
from cmopt.dialects.program import (
    ARENA_BYTES,
    DIM_ORDER,
    QUANTIZED,
    border_attributes,
    main_function,
    terminator,
)
from cmopt.dialects.quant import QCastOp, UniformQuantizedType, is_int8, quantized_element
from cmopt.dialects.shapes import ints_of, inverse, numel, permuted, shape_of
from cmopt.lowering.averages import averages_once
from cmopt.lowering.convert_edge_to_cortex_m import ConvertEdgeToCortexMPass
from cmopt.lowering.portable import COMPOSITES
from cmopt.pipeline.interpreting import interpret
from cmopt.support.diagnostics import CompileError

MAX_ELEMENTS = 100_000
"""The limit for all values of a function together, because the interpreter is slow."""

_ONE_STEP = (edge.Conv2dOp, edge.LinearOp, edge.BinaryOp, edge.AvgPool2dOp)
_LOOKUPS = (edge.UnaryOp,)
_SUMS = (edge.Conv2dOp, edge.LinearOp, edge.AvgPool2dOp)


class Unexecutable(Exception):
    """The module is valid, but has no function to run, or is too big to run here."""


def is_small(module: ModuleOp) -> bool:
    """Whether interpreting the module takes little time and memory."""
    total = 0
    for op in module.walk():
        if isinstance(size := op.attributes.get(ARENA_BYTES), IntegerAttr):
            total += size.value.data
        arguments = [a for region in op.regions for block in region.blocks for a in block.args]
        for value in (*op.results, *arguments):
            if not isinstance(value.type, TensorType) or min(shape_of(value), default=0) < 0:
                return False
            total += numel(shape_of(value))
        if isinstance(op, edge.Conv2dOp) and numel(shape_of(op.input)) == 0:
            return False  # torch's functions disagree on whether this is allowed
        for name in ("kernel_size", "padding", "dilation", "pre_pad", "post_pad"):
            if name in op.properties and max(ints_of(op.properties[name]), default=0) > 1000:
                return False
    return total <= MAX_ELEMENTS


def is_sound_plan(module: ModuleOp) -> bool:
    """Whether verify-plan accepts the plan. Otherwise overwritten bytes would be read."""
    for func in (op for op in module.walk() if isinstance(op, FuncOp)):
        if ARENA_BYTES in func.attributes:
            try:
                PlanChecker(func).check()
            except CompileError:
                return False
    return True


def _has_body(op: object) -> bool:
    return isinstance(op, FuncOp) and bool(op.body.blocks)


def _logical_inputs(func: FuncOp) -> list[tuple[tuple[int, ...], np.dtype[np.generic]]]:
    """The shape and dtype that a caller passes for each argument."""
    entries = border_attributes(func.arg_attrs, len(func.body.block.args))
    inputs = []
    for argument, entry in zip(func.body.block.args, entries, strict=True):
        assert isinstance(argument.type, TensorType)
        shape = shape_of(argument)
        if (order := entry.get(DIM_ORDER)) is not None:
            shape = permuted(shape, inverse(ints_of(order)))
        inputs.append((shape, numpy_dtype(argument.type.element_type)))
    return inputs


def random_inputs(module: ModuleOp, random: Random) -> list[Array]:
    """Random values of the function's arguments. Floats are sometimes special."""
    try:
        wanted = _logical_inputs(main_function(module))
    except ValueError as error:
        raise Unexecutable(str(error)) from None
    generator = np.random.default_rng(random.randrange(2**32))
    arrays: list[Array] = []
    for shape, dtype in wanted:
        if dtype.kind == "f":
            values = generator.normal(size=shape) * random.choice([0.1, 1, 1, 10])
            if random.random() < 0.1 and values.size:
                values.flat[generator.integers(values.size)] = random.choice(
                    [np.inf, -np.inf, 1e30]
                )
            arrays.append(values.astype(dtype))
        elif dtype.kind == "b":
            arrays.append(generator.integers(0, 2, shape).astype(dtype))
        else:
            arrays.append(generator.integers(-128, 128, shape).astype(dtype))
    return arrays


# Passes that sum in another order (see docs/ir.md), and the ops that they rewrite.
_REORDERED: dict[str, type[Operation]] = {
    "split-bilinear-upsampling": edge.UpsampleBilinear2dOp,
    "split-transposed-convolutions": edge.ConvTranspose2dOp,
}


def _border_type(type: Attribute, entry: dict[str, Attribute]) -> UniformQuantizedType | None:
    """The quantized type of an argument or result that callers pass as integers."""
    noted = entry.get(QUANTIZED)
    return quantized_element(type if noted is None else noted)


def run(module: ModuleOp, inputs: Sequence[Array]) -> list[Array]:
    """The outputs as float callers see them. Integer inputs are quantized first, and integer
    outputs are dequantized. Raises what `interpret` raises."""
    func = main_function(module)
    arguments = border_attributes(func.arg_attrs, len(inputs))
    given = []
    for value, argument, entry in zip(inputs, func.body.block.args, arguments, strict=True):
        type = _border_type(argument.type, entry)
        is_float = value.dtype.kind == "f" and type is not None
        given.append(quantize(value, type) if is_float and type is not None else value)
    outputs = interpret(module, given)
    entries = border_attributes(func.res_attrs, len(outputs))
    result = []
    for value, target, entry in zip(outputs, terminator(func).operands, entries, strict=True):
        type = _border_type(target.type, entry)
        result.append(value if type is None else dequantize(value, type))
    return result


def movement_allowed(pass_: ModulePass, module: ModuleOp) -> float | None:
    """By how much, as a real number, `pass_` may change the result of `module`.

    None if there is no bound for the whole module. Errors of several kernels in a row are amplified
    by their slopes, and float sums may have any order.
    """
    ops = [op for op in module.walk() if isinstance(op, edge.EdgeOp | edge.CallOp)]
    if pass_.name == "convert-edge-to-portable":
        return None if any(isinstance(op, _SUMS) or op.name in COMPOSITES for op in ops) else 0
    if pass_.name == "fold-quantize-dequantize":
        biased = (edge.Conv2dOp, edge.LinearOp)
        return None if any(isinstance(op, biased) and op.bias is not None for op in ops) else 0
    if (kind := _REORDERED.get(pass_.name)) is not None:
        return _reordering_bound(kind, module)
    if pass_.name != ConvertEdgeToCortexMPass.name:
        return 0
    inexact = [op for op in ops if isinstance(op, (*_ONE_STEP, *_LOOKUPS))]
    inexact += [op for op in module.walk() if isinstance(op, QCastOp)]
    if not inexact:
        return 0
    return kernel_bound(inexact[0]) if len(inexact) == 1 else None


def _reordering_bound(kind: type[Operation], module: ModuleOp) -> float | None:
    """The bound for sums in another order, which may round to another step; None if unbounded."""
    ops = [op for op in main_function(module).walk() if isinstance(op, edge.EdgeOp | edge.CallOp)]
    moved = [op for op in ops if isinstance(op, kind)]
    if not moved:
        return 0
    computing = [op for op in ops if not isinstance(op, edge.MovementOp)]
    return kernel_bound(moved[0]) if len(computing) == 1 else None


def kernel_bound(op: Operation) -> float | None:
    """The bound of one op's conversion. None if the op is not on quantized tensors."""
    output = quantized_element(op.results[0].type)
    if output is None:
        return None
    bound = float(output.params.scales.max())
    input = quantized_element(op.operands[0].type)
    if isinstance(op, edge.AvgPool2dOp) and input not in (None, output) and not averages_once(op):
        bound *= math.ceil((1 + input.scale / bound) / 2)
    if isinstance(op, edge.UnaryOp) and is_int8(input):
        assert input is not None
        every = dequantize(np.arange(-128, 128), input)
        if (results := apply_unary(op, every)) is None or np.isnan(results).any():
            return None  # the table has the nearest defined value
    convolutions = edge.Conv2dOp | edge.ConvTranspose2dOp | edge.LinearOp
    if isinstance(op, convolutions) and op.bias is not None:
        weight, bias = quantized_element(op.weight.type), quantized_element(op.bias.type)
        assert input is not None and weight is not None and bias is not None
        steps = input.params.scales * weight.params.scales
        if not np.array_equal(steps, bias.params.scales) or bias.params.zero_points.any():
            bound += 0.5 * float(steps.max())
    # The float32 product of scale and step count is rounded.
    return bound * (1 + 2.0**-15)


def difference(before: Sequence[Array], after: Sequence[Array], bound: float) -> str | None:
    """Where outputs differ by more than `bound`, or in any bit if it is 0. All NaNs are equal."""
    if len(before) != len(after):
        return f"{len(before)} outputs became {len(after)}"
    for index, (a, b) in enumerate(zip(before, after, strict=True)):
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"output {index}: {a.dtype} {a.shape} became {b.dtype} {b.shape}"
        if a.dtype.kind == "f":
            a, b = (np.where(np.isnan(x), np.float32("nan"), x).astype(x.dtype) for x in (a, b))
        if bound == 0:
            if a.tobytes() != b.tobytes():
                at = np.flatnonzero(
                    np.ascontiguousarray(a).reshape(-1) != np.ascontiguousarray(b).reshape(-1)
                )
                where = int(at[0]) if at.size else "a zero's sign"
                pair = (a.reshape(-1)[at[0]], b.reshape(-1)[at[0]]) if at.size else ()
                return (
                    f"output {index} differs in {at.size} of {a.size} places, first {where} {pair}"
                )
        else:
            with np.errstate(invalid="ignore"):
                distance = np.abs(a.astype(np.float64) - b.astype(np.float64))
            # The difference of two infinities, or of two NaNs, is none.
            distance = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, distance)
            worst = float(np.max(distance, initial=0.0))
            if not worst <= bound:
                return f"output {index} differs by {worst:.6g}, the bound is {bound:.6g}"
    return None
