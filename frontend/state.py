"""Find what a program changes: its buffers, which are state, and inputs, which it must not change.

A quantizer hides such a write: `h.copy_(y)` becomes a write to a dequantized copy of `h`, which
nothing reads. To find it, the written value is followed back to the origin of its memory.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterator, Mapping
from itertools import compress
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind
from torch.fx import Node
from torch.utils._pytree import tree_leaves
from xdsl.dialects.builtin import NameLoc

from cmopt.frontend.aliasing import (
    escaping_writes,
    live_nodes,
    storage_sets,
    viewed_nodes,
    written_nodes,
)
from cmopt.frontend.decomposing import decomposed
from cmopt.frontend.locations import location, source_nodes
from cmopt.frontend.overloads import is_getitem, operator_name, overload, overload_name
from cmopt.frontend.structure import tensor_inputs, tensor_outputs
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


def copy_written_inputs(program: ExportedProgram) -> ExportedProgram:
    """The program with a copy of each input that it writes to, and that then only it reads.

    The compiled program leaves such an input unchanged; a warning says so. An input stays as it is,
    for `refuse_state`, if the outputs do not depend on a write to it, or if a quantizer has hidden
    the write from a later reader. The given program is not changed.
    """
    writers = _writers_of_inputs(program)
    mutated = {
        spec.arg.name: spec.target
        for spec in program.graph_signature.output_specs
        if spec.kind is OutputKind.USER_INPUT_MUTATION
    }
    if not writers and not mutated:
        return program
    graph = program.graph
    sets = storage_sets(graph, _bases)
    user = set(tensor_outputs(program))
    live = live_nodes(graph, sets, [node for node in graph.nodes if node.name in user])
    lost = escaping_writes(graph, sets) if any(map(_is_conversion, graph.nodes)) else set[Node]()
    kept = {x.name: w[0] for x, w in writers.items() if live.issuperset(w) and lost.isdisjoint(w)}
    dropped = {n.name: str(mutated[n.name]) for n in live if n.name in mutated}
    if not kept and not dropped:
        return program
    sources = source_nodes(graph)
    by_name = {node.name: node for node in graph.nodes}
    for name, writer in [*kept.items(), *((x, by_name[n]) for n, x in dropped.items())]:
        warn(
            f"{_name(writer)} changes the input {name!r} in place; the "
            "compiled program leaves it unchanged",
            location=location(writer, sources.get(writer)),
        )
    program = copy_of(program)
    for name in kept:
        _copy_input(program, name)
    _drop_mutations(program, dropped)
    program.graph_module.recompile()
    return program


def with_functional_state(program: ExportedProgram) -> ExportedProgram:
    """The program with each buffer that it changes as a result; itself if it changes none.

    A write that a quantizer has hidden stays as it is, for `refuse_state`.
    """
    buffers = {
        spec.arg.name
        for spec in program.graph_signature.input_specs
        if spec.kind is InputKind.BUFFER
    }
    sets = storage_sets(program.graph)
    written = {w for node in program.graph.nodes for w in written_nodes(node)}
    shown = {member.name for w in written for member in sets[w] if member.op == "placeholder"}
    hidden = {origin.name for w in written for origin in _origins(w)} - shown
    # PT2E has frozen what reads such a buffer.
    hidden |= {
        spec.arg.name
        for spec in program.graph_signature.input_specs
        if spec.arg.name in shown and _MADE_UP.match(spec.target or "")
    }
    if buffers.isdisjoint(shown) or not buffers.isdisjoint(hidden):
        return program
    return decomposed(program, {})


def drop_batch_counters(program: ExportedProgram) -> ExportedProgram:
    """The program without the counters of batches that batch norms keep for their training.

    A graph that was trained still has them in eval mode. No output depends on them. The given
    program is not changed; it is returned if it has no counter.
    """
    names = {
        spec.arg.name: spec.target or ""
        for spec in program.graph_signature.input_specs
        if spec.kind in (InputKind.BUFFER, InputKind.CONSTANT_TENSOR)
    }
    counters = [node.name for node in program.graph.nodes if _counts_batches(node, names)]
    if not counters:
        return program
    program = copy_of(program)
    for node in reversed(program.graph.nodes):
        if node.name in counters:
            program.graph.erase_node(node)
    program.graph_module.recompile()
    return program


def _counts_batches(node: Node, buffers: Mapping[str, str]) -> bool:
    """Whether a node adds to the counter of a batch norm, and nothing reads the result."""
    written = written_nodes(node)
    if len(written) != 1 or set(written[0].users) != {node} or node.users:
        return False
    if operator_name(node) != "add" or written[0].name not in buffers:
        return False
    kinds = [kind for _, kind in (node.meta.get("nn_module_stack") or {}).values()]
    is_of_batch_norm = bool(kinds) and "batchnorm" in str(kinds[-1])
    return is_of_batch_norm or buffers[written[0].name].endswith("num_batches_tracked")


def _writers_of_inputs(program: ExportedProgram) -> dict[Node, list[Node]]:
    """For each of the user's inputs, the nodes that write to its memory, or did before the program
    was quantized."""
    names = set(tensor_inputs(program))
    writers: dict[Node, list[Node]] = {}
    for node in program.graph.nodes:
        for written in written_nodes(node):
            for origin in _origins(written):
                if origin.name in names:
                    writers.setdefault(origin, []).append(node)
    return writers


def copy_of(program: ExportedProgram) -> ExportedProgram:
    """A copy with the same names: FX renames a node that is called `input`, like the function."""
    copied = copy.deepcopy(program)
    for node, before in zip(copied.graph.nodes, program.graph.nodes, strict=True):
        node.name = before.name
    return copied


def _copy_input(program: ExportedProgram, name: str) -> None:
    """Let all readers of an input read a copy of it, in place."""
    graph = program.graph
    placeholders = graph.find_nodes(op="placeholder")
    (given,) = (node for node in placeholders if node.name == name)
    with graph.inserting_after(placeholders[-1]):
        copied = graph.call_function(torch.ops.aten.clone.default, (given,))
    copied.meta = {key: value for key, value in given.meta.items() if key != "tensor_meta"}
    given.replace_all_uses_with(copied, delete_user_cb=lambda user: user is not copied)
    for spec in program.graph_signature.output_specs:
        if spec.arg.name == name:
            spec.arg.name = copied.name


def _drop_mutations(program: ExportedProgram, names: Collection[str]) -> None:
    """Remove those of the outputs with these names that are the new values of inputs, in place."""
    signature, output = program.graph_signature, program.graph.output_node()
    specs = [
        spec.kind is not OutputKind.USER_INPUT_MUTATION or spec.arg.name not in names
        for spec in signature.output_specs
    ]
    output.args = (tuple(compress(output.args[0], specs)),)
    signature.output_specs = list(compress(signature.output_specs, specs))


def _name(writer: Node) -> str:
    target = overload(writer)
    return writer.name if target is None else overload_name(target).split(".")[1]


def _is_conversion(node: Node) -> bool:
    """Whether a node quantizes or dequantizes."""
    return getattr(overload(node), "namespace", "") == "quantized_decomposed"


def refuse_state(program: ExportedProgram) -> None:
    """Raise CompileError, at the user's line, if the program changes an input or a parameter, or a
    buffer in a way that is not a result of it.

    Finds writes that the signature declares and in-place operators, also through views and in a
    program that has been quantized.
    """
    signature = program.graph_signature
    nodes = {node.name: node for node in program.graph.nodes}
    for output in signature.output_specs:
        if output.kind in _KINDS and output.kind is not OutputKind.BUFFER_MUTATION:
            name = getattr(output.arg, "name", "")
            raise _error(program, nodes.get(name), _KINDS[output.kind], output.target)
    inputs = {spec.arg.name: spec for spec in signature.input_specs}
    for node in program.graph.nodes:
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
    hint = "pass this value as an input and return it as an output"
    if kind == "buffer":
        hint = "export the model as it is, and quantize it with cmopt.quantize"
    if kind == "input":
        hint = (
            "return the new value as an output; what only the model itself reads may be written "
            f"to a copy: {name}.clone()"
        )
    return CompileError(
        f"the program changes {what}, and this change is lost", location=where, hint=hint
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
    if _is_conversion(node):
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
