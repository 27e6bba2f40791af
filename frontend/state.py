"""Find and refuse programs that change an input or a buffer: the device keeps no state.

A quantizer hides such a write: `h.copy_(y)` becomes a write to a dequantized copy of `h`, which
nothing reads. To find it, the written value is followed back to the origin of its memory.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind
from torch.fx import Node
from torch.utils._pytree import tree_leaves
from xdsl.dialects.builtin import NameLoc

from cmopt.frontend.aliasing import viewed_nodes, written_nodes
from cmopt.frontend.locations import location, source_nodes
from cmopt.frontend.operators import FUNCTIONS_OF_ELEMENTS
from cmopt.frontend.overloads import is_getitem, operator_name, overload, overload_name
from cmopt.support.diagnostics import CompileError, warn

_KINDS: dict[object, str] = {
    InputKind.USER_INPUT: "input",
    InputKind.BUFFER: "buffer",
    InputKind.PARAMETER: "parameter",
    InputKind.CONSTANT_TENSOR: "buffer",
    OutputKind.BUFFER_MUTATION: "buffer",
    OutputKind.USER_INPUT_MUTATION: "input",
    getattr(OutputKind, "PARAMETER_MUTATION", None): "parameter",
}
# The names that PT2E and torch.export give to tensors whose own name they have lost.
_MADE_UP = re.compile(r"(.*\.)?_(deduplicated_get_attr_|frozen_param|tensor_constant)")


def is_function_of_input(node: Node) -> bool:
    """Whether a node calls an in-place elementwise function on an input that nothing else reads.

    Such a call is treated as a call of the ordinary function: nothing in the program sees the
    write, and the device does not do it.
    """
    target = overload(node)
    if target is None or operator_name(node) not in FUNCTIONS_OF_ELEMENTS:
        return False
    # Not pow_, which has no overload "default": it takes two tensors, or a number.
    if not overload_name(target).endswith("_.default"):
        return False
    value: Any = node.args[0]
    reader = node
    while isinstance(value, Node) and set(value.users) == {reader}:
        if value.op == "placeholder":
            return True
        if getattr(overload(value), "namespace", "") != "quantized_decomposed":
            return False
        value, reader = value.args[0], value
    return False


def make_functions_functional(program: ExportedProgram) -> ExportedProgram:
    """The program with ordinary functions instead of those that write to an input; warns of each.

    The given program is not changed. It is returned if it has no such function.
    """
    if not any(_writes_to_input(node) for node in program.graph.nodes):
        return program
    program = copy.deepcopy(program)
    sources = source_nodes(program.graph)
    for node in program.graph.nodes:
        if not _writes_to_input(node):
            continue
        name = operator_name(node)
        node.target = getattr(torch.ops.aten, name).default
        warn(
            f"{name}_ changes the input {node.args[0].name!r} in place; the compiled program "
            "leaves it unchanged",
            location=location(node, sources.get(node)),
        )
    program.graph_module.recompile()
    return program


def _writes_to_input(node: Node) -> bool:
    """Whether this is a function of an input that writes to the input itself, not to a copy."""
    return is_function_of_input(node) and getattr(node.args[0], "op", "") == "placeholder"


def refuse_state(program: ExportedProgram) -> None:
    """Raise CompileError, at the user's line, if the program changes an input, buffer or parameter.

    Finds writes that the signature declares and in-place operators, also through views and in a
    program that has been quantized. Calls for which `is_function_of_input` holds are not writes.
    """
    signature = program.graph_signature
    nodes = {node.name: node for node in program.graph.nodes}
    for output in signature.output_specs:
        if output.kind in _KINDS:
            name = getattr(output.arg, "name", "")
            raise _error(program, nodes.get(name), _KINDS[output.kind], output.target)
    inputs = {spec.arg.name: spec for spec in signature.input_specs}
    for node in program.graph.nodes:
        if is_function_of_input(node):
            continue
        for written in written_nodes(node):
            for origin in _origins(written):
                spec = inputs.get(origin.name)
                if spec is not None and spec.kind in _KINDS:
                    name = spec.target or origin.name
                    raise _error(program, node, _KINDS[spec.kind], name)


def _error(
    program: ExportedProgram, writer: Node | None, kind: str, name: str | None
) -> CompileError:
    where: NameLoc | None = None
    if writer is not None:
        where = location(writer, source_nodes(program.graph).get(writer))
    if name is None or _MADE_UP.match(name):
        what = f"a {kind} of the model"
    else:
        what = f"its {kind} {name!r}"
    hint = "pass state as an input and return it as an output"
    if kind == "input":
        hint = (
            "return the new value as an output; if only the model itself reads it, write to a "
            f"copy instead: {name}.clone()"
        )
    return CompileError(
        f"state is not supported yet: the program changes {what}", location=where, hint=hint
    )


def _origins(node: Node) -> Iterator[Node]:
    """The placeholders whose memory a node has, or had before the program was quantized."""
    seen, open = {node}, [node]
    while open:
        current = open.pop()
        if current.op == "placeholder":
            yield current
        for base in _bases(current):
            if base not in seen:
                seen.add(base)
                open.append(base)


def _bases(node: Node) -> list[Node]:
    """The operands whose memory the result of a node shares, ignoring quantization."""
    target = overload(node)
    if is_getitem(node):
        return viewed_nodes(node)
    if target is None:
        return []
    if target.namespace == "quantized_decomposed":
        return node.all_input_nodes[:1]
    return written_nodes(node) or [n for n in node.all_input_nodes if _shares(target, node, n)]


def _shares(target: Any, node: Node, operand: Node) -> bool:
    """Whether the result has the memory of an operand; a schema only says that it may."""
    given = operand.meta.get("val")
    if not isinstance(given, torch.Tensor):
        return False
    try:
        args, kwargs = torch.fx.map_arg((node.args, node.kwargs), lambda n: n.meta["val"])
        with torch.no_grad():
            results = tree_leaves(target(*args, **kwargs))
    except Exception:  # an operator that cannot run on tensors without data
        return operand in viewed_nodes(node)
    return any(
        isinstance(r, torch.Tensor) and r.untyped_storage() is given.untyped_storage()
        for r in results
    )
