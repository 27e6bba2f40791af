"""The scratch memory that CMSIS-NN's kernels need, per instruction set.

The sizes come from CMSIS-NN's size functions, through the bindings in the executorch package.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from cmopt.support.targets import Isa

Ints = Sequence[int]


@cache
def _binding() -> ModuleType:
    return import_module("executorch.backends.cortex_m.library.cmsis_nn")


def _backend(isa: Isa) -> Any:
    return getattr(_binding().Backend, isa.name)


def _window(
    input: Ints, output: Ints, stride: Ints, padding: Ints, dilation: Ints
) -> dict[str, Any]:
    """The arguments that all convolutions share. The size does not depend on offsets and clamps."""
    return {
        "input_nhwc": list(input),
        "output_nhwc": list(output),
        "stride_hw": list(stride),
        "padding_hw": list(padding),
        "dilation_hw": list(dilation),
        "input_offset": 0,
        "output_offset": 0,
        "activation_min": -128,
        "activation_max": 127,
    }


def conv2d(isa: Isa, weight: Ints, **window: Ints) -> int:
    """Bytes for `arm_convolve_wrapper_s8`; weight [O,KH,KW,I]."""
    size: int = _binding().convolve_wrapper_buffer_size(
        _backend(isa), _binding().DataType.A8W8, filter_nhwc=list(weight), **_window(**window)
    )
    return size


def depthwise_conv2d(isa: Isa, weight: Ints, **window: Ints) -> int:
    """Bytes for `arm_depthwise_conv_wrapper_s8`; weight [1,KH,KW,O]."""
    _, kh, kw, out = weight
    size: int = _binding().depthwise_conv_wrapper_buffer_size(
        _backend(isa),
        _binding().DataType.A8W8,
        filter_nhwc=[out, kh, kw, 1],
        ch_mult=out // window["input"][3],
        **_window(**window),
    )
    return size


def transpose_conv2d(
    isa: Isa, weight: Ints, output_padding: Ints, **window: Ints
) -> tuple[int, int]:
    """Bytes of both buffers of `arm_transpose_conv_wrapper_s8`; weight [O,KH,KW,I].

    The first is too small for some shapes; `limits.transposed_convolution_limit` has them.
    """
    arguments = _window(**window) | {
        "filter_nhwc": list(weight),
        "padding_offsets_hw": list(output_padding),
    }
    where = _backend(isa), _binding().DataType.A8W8
    size: int = _binding().transpose_conv_buffer_size(*where, **arguments)
    del arguments["output_nhwc"]
    reversed: int = _binding().transpose_conv_reverse_conv_buffer_size(*where, **arguments)
    return size, reversed


def conv2d_s16(isa: Isa, window: Any) -> int:
    """Bytes for `arm_convolve_wrapper_s16`; window: a `dispatch.Window`."""
    size: int = _binding().convolve_wrapper_buffer_size(
        _backend(isa), _binding().DataType.A16W8, filter_nhwc=list(window.weight),
        **_window_of(window),
    )  # fmt: skip
    return size


def depthwise_conv2d_s16(isa: Isa, window: Any) -> int:
    """Bytes for `arm_depthwise_conv_wrapper_s16`; window: a `dispatch.Window`."""
    _, kh, kw, out = window.weight
    size: int = _binding().depthwise_conv_wrapper_buffer_size(
        _backend(isa),
        _binding().DataType.A16W8,
        filter_nhwc=[out, kh, kw, 1],
        ch_mult=out // window.input[3],
        **_window_of(window),
    )
    return size


def _window_of(window: Any) -> dict[str, Any]:
    return _window(window.input, window.output, window.stride, window.padding, window.dilation)


def avg_pool2d_s16(isa: Isa, output_width: int, channels: int) -> int:
    """Bytes for `arm_avgpool_s16`."""
    size: int = _binding().avgpool_buffer_size(
        _backend(isa), _binding().DataType.A16W8, dim_dst_width=output_width, ch_src=channels
    )
    return size


def avg_pool2d(isa: Isa, output_width: int, channels: int) -> int:
    """Bytes for `arm_avgpool_s8`."""
    size: int = _binding().avgpool_buffer_size(
        _backend(isa), _binding().DataType.A8W8, dim_dst_width=output_width, ch_src=channels
    )
    return size


def batch_matmul(isa: Isa, columns: int, depth: int) -> int:
    """Bytes for `arm_batch_matmul_s8`, rhs [B, columns, depth]: on MVE a sum for each column."""
    size: int = _binding().fully_connected_buffer_size(
        _backend(isa), _binding().DataType.A8W8, filter_nhwc=[depth, -1, -1, columns]
    )
    return size
