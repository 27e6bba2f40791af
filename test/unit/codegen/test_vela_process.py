"""Vela runs in a separate process. However that process fails, the error has the reason."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from xdsl.parser import Parser

from cmopt.codegen import vela_process
from cmopt.codegen.tosa_flatbuffer import serialize
from cmopt.codegen.vela import compile_stream
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.parsing import make_context
from cmopt.support.diagnostics import CompileError
from cmopt.support.targets import NPUS

sys.path.insert(0, str(Path(__file__).parents[1]))
from tosa_graphs import sum_of_two
from vela_server import forked_vela

NPU = NPUS["ethos-u55-128"]

# This slice crashes Vela's process. The verifier refuses it, so it is not verified here.
SLICE_OF_FIVE_DIMENSIONS = """
%x = "test.op"() : () -> tensor<2x4x4x4x4xi8>
%d = ethos_u.delegate "ethos-u55-128"(%x) {
^bb0(%a: tensor<2x4x4x4x4xi8>):
  %s = tosa.const_shape {values = dense<0> : tensor<5xindex>} : () -> !tosa.shape<5>
  %z = tosa.const_shape {values = dense<[1, 4, 4, 4, 4]> : tensor<5xindex>} : () -> !tosa.shape<5>
  %y = tosa.slice %a, %s, %z : (tensor<2x4x4x4x4xi8>, !tosa.shape<5>, !tosa.shape<5>) -> tensor<1x4x4x4x4xi8>
  %q = tosa.const_shape {values = dense<4> : tensor<4xindex>} : () -> !tosa.shape<4>
  %r = tosa.reshape %y, %q : (tensor<1x4x4x4x4xi8>, !tosa.shape<4>) -> tensor<4x4x4x4xi8>
  %t = "tosa.const"() <{values = dense<1> : tensor<256xi8>}> : () -> tensor<256xi8>
  %u = tosa.table %r, %t : (tensor<4x4x4x4xi8>, tensor<256xi8>) -> tensor<4x4x4x4xi8>
  ethos_u.yield %u : tensor<4x4x4x4xi8>
} : (tensor<2x4x4x4x4xi8>) -> tensor<4x4x4x4xi8>
"""  # noqa: E501


def delegate() -> DelegateOp:
    module = Parser(make_context(), SLICE_OF_FIVE_DIMENSIONS).parse_module()
    return next(op for op in module.walk() if isinstance(op, DelegateOp))


@pytest.mark.parametrize("process", [nullcontext, forked_vela])
def test_a_crash_of_vela_is_an_error_about_the_op(process: Any) -> None:
    op = delegate()
    with pytest.raises(CompileError) as caught, process():
        compile_stream(serialize(op), NPU, op=op)
    assert "'ethos_u.delegate' op Vela cannot compile this for ethos-u55-128" in str(caught.value)
    assert "its process was ended by SIGSEGV" in str(caught.value)


def test_the_constraints_keep_that_op_from_vela() -> None:
    from cmopt.dialects.ethos_u import why_not

    (slice,) = (op for op in delegate().body.block.ops if op.name == "tosa.slice")
    assert why_not(slice, NPU.name) == "tosa.slice: slices have 4 dimensions at most, not 5"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("raise ImportError('no regor')", "ImportError: no regor"),
        ("import sys; sys.exit(3)", "its process ended with 3"),
        ("print('{}')", "its process wrote something else: not a message"),
    ],
)
def test_whatever_happens_there_has_a_reason(
    script: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "script.py"
    path.write_text(script)
    monkeypatch.setattr(vela_process, "__file__", str(path))
    with pytest.raises(vela_process.VelaError, match=reason):
        vela_process.run_vela("EthosU55", b"", "", "")


def test_a_forked_process_of_the_tests_gives_the_same() -> None:
    wanted = compile_stream(sum_of_two(), NPU)
    with forked_vela():
        assert compile_stream(sum_of_two(), NPU) == wanted
        with pytest.raises(CompileError, match="Vela cannot compile this"):
            compile_stream(b"....TOSA....", NPU)


def test_messages_are_whole() -> None:
    with pytest.raises(ValueError, match="a message of 4 bytes has 2"):
        vela_process.read_message(b'{"lengths": [4]}\nab')
