"""Delegates as flatbuffers: Vela compiles them, and wrong ones are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tosa_serializer as ts
from xdsl.dialects.test import TestOp

from cmopt.codegen.tosa_flatbuffer import serialize
from cmopt.codegen.vela import compile_stream
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.parsing import make_context, parse_module
from cmopt.support.diagnostics import CompileError
from cmopt.support.targets import NPUS

I8, I16 = "tensor<1x2x2x3xi8>", "tensor<1x2x2x3xi16>"


def delegate(body: str, outputs: str) -> DelegateOp:
    """A delegate of two inputs %a and %b whose region is `body`; it yields `outputs`."""
    types = ", ".join([I8] * (outputs.count("%")))
    text = f"""
    func.func @forward(%in0: {I8}, %in1: {I8}) {{
      %0:{outputs.count("%")} = ethos_u.delegate "ethos-u55-128"(%in0, %in1) {{
      ^bb0(%a: {I8}, %b: {I8}):
        {body}
        ethos_u.yield {outputs} : {types}
      }} : ({I8}, {I8}) -> ({types})
      return
    }}"""
    module = parse_module(make_context(), text)
    module.verify()
    return next(op for op in module.walk() if isinstance(op, DelegateOp))


def reverse(name: str, of: str, axis: int = 1) -> str:
    """One op of a region."""
    return f"%{name} = tosa.reverse %{of} {{axis = {axis} : i32}} : ({I8}) -> {I8}\n"


def test_interface_is_in_order_and_constants_are_kept() -> None:
    sizes = (
        "%s = tosa.const_shape {values = dense<[12, 1]> : tensor<2xindex>} : () -> !tosa.shape<2>"
    )
    weights = (
        '%w = "tosa.const"() <{values = dense<7> : tensor<1x1x2x3xi8>}> : () -> tensor<1x1x2x3xi8>'
    )
    joined = (
        "%j = tosa.concat %b, %w {axis = 1 : i32} : "
        "(tensor<1x2x2x3xi8>, tensor<1x1x2x3xi8>) -> tensor<1x3x2x3xi8>"
    )
    text = f"""
    func.func @forward(%in0: {I8}, %in1: {I8}) {{
      %0:2 = ethos_u.delegate "ethos-u55-128"(%in0, %in1) {{
      ^bb0(%a: {I8}, %b: {I8}):
        {sizes}
        {weights}
        {joined}
        %r = tosa.reshape %a, %s : ({I8}, !tosa.shape<2>) -> tensor<12x1xi8>
        %t = tosa.reverse %r {{axis = 0 : i32}} : (tensor<12x1xi8>) -> tensor<12x1xi8>
        ethos_u.yield %j, %t : tensor<1x3x2x3xi8>, tensor<12x1xi8>
      }} : ({I8}, {I8}) -> (tensor<1x3x2x3xi8>, tensor<12x1xi8>)
      return
    }}"""
    module = parse_module(make_context(), text)
    module.verify()
    op = next(op for op in module.walk() if isinstance(op, DelegateOp))
    flatbuffer = serialize(op)
    stream = compile_stream(flatbuffer, NPUS["ethos-u55-128"])
    assert [t.nbytes for t in stream.inputs] == [12, 12]
    assert [t.shape[2:] for t in stream.outputs] == [(1, 3, 2, 3), (1, 1, 12, 1)]
    assert stream.outputs[0].nbytes == 18
    assert np.full(6, 7, np.int8).tobytes() in flatbuffer


def test_names_are_the_values_own_and_unique() -> None:
    op = delegate(reverse("y", "a") + reverse("z", "b", 2), "%y, %z")
    for value in (*op.body.block.args, *(v for inner in op.body.block.ops for v in inner.results)):
        value.name_hint = "same"
    flatbuffer = serialize(op)
    assert all(f"\0same{n}\0".encode() in flatbuffer for n in ("", "_1", "_2", "_3"))


def test_what_no_output_needs_is_left_out() -> None:
    kept = reverse("y", "a") + reverse("z", "b", 2)
    assert serialize(delegate(kept + reverse("dead", "y"), "%y, %z")) == serialize(
        delegate(kept, "%y, %z")
    )


@pytest.mark.parametrize(
    "body, outputs, message",
    [
        (reverse("y", "a"), "%y", "input 1 is not needed for any output: Vela would omit it"),
        (reverse("y", "b") + reverse("z", "a"), "%y", "input 0 is not needed for any output"),
        (reverse("y", "a"), "%y, %b", "input 1 is not needed"),
        (reverse("y", "a") + reverse("z", "b"), "%y, %z, %b", "output 2 is an input"),
        (reverse("y", "a") + reverse("z", "b"), "%y, %z, %y", "outputs 0 and 2 are the same value"),
        (
            f'%c = "tosa.const"() <{{values = dense<7> : {I8}}}> : () -> {I8}\n'
            + reverse("y", "a") + reverse("z", "b"),
            "%y, %c, %z",
            "output 1 is a constant",
        ),
    ],
)  # fmt: skip
def test_arguments_that_would_shift_are_refused(body: str, outputs: str, message: str) -> None:
    with pytest.raises(CompileError, match=rf"'ethos_u.delegate' op {message}"):
        serialize(delegate(body, outputs))


def test_a_foreign_op_is_refused() -> None:
    op = delegate(reverse("y", "a") + reverse("z", "b"), "%y, %z")
    foreign = TestOp(operands=[op.body.block.args[0]], result_types=[op.body.block.args[0].type])
    op.body.block.insert_op_before(foreign, op.end)
    op.end.operands[0] = foreign.results[0]
    with pytest.raises(CompileError, match=r"'test.op' op has no TOSA operator"):
        serialize(op)


def test_a_type_without_a_name_is_refused() -> None:
    text = f"""
    func.func @forward(%x: {I8.replace("i8", "f32")}) {{
      %0 = ethos_u.delegate "ethos-u55-128"(%x) {{
      ^bb0(%a: {I8.replace("i8", "f32")}):
        {reverse("y", "a").replace("i8", "f32")}
        ethos_u.yield %y : {I8.replace("i8", "f32")}
      }} : ({I8.replace("i8", "f32")}) -> {I8.replace("i8", "f32")}
      return
    }}"""
    module = parse_module(make_context(), text)
    op = next(op for op in module.walk() if isinstance(op, DelegateOp))
    with pytest.raises(CompileError, match="has an element type that TOSA lacks"):
        serialize(op)


def test_the_version_is_1_0(tmp_path: Path) -> None:
    """The serializer's default is a draft of 1.1."""
    file = tmp_path / "graph.tosa"
    file.write_bytes(serialize(delegate(reverse("y", "a") + reverse("z", "b"), "%y, %z")))
    graph = ts.TosaSerializer("")
    graph.loadTosaFlatbuffer(str(file))
    assert graph.getGraphTosaVersion().to_string() == "1.0.0"
