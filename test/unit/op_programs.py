"""A small program for each `cortex_m` op, and random inputs for it."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from cmopt.dialects.arrays import Array, numpy_dtype
from cmopt.dialects.parsing import make_context, parse_module
from cmopt.dialects.program import main_function
from cmopt.pipeline.passes import parse_pipeline, run_passes


def planned(text: str) -> ModuleOp:
    """Parse a module of the cortex_m stage and plan its memory."""
    ctx = make_context()
    module = parse_module(ctx, text)
    run_passes(ctx, module, parse_pipeline("plan-memory,verify-plan,verify-stage{stage=planned}"))
    return module


def random_inputs(module: ModuleOp, random: np.random.Generator) -> list[Array]:
    """Random values of the argument types: any int8; floats of about that range times 0.05."""
    inputs = []
    for argument in main_function(module).body.block.args:
        shape, dtype = argument.type.get_shape(), numpy_dtype(argument.type.element_type)  # type: ignore[attr-defined]
        values = random.integers(-128, 128, shape)
        inputs.append((values * (0.05 if dtype == np.float32 else 1)).astype(dtype))
    return inputs


def module_of(arguments: str, body: str, result: str) -> str:
    """The text of a function that returns %y."""
    return f"func.func @forward({arguments}) -> {result} {{\n{body}\nfunc.return %y : {result}\n}}"


CONV = (
    "{stride = array<i64: S, S>, padding = array<i64: 1, 1>, dilation = array<i64: 1, 1>, "
    "input_offset = 5 : i32, output_offset = -7 : i32, activation_min = -100 : i32, "
    "activation_max = 120 : i32"
)


def convolution(kind: str, shape: str, weight: str, out: str, channels: int, stride: int, more: str
                ) -> str:  # fmt: skip
    attributes = f"{CONV.replace('S', str(stride))}{more}}}"
    body = f"""
      %b = arith.constant dense<37> : tensor<{channels}xi32>
      %m = arith.constant dense<1400000000> : tensor<{channels}xi32>
      %s = arith.constant dense<-6> : tensor<{channels}xi32>
      %t = cortex_m.scratch : tensor<512xi8>
      %y = cortex_m.{kind} %x, %w bias %b requantize %m, %s scratch %t {attributes}
        : (tensor<{shape}xi8>, tensor<{weight}xi8>, tensor<{channels}xi32>, tensor<{channels}xi32>,
           tensor<{channels}xi32>, tensor<512xi8>) -> tensor<{out}xi8>"""
    return module_of(f"%x: tensor<{shape}xi8>, %w: tensor<{weight}xi8>", body, f"tensor<{out}xi8>")


ADD = (
    "self_zero_point = 3 : i32, self_multiplier = 1200000000 : i32, self_shift = 0 : i32, "
    "other_zero_point = -9 : i32, other_multiplier = 1073741824 : i32, other_shift = -1 : i32, "
    "output_zero_point = 4 : i32, output_multiplier = 1500000000 : i32, output_shift = -18 : i32, "
    "activation_min = -128 : i32, activation_max = 127 : i32"
)
MUL = (
    "self_zero_point = 3 : i32, other_zero_point = -9 : i32, output_zero_point = 4 : i32, "
    "output_multiplier = 1500000000 : i32, output_shift = -6 : i32"
)
DIV = (
    "self_zero_point = 3 : i32, other_zero_point = -9 : i32, output_zero_point = 4 : i32, "
    "output_scale = 0.75 : f64"
)
POOL = "kernel_size = array<i64: 2, 3>, stride = array<i64: 2, 1>, padding = array<i64: 1, 1>"
_ROWS = [list(range(9 * row - 40, 9 * row - 32)) for row in range(5)]
LINEAR_WEIGHTS = f"%w = arith.constant dense<{_ROWS}> : tensor<5x8xi8>\n"
LINEAR = (
    "{input_offset = 4 : i32, filter_offset = 0 : i32, output_offset = 2 : i32, "
    "requantize_multipliers = array<i64: 1300000000>, requantize_shifts = array<i64: -7>, "
    "activation_max = 127 : i32, activation_min = -128 : i32}"
)
SOFTMAX = (
    "input_zero_point = 0 : i32, output_zero_point = -128 : i32, "
    "input_multiplier = 1717986918 : i32, input_shift = 22 : i32, diff_min = -248 : i32"
)
QPARAMS = "scale = 0.05 : f64, zero_point = -3 : i32, quant_min = -128 : i32, quant_max = 127 : i32"
QPARAMS_16 = QPARAMS.replace("-128", "-32768").replace("127", "32767")


def unary(op: str, attributes: str, source: str, target: str) -> str:
    body = f"%y = cortex_m.{op} %x {{{attributes}}} : (tensor<{source}>) -> tensor<{target}>"
    return module_of(f"%x: tensor<{source}>", body, f"tensor<{target}>")


def binary(op: str, attributes: str, shape: str, other_shape: str | None = None) -> str:
    type, other = f"tensor<{shape}xi8>", f"tensor<{other_shape or shape}xi8>"
    attrs = f"{{{attributes}}}" if attributes else ""
    body = f"%y = cortex_m.{op} %a, %b {attrs} : ({type}, {other}) -> {type}"
    return module_of(f"%a: {type}, %b: {other}", body, type)


def transposed(source: str, weight: str, padding: str) -> str:
    """A transposed convolution with two scratch buffers, which fit its shapes."""
    text = convolution(
        "quantized_transpose_conv2d", source, weight, "1x6x8x3", 3, 2,
        ", output_padding = array<i64: 0, 0>",
    )  # fmt: skip
    scratch = "%{} = cortex_m.scratch : tensor<{}xi8>"
    both = f"{scratch.format('t', 1152)}\n{scratch.format('u', 816)}"
    return (
        text.replace(" padding = array<i64: 1, 1>", f" padding = array<i64: {padding}>")
        .replace("scratch %t {", "scratch %t, %u {")
        .replace(scratch.format("t", 512), both)
        .replace("tensor<512xi8>) ->", "tensor<1152xi8>, tensor<816xi8>) ->")
    )  # fmt: skip


PROGRAMS = {
    "conv": convolution("quantized_conv2d", "2x5x6x3", "4x3x3x3", "2x5x6x4", 4, 1, ""),
    "conv-one-channel": convolution("quantized_conv2d", "1x5x6x1", "4x3x3x1", "1x3x3x4", 4, 2, ""),
    "conv-grouped": convolution("quantized_conv2d", "1x5x6x4", "6x3x3x2", "1x5x6x6", 6, 1, ""),
    "conv-to-one-pixel": convolution("quantized_conv2d", "1x1x1x4", "2x3x3x4", "1x1x1x2", 2, 1, ""),
    "depthwise": convolution(
        "quantized_depthwise_conv2d",
        "1x5x6x3",
        "1x3x3x6",
        "1x5x6x6",
        6,
        1,
        ", depth_multiplier = 2 : i32",
    ),
    "transpose-conv": transposed("1x3x4x2", "3x6x4x2", "2, 1"),
    "transpose-conv-reversed": transposed("1x3x4x17", "3x4x4x17", "1, 1"),
    "linear-bias": module_of(
        "%x: tensor<3x8xi8>",
        f"{LINEAR_WEIGHTS}"
        "%b = arith.constant dense<[1, -200, 30, 4000, 5]> : tensor<5xi32>\n"
        f"%y = cortex_m.quantized_linear %x, %w bias %b : tensor<5xi32> {LINEAR} "
        ": (tensor<3x8xi8>, tensor<5x8xi8>) -> tensor<3x5xi8>",
        "tensor<3x5xi8>",
    ),
    "linear-kernel-sum": module_of(
        "%x: tensor<3x8xi8>",
        f"{LINEAR_WEIGHTS}"
        "%b = arith.constant dense<[1, -200, 30, 4000, 5]> : tensor<5xi32>\n"
        f"%y = cortex_m.quantized_linear %x, %w kernel_sum %b : tensor<5xi32> {LINEAR} "
        ": (tensor<3x8xi8>, tensor<5x8xi8>) -> tensor<3x5xi8>",
        "tensor<3x5xi8>",
    ),
    "linear-bare": module_of(
        "%x: tensor<3x8xi8>",
        f"{LINEAR_WEIGHTS}%y = cortex_m.quantized_linear %x, %w {LINEAR} "
        ": (tensor<3x8xi8>, tensor<5x8xi8>) -> tensor<3x5xi8>",
        "tensor<3x5xi8>",
    ),
    "bmm": module_of(
        "%a: tensor<2x3x8xi8>, %b: tensor<2x5x8xi8>",
        "%t = cortex_m.scratch : tensor<64xi8>\n"
        "%y = cortex_m.quantized_batch_matmul %a, %b scratch %t {lhs_zero_point = 3 : i32, "
        "rhs_zero_point = -2 : i32, output_zero_point = 1 : i32, "
        "output_multiplier = 1300000000 : i32, output_shift = -8 : i32} "
        ": (tensor<2x3x8xi8>, tensor<2x5x8xi8>, tensor<64xi8>) -> tensor<2x3x5xi8>",
        "tensor<2x3x5xi8>",
    ),
    "add": binary("quantized_add", ADD, "2x3x4"),
    "add-nhwc": binary("quantized_add", ADD, "1x3x4x5"),
    "add-one-channel": binary("quantized_add", ADD, "1x1x7x1"),
    "add-channels": binary("quantized_add", ADD, "2x3x4x5", "1x1x1x5"),
    "add-one-channel-to-each": binary("quantized_add", ADD, "1x3x4x1", "1x1x1x1"),
    "sub": binary("quantized_add", ADD.replace("1073741824", "-1073741824"), "1x3x4x5"),
    "mul-channels": binary("quantized_mul", MUL, "1x3x1x17", "1x1x1x17"),
    "mul": binary("quantized_mul", MUL, "1x3x4x5"),
    "div": binary("quantized_div", DIV, "2x9"),
    "minimum": binary("minimum", "", "1x3x4x5"),
    "maximum": binary("maximum", "", "30"),
    "lookup": module_of(
        "%x: tensor<2x5x3x3xi8>, %l: tensor<256xi8>",
        "%y = cortex_m.quantized_activation %x lut %l "
        ": (tensor<2x5x3x3xi8>, tensor<256xi8>) -> tensor<2x5x3x3xi8>",
        "tensor<2x5x3x3xi8>",
    ),
    "quantize": unary("quantize_per_tensor", QPARAMS, "2x3x4x5xf32", "2x3x4x5xi8"),
    "dequantize": unary("dequantize_per_tensor", QPARAMS, "2x3x4x5xi8", "2x3x4x5xf32"),
    "quantize-16": unary("quantize_per_tensor", QPARAMS_16, "2x3x4x5xf32", "2x3x4x5xi16"),
    "dequantize-16": unary("dequantize_per_tensor", QPARAMS_16, "2x3x4x5xi16", "2x3x4x5xf32"),
    "avg-pool": module_of(
        "%x: tensor<1x6x5x3xi8>",
        "%t = cortex_m.scratch : tensor<0xi8>\n"
        f"%y = cortex_m.quantized_avg_pool2d %x scratch %t {{{POOL}, ceil_mode = false, "
        "zero_point = 0 : i32, multiplier = 0 : i32, shift = 0 : i32} "
        ": (tensor<1x6x5x3xi8>, tensor<0xi8>) -> tensor<1x4x5x3xi8>",
        "tensor<1x4x5x3xi8>",
    ),
    "max-pool": unary(
        "quantized_max_pool2d",
        f"{POOL}, ceil_mode = false, dilation = array<i64: 1, 1>, input_zero_point = 2 : i32, "
        "output_zero_point = 2 : i32, activation_min = -20 : i32, activation_max = 90 : i32",
        "1x6x5x3xi8",
        "1x4x5x3xi8",
    ),
    "softmax": unary("softmax", f"dim = 1 : i32, {SOFTMAX}", "4x10xi8", "4x10xi8"),
    "transpose": unary("transpose", "perm = array<i64: 2, 0, 1>", "2x3x4xi8", "4x2x3xi8"),
    "transpose-4": unary("transpose", "perm = array<i64: 3, 1, 0, 2>", "2x3x4x5xi8", "5x3x2x4xi8"),
    "pad": unary(
        "pad",
        "pre_pad = array<i64: 0, 1, 2, 0>, post_pad = array<i64: 0, 0, 3, 1>, pad_value = -5 : i32",
        "1x2x3x4xi8",
        "1x3x8x5xi8",
    ),
    # Kernels take tensors of these shapes for channels last, whatever their declared dim order.
    "pad-one-channel": unary(
        "pad",
        "pre_pad = array<i64: 0, 1, 2, 0>, post_pad = array<i64: 0, 0, 3, 0>, pad_value = -5 : i32",
        "1x5x4x1xi8",
        "1x6x9x1xi8",
    ),
    "pad-one-row": unary(
        "pad",
        "pre_pad = array<i64: 0, 0, 2, 0>, post_pad = array<i64: 0, 0, 3, 0>, pad_value = -5 : i32",
        "1x1x5x4xi8",
        "1x1x10x4xi8",
    ),
    "pad-matrix": unary(
        "pad",
        "pre_pad = array<i64: 0, 0, 1, 2>, post_pad = array<i64: 0, 0, 0, 3>, pad_value = 9 : i32",
        "5x4xi8",
        "6x9xi8",
    ),
}
