"""Check the JSON of a `.pt2` against PyTorch's own schema before PyTorch sees it.

PyTorch trusts these files. It evaluates symbolic expressions, resolves operators by attribute,
compiles the names of values into source code, and imports modules that a tree names. So each string
has a rule here, which says what it may be. A string without a rule is refused, as is a field that
the schema of this torch version does not have.
"""

from __future__ import annotations

import dataclasses
import json
import keyword
import re
import types
import typing
from collections.abc import Callable
from enum import IntEnum
from functools import cache
from typing import Any

from torch._export.serde import schema
from torch._export.serde.union import _Union

from cmopt.frontend.archive import TRUST, Refused

Check = Callable[[Any], None]
"""Raises `Refused` for a value that its field cannot have. May remove parts that are not needed."""

MAX_DEPTH = 32
"""The most graphs or trees inside each other."""

_NAMESPACES = {"aten", "prims", "quantized_decomposed", "dim_order_ops", "torchao"}
_HIGHER_ORDER = {
    "associative_scan", "cond", "map_impl", "scan", "while_loop", "wrap_with_set_grad_enabled",
}  # fmt: skip
# These read or write a file.
_FORBIDDEN_OPERATORS = {"from_file"}
_TREES = {
    "builtins.dict", "builtins.list", "builtins.tuple", "collections.OrderedDict",
    "torch.fx.immutable_collections.immutable_dict",
    "torch.fx.immutable_collections.immutable_list",
}  # fmt: skip
_METADATA = {"stack_trace", "nn_module_stack", "torch_fn", "custom"}
"""What is kept of the facts about a node. The others name attributes of torch, or are not used."""

_OPERATOR = re.compile(r"torch\.ops\.([A-Za-z]\w*)\.(\w+)(?:\.(\w+))?", re.ASCII)
# PyTorch writes a part that is not a name between quotes in source code.
_PATH = re.compile(r"""[^"'\\()\x00-\x1f\x7f]+""")
_FILE = re.compile(r"(weight|tensor)_\d{1,9}", re.ASCII)
_INTEGER = re.compile(r"(?:Integer\()?(-?\d{1,18})\)?", re.ASCII)


def _matches(pattern: re.Pattern[str], what: str) -> Check:
    def check(text: Any) -> None:
        if not pattern.fullmatch(text):
            raise Refused(f"{_shown(text)} is not {what}")

    return check


def _identifier(text: str) -> None:
    """A name becomes source code, so that it must be a name and nothing else."""
    if not text.isidentifier() or keyword.iskeyword(text):
        raise Refused(f"{_shown(text)} is not a name")


def _empty_or_identifier(text: str) -> None:
    if text:
        _identifier(text)


def _any_text(text: str) -> None:
    """A text that is only kept, compared or printed."""


def _refused(what: str) -> Check:
    def check(text: Any) -> None:
        raise Refused(f"{what} {_shown(text)} is not supported", TRUST)

    return check


def _expression(text: str) -> None:
    """PyTorch evaluates it as Python. Only an integer is needed in a program of static shapes."""
    if not _INTEGER.fullmatch(text):
        raise Refused(
            f"the size {_shown(text)} is dynamic, not an integer",
            "export without dynamic_shapes: a program has static shapes",
        )


def _operator(text: str) -> None:
    """An operator of PyTorch. PyTorch would take any function in any module that torch imports."""
    import torch

    parts = _OPERATOR.fullmatch(text)
    if parts is None:
        raise Refused(f"{_shown(text)} is not an operator", TRUST)
    namespace, name, overload = parts.groups()
    if namespace == "higher_order" and overload is None:
        if name in _HIGHER_ORDER:
            return
        raise Refused(f"operator {text} is not supported", TRUST)
    if namespace not in _NAMESPACES or overload is None or name in _FORBIDDEN_OPERATORS:
        raise Refused(f"operator {text} is not supported", TRUST)
    packet = getattr(getattr(torch.ops, namespace), name, None)
    if not isinstance(packet, torch._ops.OpOverloadPacket):
        raise Refused(f"there is no operator {text}")
    if not isinstance(getattr(packet, overload, None), torch._ops.OpOverload):
        raise Refused(f"there is no operator {text}")


