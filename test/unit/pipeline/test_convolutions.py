"""Convolutions of any geometry: host kernel and interpreter give the same bytes on every ISA."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from cmopt.dialects.cortex_m import QuantizedConv2dOp, QuantizedDepthwiseConv2dOp
from cmopt.dialects.parsing import make_context, parse_module
from cmopt.dialects.shapes import window_output
from cmopt.pipeline.driver import lower
from cmopt.pipeline.program import Program

TARGETS = ("cortex-m3", "cortex-m7", "cortex-m55")
"""The instruction sets: scalar, DSP, MVE."""


@dataclass(frozen=True)
class Convolution:
    """A PyTorch convolution with random weights. Each pair is (height, width)."""

    batch: int
    groups: int
    channels: int
    outputs: int
    size: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    before: tuple[int, int] = (0, 0)
    after: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    bias: bool = False
    relu: bool = False

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.batch, self.groups * self.channels, *self.size)

    @property
    def output_shape(self) -> tuple[int, ...]:
        positions = [
            window_output(
                self.size[axis], self.kernel[axis], self.stride[axis],
                self.before[axis] + self.after[axis], self.dilation[axis],
            )
            for axis in (0, 1)
        ]  # fmt: skip
        return (self.batch, self.groups * self.outputs, *positions)

    def text(self) -> str:
        """The `edge` IR of the convolution, with power-of-two scales per output channel."""
        random, out = np.random.default_rng(0), self.groups * self.outputs
        shape = (out, self.channels, *self.kernel)
        values = random.integers(-127, 128, shape).tolist()
        scales = [2.0 ** -random.integers(5, 9) for _ in range(out)]
        x, y = (f"tensor<{spelled(s)}x!q>" for s in (self.input_shape, self.output_shape))
        w, b = f"tensor<{spelled(shape)}x!w>", f"tensor<{out}x!b>"
        pads = [self.before[0], self.after[0], self.before[1], self.after[1]]
        biases = random.integers(-2000, 2000, out).tolist()
        return f"""
          !q = !quant.uniform<i8:f32, 0.5:-7>
          !w = !quant.uniform<i8:f32:0, {{{", ".join(map(str, scales))}}}>
          !b = !quant.uniform<i32:f32:0, {{{", ".join(str(s * 0.5) for s in scales)}}}>
          func.func @forward(%x: {x}) -> {y} {{
            %c = arith.constant dense<{values}> : tensor<{spelled(shape)}xi8>
            %w = quant.scast %c : tensor<{spelled(shape)}xi8> to {w}
            %d = arith.constant dense<{biases}> : tensor<{out}xi32>
            %b = quant.scast %d : tensor<{out}xi32> to {b}
            %y = edge.conv2d %x, %w{", %b" if self.bias else ""} {{
              stride = {ints(self.stride)}, padding = {ints(pads)},
              dilation = {ints(self.dilation)}, groups = {self.groups} : i64
              {", activation_min = 0.0 : f32" if self.relu else ""}
            }} : ({x}, {w}{f", {b}" if self.bias else ""}) -> {y}
            func.return %y : {y}
          }}"""


def spelled(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def ints(values: tuple[int, ...] | list[int]) -> str:
    return f"array<i64: {', '.join(map(str, values))}>"


@st.composite
def convolutions(draw: st.DrawFn) -> Convolution:
    """Convolutions along one axis (height or width) or along both."""

    def pair(low: int, high: int, idle: int) -> tuple[int, int]:
        ends = [draw(st.integers(low, high)) if axis in axes else idle for axis in (0, 1)]
        return (ends[0], ends[1])

    axes = draw(st.sampled_from([(0, 1), (0,), (1,), (1,)]))
    groups = draw(st.sampled_from([1, 1, 2, 3, 5]))
    size, kernel = pair(1, 14, 1), pair(1, 7, 1)
    stride, dilation = pair(1, 4, 1), pair(1, 3, 1)
    reach = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    # Sometimes the padding exceeds the kernel.
    most = [r + draw(st.sampled_from([0, 0, 2])) for r in reach]
    before, after = (
        (draw(st.integers(0, most[0])), draw(st.integers(0, most[1]))) for _ in range(2)
    )
    if draw(st.booleans()):
        after = before
    conv = Convolution(
        draw(st.integers(1, 3)), groups, draw(st.integers(1, 4)), draw(st.integers(1, 4)),
        size, kernel, stride, before, after, dilation, draw(st.booleans()), draw(st.booleans()),
    )  # fmt: skip
    assume(min(conv.output_shape) >= 1)
    return conv


def compiled(conv: Convolution, target: str) -> Program:
    module = parse_module(make_context(), conv.text())
    return lower(module, target=target, io="float", kernels="stock", allow_float=True)


def check(conv: Convolution, target: str) -> None:
    """Check that file and interpreter agree, within a step of the model's meaning."""
    program = compiled(conv, target)
    assert program.report.float_ops == 0
    values = np.random.default_rng(1).integers(-128, 128, conv.input_shape).astype(np.int8)
    x = torch.from_numpy(values)
    (ran,), (planned,) = program.run(x), program.interpret(x, stage="planned")
    (meant,) = program.interpret(x, stage="edge")
    ran = np.asarray(ran)
    assert ran.tobytes() == np.asarray(planned).tobytes()
    assert np.abs(ran.astype(int) - np.asarray(meant).astype(int)).max() <= 1


ROW = Convolution(1, 1, 4, 3, (1, 20), (1, 5), before=(0, 2), after=(0, 2), bias=True)
STFT = Convolution(1, 1, 1, 34, (1, 640), (1, 256), stride=(1, 128))


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=25, deadline=None)
@given(convolutions())
@example(ROW)
@example(STFT)
@example(Convolution(1, 130, 1, 1, (1, 6), (1, 3)))
@example(Convolution(1, 1, 3, 6, (8, 8), (1, 1), before=(1, 1), after=(1, 1), bias=True))
@example(Convolution(2, 4, 1, 1, (8, 8), (3, 3), before=(3, 5), after=(3, 0)))
@example(Convolution(1, 1, 3, 4, (1, 40), (1, 32), before=(0, 16), after=(0, 16), relu=True))
def test_host_kernel_is_the_interpreter(target: str, conv: Convolution) -> None:
    check(conv, target)


def scratch_bytes(conv: Convolution, target: str) -> int:
    (op,) = (
        op
        for op in compiled(conv, target).modules["cortex_m"].walk()
        if isinstance(op, QuantizedConv2dOp | QuantizedDepthwiseConv2dOp)
    )
    return int(op.scratch.type.get_shape()[0])  # type: ignore[attr-defined]


def test_a_row_takes_less_scratch_on_mve() -> None:
    """Its scratch is the kernel and one padding. Other calls need four columns, rounded to 16."""
    assert scratch_bytes(ROW, "cortex-m55") == (5 + 2) * 4
    assert scratch_bytes(ROW, "cortex-m55") < 4 * 32


def test_one_channel_needs_no_copy_of_its_weights() -> None:
    """Upstream's depthwise call for this layer copies all 34 · 256 weights on MVE."""
    assert scratch_bytes(STFT, "cortex-m55") <= 256
    assert scratch_bytes(STFT, "cortex-m3") == 0
