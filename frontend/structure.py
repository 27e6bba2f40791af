"""The structure of a model's arguments and results: tensors in nested tuples, lists and dicts.

A program has tensors only. Numbers, strings and None among the arguments are constants of it, and
those among the results are left out. Names are those of `torch.export`: the argument, then the keys
and places that lead to a tensor, as in `batch_image`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument, InputKind, OutputKind, TensorArgument
from torch.fx import Node
from torch.utils._pytree import (
    GetAttrKey,
    KeyEntry,
    MappingKey,
    SequenceKey,
    keystr,
    tree_flatten_with_path,
    tree_leaves,
    tree_map,
    tree_structure,
)

from cmopt.support.diagnostics import CompileError

_CONSTANTS = (int, float, bool, str, type(None))


@dataclass(frozen=True)
class Arguments:
    """The arguments of one call of a model."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def values(self) -> tuple[Any, ...]:
        """All arguments as a graph takes them: the positional ones, then the keyword ones."""
        return (*self.args, *self.kwargs.values())

    @property
    def tensors(self) -> list[torch.Tensor]:
        """The tensors, in the order of a program's inputs."""
        return [x for x in tree_leaves(self.values) if isinstance(x, torch.Tensor)]

    def with_tensors(self, tensors: Sequence[torch.Tensor]) -> Arguments:
        """The same structure and constants with other tensors, in the order of `tensors`."""
        given = iter(tensors)
        args, kwargs = tree_map(
            lambda x: next(given) if isinstance(x, torch.Tensor) else x, (self.args, self.kwargs)
        )
        return Arguments(args, kwargs)


def example_of(inputs: Any, kwargs: Any = None) -> Arguments:
    """The example that a model is exported with; no memory is in it twice.

    `torch.export` takes one tensor that is two arguments for one argument, and cannot decompose a
    program whose arguments are views of one tensor. So the second is copied. Raises TypeError if
    the arguments are not a tuple and a dict, hold anything other than tensors, numbers, strings and
    None, or hold no tensor.
    """
    if not isinstance(inputs, tuple):
        raise TypeError(f"example_inputs must be a tuple, not {type(inputs).__name__}")
    if not isinstance(kwargs, dict | None):
        raise TypeError(f"example_kwargs must be a dict, not {type(kwargs).__name__}")
    kwargs = dict(kwargs or {})
    for what, given in (("example_inputs", inputs), ("example_kwargs", kwargs)):
        for path, value in tree_flatten_with_path(given)[0]:
            if not isinstance(value, torch.Tensor) and type(value) not in _CONSTANTS:
                raise TypeError(
                    f"{what}{keystr(path)} must be a tensor, a number, a string or None, in "
                    f"tuples, lists and dicts; got {type(value).__name__}"
                )
    example = Arguments(inputs, kwargs)
    if not (tensors := example.tensors):
        raise TypeError("example_inputs and example_kwargs hold no tensor")
    seen: set[int] = set()
    copies = []
    for tensor in tensors:
        memory = tensor.untyped_storage().data_ptr()
        copies.append(tensor.clone() if memory in seen else tensor)
        seen.add(memory)
    return example.with_tensors(copies)


def fitting(sample: Arguments, example: Arguments, what: str) -> Arguments:
    """A calibration sample, in the structure of the example.

    what: the sample's name, for messages. Raises TypeError and ValueError if its structure, a
    constant, or a tensor's shape or dtype differs from the example's.
    """
    if len(sample.args) != len(example.args):
        raise ValueError(f"{what} has {len(sample.args)} inputs, not {len(example.args)}")
    spec = tree_structure((example.args, example.kwargs))
    try:
        leaves = spec.flatten_up_to((sample.args, sample.kwargs))
    except ValueError as error:
        raise ValueError(f"{what}: its structure is not that of the example: {error}") from None
    wanted, _ = tree_flatten_with_path((example.args, example.kwargs))
    for value, (path, expected) in zip(leaves, wanted, strict=True):
        _check_leaf(value, expected, f"{what}: input {_label(path[1:])}")
    args, kwargs = spec.unflatten(leaves)
    return Arguments(args, kwargs)


def arguments_of(given: Any, example: Arguments, what: str) -> Arguments:
    """The arguments of one call, not yet checked against the example.

    given: the positional arguments, or for a model of one argument this argument; if the example
    has keyword arguments, a pair of tuple and dict, or the dict if it has no others. Raises
    ValueError if it is neither.
    """
    if example.kwargs:
        if isinstance(given, dict) and not example.args:
            return Arguments((), given)
        match given:
            case (tuple() | list() as args, dict() as kwargs):
                return Arguments(tuple(args), kwargs)
        raise ValueError(f"{what} must be a pair of a tuple of arguments and a dict of keywords")
    if len(example.args) == 1 and not isinstance(given, tuple):
        is_argument = tree_structure(given) == tree_structure(example.args[0])
        if is_argument or not isinstance(given, list):
            return Arguments((given,), {})
    return Arguments(tuple(given) if isinstance(given, tuple | list) else (given,), {})


def _check_leaf(value: Any, expected: Any, what: str) -> None:
    if isinstance(expected, torch.Tensor):
        if not isinstance(value, torch.Tensor):
            raise TypeError(f"{what} must be a tensor, got {type(value).__name__}")
        if value.shape != expected.shape or value.dtype != expected.dtype:
            raise ValueError(
                f"{what} is {value.dtype} {list(value.shape)}, "
                f"but the example is {expected.dtype} {list(expected.shape)}"
            )
    elif type(value) not in _CONSTANTS:
        raise TypeError(f"{what} must be {expected!r}, got {type(value).__name__}")
    elif type(value) is not type(expected) or value != expected:
        raise ValueError(
            f"{what} is {value!r}, not {expected!r}, which the example makes a constant of the "
            "program"
        )


