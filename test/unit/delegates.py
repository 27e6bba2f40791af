"""Small programs of the cortex_m stage that call the NPU, and their delegates."""

from __future__ import annotations


def delegate(result: str, operands: str, arguments: str, types: str, body: str, results: str,
             npu: str = "ethos-u55-128") -> str:  # fmt: skip
    """A delegate over `operands` (outside) as `arguments` (inside, typed)."""
    return (
        f'{result} = ethos_u.delegate "{npu}"({operands}) {{\n^bb0({arguments}):\n{body}\n}} '
        f": ({types}) -> {results}"
    )


def turned(result: str, operand: str, npu: str = "ethos-u55-128") -> str:
    """A delegate that exchanges height and width of a [1, 4, 6, 8] tensor."""
    body = """
      %r = tosa.transpose %a {perms = array<i32: 0, 2, 1, 3>}
        : (tensor<1x4x6x8xi8>) -> tensor<1x6x4x8xi8>
      ethos_u.yield %r : tensor<1x6x4x8xi8>"""
    shape = "tensor<1x4x6x8xi8>"
    return delegate(result, operand, f"%a: {shape}", shape, body, "tensor<1x6x4x8xi8>", npu)


def reversed_elements(type: str, npu: str = "ethos-u55-128") -> str:
    """A delegate that reverses the first dimension of an operand of any type."""
    body = f"""
      %r = tosa.reverse %a {{axis = 0 : i32}} : ({type}) -> {type}
      ethos_u.yield %r : {type}"""
    return delegate("%y", "%x", f"%a: {type}", type, body, type, npu)


TWO_AND_TWO = delegate(
    "%p, %q",
    "%x, %z",
    "%a: tensor<5x12xi8>, %b: tensor<5x20xi8>",
    "tensor<5x12xi8>, tensor<5x20xi8>",
    """
      %j = tosa.concat %a, %b {axis = 1 : i32}
        : (tensor<5x12xi8>, tensor<5x20xi8>) -> tensor<5x32xi8>
      %r = tosa.reverse %b {axis = 0 : i32} : (tensor<5x20xi8>) -> tensor<5x20xi8>
      ethos_u.yield %j, %r : tensor<5x32xi8>, tensor<5x20xi8>""",
    "(tensor<5x32xi8>, tensor<5x20xi8>)",
)
"""Two operands and two results, all of different shapes."""


def function(arguments: str, body: str, results: str, values: str = "%y") -> str:
    """The text of a module with one function."""
    returned = results if results.startswith("(") else f"({results})"
    types = returned[1:-1]
    return (
        f"func.func @forward({arguments}) -> {returned} {{\n{body}\n"
        f"func.return {values} : {types}\n}}"
    )


TURN = function("%x: tensor<1x4x6x8xi8>", turned("%y", "%x"), "tensor<1x6x4x8xi8>")

TWO = function(
    "%x: tensor<5x12xi8>, %z: tensor<5x20xi8>",
    TWO_AND_TWO,
    "(tensor<5x32xi8>, tensor<5x20xi8>)",
    "%p, %q",
)

VIEWS = function(
    "%x: tensor<192xi8>, %z: tensor<400xi8>",
    f"""
    %v = cortex_m.view %x : (tensor<192xi8>) -> tensor<1x4x6x8xi8>
    {turned("%t", "%v")}
    %s = cortex_m.subview %z {{offset = 200}} : (tensor<400xi8>) -> tensor<1x4x6x8xi8>
    {turned("%u", "%s")}
    %y = cortex_m.join %t, %u
      : (tensor<1x6x4x8xi8>, tensor<1x6x4x8xi8>) -> tensor<2x6x4x8xi8>""",
    "tensor<2x6x4x8xi8>",
)
"""Operands that are views and parts, and results that are joined. Both delegates are equal."""

MIXED = function(
    "%x: tensor<1x4x6x8xi8>",
    f"""
    %c = arith.constant dense<3> : tensor<1x4x6x8xi8>
    %m = cortex_m.maximum %x, %c
      : (tensor<1x4x6x8xi8>, tensor<1x4x6x8xi8>) -> tensor<1x4x6x8xi8>
    {turned("%t", "%m")}
    %y = cortex_m.minimum %t, %t
      : (tensor<1x6x4x8xi8>, tensor<1x6x4x8xi8>) -> tensor<1x6x4x8xi8>""",
    "tensor<1x6x4x8xi8>",
)
"""A delegate between two kernels, one of which reads a constant."""

IMAGE = function(
    "%x: tensor<1x3x8x8xi8>",
    delegate(
        "%y",
        "%x",
        "%a: tensor<1x3x8x8xi8>",
        "tensor<1x3x8x8xi8>",
        """
      %s = tosa.const_shape {values = dense<[1, 3, 64]> : tensor<3xindex>} : () -> !tosa.shape<3>
      %m = tosa.reshape %a, %s : (tensor<1x3x8x8xi8>, !tosa.shape<3>) -> tensor<1x3x64xi8>
      %t = tosa.transpose %m {perms = array<i32: 0, 2, 1>}
        : (tensor<1x3x64xi8>) -> tensor<1x64x3xi8>
      %i = tosa.const_shape {values = dense<[1, 8, 8, 3]> : tensor<4xindex>} : () -> !tosa.shape<4>
      %r = tosa.reshape %t, %i : (tensor<1x64x3xi8>, !tosa.shape<4>) -> tensor<1x8x8x3xi8>
      ethos_u.yield %r : tensor<1x8x8x3xi8>""",
        "tensor<1x8x8x3xi8>",
    ),
    "tensor<1x8x8x3xi8>",
)
"""A transpose of a matrix. Vela keeps the matrix, so the stream's shapes differ from the op's."""

PROGRAMS = {"turn": TURN, "image": IMAGE, "two": TWO, "views": VIEWS, "mixed": MIXED}
