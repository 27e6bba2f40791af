"""What the int8 kernels of CMSIS-NN compute, in numpy: the specification of `cortex_m`.

Every function is bit-exact to CMSIS-NN's default (double rounding) build and works on plain
row-major arrays, without IR or PyTorch. Offsets follow CMSIS-NN: an `input_offset` is minus the
input's zero point, and an `output_offset` is the output's zero point. Malformed arguments raise
`ValueError`.
"""

from cmopt.interpreters.cmsis_nn.convolution import (
    convolve_s8,
    depthwise_conv_s8,
    transpose_conv_s8,
)
from cmopt.interpreters.cmsis_nn.data_movement import lookup_s8, pad_s8, transpose
from cmopt.interpreters.cmsis_nn.elementwise import (
    div,
    elementwise_add_s8,
    elementwise_mul_s8,
    maximum,
    minimum,
)
from cmopt.interpreters.cmsis_nn.fixed_point import requantize
from cmopt.interpreters.cmsis_nn.float_border import dequantize, quantize
from cmopt.interpreters.cmsis_nn.matmul import batch_matmul_s8, fully_connected_s8
from cmopt.interpreters.cmsis_nn.pooling import avgpool_s8, max_pool_s8
from cmopt.interpreters.cmsis_nn.softmax import softmax_s8

__all__ = [
    "avgpool_s8",
    "batch_matmul_s8",
    "convolve_s8",
    "depthwise_conv_s8",
    "dequantize",
    "div",
    "elementwise_add_s8",
    "elementwise_mul_s8",
    "fully_connected_s8",
    "lookup_s8",
    "max_pool_s8",
    "maximum",
    "minimum",
    "pad_s8",
    "quantize",
    "requantize",
    "softmax_s8",
    "transpose",
    "transpose_conv_s8",
]
