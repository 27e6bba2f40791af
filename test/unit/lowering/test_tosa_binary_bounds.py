"""Every pair of int8 in the functions of two tensors: most saturate, some show the last bit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cmopt.dialects import edge

sys.path.insert(0, str(Path(__file__).parents[1]))
from rules_alone import Alone, int8

EVERY = np.arange(-128, 128).astype(np.int8)


@pytest.mark.parametrize("fineness", [1.0, 1 / 8, 1 / 64])
@pytest.mark.parametrize("other", [1.0, 0.9, 0.01])
@pytest.mark.parametrize("kind", [edge.AddOp, edge.SubOp, edge.MulOp, edge.DivOp],
                         ids=lambda kind: kind.name)  # fmt: skip
def test_every_pair(kind: Any, other: float, fineness: float) -> None:
    """fineness: a step of the result, relative to the function of one step of each operand."""
    step = {edge.MulOp: other, edge.DivOp: 1 / other}.get(kind, 1.0) * fineness
    alone = Alone(0)
    lhs = alone.input((256, 1), int8(1.0, -3), EVERY.reshape(256, 1))
    rhs = alone.input((1, 256), int8(other, 5), EVERY.reshape(1, 256))
    alone.holds(alone.op(kind, [lhs, rhs], (256, 256), int8(step, 1)), 1)
