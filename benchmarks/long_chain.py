"""Seconds that each pass takes for a program and one twice as long, to see if its time is linear.

    python benchmarks/long_chain.py [--ops N] [--target TARGET] [--io IO]

The program is a chain of N convolutions, relus and adds (a third each) with skip connections. As in
the importer's output, a quantize and a dequantize are between any two. The program is written as
text, parsed, and run through the passes of every stage. Times are CPU seconds of this process. A
ratio near 2 is linear. Times below 0.05 s are too short to compare.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict

from rich.console import Console
from rich.table import Table
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cmopt.dialects.parsing import make_context, parse_module
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.pipeline.stages import stage_pipelines
from cmopt.support.collection import collection_paused
from cmopt.support.diagnostics import verify

TENSOR = "tensor<1x4x8x8xf32>"
QUANTIZED = "tensor<1x4x8x8x!quant.uniform<i8:f32, 0.05:-3>>"
WEIGHTS = "tensor<4x4x3x3xf32>"
QUANTIZED_WEIGHTS = "tensor<4x4x3x3x!quant.uniform<i8<-127:127>:f32:0, {0.01, 0.02, 0.03, 0.04}>>"
WINDOW = "stride = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, dilation = array<i64: 1, 1>"


def chain(ops: int) -> str:
    """The text of a chain of about `ops` ops, not counting constants and casts."""
    lines = [f"func.func @forward(%x: {TENSOR}) -> {TENSOR} {{"]

    def rounded(value: str) -> str:
        lines.append(f"{value}_q = quant.qcast {value} : {TENSOR} to {QUANTIZED}")
        lines.append(f"{value}_d = quant.dcast {value}_q : {QUANTIZED} to {TENSOR}")
        return f"{value}_d"

    skipped = rounded("%x")
    for i in range(ops // 3):
        weight = f'dense<"0x{bytes((i * 31 + k) % 251 for k in range(144)).hex()}">'
        lines += [
            f"%w{i} = arith.constant {weight} : tensor<4x4x3x3xi8>",
            f"%wq{i} = quant.scast %w{i} : tensor<4x4x3x3xi8> to {QUANTIZED_WEIGHTS}",
            f"%wd{i} = quant.dcast %wq{i} : {QUANTIZED_WEIGHTS} to {WEIGHTS}",
            f"%b{i} = arith.constant dense<[1.0, 2.0, 3.0, {i}.0]> : tensor<4xf32>",
            f"%c{i} = edge.conv2d {skipped}, %wd{i}, %b{i} {{{WINDOW}, groups = 1 : i64}} : "
            f"({TENSOR}, {WEIGHTS}, tensor<4xf32>) -> {TENSOR}",
        ]
        # The quantizer puts nothing between a convolution and its relu.
        lines.append(f"%r{i} = edge.relu %c{i} : ({TENSOR}) -> {TENSOR}")
        added = f"%a{i} = edge.add {rounded(f'%r{i}')}, {skipped} : "
        lines.append(f"{added}({TENSOR}, {TENSOR}) -> {TENSOR}")
        skipped = rounded(f"%a{i}")
    return "\n".join([*lines, f"func.return {skipped} : {TENSOR}", "}"])


class Clock:
    """Adds up CPU seconds by stage and pass."""

    def __init__(self) -> None:
        self.seconds: dict[tuple[str, str], float] = defaultdict(float)
        self.stage = ""
        self._start = time.process_time()

    def before(self, pass_: ModulePass, module: ModuleOp) -> None:
        self._start = time.process_time()

    def after(self, pass_: ModulePass, module: ModuleOp, seconds: float) -> None:
        self.lap(pass_.name)

    def lap(self, name: str) -> None:
        """Add the time since the last call to that of `name`."""
        now = time.process_time()
        self.seconds[self.stage, name] += now - self._start
        self._start = now


def measure(ops: int, target: str, io: str) -> dict[tuple[str, str], float]:
    """Seconds by stage and step, for a chain of `ops` ops."""
    clock = Clock()
    text, ctx = chain(ops), make_context()
    clock.lap("generate")
    module = parse_module(ctx, text)
    clock.lap("parse")
    # As in the driver.
    with collection_paused():
        for clock.stage, pipeline in stage_pipelines(target, io).items():
            original, passes = module, parse_pipeline(pipeline)
            module = original.clone()
            clock.lap("copy")
            run_passes(ctx, module, passes, verify_each=False, observer=clock, original=original)
            verify(module)
            clock.lap("verify")
    return clock.seconds


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ops", type=int, default=4000, metavar="N")
    parser.add_argument("--target", default="cortex-m55")
    parser.add_argument("--io", default="float")
    args = parser.parse_args()
    measure(30, args.target, args.io)  # A first run, for the imports.
    small, large = (measure(n, args.target, args.io) for n in (args.ops, 2 * args.ops))
    table = Table("stage", "step", f"{args.ops} ops, s", f"{2 * args.ops} ops, s", "ratio")
    for column in table.columns[2:]:
        column.justify = "right"
    for stage, name in small:
        one, two = small[stage, name], large[stage, name]
        table.add_row(stage, name, f"{one:.2f}", f"{two:.2f}", f"{two / max(one, 1e-6):.2f}")
    for stages in (("",), ("edge", "quantized"), ("layout", "ethos_u", "cortex_m", "planned")):
        one, two = (sum(s for (g, _), s in m.items() if g in stages) for m in (small, large))
        table.add_row("+".join(stages), "all", f"{one:.2f}", f"{two:.2f}", f"{two / one:.2f}")
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
