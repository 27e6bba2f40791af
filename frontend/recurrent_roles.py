"""The types of the parts of a recurrent cell, by their roles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import torch
from torch.fx import GraphModule, Node
from torch.utils._pytree import tree_leaves

Role: TypeAlias = "str | Callable[[], Any] | None"
"""What a part is quantized to: "int8", "uint8" or "int16"; a `QuantizationSpec` of torchao, or
whatever makes an observer of its own, `MinMaxObserver.with_args(dtype=torch.int8)`."""

_RANGES: Mapping[str, tuple[torch.dtype, int, int]] = {
    "int8": (torch.int8, -128, 127),
    "uint8": (torch.uint8, 0, 255),
    "int16": (torch.int16, -(2**15), 2**15 - 1),
}


@dataclass(frozen=True)
class _Roles:
    def roles(self) -> Iterator[tuple[str, Any]]:
        """The roles that have a type of their own, and that."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "split_gates" and value is not None:
                yield field.name, value

    def __post_init__(self) -> None:
        for name, value in self.roles():
            is_spec = hasattr(value, "dtype") and hasattr(value, "observer_or_fake_quant_ctr")
            if isinstance(value, str) and value not in _RANGES:
                raise ValueError(f"{name} must be one of {', '.join(_RANGES)}, not {value!r}")
            if not (isinstance(value, str) or is_spec or callable(value)):
                raise TypeError(
                    f"{name} must be a string, a QuantizationSpec or make an observer: {value!r}"
                )

    @property
    def needs_wide_kernels(self) -> bool:
        """Whether a part may have 16 bits."""
        return any(type_of(value)[2] > 255 for _, value in self.roles())


@dataclass(frozen=True)
class LstmConfig(_Roles):
    """How `nn.LSTM` is quantized.

    split_gates: whether each gate has linear layers of its own, with ranges of their own, and no
        tensor holds all four gates.
    linear: the results of the linear layers, and their sums. sigmoid, tanh: the results of these
        functions. cell_state: the cell state, and the two products that it is the sum of.
        hidden_state: the hidden state, which is the output.

    Each is a `Role`; by default what `precision` says. Raises TypeError and ValueError for others.
    """

    split_gates: bool = False
    linear: Role = None
    sigmoid: Role = None
    tanh: Role = None
    cell_state: Role = None
    hidden_state: Role = None


@dataclass(frozen=True)
class GruConfig(_Roles):
    """How `nn.GRU` is quantized; see `LstmConfig`.

    hidden_state: the hidden state, and the difference and the product that it is made of.
    """

    split_gates: bool = False
    linear: Role = None
    sigmoid: Role = None
    tanh: Role = None
    hidden_state: Role = None


def type_of(role: Any) -> tuple[torch.dtype, int, int]:
    """The dtype and the range of integers of a role."""
    if isinstance(role, str):
        return _RANGES[role]
    source = role if hasattr(role, "observer_or_fake_quant_ctr") else role()
    dtype, low, high = source.dtype, source.quant_min, source.quant_max
    limits = torch.iinfo(torch.int32 if dtype == torch.qint32 else dtype)
    return dtype, limits.min if low is None else low, limits.max if high is None else high


def observer_for(role: Any) -> Any | None:
    """A new observer that a role brings with it; None if only the type is given."""
    if isinstance(role, str):
        return None
    if hasattr(role, "observer_or_fake_quant_ctr"):
        return role.observer_or_fake_quant_ctr.with_args(
            dtype=role.dtype,
            quant_min=role.quant_min,
            quant_max=role.quant_max,
            qscheme=role.qscheme,
        )()
    return role()


_OF_LINEAR = ("add", "split", "split_with_sizes", "chunk", "slice")


def roles_of(cell: GraphModule) -> dict[Node, str]:
    """The role of each value of the graph of a cell, as `recurrent_cells` computes it."""
    from cmopt.frontend.observers import observer_of
    from cmopt.frontend.overloads import is_getitem, operator_name

    def computed(node: Any) -> Node:
        """The value itself, without its observer."""
        return node.all_input_nodes[0] if observer_of(cell, node) is not None else node  # type: ignore[no-any-return]

    found: dict[Node, str] = {}
    for node in cell.graph.nodes:
        name = operator_name(node)
        if name in ("linear", "addmm"):
            found[node] = "linear"
        elif name in ("sigmoid", "tanh"):
            found[node] = name
        elif (name in _OF_LINEAR or is_getitem(node)) and all(
            found.get(computed(operand)) == "linear" for operand in node.all_input_nodes
        ):
            found[node] = "linear"
    results = [x for x in tree_leaves(cell.graph.output_node().args[0]) if isinstance(x, Node)]
    hidden, *others = (computed(result) for result in results[:-1])
    if operator_name(hidden) == "linear":  # a projection
        found[hidden] = "hidden_state"
    for state, role in ((hidden, "hidden_state"), *((other, "cell_state") for other in others)):
        open = [state]
        while open:
            node = open.pop()
            if node in found or operator_name(node) not in ("mul", "add", "sub"):
                continue
            found[node] = role
            if node is not hidden or not others:
                open += [computed(operand) for operand in node.all_input_nodes]
    return found


@dataclass(frozen=True)
class TypedObserver:
    """An observer of a cell, the values that it sees, and the role that they have."""

    observer: Any
    values: list[Node]
    role: Any

    def set_type(self) -> None:
        """Give the observer the type of its role, after calibration."""
        from cmopt.frontend.wide_types import is_of_activations, widen

        dtype, low, high = type_of(self.role)
        if dtype == torch.int16 and is_of_activations(self.observer):
            widen(self.observer, self.values)
        else:
            self.observer.dtype = dtype
            self.observer.quant_min, self.observer.quant_max = low, high


def place_observers(cell: GraphModule, config: LstmConfig | GruConfig) -> list[TypedObserver]:
    """Put the observers that roles bring with them into a cell, in place, before calibration.

    Values that share an observer have the role of the first one that has one. Returns the observers
    of all roles that have a type.
    """
    from cmopt.frontend.observers import replace_observer
    from cmopt.frontend.wide_types import values_of_observers

    roles, wanted = roles_of(cell), dict(config.roles())
    found = []
    for observer, values in values_of_observers(cell).items():
        names = [roles[value] for value in values if value in roles]
        if not names or (role := wanted.get(names[0])) is None:
            continue
        own = observer_for(role)
        if own is not None:
            replace_observer(cell, observer, own)
        found.append(TypedObserver(own or observer, values, role))
    return found
