"""ctypes binding of the CMSIS-NN C subset in ``kernels/cmsis_nn/include``.

`CmsisNN(path)` loads a shared library with those symbols. Each method takes and returns numpy
arrays in the physical layout of the C function, and allocates the scratch that the library needs.
A guard behind output and scratch detects a write past them, which raises `OverrunError`. A status
other than success raises `StatusError`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import POINTER, Structure, byref, c_bool, c_int32, c_uint32, c_void_p
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Int8 = NDArray[np.int8]
Int32 = NDArray[np.int32]
Pair = tuple[int, int]

GUARD_BYTES = 64
GUARD = 0x5A


class StatusError(RuntimeError):
    """The C function returned an error status."""


class OverrunError(RuntimeError):
    """The C function wrote past the end of its output or scratch."""


class Tile(Structure):
    _fields_ = [("w", c_int32), ("h", c_int32)]


class Context(Structure):
    _fields_ = [("buf", c_void_p), ("size", c_int32)]


class Dims(Structure):
    _fields_ = [("n", c_int32), ("h", c_int32), ("w", c_int32), ("c", c_int32)]


class PerChannel(Structure):
    _fields_ = [("multiplier", c_void_p), ("shift", c_void_p)]


class PerTensor(Structure):
    _fields_ = [("multiplier", c_int32), ("shift", c_int32)]


class Activation(Structure):
    _fields_ = [("min", c_int32), ("max", c_int32)]


class ConvParams(Structure):
    _fields_ = [
        ("input_offset", c_int32),
        ("output_offset", c_int32),
        ("stride", Tile),
        ("padding", Tile),
        ("dilation", Tile),
        ("activation", Activation),
    ]


class TransposeConvParams(Structure):
    _fields_ = [
        ("input_offset", c_int32),
        ("output_offset", c_int32),
        ("stride", Tile),
        ("padding", Tile),
        ("padding_offsets", Tile),
        ("dilation", Tile),
        ("activation", Activation),
    ]


class DepthwiseParams(Structure):
    _fields_ = [
        ("input_offset", c_int32),
        ("output_offset", c_int32),
        ("ch_mult", c_int32),
        ("stride", Tile),
        ("padding", Tile),
        ("dilation", Tile),
        ("activation", Activation),
    ]


class PoolParams(Structure):
    _fields_ = [("stride", Tile), ("padding", Tile), ("activation", Activation)]


class FcParams(Structure):
    _fields_ = [
        ("input_offset", c_int32),
        ("filter_offset", c_int32),
        ("output_offset", c_int32),
        ("activation", Activation),
    ]


class BmmParams(Structure):
    _fields_ = [("adj_x", c_bool), ("adj_y", c_bool), ("fc_params", FcParams)]


class TransposeParams(Structure):
    _fields_ = [("num_dims", c_int32), ("permutations", POINTER(c_uint32))]


def tile(pair: Pair) -> Tile:
    """(height, width) as a C tile."""
    return Tile(w=pair[1], h=pair[0])


class Guarded:
    """A buffer of `count` items with guard bytes behind it."""

    def __init__(self, count: int, dtype: Any) -> None:
        self.bytes = np.full(count * np.dtype(dtype).itemsize + GUARD_BYTES, GUARD, np.uint8)
        self.count = count
        self.dtype = dtype

    @property
    def pointer(self) -> int:
        return int(self.bytes.ctypes.data)

    def array(self, shape: Sequence[int]) -> NDArray[Any]:
        """The contents; raises OverrunError if the guard is damaged."""
        if (self.bytes[-GUARD_BYTES:] != GUARD).any():
            raise OverrunError("bytes behind the buffer were written")
        return self.bytes[:-GUARD_BYTES].view(self.dtype).reshape(tuple(shape)).copy()


def pointer(array: NDArray[Any] | None) -> c_void_p:
    if array is None:
        return c_void_p()
    assert array.flags.c_contiguous
    return c_void_p(array.ctypes.data)


class CmsisNN:
    """The kernels of one library."""

    def __init__(self, path: Path) -> None:
        self.library = ctypes.CDLL(str(path))

    def _run(self, name: str, *args: Any) -> None:
        status = int(getattr(self.library, name)(*args))
        if status != 0:
            raise StatusError(f"{name} returned {status}")

    def _scratch(self, size: int) -> tuple[Context, Guarded]:
        buffer = Guarded(max(size, 0), np.uint8)
        return Context(buf=buffer.pointer, size=size), buffer

    def _finish(self, output: Guarded, shape: Sequence[int], *scratch: Guarded) -> Int8:
        for buffer in scratch:
            buffer.array([buffer.count])
        return output.array(shape)

    def convolve(
        self,
        input: Int8,
        filter: Int8,
        bias: Int32 | None,
        *,
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        input_offset: int,
        output_offset: int,
        multipliers: Int32,
        shifts: Int32,
        activation_min: int,
        activation_max: int,
        output_hw: Pair,
    ) -> Int8:
        """input [N,H,W,Cin], filter [Cout,KH,KW,Cin/groups] -> [N,OH,OW,Cout]."""
        shape = (input.shape[0], *output_hw, filter.shape[0])
        params = ConvParams(
            input_offset,
            output_offset,
            tile(stride),
            tile(padding),
            tile(dilation),
            Activation(activation_min, activation_max),
        )
        quant = PerChannel(multipliers.ctypes.data, shifts.ctypes.data)
        dims = [Dims(*input.shape), Dims(*filter.shape), Dims(*shape)]
        size = self.library.arm_convolve_wrapper_s8_get_buffer_size(
            byref(params), *(byref(d) for d in dims)
        )
        context, scratch = self._scratch(size)
        output = Guarded(int(np.prod(shape)), np.int8)
        self._run(
            "arm_convolve_wrapper_s8",
            byref(context),
            byref(params),
            byref(quant),
            byref(dims[0]),
            pointer(input),
            byref(dims[1]),
            pointer(filter),
            byref(Dims(1, 1, 1, shape[3])),
            pointer(bias),
            byref(dims[2]),
            c_void_p(output.pointer),
        )
        return self._finish(output, shape, scratch)

    def depthwise(
        self,
        input: Int8,
        filter: Int8,
        bias: Int32 | None,
        *,
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        depth_multiplier: int,
        input_offset: int,
        output_offset: int,
        multipliers: Int32,
        shifts: Int32,
        activation_min: int,
        activation_max: int,
        output_hw: Pair,
    ) -> Int8:
        """input [N,H,W,C], filter [1,KH,KW,C*depth_multiplier]."""
        shape = (input.shape[0], *output_hw, filter.shape[3])
        params = DepthwiseParams(
            input_offset,
            output_offset,
            depth_multiplier,
            tile(stride),
            tile(padding),
            tile(dilation),
            Activation(activation_min, activation_max),
        )
        quant = PerChannel(multipliers.ctypes.data, shifts.ctypes.data)
        dims = [Dims(*input.shape), Dims(*filter.shape), Dims(*shape)]
        size = self.library.arm_depthwise_conv_wrapper_s8_get_buffer_size(
            byref(params), *(byref(d) for d in dims)
        )
        context, scratch = self._scratch(size)
        output = Guarded(int(np.prod(shape)), np.int8)
        self._run(
            "arm_depthwise_conv_wrapper_s8",
            byref(context),
            byref(params),
            byref(quant),
            byref(dims[0]),
            pointer(input),
            byref(dims[1]),
            pointer(filter),
            byref(Dims(1, 1, 1, shape[3])),
            pointer(bias),
            byref(dims[2]),
            c_void_p(output.pointer),
        )
        return self._finish(output, shape, scratch)

    def transpose_conv(
        self,
        input: Int8,
        filter: Int8,
        bias: Int32 | None,
        *,
        stride: Pair,
        padding: Pair,
        output_padding: Pair,
        dilation: Pair = (1, 1),
        input_offset: int,
        output_offset: int,
        multipliers: Int32,
        shifts: Int32,
        activation_min: int,
        activation_max: int,
        output_hw: Pair,
        extra_scratch: int = 0,
    ) -> Int8:
        """input [N,H,W,Cin], filter [Cout,KH,KW,Cin]."""
        shape = (input.shape[0], *output_hw, filter.shape[0])
        params = TransposeConvParams(
            input_offset,
            output_offset,
            tile(stride),
            tile(padding),
            tile(output_padding),
            tile(dilation),
            Activation(activation_min, activation_max),
        )
        quant = PerChannel(multipliers.ctypes.data, shifts.ctypes.data)
        dims = [Dims(*input.shape), Dims(*filter.shape), Dims(*shape)]
        size = self.library.arm_transpose_conv_s8_get_buffer_size(
            byref(params), *(byref(d) for d in dims)
        )
        reverse_size = self.library.arm_transpose_conv_s8_get_reverse_conv_buffer_size(
            byref(params), byref(dims[0]), byref(dims[1])
        )
        context, scratch = self._scratch(size + extra_scratch)
        reverse_context, reverse_scratch = self._scratch(reverse_size)
        output = Guarded(int(np.prod(shape)), np.int8)
        self._run(
            "arm_transpose_conv_wrapper_s8",
            byref(context),
            byref(reverse_context),
            byref(params),
            byref(quant),
            byref(dims[0]),
            pointer(input),
            byref(dims[1]),
            pointer(filter),
            byref(Dims(1, 1, 1, shape[3])),
            pointer(bias),
            byref(dims[2]),
            c_void_p(output.pointer),
        )
        return self._finish(output, shape, scratch, reverse_scratch)

    def fully_connected(
        self,
        input: Int8,
        weights: Int8,
        bias: Int32 | None,
        *,
        input_offset: int,
        filter_offset: int,
        output_offset: int,
        multiplier: int,
        shift: int,
        activation_min: int,
        activation_max: int,
    ) -> Int8:
        """input [N,I], weights [O,I] -> [N,O]."""
        rows, features = input.shape
        outputs = weights.shape[0]
        params = FcParams(
            input_offset,
            filter_offset,
            output_offset,
            Activation(activation_min, activation_max),
        )
        sums = self.vector_sum(weights, input_offset, filter_offset, bias)
        context = Context(sums.ctypes.data, sums.nbytes)
        output = Guarded(rows * outputs, np.int8)
        self._run(
            "arm_fully_connected_s8",
            byref(context),
            byref(params),
            byref(PerTensor(multiplier, shift)),
            byref(Dims(rows, 1, 1, features)),
            pointer(input),
            byref(Dims(features, 1, 1, outputs)),
            pointer(weights),
            byref(Dims(1, 1, 1, outputs)),
            pointer(bias),
            byref(Dims(rows, 1, 1, outputs)),
            c_void_p(output.pointer),
        )
        return self._finish(output, (rows, outputs))

    def vector_sum(
        self, weights: Int8, lhs_offset: int, rhs_offset: int, bias: Int32 | None
    ) -> Int32:
        """[O,I] -> int32 [O]."""
        sums = np.zeros(weights.shape[0], np.int32)
        self._run(
            "arm_vector_sum_s8",
            pointer(sums),
            weights.shape[1],
            weights.shape[0],
            pointer(weights),
            lhs_offset,
            rhs_offset,
            pointer(bias),
        )
        return sums

    def batch_matmul(
        self,
        lhs: Int8,
        rhs_transposed: Int8,
        *,
        lhs_offset: int,
        rhs_offset: int,
        output_offset: int,
        multiplier: int,
        shift: int,
        activation_min: int,
        activation_max: int,
    ) -> Int8:
        """[B,M,K] x [B,N,K] -> [B,M,N]."""
        shape = (*lhs.shape[:2], rhs_transposed.shape[1])
        params = BmmParams(
            False,
            False,
            FcParams(
                lhs_offset,
                rhs_offset,
                output_offset,
                Activation(activation_min, activation_max),
            ),
        )
        out_dims = Dims(1, *shape)
        size = self.library.arm_fully_connected_s8_get_buffer_size(byref(out_dims))
        context, scratch = self._scratch(size)
        output = Guarded(int(np.prod(shape)), np.int8)
        self._run(
            "arm_batch_matmul_s8",
            byref(context),
            byref(params),
            byref(PerTensor(multiplier, shift)),
            byref(Dims(1, *lhs.shape)),
            pointer(lhs),
            byref(Dims(1, *rhs_transposed.shape)),
            pointer(rhs_transposed),
            byref(out_dims),
            c_void_p(output.pointer),
        )
        return self._finish(output, shape, scratch)

    def add(
        self,
        a: Int8,
        b: Int8,
        *,
        self_offset: int,
        self_multiplier: int,
        self_shift: int,
        other_offset: int,
        other_multiplier: int,
        other_shift: int,
        left_shift: int,
        output_offset: int,
        output_multiplier: int,
        output_shift: int,
        activation_min: int,
        activation_max: int,
    ) -> Int8:
        output = Guarded(a.size, np.int8)
        self._run(
            "arm_elementwise_add_s8",
            pointer(a),
            pointer(b),
            self_offset,
            self_multiplier,
            self_shift,
            other_offset,
            other_multiplier,
            other_shift,
            left_shift,
            c_void_p(output.pointer),
            output_offset,
            output_multiplier,
            output_shift,
            activation_min,
            activation_max,
            a.size,
        )
        return self._finish(output, a.shape)

    def mul(
        self,
        a: Int8,
        b: Int8,
        *,
        self_offset: int,
        other_offset: int,
        output_offset: int,
        output_multiplier: int,
        output_shift: int,
        activation_min: int,
        activation_max: int,
    ) -> Int8:
        output = Guarded(a.size, np.int8)
        self._run(
            "arm_elementwise_mul_s8",
            pointer(a),
            pointer(b),
            self_offset,
            other_offset,
            c_void_p(output.pointer),
            output_offset,
            output_multiplier,
            output_shift,
            activation_min,
            activation_max,
            a.size,
        )
        return self._finish(output, a.shape)

    def pool(
        self,
        kind: str,
        input: Int8,
        *,
        kernel: Pair,
        stride: Pair,
        padding: Pair,
        activation_min: int,
        activation_max: int,
        output_hw: Pair,
    ) -> Int8:
        """`kind` is "avgpool" or "max_pool"; NHWC."""
        shape = (input.shape[0], *output_hw, input.shape[3])
        size = 0
        if kind == "avgpool":
            size = self.library.arm_avgpool_s8_get_buffer_size(shape[2], shape[3])
        context, scratch = self._scratch(size)
        params = PoolParams(tile(stride), tile(padding), Activation(activation_min, activation_max))
        output = Guarded(int(np.prod(shape)), np.int8)
        self._run(
            f"arm_{kind}_s8",
            byref(context),
            byref(params),
            byref(Dims(*input.shape)),
            pointer(input),
            byref(Dims(1, *kernel, 1)),
            byref(Dims(*shape)),
            c_void_p(output.pointer),
        )
        return self._finish(output, shape, scratch)

    def softmax(self, input: Int8, *, multiplier: int, shift: int, diff_min: int) -> Int8:
        """Over the last axis of [rows, size]."""
        output = Guarded(input.size, np.int8)
        self.library.arm_softmax_s8.restype = None
        self.library.arm_softmax_s8(
            pointer(input),
            input.shape[0],
            input.shape[1],
            multiplier,
            shift,
            diff_min,
            c_void_p(output.pointer),
        )
        return self._finish(output, input.shape)

    def transpose(self, input: Int8, perm: Sequence[int]) -> Int8:
        shape = tuple(input.shape[i] for i in perm)
        rank = len(perm)
        padding = (1,) * (4 - rank)
        array = (c_uint32 * 4)(*perm, *range(rank, 4))
        output = Guarded(input.size, np.int8)
        self._run(
            "arm_transpose_s8",
            pointer(input),
            c_void_p(output.pointer),
            byref(Dims(*input.shape, *padding)),
            byref(Dims(*shape, *padding)),
            byref(TransposeParams(rank, array)),
        )
        return self._finish(output, shape)

    def pad(self, input: Int8, pre: Sequence[int], post: Sequence[int], value: int) -> Int8:
        """Rank 4."""
        shape = tuple(p + s + q for p, s, q in zip(pre, input.shape, post, strict=True))
        output = Guarded(int(np.prod(shape)), np.int8)
        self._run(
            "arm_pad_s8",
            pointer(input),
            c_void_p(output.pointer),
            ctypes.c_int8(value),
            byref(Dims(*input.shape)),
            byref(Dims(*pre)),
            byref(Dims(*post)),
        )
        return self._finish(output, shape)

    def select(self, kind: str, a: Int8, b: Int8) -> Int8:
        """`kind` is "minimum" or "maximum"; rank 4, numpy broadcasting."""
        shape = np.broadcast_shapes(a.shape, b.shape)
        output = Guarded(int(np.prod(shape)), np.int8)
        self._run(
            f"arm_{kind}_s8",
            c_void_p(),
            pointer(a),
            byref(Dims(*a.shape)),
            pointer(b),
            byref(Dims(*b.shape)),
            c_void_p(output.pointer),
            byref(Dims(*shape)),
        )
        return self._finish(output, shape)
