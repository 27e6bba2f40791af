"""Which operators compute in int16, and which weights have 16 bits: what a user asks for.

The choice is written into the meta data of the exported graph's nodes before anything is taken
apart, because modules and operators have the user's names only there. Decompositions and rewrites
pass it on to their parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

import torch
from torch.export import ExportedProgram
from torch.fx import Node

from cmopt.dialects.program import PRECISION
from cmopt.frontend.locations import module_stack
from cmopt.frontend.overloads import operator_name, overload, overload_name
from cmopt.support.names import near_names
from cmopt.support.precision_report import PrecisionReport

Pattern: TypeAlias = str | type[torch.nn.Module]

TYPES = ("int8", "int16")
WIDTHS = (4, 8, 16)

_KEY = "cmopt"
"""The entry of a node's meta data "custom", which decompositions copy."""


@dataclass(frozen=True)
class Precision:
    """The types of activations and the widths of weights, by operator.

    default: "int8" or "int16", the type of all operators that no pattern names.
    int16, int8: patterns of the operators in the other type; `int8` counts where both match.
    weights: for patterns, 4, 8 or 16, the bits of the weights of the convolutions and linear layers
        that they match; the last pattern that matches counts. Others have 8.

    A pattern is a string or a module type. A string matches, as in `fnmatch`, the qualified name of
    a module ("encoder.0", "encoder.*"), an operator ("softmax") or an overload
    ("aten.softmax.int"). A module stands for all operators that are called in it and in the modules
    inside it. A type stands for all modules that are instances of it.

    An operator in int16 gives an int16 result. A result has one type, and operators of either
    type read it as it is: name the operators that give a value to have it in int16. Inputs of the
    model and constants are int16 if an operator in int16 reads them. Operators that share a range
    with their operands, such as views, cat and max pool, share the type too: it is int16 for all
    of them if it is for one.

    Activations in int16 have the zero point 0. The results of softmax, sigmoid and tanh have the
    scale 1/32768; others reach 1.25 times the largest magnitude in the calibration data, and those
    of layers up to 4 times after few samples. For an NPU, those of sigmoid and tanh reach 1.25
    times too, if that is a smaller scale. Weights of 4 and of 16 bits, and all weights of layers in
    int16, have a scale for each channel.

    Weights of 4 bits are two in a byte if the program is compiled with `kernels="cmopt"`, and the
    layer is a linear one or a convolution that is neither depthwise nor transposed, has activations
    in int8, and runs on the core. Others have a byte each, with the same results.

    Raises ValueError and TypeError for anything else.
    """

    default: str = "int8"
    int16: Sequence[Pattern] = ()
    int8: Sequence[Pattern] = ()
    weights: Mapping[Pattern, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.default not in TYPES:
            raise ValueError(f"default must be one of {', '.join(TYPES)}, not {self.default!r}")
        for name in ("int16", "int8"):
            given = getattr(self, name)
            if isinstance(given, str) or not isinstance(given, Iterable):
                raise TypeError(f"{name} must be a list of patterns, not {given!r}")
            object.__setattr__(self, name, tuple(given))
        if not isinstance(self.weights, Mapping):
            raise TypeError(f"weights must map patterns to 4, 8 or 16, not {self.weights!r}")
        object.__setattr__(self, "weights", dict(self.weights))
        for pattern in self.patterns:
            is_module = isinstance(pattern, type) and issubclass(pattern, torch.nn.Module)
            if not isinstance(pattern, str) and not is_module:
                raise TypeError(
                    f"a pattern must be a string or a type of torch.nn.Module, not {pattern!r}"
                )
        for pattern, width in self.weights.items():
            if isinstance(width, bool) or width not in WIDTHS:
                raise ValueError(
                    f"weights of {_shown(pattern)} must have 4, 8 or 16 bits: {width!r}"
                )

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """All patterns."""
        return (*self.int16, *self.int8, *self.weights)

    @property
    def needs_wide_kernels(self) -> bool:
        """Whether it may ask for anything other than int8."""
        return self.default == "int16" or bool(self.int16) or 16 in self.weights.values()


@dataclass(frozen=True)
class Choice:
    """What is chosen for one node: its type is int16, and the bits of its weight."""

    is_wide: bool = False
    weight_bits: int = 8


def choice_of(node: Node) -> Choice:
    """What is chosen for a node of a graph that comes from one that was marked."""
    found = (node.meta.get("custom") or {}).get(_KEY)
    return Choice() if found is None else Choice(**found)


def set_choice(node: Node, choice: Choice) -> None:
    """Choose this for a node. The dictionary is replaced, because nodes share it."""
    facts = {"is_wide": choice.is_wide, "weight_bits": choice.weight_bits}
    node.meta["custom"] = {**(node.meta.get("custom") or {}), _KEY: facts}


def mark(program: ExportedProgram, module: torch.nn.Module, precision: Precision) -> None:
    """Write what `precision` says about each call into the meta data of its node, in place.

    module: the model that `program` was exported from. Raises ValueError for a pattern that matches
    no module and no operator.
    """
    types = dict(_types_of(module))
    calls = [node for node in program.graph.nodes if node.op == "call_function"]
    _check_patterns(precision.patterns, types, calls)
    for node in calls:
        set_choice(node, _chosen(node, types, precision))


def forget_choices(program: ExportedProgram) -> None:
    """Remove from all nodes what `mark` wrote, in place."""
    for node in program.graph.nodes:
        custom = node.meta.get("custom")
        if custom and _KEY in custom:
            node.meta["custom"] = {k: v for k, v in custom.items() if k != _KEY}


def set_report(program: ExportedProgram, report: PrecisionReport) -> None:
    """Keep the report of an automatic choice in a program; `torch.export.save` writes it too."""
    meta = program.graph_module.meta
    meta["custom"] = {**(meta.get("custom") or {}), PRECISION: report.to_json()}


def precision_report(program: ExportedProgram) -> PrecisionReport | None:
    """What `quantize(..., precision="auto")` measured and chose for a program; else None."""
    text = (program.graph_module.meta.get("custom") or {}).get(PRECISION)
    return None if text is None else PrecisionReport.from_json(text)


def _types_of(module: torch.nn.Module) -> Iterator[tuple[str, type]]:
    """The qualified names of all modules, also of those that have several, and their types."""
    return ((name, type(part)) for name, part in module.named_modules(remove_duplicate=False))


def _chosen(node: Node, types: Mapping[str, type], precision: Precision) -> Choice:
    is_wide = precision.default == "int16"
    is_wide = is_wide or any(_matches(pattern, node, types) for pattern in precision.int16)
    if is_wide and any(_matches(pattern, node, types) for pattern in precision.int8):
        is_wide = False
    bits = 8
    for pattern, width in precision.weights.items():
        if _matches(pattern, node, types):
            bits = width
    return Choice(is_wide, bits)


def _matches(pattern: Pattern, node: Node, types: Mapping[str, type]) -> bool:
    """Whether a pattern names the operator of a node, or a module it is called in."""
    paths = module_stack(node)
    if isinstance(pattern, type):
        return any(issubclass(types.get(path, object), pattern) for path in paths)
    return any(fnmatchcase(name, pattern) for name in (*filter(None, paths), *_operators(node)))


def _operators(node: Node) -> set[str]:
    """The names by which a pattern may mean the operator of a node."""
    target = overload(node)
    return set() if target is None else {operator_name(node), overload_name(target)} - {""}


def _check_patterns(
    patterns: Sequence[Pattern], types: Mapping[str, type], calls: Sequence[Node]
) -> None:
    names = {*filter(None, types), *(name for node in calls for name in _operators(node))}
    for pattern in patterns:
        if isinstance(pattern, type):
            if not any(issubclass(kind, pattern) for kind in types.values()):
                known = sorted({kind.__name__ for kind in types.values()})
                raise ValueError(_unmatched(pattern, known))
        elif not any(fnmatchcase(name, pattern) for name in names):
            raise ValueError(_unmatched(pattern, sorted(names)))


def _unmatched(pattern: Pattern, known: list[str]) -> str:
    kind = "module of the type" if isinstance(pattern, type) else "module and no operator"
    close = near_names(_shown(pattern), known, 3, least=0.5)  # "aten.conv1" for "conv1d"
    hint = f"; did you mean {', '.join(close)}?" if close else ""
    return f"precision: no {kind} {_shown(pattern)!r} is in the model{hint}"


def _shown(pattern: Any) -> str:
    return pattern.__name__ if isinstance(pattern, type) else str(pattern)
