"""Delegates made by a `RegionBuilder`, before and after a pass over their regions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from xdsl.ir import Block, SSAValue

from cmopt.codegen.tosa_flatbuffer import serialize
from cmopt.codegen.vela import OpFigures, compile_stream
from cmopt.dialects import tosa
from cmopt.interpreters.run import run_module
from cmopt.lowering.tosa.builder import RegionBuilder
from cmopt.support.targets import NPUS

sys.path.insert(0, str(Path(__file__).parent))
from tosa_programs import I8, I32, Program, reference

SHAPE = (2, 3, 4, 5)


class Graph(Program):
    """A delegate that a `RegionBuilder` makes, with random inputs."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = np.random.default_rng(seed)
        self.build = RegionBuilder()
        self.build.block = self.block

    def source(self, shape: Sequence[int] = SHAPE) -> SSAValue:
        """A new input."""
        return self.input(self.random.integers(-128, 128, shape), I8)

    def table(self, value: SSAValue) -> SSAValue:
        """A random function."""
        return self.build.table(value, self.random.integers(-128, 128, 256).astype(np.int8))

    def sum(self, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        """Half of the sum of two int8 values of one rank."""
        wide = (self.build.rescale(value, 1.0, to=I32) for value in (lhs, rhs))
        return self.build.rescale(self.build.arithmetic(tosa.AddOp, *wide), 0.5)

    def operations(self) -> tuple[OpFigures, ...]:
        """Vela's operations."""
        return compile_stream(serialize(self.delegate), NPUS["ethos-u55-128"]).figures.ops

    def changed(self, change: Callable[[Block], None], *outputs: SSAValue
                ) -> tuple[tuple[OpFigures, ...], tuple[OpFigures, ...]]:  # fmt: skip
        """Check that a change keeps all values; Vela's operations before and after it."""
        self.finish(*outputs)
        expected = run_module(self.module, self.values)
        before = self.operations()
        change(self.block)
        self.module.verify()
        known = reference(self.delegate, self.values)
        assert known is not None, "the reference model refuses the program"
        for results in (run_module(self.module, self.values), known):
            for value, wanted in zip(results, expected, strict=True):
                np.testing.assert_array_equal(value, wanted)
        return before, self.operations()
