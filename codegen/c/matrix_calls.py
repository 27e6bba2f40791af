"""The C of matrices, softmax and movement: each `cortex_m` op as its call of the CMSIS-NN C API."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.arith import ConstantOp

from cmopt.codegen.c.step import (
    Rules,
    Step,
    activation,
    bounds,
    constant_of,
    count,
    left_aligned,
    numbers,
    right_aligned,
)
from cmopt.codegen.c.text import fields, integer, items
from cmopt.dialects import cortex_m as cm
from cmopt.dialects.arrays import Array
from cmopt.dialects.shapes import int_of, ints_of, shape_of
from cmopt.support.diagnostics import CompileError

MATRICES = Rules()
"""By op."""

# --- Matrices -------------------------------------------------------------------------------------


def _linear_bias(op: cm.QuantizedLinearOp) -> tuple[Array, Array]:
    """The bias, and the kernel sums `input_offset * sum(weight + filter_offset) + bias`, int32.

    A program has one of them, that of its target. C source is for every instruction set. Raises
    CompileError if the weights are not a constant.
    """
    if not isinstance(op.weights.owner, ConstantOp):
        raise CompileError("has no C form if its weights are not a constant", op=op)
    weights = constant_of(op.weights).astype(np.int64) + int_of(op.filter_offset)
    sums = int_of(op.input_offset) * weights.sum(axis=1)
    if op.kernel_sum is not None:
        kernel_sum = constant_of(op.kernel_sum)
        return (kernel_sum - sums).astype(np.int32), kernel_sum
    bias = constant_of(op.bias) if op.bias is not None else np.zeros(len(sums), np.int32)
    return bias, (bias + sums).astype(np.int32)


@MATRICES.of(cm.QuantizedLinearOp)
def _linear(op: cm.QuantizedLinearOp, step: Step) -> None:
    outputs, depth = shape_of(op.weights)
    rows = count(op.output) // outputs if outputs else 0
    bias, sums = _linear_bias(op)
    table = step.constants.name(sums, f"{step.name}_sums")
    step.lines += [
        "/* The vector kernel reads the sums, every other one the bias. */",
        f"const cmsis_nn_context sums = {{(void *){table}, {sums.nbytes}}};",
    ]
    filter_dims = step.dims("filter_dims", (depth, 1, 1, outputs))
    step.check(f"arm_fully_connected_s8_get_buffer_size({filter_dims})", "sums")
    params = fields(
        input_offset=int_of(op.input_offset),
        filter_offset=int_of(op.filter_offset),
        output_offset=int_of(op.output_offset),
        activation=bounds(op),
    )
    (multiplier,), (shift,) = ints_of(op.requantize_multipliers), ints_of(op.requantize_shifts)
    step.call(
        "arm_fully_connected_s8",
        "&sums",
        step.declare("cmsis_nn_fc_params", "params", params),
        step.declare(
            "cmsis_nn_per_tensor_quant_params",
            "quant",
            fields(multiplier=multiplier, shift=shift),
        ),
        step.dims("input_dims", (rows, 1, 1, depth)),
        step.pointer(op.input, "input"),
        filter_dims,
        step.pointer(op.weights, "weights"),
        step.dims("bias_dims", (1, 1, 1, outputs)),
        step.constants.name(bias, f"{step.name}_bias"),
        step.dims("output_dims", (rows, 1, 1, outputs)),
        step.pointer(op.output),
    )


@MATRICES.of(cm.QuantizedBatchMatmulOp)
def _batch_matmul(op: cm.QuantizedBatchMatmulOp, step: Step) -> None:
    offsets = fields(
        input_offset=int_of(op.lhs_zero_point),
        filter_offset=int_of(op.rhs_zero_point),
        output_offset=int_of(op.output_zero_point),
        activation=activation(),
    )
    params = fields(adj_x="false", adj_y="false", fc_params=offsets)
    quant = fields(multiplier=int_of(op.output_multiplier), shift=int_of(op.output_shift))
    scratch = step.scratch(op.scratch)
    output_dims = step.dims("output_dims", right_aligned(shape_of(op.output)))
    step.check(f"arm_fully_connected_s8_get_buffer_size({output_dims})")
    step.call(
        "arm_batch_matmul_s8",
        scratch,
        step.declare("cmsis_nn_bmm_params", "params", params),
        step.declare("cmsis_nn_per_tensor_quant_params", "quant", quant),
        step.dims("lhs_dims", right_aligned(shape_of(op.lhs))),
        step.pointer(op.lhs, "lhs"),
        step.dims("rhs_dims", right_aligned(shape_of(op.rhs_transposed))),
        step.pointer(op.rhs_transposed, "rhs"),
        output_dims,
        step.pointer(op.output),
    )


@MATRICES.of(cm.SoftmaxOp)
def _softmax(op: cm.SoftmaxOp, step: Step) -> None:
    row = shape_of(op.input)[-1]
    step.call_without_result(
        "arm_softmax_s8",
        step.pointer(op.input, "input"),
        str(count(op.input) // row),
        str(row),
        *numbers(op, "input_multiplier", "input_shift", "diff_min"),
        step.pointer(op.output),
    )


# --- Movement -------------------------------------------------------------------------------------


@MATRICES.of(cm.TransposeOp)
def _transpose(op: cm.TransposeOp, step: Step) -> None:
    perm, input, output = ints_of(op.perm), shape_of(op.input), shape_of(op.output)
    if list(perm) == sorted(perm):  # CMSIS-NN has no kernel for this
        target, source = step.pointer(op.output), step.pointer(op.input, "input")
        step.call_without_result("memmove", target, source, str(count(op.output)))
        return
    step.lines.append(f"static const uint32_t axes[] = {items(perm)};")
    params = fields(num_dims=len(perm), permutations="axes")
    step.lines.append(f"const cmsis_nn_transpose_params params = {params};")
    step.call(
        "arm_transpose_s8",
        step.pointer(op.input, "input"),
        step.pointer(op.output),
        step.dims("input_dims", left_aligned(input)),
        step.dims("output_dims", left_aligned(output)),
        "&params",
    )


@MATRICES.of(cm.PadOp)
def _pad(op: cm.PadOp, step: Step) -> None:
    step.call(
        "arm_pad_s8",
        step.pointer(op.input, "input"),
        step.pointer(op.output),
        integer(int_of(op.pad_value)),
        step.dims("input_dims", right_aligned(shape_of(op.input))),
        step.dims("before", ints_of(op.pre_pad)),
        step.dims("after", ints_of(op.post_pad)),
    )
