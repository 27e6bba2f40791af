"""The ways to call CMSIS-NN for one convolution: what each reaches, and which of them is best.

Read off `arm_convolve_wrapper_s8` and `arm_depthwise_conv_wrapper_s8`, and swept on emulated cores.
A program is right on every instruction set, whichever it is compiled for: what one CMSIS-NN build
computes wrong is not chosen for another. Scratch and speed count for the target only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from cmopt.dialects.cortex_m.limits import DEPTHWISE_BLOCK, convolution_limit, is_pointwise
from cmopt.lowering.cortex_m import scratch
from cmopt.support.targets import Isa


class Function(Enum):
    """What the two wrappers dispatch to."""

    CONVOLVE = "arm_convolve_s8"
    CONVOLVE_1X1 = "arm_convolve_1x1_s8"
    CONVOLVE_1XN = "arm_convolve_1_x_n_s8"
    DEPTHWISE = "arm_depthwise_conv_s8"
    DEPTHWISE_OPT = "arm_depthwise_conv_s8_opt"


@dataclass(frozen=True)
class Window:
    """A convolution's geometry: NHWC shapes, (h, w) stride, (top, left) padding, dilation.

    The weight is [O,KH,KW,C/groups], or [1,KH,KW,O] for the depthwise wrapper.
    """

    input: tuple[int, ...]
    weight: tuple[int, ...]
    output: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    depthwise: bool = False

    def as_depthwise(self) -> Window:
        """With the weight [O,KH,KW,1] in the depthwise kernel's order [1,KH,KW,O]."""
        out, kh, kw, one = self.weight
        return replace(self, weight=(one, kh, kw, out), depthwise=True)

    def turned(self) -> Window:
        """Height and width exchanged: the same bytes, if either is 1 everywhere."""

        def swap(shape: tuple[int, ...]) -> tuple[int, ...]:
            return (shape[0], shape[2], shape[1], shape[3])

        def turn(pair: tuple[int, ...]) -> tuple[int, ...]:
            return (pair[1], pair[0])

        return Window(
            swap(self.input), swap(self.weight), swap(self.output),
            turn(self.stride), turn(self.padding), turn(self.dilation), self.depthwise,
        )  # fmt: skip

    def without_idle_dilation(self) -> Window:
        """Dilation 1 where the kernel has one tap: the fast functions ask for it."""
        pairs = zip(self.weight[1:3], self.dilation, strict=True)
        return replace(self, dilation=tuple(1 if taps == 1 else d for taps, d in pairs))

    @property
    def is_grouped(self) -> bool:
        """More than one group."""
        return not self.depthwise and self.weight[3] != self.input[3]

    @property
    def needs_bias(self) -> bool:
        """Whether CMSIS-NN would offset a null bias and read there, for a group or a block."""
        return self.is_grouped or (self.depthwise and self.input[3] > DEPTHWISE_BLOCK)

    def scratch(self, isa: Isa) -> int:
        """Bytes of working memory the kernel asks for."""
        size = scratch.depthwise_conv2d if self.depthwise else scratch.conv2d
        return size(
            isa,
            self.weight,
            input=self.input,
            output=self.output,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
        )


def function_of(window: Window) -> Function:
    """The function a wrapper reaches, where it is the least reliable of all builds'.

    A depthwise convolution of one channel to several becomes an ordinary one on MVE.
    """
    if window.depthwise:
        _, _, _, out = window.weight
        is_single = out == window.input[3] and window.dilation == (1, 1)
        return Function.DEPTHWISE_OPT if is_single else Function.DEPTHWISE
    if window.is_grouped:
        return Function.CONVOLVE
    if is_pointwise(window.weight, window.padding, window.dilation, window.input[3]):
        return Function.CONVOLVE_1X1
    _, kh, _, channels = window.weight
    is_row = window.input[1] == 1 and kh == 1 and window.dilation[1] == 1
    if is_row and window.stride[1] * channels % 4 == 0:
        return Function.CONVOLVE_1XN
    return Function.CONVOLVE


def is_right(window: Window) -> bool:
    """Whether every build of CMSIS-NN computes this call as the interpreter does."""
    if convolution_limit(
        window.input, window.weight, window.output, window.padding, window.dilation,
        depthwise=window.depthwise,
    ) is not None:  # fmt: skip
        return False
    if window.depthwise and window.input[3] == 1 and window.output[3] > 1:
        one, kh, kw, out = window.weight
        return is_right(replace(window, weight=(out, kh, kw, one), depthwise=False))
    return function_of(window) is not Function.CONVOLVE_1XN or is_row_right(window)


def is_row_right(window: Window) -> bool:
    """Whether `arm_convolve_1_x_n_s8` is right on MVE, the one build where it is its own code.

    It computes the outputs in three runs: those that begin in the left padding, those within the
    input, those that end in the right padding. Of the last it copies all but one tap of input,
    so the first of them must stick out by one; and it pads left and right alike.
    """
    size, taps, outputs = window.input[2], window.weight[2], window.output[2]
    stride, padding = window.stride[1], window.padding[1]
    if (outputs - 1) * stride + taps - size != 2 * padding:
        return False
    if padding == 0:
        return True
    at_border = -(-padding // stride)
    if outputs < 2 * at_border:
        return True  # Too short for three runs: it calls `arm_convolve_s8`.
    return taps <= size and padding - stride * (at_border - 1) == 1


def orientations(window: Window) -> list[Window]:
    """The calls that mean the same on the same bytes, the faster first.

    Where one axis is 1 throughout, it may be height or width. Every function spends less on a
    step in width; only the order of the axes differs.
    """
    axes = list(zip(window.input[1:3], window.weight[1:3], window.output[1:3], strict=True))
    if (1, 1, 1) not in axes:
        return [window]
    pair = [window, window.turned()]
    return pair if axes[0] == (1, 1, 1) else pair[::-1]


def right_calls(window: Window, groups: int) -> list[Window]:
    """The calls to choose from, among equals in scratch the fastest first; empty if none is right.

    A depthwise convolution of several channels is a grouped one only where nothing else is right:
    that takes up to ten times the instructions. With one channel it is an ordinary one as well.
    """
    window = window.without_idle_dilation()
    tiers = [orientations(window)]
    if groups == window.input[3] and window.input[0] == 1:
        depthwise = orientations(window.as_depthwise())
        tiers = [[*tiers[0], *depthwise]] if groups == 1 else [depthwise, *tiers]
    for tier in tiers:
        if right := [call for call in tier if is_right(call)]:
            return right
    return []


def best_call(window: Window, groups: int, isa: Isa) -> Window | None:
    """The call with least scratch of those that are right, then the fastest; None without any."""
    calls = right_calls(window, groups)
    return min(calls, key=lambda call: call.scratch(isa), default=None)
