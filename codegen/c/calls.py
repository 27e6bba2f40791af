"""The C of one kernel call: each `cortex_m` op as its call of the CMSIS-NN C API.

A step is a C function with one argument, the arena. It returns 0, or another number if the kernel
refuses its arguments. `STEPS` has one rule for each op; a new op needs one here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr
from xdsl.ir import Operation, SSAValue

from cmopt.codegen.c.constants import Constants
from cmopt.codegen.c.text import C_TYPES, fields, integer, items, real
from cmopt.dialects import cortex_m as cm
from cmopt.dialects.arrays import Array, dense_array, numpy_dtype
from cmopt.dialects.shapes import element_of, int_of, ints_of, numel, shape_of
from cmopt.support.diagnostics import CompileError


class Step:
    """The body of one step, line by line.

    name: that of the step's function. constants: where the data of constant operands goes.
    """

    def __init__(self, name: str, constants: Constants):
        self.name = name
        self.constants = constants
        self.lines: list[str] = []

    def pointer(self, value: SSAValue | None, role: str = "", element: int = 0) -> str:
        """An expression for the address of an element of a value, NULL for no value.

        role: what a constant is used for, of which its name is made.
        """
        if value is None:
            return "NULL"
        place = cm.place_of(value)
        if place is None:
            name = self.constants.name(constant_of(value), f"{self.name}_{role}")
            return f"{name} + {element}" if element else name
        dtype = numpy_dtype(element_of(value))
        address = f"arena + {place + element * dtype.itemsize}"
        type = C_TYPES[dtype.name]
        return address if type == "int8_t" else f"({type} *)(void *)({address})"

    def declare(self, type: str, name: str, value: str) -> str:
        """A constant variable of the step. Returns its address as an expression."""
        self.lines.append(f"static const {type} {name} = {value};")
        return f"&{name}"

    def dims(self, name: str, sizes: Sequence[int]) -> str:
        """A variable for the sizes n, h, w, c. Returns its address."""
        n, h, w, c = sizes
        return self.declare("cmsis_nn_dims", name, fields(n=n, h=h, w=w, c=c))

    def scratch(self, value: SSAValue | None, name: str = "scratch") -> str:
        """A variable for a kernel's working memory. Returns its address."""
        size = 0 if value is None else cm.nbytes(value.type)
        buffer = "NULL" if value is None or size == 0 else f"arena + {cm.place_of(value)}"
        if size:
            buffer = f"{self.constants.prefix.upper()}_SCRATCH({buffer}, {size})"
        self.lines.append(f"const cmsis_nn_context {name} = {{{buffer}, {size}}};")
        return f"&{name}"

    def check(self, needed: str, context: str = "scratch") -> None:
        """Refuse to call a kernel that needs more working memory than `context` has.

        The library that is linked may be for another instruction set than the plan.
        """
        self.lines += [
            f"const int32_t {context}_needed = {needed};",
            f"if ({context}_needed > {context}.size) {{",
            "    return ARM_CMSIS_NN_ARG_ERROR;",
            "}",
        ]

    def call(self, function: str, *arguments: str) -> None:
        """The call, as the step's result."""
        self.lines.append(f"return {function}({', '.join(arguments)});")

    def call_without_result(self, function: str, *arguments: str) -> None:
        """The call of a function that cannot fail."""
        self.lines += [f"{function}({', '.join(arguments)});", "return 0;"]


def constant_of(value: SSAValue) -> Array:
    """The data of a constant. Raises ValueError if the value is not one."""
    if not isinstance(value.owner, ConstantOp):
        raise ValueError(f"{value} has no place: plan the module first")
    assert isinstance(value.owner.value, DenseIntOrFPElementsAttr)
    return dense_array(value.owner.value)


Rule = Callable[[Any, Step], None]
STEPS: dict[type[Operation], Rule] = {}
"""The rule of each op: adds the lines of its step."""


def _step_of(op: type[Operation]) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        STEPS[op] = rule
        return rule

    return register


def right_aligned(shape: Sequence[int]) -> tuple[int, int, int, int]:
    """Four sizes: a lower rank gets ones in front, of a higher one the first are multiplied."""
    sizes = (*[1] * (4 - len(shape)), *shape)
    n = int(np.prod(sizes[:-3], dtype=np.int64))
    return n, sizes[-3], sizes[-2], sizes[-1]


def left_aligned(shape: Sequence[int]) -> tuple[int, ...]:
    """Four sizes: a lower rank gets ones behind."""
    return (*shape, *[1] * (4 - len(shape)))


def count(value: SSAValue) -> int:
    """The number of elements."""
    return numel(shape_of(value))


def _tile(hw: Any) -> str:
    h, w = ints_of(hw)
    return fields(w=w, h=h)


