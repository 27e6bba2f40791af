"""Which nodes of an FX graph write into a tensor that another node may see.

An exported graph that is not functional may hold in-place operators (`aten.add_`) and views.
The answers come from the operators' schemas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from torch.fx import Graph, Node

from cmopt.frontend.overloads import is_getitem, overload, overload_name
from cmopt.frontend.upstream import arguments_of

# Operators whose schema says that they write to their input, although they change no element.
_WRITE_NOTHING = {"aten.detach_.default"}
# Operators that may return their input itself although their schema does not say so.
_IDENTITIES = {f"aten.{n}.default" for n in ("dropout", "feature_dropout", "alpha_dropout")}


# Operators that write to their input only in training, which is their argument of this number.
_IN_TRAINING = {
    f"aten.{n}_.default": 2
    for n in ("alpha_dropout", "dropout", "feature_alpha_dropout", "feature_dropout")
}

# Operators that update running statistics if a flag is set, which their schema does not say.
_STATISTICS = {f"aten.{n}.default": (3, 4) for n in ("batch_norm", "instance_norm")}
_FLAG = 5


def _tensor_arguments(node: Node) -> Iterator[tuple[Any, Node]]:
    """Pairs of (schema argument, node given for it); a list of nodes gives a pair for each."""
    target = overload(node)
    if target is None:
        return
    for index, argument in enumerate(arguments_of(target)):
        value = node.args[index] if index < len(node.args) else node.kwargs.get(argument.name)
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, Node):
                yield argument, item


def written_nodes(node: Node) -> list[Node]:
    """The argument nodes whose elements `node` changes in place."""
    target = overload(node)
    if target is None or overload_name(target) in _WRITE_NOTHING:
        return []
    if overload_name(target) in _IN_TRAINING and not node.args[_IN_TRAINING[overload_name(target)]]:
        return []
    if overload_name(target) in _STATISTICS:
        given = [node.args[i] for i in _STATISTICS[overload_name(target)] if node.args[_FLAG]]
        return [statistic for statistic in given if isinstance(statistic, Node)]
    return [
        given
        for argument, given in _tensor_arguments(node)
        if argument.alias_info is not None and argument.alias_info.is_write
    ]


def viewed_nodes(node: Node) -> list[Node]:
    """The argument nodes whose memory the result of `node` may share."""
    if is_getitem(node):
        return [argument for argument in node.args if isinstance(argument, Node)]
    target = overload(node)
    if target is None:
        return []
    if overload_name(target) in _IDENTITIES:
        return [node.all_input_nodes[0]]
    return [given for argument, given in _tensor_arguments(node) if argument.alias_info is not None]


def storage_sets(
    graph: Graph, bases: Callable[[Node], Iterable[Node]] = viewed_nodes
) -> dict[Node, set[Node]]:
    """For every node the set of nodes, itself included, that may share its memory.

    bases: the argument nodes whose memory the result of a node may share.
    """
    sets: dict[Node, set[Node]] = {}
    for node in graph.nodes:
        merged = {node}
        for base in bases(node):
            merged |= sets[base]
        for member in merged:
            sets[member] = merged
    return sets


def live_nodes(graph: Graph, sets: dict[Node, set[Node]], results: Iterable[Node]) -> set[Node]:
    """The nodes that `results` depend on, by an argument or by memory that is read after a write.

    sets: the graph's storage sets.
    """
    live: set[Node] = set()
    read: set[Node] = set()

    def needs(node: Node) -> None:
        live.add(node)
        if node not in read:
            read.update(sets[node])

    for node in results:
        needs(node)
    for node in reversed(graph.nodes):
        written = written_nodes(node)
        if node in live or not read.isdisjoint(written):
            live.add(node)
            for argument in node.all_input_nodes:
                needs(argument)
    return live


def writes_escape(graph: Graph) -> bool:
    """Whether an in-place operator changes the memory of another node that is read later.

    Other names of the written node itself do not count. If no write escapes, each later use of the
    written node can be read as a use of the result. Writes to placeholders always escape.
    """
    if not any(written_nodes(node) for node in graph.nodes):
        return False
    sets = storage_sets(graph)
    if any(t.op == "placeholder" for n in graph.nodes for w in written_nodes(n) for t in sets[w]):
        return True
    return bool(escaping_writes(graph, sets))


def escaping_writes(graph: Graph, sets: dict[Node, set[Node]]) -> set[Node]:
    """The in-place operators that change the memory of another node that is read later."""
    found = set()
    order = {node: index for index, node in enumerate(graph.nodes)}
    # For each in-place result, the node of which it is another name.
    origin: dict[Node, Node] = {}
    for node in graph.nodes:
        written = written_nodes(node)
        origin[node] = origin[written[0]] if written else node
        for target in written:
            for other in sets[target]:
                is_other_form = order[other] < order[node] and origin[other] is not origin[target]
                if is_other_form and any(order[user] > order[node] for user in other.users):
                    found.add(node)
    return found
