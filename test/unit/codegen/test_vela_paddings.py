"""The padding of a window that Vela writes to the registers in a command stream."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from cmopt.codegen.tosa_flatbuffer import serialize
from cmopt.codegen.vela import compile_stream
from cmopt.dialects import tosa
from cmopt.dialects.ethos_u import MAX_PAD_BEFORE, MAX_PAD_BEHIND, why_not
from cmopt.dialects.shapes import ints
from cmopt.support.targets import NPUS

sys.path.insert(0, str(Path(__file__).parents[1]))
from tosa_programs import I8, I32, Program

PADDING = {0x100: 0, 0x103: 1, 0x101: 2, 0x102: 3}
"""NPU_SET_IFM_PAD_TOP, …, and their index in [top, bottom, left, right]. Each is a command of one
word, with the value in the upper half."""

FAMILIES = ("ethos-u55-128", "ethos-u65-256", "ethos-u85-256")


def padded(pad: tuple[int, int, int, int]) -> tuple[Program, tosa.MaxPool2DOp | tosa.Conv2DOp]:
    """A 3×3 convolution of an 8×8 image, without a rescale."""
    program = Program()
    value = program.input(np.zeros((1, 8, 8, 2)), I8)
    weight = program.const(np.ones((2, 3, 3, 2)), I8)
    operands = [value, weight, *(program.const(n, e) for n, e in (([0, 0], I32), (0, I8), (0, I8)))]
    shape = (1, 6 + pad[0] + pad[1], 6 + pad[2] + pad[3], 2)
    one = ints((1, 1))
    result = program.op(
        tosa.Conv2DOp, operands, I32, shape, acc_type=I32, stride=one, dilation=one, pad=ints(pad)
    )
    program.finish(result)
    assert isinstance(result.owner, tosa.Conv2DOp)
    return program, result.owner


def registers(program: Program, npu: str) -> tuple[int, ...]:
    """[top, bottom, left, right] in the stream."""
    commands = compile_stream(serialize(program.delegate), NPUS[npu]).stream.commands
    words = iter(struct.unpack(f"<{len(commands) // 4}I", commands))
    found = [-1] * 4
    for word in words:
        if word >> 14 & 3 == 1:
            next(words)  # the value of a command of two words
        elif word & 0xFFFF in PADDING:
            found[PADDING[word & 0xFFFF]] = word >> 16
    return tuple(found)


@pytest.mark.parametrize("npu", FAMILIES)
@pytest.mark.parametrize("side", range(4))
def test_the_widest_padding_is_what_registers_hold(npu: str, side: int) -> None:
    widest = MAX_PAD_BEHIND if side % 2 else MAX_PAD_BEFORE
    pads = [0] * 4
    pads[side] = widest
    program, op = padded((pads[0], pads[1], pads[2], pads[3]))
    assert registers(program, npu) == tuple(pads)
    assert why_not(op, npu) is None
    # With one more, the stream has another padding. Vela does not report it, so the table does.
    pads[side] += 1
    program, op = padded((pads[0], pads[1], pads[2], pads[3]))
    assert registers(program, npu) != tuple(pads)
    assert "is too wide: 127 before and 255 behind at most" in (why_not(op, npu) or "")
