"""Which layer lost the accuracy: each quantized value, compared with PyTorch's and with float."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import ModuleOp, TensorType, f32
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from cmopt.dialects.arrays import Array, dense_array, dequantize
from cmopt.dialects.constants import constant_of, constant_op, float_constant_of
from cmopt.dialects.edge import EdgeOp, PermuteOp, ReshapeOp, ScanOp
from cmopt.dialects.parsing import make_context
from cmopt.dialects.program import (
    INITIAL_VALUE,
    border_attributes,
    main_function,
    states,
    terminator,
    to_array,
    update,
)
from cmopt.dialects.quant import (
    DCastOp,
    QCastOp,
    SCastOp,
    quantized_element,
    storage_type,
)
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.pipeline.stages import stage_pipelines
from cmopt.support.locations import render
from cmopt.support.targets import STOCK


@dataclass(frozen=True)
class Row:
    """One quantized value, over all inputs compared.

    Both the kernels and PyTorch's simulation start from the network's input. `steps` is their
    largest difference, in steps of the value's own quantization. `snr_db` is the power of the float
    value divided by the power of the kernels' error. `number` is that of the value among all
    quantized values, in order.
    """

    number: int
    op: str
    location: str | None
    steps: int
    snr_db: float


@dataclass(frozen=True)
class Comparison:
    """Rows, the lowest signal-to-noise ratio first."""

    rows: tuple[Row, ...]

    def __str__(self) -> str:
        from cmopt.pipeline.tables import comparison_text

        return comparison_text(self)


def compare(
    quantized: ModuleOp, inputs: Sequence[Sequence[Array]], target: str, kernels: str = STOCK
) -> Comparison:
    """Compare every quantized value of a module of the "quantized" stage on some inputs.

    Three copies of the function return all its quantized values: as PyTorch simulates them, as the
    kernels or the NPU compute them, and in float32 without rounding. Weights stay quantized in all
    three, because the program does not contain the original ones. Each input is a list of arrays as
    callers pass them. Raises CompileError if they do not fit.
    """
    exposed = quantized.clone()
    initial, first = forget_state(main_function(exposed))
    points = expose(main_function(exposed))
    elements = [quantized_element(value.type) for value in main_function(exposed).body.block.args]
    lowered, ctx = exposed.clone(), make_context()
    stages = stage_pipelines(target, "float", kernels=kernels)
    for stage in ("layout", "ethos_u", "cortex_m"):
        if stage in stages:
            run_passes(ctx, lowered, parse_pipeline(stages[stage]))
    in_float = unquantized(exposed)
    from cmopt.pipeline.interpreting import interpret

    steps = [0] * len(points)
    signal, noise = np.zeros(len(points)), np.zeros(len(points))
    state = initial
    for given in inputs:
        arrays = [*given, *state]
        results = interpret(exposed, arrays)
        simulated, state = results[-len(points) :], results[first : first + len(initial)]
        computed = interpret(lowered, arrays)[-len(points) :]
        reals = [
            array if element is None else dequantize(array, element)
            for array, element in zip(arrays, elements, strict=True)
        ]
        exact = interpret(in_float, reals)[-len(points) :]
        for i, op in enumerate(points):
            element = quantized_element(op.results[0].type)
            assert element is not None
            difference = computed[i].astype(np.int64) - simulated[i].astype(np.int64)
            steps[i] = max(steps[i], int(np.abs(difference).max(initial=0)))
            real = exact[i].astype(np.float64)
            error = dequantize(computed[i], element) - real
            signal[i] += float(np.square(real).sum())
            noise[i] += float(np.square(error).sum())
    rows = [
        Row(i, op.name, render(op.location), steps[i], decibels(signal[i], noise[i]))
        for i, op in enumerate(points)
    ]
    return Comparison(tuple(sorted(rows, key=lambda row: row.snr_db)))


def forget_state(func: FuncOp) -> tuple[list[Array], int]:
    """Make state ordinary inputs and outputs; return its initial values, and the first result."""
    kept = states(func)
    initial = [dense_array(state.initial) for state in kept]
    first = len(terminator(func).operands) - len(kept)
    entries = border_attributes(func.arg_attrs, len(func.body.block.args))
    for state in kept:
        del entries[state.index][INITIAL_VALUE]
    func.arg_attrs, func.res_attrs = to_array(entries), None
    return initial, first


def decibels(signal: float, noise: float) -> float:
    """`10 log10(signal / noise)`; infinite without noise."""
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal > 0 else -math.inf


def expose(func: FuncOp) -> list[Operation]:
    """Add the storage of each computed quantized value to the results; return the ops, in order."""
    end = terminator(func)
    points = [op for op in func.body.block.ops if is_point(op)]
    casts = [SCastOp(op.results[0], storage_type(op.results[0].type)) for op in points]
    Rewriter.insert_op(casts, InsertPoint.before(end))
    end.operands = [*end.operands, *(cast.output for cast in casts)]
    func.res_attrs = None
    update(func)
    return points


def is_point(op: Operation) -> bool:
    """Whether an op computes a quantized value. Reshapes and permutes do not."""
    if not isinstance(op, EdgeOp | QCastOp) or isinstance(op, ReshapeOp | PermuteOp):
        return False
    return quantized_element(op.results[0].type) is not None


def unquantized(module: ModuleOp) -> ModuleOp:
    """The same function in float32: without casts, and with dequantized constants."""
    twin = module.clone()
    func = main_function(twin)
    for op in list(func.walk()):
        if isinstance(op, SCastOp) and constant_of(op.input) is not None:
            _to_float_constant(op)
        elif isinstance(op, QCastOp | DCastOp | SCastOp):
            op.results[0].replace_all_uses_with(op.operands[0])
            Rewriter.erase_op(op)
        else:
            for result in op.results:
                _retype(result)
        if isinstance(op, FuncOp | ScanOp):
            for argument in op.body.block.args:
                _retype(argument)
    update(func)
    return twin


def _to_float_constant(op: SCastOp) -> None:
    values = float_constant_of(op.output)
    assert values is not None
    constant = constant_op(values.astype(np.float32))
    Rewriter.insert_op(constant, InsertPoint.before(op))
    op.output.replace_all_uses_with(constant.result)
    Rewriter.erase_op(op)


def _retype(value: SSAValue) -> None:
    if quantized_element(value.type) is not None:
        assert isinstance(value.type, TensorType)
        type = TensorType(f32, value.type.get_shape(), value.type.encoding)
        Rewriter.replace_value_with_new_type(value, type)