def _label(path: Sequence[KeyEntry]) -> str:
    """A place among the arguments, for messages: `0`, `0['image']`, `mask`."""
    return f"{_key(path[0])}{keystr(tuple(path[1:]))}"


def _key(entry: KeyEntry) -> str:
    match entry:
        case SequenceKey():
            return str(entry.idx)
        case MappingKey():
            return str(entry.key)
        case GetAttrKey():
            return entry.name
    return str(entry)


def _clean(name: str) -> str:
    """A key as `torch.export` writes it in a name."""
    return re.sub(r"[^a-zA-Z0-9]+", "_", name).lower()


def call_of(program: ExportedProgram) -> Arguments:
    """A call of a program with tensors of zeros, and the constants that it was exported with.

    Raises ValueError if the program does not say how its inputs are structured.
    """
    leaves: list[Any] = []
    values = {node.name: node.meta.get("val") for node in program.graph.nodes}
    for spec in program.graph_signature.input_specs:
        if spec.kind is InputKind.USER_INPUT:
            if isinstance(spec.arg, ConstantArgument):
                leaves.append(spec.arg.value)
            else:
                like = values[spec.arg.name]
                leaves.append(torch.zeros(like.shape, dtype=like.dtype))
    structure = program.call_spec.in_spec
    if structure is None or structure.num_leaves != len(leaves):
        raise ValueError("the program does not say how its inputs are structured")
    args, kwargs = structure.unflatten(leaves)
    return Arguments(args, kwargs)


def tensor_inputs(program: ExportedProgram) -> list[str]:
    """The names of the user's inputs that are tensors."""
    return _tensors_of(program.graph_signature.input_specs, InputKind.USER_INPUT)


def computed_nodes(program: ExportedProgram) -> list[Node]:
    """The calls of a program whose result depends on a tensor among the user's inputs, in order."""
    names = set(tensor_inputs(program))
    found: dict[Node, None] = {}
    for node in program.graph.nodes:
        from_input = any(source in found or source.name in names for source in node.all_input_nodes)
        if node.op == "call_function" and from_input:
            found[node] = None
    return list(found)


def tensor_outputs(program: ExportedProgram) -> list[str]:
    """The nodes of the user's outputs that are tensors."""
    return _tensors_of(program.graph_signature.output_specs, OutputKind.USER_OUTPUT)


def _tensors_of(specs: Sequence[Any], kind: InputKind | OutputKind) -> list[str]:
    """The names of a kind's arguments that are tensors."""
    return [
        spec.arg.name
        for spec in specs
        if spec.kind is kind and isinstance(spec.arg, TensorArgument)
    ]


def output_names(program: ExportedProgram) -> list[str]:
    """A name for each result of the model: its keys and places, joined by "_".

    A place in the outermost tuple or list is `output_<place>`, as is a result that is alone.
    """
    spec = program.call_spec.out_spec
    count = len(program.graph_signature.user_outputs)
    if spec is None or spec.num_leaves != count:
        return [f"output_{index}" for index in range(count)]
    paths = tree_flatten_with_path(spec.unflatten(range(count)))[0]
    names = []
    for path, _ in paths:
        keys = [re.sub(r"\W", "_", _key(entry)) for entry in path] or ["0"]
        is_place = not path or (isinstance(path[0], SequenceKey))
        names.append("_".join(["output", *keys] if is_place else keys))
    return names


def tensors_by_name(
    names: Sequence[str], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> list[Any]:
    """The arguments of a call of a program, in the order of its inputs.

    args: its first inputs, as arrays or tensors, also in tuples, lists and dicts. kwargs: others by
    their names, or by the name of an argument that holds several.

    Raises CompileError if they do not fit, and for a number: it is a constant of the program.
    """
    found: dict[str, Any] = {}
    positional = tree_flatten_with_path(tuple(args))[0]
    if len(positional) > len(names):
        raise CompileError(f"the program takes {len(names)} inputs, got {len(positional)}")
    for (path, value), name in zip(positional, names, strict=False):
        _check_place(path[1:], name)
        found[name] = value
    for path, value in tree_flatten_with_path(dict(kwargs))[0]:
        name = _key(path[0]) if len(path) == 1 else "_".join(_clean(_key(entry)) for entry in path)
        if name not in names:
            raise CompileError(f"the program has no input {name!r}", hint=f"it has {_list(names)}")
        if name in found:
            raise CompileError(f"input {name!r} is given twice")
        found[name] = value
    for name, value in found.items():
        if type(value) in _CONSTANTS:
            raise CompileError(
                f"input {name!r} must be a tensor, got {value!r}",
                hint="leave it out: a number is a constant of the program, as are strings and None",
            )
    if len(found) != len(names):
        raise CompileError(
            f"the program takes {len(names)} inputs, got {len(found)}",
            hint=f"missing: {_list([name for name in names if name not in found])}",
        )
    return [found[name] for name in names]


def _check_place(path: Sequence[KeyEntry], name: str) -> None:
    """Raise CompileError if a value at a place of an argument cannot be the input of that name."""
    keys = [entry for entry in path if not isinstance(entry, SequenceKey)]
    parts = set(re.sub(r"[^a-zA-Z0-9]+", "_", name).lower().split("_"))
    for entry in keys:
        if not parts.issuperset(_clean(_key(entry)).split("_")):
            raise CompileError(
                f"the value at {keystr(tuple(path))} is not input {name!r}",
                hint="give dicts in the order of the example, or each input by its name",
            )


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)