def _activation(low: int = -128, high: int = 127) -> str:
    return fields(min=low, max=high)


def _bounds(op: Any) -> str:
    return _activation(int_of(op.activation_min), int_of(op.activation_max))


def _numbers(op: Operation, *names: str) -> list[str]:
    return [integer(int_of(op.properties[name])) for name in names]


SUFFIXES = {"int8": "s8", "int16": "s16"}
"""How the names of functions for a dtype end."""


def _suffix(value: SSAValue) -> str:
    return SUFFIXES[numpy_dtype(element_of(value)).name]


# --- Border ---------------------------------------------------------------------------------------


def _quantization(op: Any, step: Step) -> str:
    values = fields(
        scale=real(op.scale.value.data),
        zero_point=int_of(op.zero_point),
        minimum=int_of(op.quant_min),
        maximum=int_of(op.quant_max),
    )
    return step.declare("cmopt_quantization", "quantization", values)


@_step_of(cm.QuantizePerTensorOp)
def _quantize(op: cm.QuantizePerTensorOp, step: Step) -> None:
    step.call_without_result(
        f"cmopt_quantize_{_suffix(op.output)}",
        step.pointer(op.input, "input"),
        str(count(op.output)),
        _quantization(op, step),
        step.pointer(op.output),
    )


@_step_of(cm.DequantizePerTensorOp)
def _dequantize(op: cm.DequantizePerTensorOp, step: Step) -> None:
    step.call_without_result(
        f"cmopt_dequantize_{_suffix(op.input)}",
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


@_step_of(cm.QuantizedAddOp)
def _add(op: cm.QuantizedAddOp, step: Step) -> None:
    def call(a: str, b: str, out: str, block: str) -> str:
        arguments = [
            *(a, b, integer(-int_of(op.self_zero_point))),
            *_numbers(op, "self_multiplier", "self_shift"),
            integer(-int_of(op.other_zero_point)),
            *_numbers(op, "other_multiplier", "other_shift"),
            *(str(cm.ADD_LEFT_SHIFT), out),
            *_numbers(op, "output_zero_point", "output_multiplier", "output_shift"),
            *_numbers(op, "activation_min", "activation_max"),
            block,
        ]
        return f"arm_elementwise_add_s8({', '.join(arguments)})"

    _repeated(op, step, call)


@_step_of(cm.QuantizedMulOp)
def _mul(op: cm.QuantizedMulOp, step: Step) -> None:
    def call(a: str, b: str, out: str, block: str) -> str:
        offsets = [
            integer(-int_of(zero_point)) for zero_point in (op.self_zero_point, op.other_zero_point)
        ]
        numbers = _numbers(op, "output_zero_point", "output_multiplier", "output_shift")
        arguments = [a, b, *offsets, out, *numbers, "INT8_MIN", "INT8_MAX", block]
        return f"arm_elementwise_mul_s8({', '.join(arguments)})"

    _repeated(op, step, call)


@_step_of(cm.QuantizedDivOp)
def _div(op: cm.QuantizedDivOp, step: Step) -> None:
    division = fields(
        a_zero_point=int_of(op.self_zero_point),
        b_zero_point=int_of(op.other_zero_point),
        output_zero_point=int_of(op.output_zero_point),
        scale=real(op.output_scale.value.data),
    )
    step.call_without_result(
        f"cmopt_divide_{_suffix(op.output)}",
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


STEPS[cm.MinimumOp] = _extremum("arm_minimum_s8")
STEPS[cm.MaximumOp] = _extremum("arm_maximum_s8")


@_step_of(cm.QuantizedActivationOp)
def _lookup(op: cm.QuantizedActivationOp, step: Step) -> None:
    step.call_without_result(
        "cmopt_lookup_s8",
        step.pointer(op.input, "input"),
        str(count(op.output)),
        step.pointer(op.lut, "table"),
        step.pointer(op.output),
    )


# --- Convolution ----------------------------------------------------------------------------------


def _convolution_params(op: Any, **more: str | int) -> str:
    """The initializer of a convolution's parameters. more: what only one kind has."""
    return fields(
        input_offset=int_of(op.input_offset),
        output_offset=int_of(op.output_offset),
        **more,
        stride=_tile(op.stride),
        padding=_tile(op.padding),
        dilation=_tile(op.dilation),
        activation=_bounds(op),
    )


def _convolution(name: str, kind: str, op: Any, step: Step, **more: str | int) -> None:
    """A call of `arm_<name>_wrapper_s8`, with parameters of the struct `kind`."""
    contexts = [step.scratch(op.scratch)]
    params = step.declare(kind, "params", _convolution_params(op, **more))
    multipliers = step.pointer(op.requantize_multipliers, "multipliers")
    shifts = step.pointer(op.requantize_shifts, "shifts")
    step.lines.append(
        "const cmsis_nn_per_channel_quant_params quant = "
        f"{{(int32_t *){multipliers}, (int32_t *){shifts}}};"
    )
    output = shape_of(op.output)
    input_dims = step.dims("input_dims", shape_of(op.input))
    filter_dims = step.dims("filter_dims", shape_of(op.weight))
    bias_dims = step.dims("bias_dims", (1, 1, 1, output[3]))
    output_dims = step.dims("output_dims", output)
    if isinstance(op, cm.QuantizedTransposeConv2dOp):
        contexts.append(step.scratch(op.output_scratch, "output_scratch"))
        size = "arm_transpose_conv_s8_get"
        step.check(f"{size}_buffer_size({params}, {input_dims}, {filter_dims}, {output_dims})")
        reversed = f"{size}_reverse_conv_buffer_size({params}, {input_dims}, {filter_dims})"
        step.check(reversed, "output_scratch")
    else:
        arguments = ", ".join((params, input_dims, filter_dims, output_dims))
        step.check(f"arm_{name}_wrapper_s8_get_buffer_size({arguments})")
    step.call(
        f"arm_{name}_wrapper_s8",
        *contexts,
        params,
        "&quant",
        input_dims,
        step.pointer(op.input, "input"),
        filter_dims,
        step.pointer(op.weight, "weight"),
        bias_dims,
        step.pointer(op.bias, "bias"),
        output_dims,
        step.pointer(op.output),
    )


@_step_of(cm.QuantizedConv2dOp)
def _conv2d(op: cm.QuantizedConv2dOp, step: Step) -> None:
    _convolution("convolve", "cmsis_nn_conv_params", op, step)


@_step_of(cm.QuantizedDepthwiseConv2dOp)
def _depthwise(op: cm.QuantizedDepthwiseConv2dOp, step: Step) -> None:
    name, kind = "depthwise_conv", "cmsis_nn_dw_conv_params"
    _convolution(name, kind, op, step, ch_mult=int_of(op.depth_multiplier))


@_step_of(cm.QuantizedTransposeConv2dOp)
def _transpose_conv2d(op: cm.QuantizedTransposeConv2dOp, step: Step) -> None:
    name, kind = "transpose_conv", "cmsis_nn_transpose_conv_params"
    _convolution(name, kind, op, step, padding_offsets=_tile(op.output_padding))


# --- Pooling --------------------------------------------------------------------------------------


def _pool(function: str, op: Any, step: Step, scratch: SSAValue | None, activation: str,
          needed: str | None = None) -> None:  # fmt: skip
    params = fields(stride=_tile(op.stride), padding=_tile(op.padding), activation=activation)
    context = step.scratch(scratch)
    if needed is not None:
        step.check(needed)
    step.call(
        function,
        context,
        step.declare("cmsis_nn_pool_params", "params", params),
        step.dims("input_dims", shape_of(op.input)),
        step.pointer(op.input, "input"),
        step.dims("filter_dims", (1, *ints_of(op.kernel_size), 1)),
        step.dims("output_dims", shape_of(op.output)),
        step.pointer(op.output),
    )


@_step_of(cm.QuantizedAvgPool2dOp)
def _avg_pool(op: cm.QuantizedAvgPool2dOp, step: Step) -> None:
    width, channels = shape_of(op.output)[2:]
    needed = f"arm_avgpool_s8_get_buffer_size({width}, {channels})"
    _pool("arm_avgpool_s8", op, step, op.scratch, _activation(), needed)


@_step_of(cm.QuantizedMaxPool2dOp)
def _max_pool(op: cm.QuantizedMaxPool2dOp, step: Step) -> None:
    _pool("arm_max_pool_s8", op, step, None, _bounds(op))


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


@_step_of(cm.QuantizedLinearOp)
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
        activation=_bounds(op),
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


@_step_of(cm.QuantizedBatchMatmulOp)
def _batch_matmul(op: cm.QuantizedBatchMatmulOp, step: Step) -> None:
    offsets = fields(
        input_offset=int_of(op.lhs_zero_point),
        filter_offset=int_of(op.rhs_zero_point),
        output_offset=int_of(op.output_zero_point),
        activation=_activation(),
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


@_step_of(cm.SoftmaxOp)
def _softmax(op: cm.SoftmaxOp, step: Step) -> None:
    row = shape_of(op.input)[-1]
    step.call_without_result(
        "arm_softmax_s8",
        step.pointer(op.input, "input"),
        str(count(op.input) // row),
        str(row),
        *_numbers(op, "input_multiplier", "input_shift", "diff_min"),
        step.pointer(op.output),
    )


# --- Movement -------------------------------------------------------------------------------------


@_step_of(cm.TransposeOp)
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


@_step_of(cm.PadOp)
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
