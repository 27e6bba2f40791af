"""The ways to call CMSIS-NN for one convolution: the function each reaches, and the best way.

Read off `arm_convolve_wrapper_s8` and `arm_depthwise_conv_wrapper_s8`, and swept on emulated cores.
A program must be right on every instruction set: a call that any CMSIS-NN build computes wrongly
is never chosen. Only scratch and speed depend on the target.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from cmopt.dialects.cortex_m.limits import DEPTHWISE_BLOCK, convolution_limit, is_pointwise
from cmopt.lowering.cortex_m import scratch
from cmopt.support.targets import Isa


class Function(Enum):
    """The functions to which the two wrappers dispatch."""

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
        """With dilation 1 where the kernel has one tap: the fast functions require it."""
        pairs = zip(self.weight[1:3], self.dilation, strict=True)
        return replace(self, dilation=tuple(1 if taps == 1 else d for taps, d in pairs))

    @property
    def is_grouped(self) -> bool:
        """Whether there is more than one group."""
        return not self.depthwise and self.weight[3] != self.input[3]

    @property
    def needs_bias(self) -> bool:
        """Whether CMSIS-NN would offset a null bias pointer and read there (group or block)."""
        return self.is_grouped or (self.depthwise and self.input[3] > DEPTHWISE_BLOCK)

    def scratch(self, isa: Isa) -> int:
        """Bytes of working memory that the kernel needs."""
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
    """The function that a wrapper reaches; if builds differ, the least reliable one.

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
    """Whether `arm_convolve_1_x_n_s8` is right on MVE, the only build where it has its own code.

    It computes the outputs in three runs: those that begin in the left padding, those within the
    input, and those that end in the right padding. In the last run it copies all but one
    tap of input, so its first output must reach one tap into the padding. It pads both sides alike.
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
    """The calls that compute the same from the same bytes, fastest first.

    If one axis is 1 throughout, it may be height or width. In every function, a step in width
    costs less.
    """
    axes = list(zip(window.input[1:3], window.weight[1:3], window.output[1:3], strict=True))
    if (1, 1, 1) not in axes:
        return [window]
    pair = [window, window.turned()]
    return pair if axes[0] == (1, 1, 1) else pair[::-1]


def right_calls(window: Window, groups: int) -> list[Window]:
    """The calls to choose from, the fastest of equal scratch first; empty if none is right.

    A depthwise convolution of several channels becomes a grouped one only if no other call is
    right: that takes up to ten times the instructions. With one channel, it may be an ordinary one.
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
    """The right call with the least scratch, then the fastest; None if none is right."""
    calls = right_calls(window, groups)
    return min(calls, key=lambda call: call.scratch(isa), default=None)