def _tree(text: str) -> None:
    """The structure of arguments: nested lists, tuples and dicts, whose keys are plain."""
    try:
        protocol, spec = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        raise Refused(f"the structure {_shown(text)} cannot be read") from None
    if protocol != 1:
        raise Refused(f"the structure {_shown(text)} has an unknown form")
    _tree_node(spec, 0)


def _tree_node(spec: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Refused("the structure of the arguments is nested too deeply")
    if not isinstance(spec, dict) or set(spec) != {"type", "context", "children_spec"}:
        raise Refused("the structure of the arguments cannot be read")
    kind, context, children = spec["type"], spec["context"], spec["children_spec"]
    if not isinstance(children, list):
        raise Refused("the structure of the arguments cannot be read")
    if kind is None and context is None and not children:
        return
    if kind not in _TREES:
        raise Refused(f"an argument of type {_shown(kind)} is not supported", TRUST)
    keys = _keys(context)
    is_dict = "ict" in kind
    if is_dict != isinstance(keys, list) or (is_dict and len(keys) != len(children)):
        raise Refused("the keys of a dict among the arguments cannot be read")
    for child in children:
        _tree_node(child, depth + 1)


def _keys(context: Any) -> Any:
    """The keys of a dict in a tree, or None. Anything that would import a module is refused."""
    try:
        keys = json.loads(context) if isinstance(context, str) else context
    except (ValueError, RecursionError):
        keys = {}
    plain = isinstance(keys, list) and all(isinstance(k, str | int | float | bool) for k in keys)
    if keys is not None and not plain:
        raise Refused(f"the keys {_shown(context)} of a dict are not numbers and strings", TRUST)
    return keys


_TEXTS: dict[tuple[str, str], Check] = {
    ("Argument", "as_string"): _any_text,
    ("Argument", "as_strings"): _any_text,
    ("ConstantValue", "as_string"): _any_text,
    ("Device", "type"): _matches(re.compile("cpu"), "the device cpu"),
    ("ExportedProgram", "torch_version"): _any_text,
    ("ExportedProgram", "verifiers"): _matches(re.compile(r"[A-Z]*"), "a dialect"),
    ("GraphArgument", "name"): _identifier,
    ("InputToBufferSpec", "buffer_name"): _matches(_PATH, "the path of a buffer"),
    ("InputToConstantInputSpec", "name"): _identifier,
    ("InputToParameterSpec", "parameter_name"): _matches(_PATH, "the path of a parameter"),
    ("InputToTensorConstantSpec", "tensor_constant_name"): _matches(_PATH, "the path of a tensor"),
    ("BufferMutationSpec", "buffer_name"): _matches(_PATH, "the path of a buffer"),
    ("ParameterMutationSpec", "parameter_name"): _matches(_PATH, "the path of a parameter"),
    ("UserInputMutationSpec", "user_input_name"): _identifier,
    ("ModuleCallEntry", "fqn"): _any_text,
    ("ModuleCallSignature", "forward_arg_names"): _identifier,
    ("ModuleCallSignature", "in_spec"): _tree,
    ("ModuleCallSignature", "out_spec"): _tree,
    ("NamedArgument", "name"): _empty_or_identifier,
    ("Node", "name"): _identifier,
    ("Node", "target"): _operator,
    ("PayloadMeta", "path_name"): _matches(_FILE, "the name of an entry of the archive"),
    ("SymBoolArgument", "as_name"): _identifier,
    ("SymExpr", "expr_str"): _expression,
    ("SymFloatArgument", "as_name"): _identifier,
    ("SymIntArgument", "as_name"): _identifier,
    ("TensorArgument", "name"): _identifier,
}
"""The rule of each field that holds a text, or a list of texts."""

_KEYS: dict[tuple[str, str], Check] = {
    ("ExportedProgram", "opset_version"): _any_text,
    ("Graph", "sym_bool_values"): _identifier,
    ("Graph", "sym_float_values"): _identifier,
    ("Graph", "sym_int_values"): _identifier,
    ("Graph", "tensor_values"): _identifier,
    ("PayloadConfig", "config"): _matches(_PATH, "the path of a parameter"),
}
"""The rule of the keys of each field that is a dict."""

_DROPPED: dict[tuple[str, str], Any] = {
    ("ExportedProgram", "guards_code"): [],
    ("ExportedProgram", "range_constraints"): {},
    ("GraphModule", "treespec_namedtuple_fields"): {},
}
"""Fields that a program of static shapes does not need, and the value that they get. PyTorch
compiles the first as Python."""

_REFUSED: dict[tuple[str, str], Check] = {
    ("Argument", "as_custom_obj"): _refused("the object"),
    ("Argument", "as_operator"): _refused("the operator as an argument"),
    ("Argument", "as_string_to_argument"): _refused("the argument"),
    ("InputSpec", "custom_obj"): _refused("the object"),
    ("InputSpec", "token"): _refused("the token"),
    ("OutputSpec", "token"): _refused("the token"),
    ("PayloadMeta", "use_pickle"): lambda used: _no_pickle(used),
}


def _no_pickle(used: Any) -> None:
    if used is not False:
        raise Refused("its values are a pickle, which can run any code", TRUST)


def check_program(data: Any) -> None:
    """Check the parsed JSON of a program, and remove what is not needed, in place.

    Raises `Refused`, whose message begins with the node and the field.
    """
    _checked(schema.ExportedProgram, data)


def check_payloads(data: Any) -> None:
    """The same for the list of weights or constants."""
    _checked(schema.PayloadConfig, data)


def _checked(cls: Any, data: Any) -> None:
    try:
        _check_of(cls)(data)
    except RecursionError:
        raise Refused("it is nested too deeply") from None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


@cache
def _check_of(kind: Any) -> Check:
    """The check of values of a type of the schema, except texts."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        (inner,) = (a for a in typing.get_args(kind) if a is not type(None))
        return _optional(_check_of(inner))
    if kind is int:
        return _integer
    if kind is bool:
        return _boolean
    if kind is float:
        return _number
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return _member(kind)
    if isinstance(kind, type) and issubclass(kind, _Union):
        return _union(kind)
    if dataclasses.is_dataclass(kind):
        return _record(kind)
    raise Refused(f"this version of torch has a field of an unknown kind, {kind}")


def _field_check(cls: type, name: str, kind: Any) -> Check:
    """The check of one field of a class of the schema."""
    key = (cls.__name__, name)
    if key in _REFUSED:
        return _REFUSED[key]
    if key == ("Node", "metadata"):
        return _node_metadata
    if key == ("GraphModule", "metadata"):
        return _module_metadata
    if key == ("Graph", "custom_obj_values"):
        return _nothing
    return _labelled(name, _nested_check(key, kind))


def _nested_check(key: tuple[str, str], kind: Any) -> Check:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        (inner,) = (a for a in arguments if a is not type(None))
        return _optional(_nested_check(key, inner))
    if origin is list:
        return _list(_nested_check(key, arguments[0]))
    if origin is dict:
        return _dict(_KEYS.get(key, _refused("the key")), _nested_check(key, arguments[1]))
    if kind is str:
        return _text(_TEXTS.get(key, _refused("the text")))
    return _check_of(kind)


def _labelled(name: str, check: Check) -> Check:
    def labelled(data: Any) -> None:
        try:
            check(data)
        except Refused as error:
            raise Refused(f"{name}: {error}", error.hint) from None

    return check if name in ("graph_module", "graph", "nodes") else labelled


def _optional(check: Check) -> Check:
    return lambda data: None if data is None else check(data)


def _text(check: Check) -> Check:
    def text(data: Any) -> None:
        if not isinstance(data, str):
            raise Refused(f"{_shown(data)} is not a text")
        check(data)

    return text


def _integer(data: Any) -> None:
    if type(data) is not int or not -(2**63) <= data < 2**63:
        raise Refused(f"{_shown(data)} is not an integer of 64 bits")


def _boolean(data: Any) -> None:
    if type(data) is not bool:
        raise Refused(f"{_shown(data)} is not true or false")


def _number(data: Any) -> None:
    """A number, or what PyTorch writes for one that JSON does not have."""
    if data in ("Infinity", "-Infinity", "NaN"):
        return
    if type(data) not in (int, float):
        raise Refused(f"{_shown(data)} is not a number")


def _member(kind: type[IntEnum]) -> Check:
    values = {member.value for member in kind}

    def member(data: Any) -> None:
        if type(data) is not int or data not in values:
            raise Refused(f"{_shown(data)} is not a {kind.__name__}")

    return member


def _list(check: Check) -> Check:
    def items(data: Any) -> None:
        if not isinstance(data, list):
            raise Refused(f"{_shown(data)} is not a list")
        for item in data:
            check(item)

    return items


def _dict(key: Check, value: Check) -> Check:
    def entries(data: Any) -> None:
        if not isinstance(data, dict):
            raise Refused(f"{_shown(data)} is not a dict")
        for name, item in data.items():
            key(name)
            try:
                value(item)
            except Refused as error:
                raise Refused(f"'{name}': {error}", error.hint) from None

    return entries


def _nothing(data: Any) -> None:
    if data:
        raise Refused("objects are not supported", TRUST)


@cache
def _hints(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls, globalns=vars(schema))


def _union(cls: Any) -> Check:
    hints = _hints(cls)
    checks: dict[str, Check] = {}

    def union(data: Any) -> None:
        if not isinstance(data, dict) or len(data) != 1:
            raise Refused(f"{_shown(data)} is not one value with its kind")
        ((kind, value),) = data.items()
        if kind not in hints or kind.startswith("_"):
            raise Refused(f"{_shown(kind)} is not a kind of {cls.__name__}")
        if kind not in checks:
            checks[kind] = _field_check(cls, kind, hints[kind])
        checks[kind](value)

    return union


def _record(cls: Any) -> Check:
    hints = _hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    needed = {
        name
        for name, field in fields.items()
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    checks: dict[str, Check] = {}

    def record(data: Any) -> None:
        if not isinstance(data, dict):
            raise Refused(f"{_shown(data)} is not a {cls.__name__}")
        if not fields.keys() >= data.keys():
            raise Refused(f"{cls.__name__} has no field {_shown(min(data.keys() - fields.keys()))}")
        if not needed <= data.keys():
            raise Refused(f"a {cls.__name__} has no {min(needed - data.keys())}")
        for name in data:
            if (cls.__name__, name) in _DROPPED:
                data[name] = _DROPPED[cls.__name__, name]
                continue
            if name not in checks:
                checks[name] = _field_check(cls, name, hints[name])
            checks[name](data[name])

    return _of_node(record) if cls is schema.Node else record


def _of_node(check: Check) -> Check:
    """Name the node in the message of an error."""

    def node(data: Any) -> None:
        try:
            check(data)
        except Refused as error:
            name = data.get("name") or data.get("target") if isinstance(data, dict) else "?"
            shown = name if isinstance(name, str) and _PATH.fullmatch(name) else _shown(name)
            raise Refused(f"node {shown}: {error}", error.hint) from None

    return node


def _strings(data: Any) -> dict[str, str]:
    if not isinstance(data, dict) or not all(isinstance(v, str) for v in data.values()):
        raise Refused("metadata: not a dict of texts")
    return data


def _node_metadata(data: Any) -> None:
    for name in list(_strings(data)):
        if name not in _METADATA:
            del data[name]
    for item in data.get("nn_module_stack", "").split(";"):
        if data.get("nn_module_stack") and _parts(item) != 3:
            raise Refused("metadata: the stack of modules cannot be read")
    _module_metadata(data)


def _parts(text: str) -> int:
    """How many parts PyTorch splits an entry of the stack of modules into."""
    depth, count = 0, 1
    for character in text:
        depth += (character in "[(") - (character in ")]")
        count += character == "," and depth == 0
    return count


def _module_metadata(data: Any) -> None:
    try:
        custom = json.loads(_strings(data).get("custom", "{}") or "{}")
    except (ValueError, RecursionError):
        custom = None
    if not isinstance(custom, dict):
        raise Refused("metadata: the entry 'custom' cannot be read")
