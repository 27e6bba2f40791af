"""Ctrl-C after a compilation raises KeyboardInterrupt, as before it."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import signal
from cmopt.dialects.parsing import make_context
from cmopt.pipeline.passes import parse_pipeline, run_passes
from xdsl.parser import Parser

# A shell starts background processes with the signal ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
before = signal.getsignal(signal.SIGINT)
text = '''
!t = !quant.uniform<i8:f32, 5.0e-02:-3>
func.func @forward(%x: tensor<1x4x4x2x!t>) -> tensor<1x2x4x4x!t> {
  %p = edge.permute %x {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x4x4x2x!t>) -> tensor<1x2x4x4x!t>
  %y = edge.relu %p : (tensor<1x2x4x4x!t>) -> tensor<1x2x4x4x!t>
  func.return %y : tensor<1x2x4x4x!t>
}'''
ctx = make_context()
run_passes(ctx, Parser(ctx, text).parse_module(), parse_pipeline("choose-layouts"))
import ortools  # the pass has loaded and run it
assert signal.getsignal(signal.SIGINT) is before
try:
    signal.raise_signal(signal.SIGINT)
    for _ in range(1000):
        pass
    print("nothing")
except KeyboardInterrupt:
    print("KeyboardInterrupt")
"""


def test_the_solver_leaves_the_signal_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout == "KeyboardInterrupt\n", done.stderr
    assert done.returncode == 0
