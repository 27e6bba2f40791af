"""The C of border conversions and elementwise ops: each `cortex_m` op as its call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cmopt.codegen.c.step import (
    Rule,
    Rules,
    Step,
    count,
    numbers,
    right_aligned,
    suffix,
)
from cmopt.codegen.c.text import fields, integer, real
from cmopt.dialects import cortex_m as cm
from cmopt.dialects.shapes import int_of, shape_of

ELEMENTWISE = Rules()
"""By op."""


def _quantization(op: Any, step: Step) -> str:
    values = fields(
        scale=real(op.scale.value.data),
        zero_point=int_of(op.zero_point),
        minimum=int_of(op.quant_min),
        maximum=int_of(op.quant_max),
    )
    return step.declare("cmopt_quantization", "quantization", values)


@ELEMENTWISE.of(cm.QuantizePerTensorOp)
def _quantize(op: cm.QuantizePerTensorOp, step: Step) -> None:
    step.call_without_result(
        f"cmopt_quantize_{suffix(op.output)}",
        step.pointer(op.input, "input"),
        str(count(op.output)),
        _quantization(op, step),
        step.pointer(op.output),
    )


@ELEMENTWISE.of(cm.DequantizePerTensorOp)
def _dequantize(op: cm.DequantizePerTensorOp, step: Step) -> None:
    step.call_without_result(
        f"cmopt_dequantize_{suffix(op.input)}",
        step.pointer(op.input, "input"),
        str(count(op.output)),
        _quantization(op, step),
        step.pointer(op.output),
    )


# --- Elementwise ----------------------------------------------------------------------------------


def _repeated(op: Any, step: Step, call: Callable[[str, str, str, str], str]) -> None:
    """A call for each repetition of the smaller operand; one call if both are equally large.

    call: the call, from the addresses of both inputs and the output, and the number of elements.
    """
    sizes = [count(value) for value in (op.input, op.other, op.output)]
    block, total = min(sizes), sizes[-1]
    a, b, out = (
        step.pointer(value, role) + (" + i" if size == total > block else "")
        for value, role, size in zip(
            (op.input, op.other, op.output), ("input", "other", "output"), sizes, strict=True
        )
    )
    if block == total:
        step.lines.append(f"return {call(a, b, out, str(block))};")
        return
    step.lines += [
        "arm_cmsis_nn_status status = ARM_CMSIS_NN_SUCCESS;",
        f"for (int32_t i = 0; i < {total} && status == ARM_CMSIS_NN_SUCCESS; i += {block}) {{",
        f"    status = {call(a, b, out, str(block))};",
        "}",
        "return status;",
    ]


@ELEMENTWISE.of(cm.QuantizedAddOp)
def _add(op: cm.QuantizedAddOp, step: Step) -> None:
    def call(a: str, b: str, out: str, block: str) -> str:
        arguments = [
            *(a, b, integer(-int_of(op.self_zero_point))),
            *numbers(op, "self_multiplier", "self_shift"),
            integer(-int_of(op.other_zero_point)),
            *numbers(op, "other_multiplier", "other_shift"),
            *(str(cm.ADD_LEFT_SHIFT), out),
            *numbers(op, "output_zero_point", "output_multiplier", "output_shift"),
            *numbers(op, "activation_min", "activation_max"),
            block,
        ]
        return f"arm_elementwise_add_s8({', '.join(arguments)})"

    _repeated(op, step, call)


@ELEMENTWISE.of(cm.QuantizedMulOp)
def _mul(op: cm.QuantizedMulOp, step: Step) -> None:
    def call(a: str, b: str, out: str, block: str) -> str:
        offsets = [
            integer(-int_of(zero_point)) for zero_point in (op.self_zero_point, op.other_zero_point)
        ]
        output = numbers(op, "output_zero_point", "output_multiplier", "output_shift")
        arguments = [a, b, *offsets, out, *output, "INT8_MIN", "INT8_MAX", block]
        return f"arm_elementwise_mul_s8({', '.join(arguments)})"

    _repeated(op, step, call)


@ELEMENTWISE.of(cm.QuantizedDivOp)
def _div(op: cm.QuantizedDivOp, step: Step) -> None:
    division = fields(
        a_zero_point=int_of(op.self_zero_point),
        b_zero_point=int_of(op.other_zero_point),
        output_zero_point=int_of(op.output_zero_point),
        scale=real(op.output_scale.value.data),
    )
    step.call_without_result(
        f"cmopt_divide_{suffix(op.output)}",
        step.pointer(op.input, "input"),
        step.pointer(op.other, "other"),
        str(count(op.output)),
        step.declare("cmopt_division", "division", division),
        step.pointer(op.output),
    )


def _extremum(function: str) -> Rule:
    def rule(op: Any, step: Step) -> None:
        step.call(
            function,
            step.scratch(None),
            step.pointer(op.input, "input"),
            step.dims("input_dims", right_aligned(shape_of(op.input))),
            step.pointer(op.other, "other"),
            step.dims("other_dims", right_aligned(shape_of(op.other))),
            step.pointer(op.output),
            step.dims("output_dims", right_aligned(shape_of(op.output))),
        )

    return rule


ELEMENTWISE[cm.MinimumOp] = _extremum("arm_minimum_s8")
ELEMENTWISE[cm.MaximumOp] = _extremum("arm_maximum_s8")


@ELEMENTWISE.of(cm.QuantizedActivationOp)
def _lookup(op: cm.QuantizedActivationOp, step: Step) -> None:
    step.call_without_result(
        "cmopt_lookup_s8",
        step.pointer(op.input, "input"),
        str(count(op.output)),
        step.pointer(op.lut, "table"),
        step.pointer(op.output),
    )
