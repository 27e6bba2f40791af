"""Reading and building the FX graph that is about to be annotated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch.fx import Graph, GraphModule, Node

from cmopt.frontend.overloads import overload
from cmopt.frontend.upstream import arguments_of

Rewrite: TypeAlias = Callable[[GraphModule, Node], Node | tuple[Node, ...] | None]
"""Inserts nodes that compute the same as a node. Returns their result or results, or None: the node
stays."""


def attribute_of(module: GraphModule, node: object) -> torch.Tensor | None:
    """The value of a constant node, else None."""
    if not isinstance(node, Node) or node.op != "get_attr":
        return None
    value: object = module
    for name in str(node.target).split("."):
        value = getattr(value, name)
    return value.detach() if isinstance(value, torch.Tensor) else None


def constant_of(module: GraphModule, node: object) -> torch.Tensor | None:
    """The value of a float constant node, else None."""
    value = attribute_of(module, node)
    return value if value is not None and value.dtype.is_floating_point else None


def filled_arguments(node: Node) -> list[Any]:
    """All arguments of a call, in the order of its schema, with the schema's defaults."""
    target = overload(node)
    assert target is not None, f"{node} does not call an operator"
    return [
        node.args[i] if i < len(node.args) else node.kwargs.get(a.name, a.default_value)
        for i, a in enumerate(arguments_of(target))
    ]


def insert(graph: Graph, like: Node, target: Callable[..., object], *args: Any) -> Node:
    """A call with the source location of `like`, at the graph's insertion point."""
    node = graph.call_function(target, args)
    node.meta = {k: v for k, v in like.meta.items() if k != "from_node"}
    node.meta["val"] = target(*torch.fx.node.map_arg(args, lambda n: n.meta["val"]))
    return node


def insert_constant(
    module: GraphModule, like: Node, value: torch.Tensor, prefix: str = "_derived_constant_"
) -> Node:
    """A new buffer of the module, with the source location of `like`. prefix: of its name."""
    index = 0
    while hasattr(module, name := f"{prefix}{index}"):
        index += 1
    module.register_buffer(name, value)
    node = module.graph.get_attr(name)
    shown = like.meta["val"]
    mode = (shown[0] if isinstance(shown, tuple | list) else shown).fake_mode
    node.meta = {k: v for k, v in like.meta.items() if k != "from_node"}
    node.meta["val"] = mode.from_tensor(value, static_shapes=True)
    return node


def insert_number(module: GraphModule, like: Node, value: float, rank: int) -> Node:
    """A new buffer of `rank` dimensions with one number in it."""
    return insert_constant(module, like, torch.full((1,) * rank, float(value)))


def multiplied(module: GraphModule, like: Node, value: Any, factor: Any) -> Node:
    """`value * factor`; itself if the factor is 1."""
    operand: Node = value
    if factor == 1:
        return operand
    number = insert_number(module, like, factor, value.meta["val"].dim())
    return insert(module.graph, like, torch.ops.aten.mul.Tensor, operand, number)


def finish_rewrite(module: GraphModule) -> None:
    """Drop what a rewrite has left without readers, check the graph, and compile it."""
    module.graph.eliminate_dead_code()
    module.graph.lint()
    module.recompile()
