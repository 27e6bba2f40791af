"""Where in the user's model a node of an exported program comes from."""

from __future__ import annotations

import os
import re
import sysconfig
from collections.abc import Callable, Iterable
from functools import lru_cache

import torch
from torch.fx import Graph, Node
from xdsl.dialects.builtin import (
    FileLineColLoc,
    IntAttr,
    NameLoc,
    StringAttr,
    UnknownLoc,
)

_FRAME = re.compile(r'^\s*File "(?P<file>[^"\n]+)", line (?P<line>\d{1,9})', re.MULTILINE)

# Packages whose frames are not the user's code.
_FRAMEWORK = ("torch", "torchao", "executorch")
# ... but these parts of them are models like the user's.
_MODELS = (os.path.join("executorch", "examples"),)

_META = ("stack_trace", "nn_module_stack")


_SITES = {
    sysconfig.get_path("purelib"),
    sysconfig.get_path("platlib"),
    os.path.dirname(os.path.dirname(torch.__file__)),
}
"""Where packages are installed; torch may be in another folder of the path than the others."""


def _is_users(file: str) -> bool:
    if file.startswith("<"):
        return False
    for site in _SITES:
        if file.startswith(site + os.sep):
            inside = file[len(site) + 1 :]
            if inside.startswith(_MODELS):
                return True
            return inside.split(os.sep)[0] not in _FRAMEWORK
    return True


def source_line(node: Node) -> tuple[str, int] | None:
    """File and line of the innermost frame in the user's code, the file relative to the working
    directory if it lies there; None if the node has no such frame."""
    return _line_of_trace(node.meta.get("stack_trace") or "")


@lru_cache(maxsize=4096)
def _line_of_trace(trace: str) -> tuple[str, int] | None:
    for file, line in reversed(_FRAME.findall(trace)):
        if _is_users(file):
            relative = os.path.relpath(file)
            return (file if relative.startswith(os.pardir) else relative), int(line)
    return None


def location_in_trace(trace: str) -> FileLineColLoc | None:
    """The innermost frame in the user's code of a stack trace, as a location."""
    found = _line_of_trace(trace)
    return None if found is None else _file_line(*found)


def _file_line(file: str, line: int) -> FileLineColLoc:
    return FileLineColLoc(StringAttr(file), IntAttr(line), IntAttr(0))


def module_stack(node: Node) -> list[str]:
    """Dotted paths of the modules the node was traced in, from the outermost, which is "", on."""
    paths = []
    for entry in (node.meta.get("nn_module_stack") or {}).values():
        name, kind = entry if isinstance(entry, tuple) else (entry, "")
        kind = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
        # A program exported twice has the exporter's own wrapper module on the stack.
        if not kind.startswith("torch.export."):
            path = re.sub(r"^L\['self'\]\.?", "", str(name))
            paths.append(path.replace("['", "").replace("']", ""))
    return paths


def module_path(node: Node) -> str:
    """Dotted path of the innermost module the node was traced in; "" for the outermost."""
    return next(reversed(module_stack(node)), "")


def _has_source(node: Node) -> bool:
    return source_line(node) is not None or module_path(node) != ""


def location(node: Node, source: Node | None = None) -> NameLoc:
    """`NameLoc(module path or else node name, file:line)`, as far as these are known.

    source: the node to take the line and module from; by default `node` itself.
    """
    source = source or node
    label = StringAttr(module_path(source) or node.name)
    found = source_line(source)
    if found is None:
        return NameLoc(label, UnknownLoc())
    return NameLoc(label, _file_line(*found))


def source_nodes(graph: Graph) -> dict[Node, Node]:
    """For each call, the node whose source location it has: itself, or else a neighbour.

    Conversions between float and integer have no line of the user's code. A quantize belongs to the
    node it quantizes; a dequantize, or a quantize of an input, belongs to its user.
    """
    calls = [node for node in graph.nodes if node.op == "call_function"]
    found = {node: node for node in calls if _has_source(node)}

    def fill(nodes: Iterable[Node], neighbours: Callable[[Node], Iterable[Node]]) -> None:
        for node in nodes:
            if node not in found:
                near = next((found[n] for n in neighbours(node) if n in found), None)
                if near is not None:
                    found[node] = near

    def inputs(node: Node) -> Iterable[Node]:
        return node.all_input_nodes

    fill(calls, inputs)
    fill(reversed(calls), lambda node: node.users)
    fill(calls, inputs)
    return found


def spread_source_locations(graph: Graph) -> None:
    """Write into the meta data of each call what `source_nodes` says, in place."""
    for node, source in source_nodes(graph).items():
        if node is not source:
            node.meta.update({k: v for k in _META if (v := source.meta.get(k)) is not None})
