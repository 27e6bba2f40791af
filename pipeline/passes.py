"""Pass pipelines: from text to passes, and from passes to a changed module.

A pipeline is written as for mlir-opt: `builtin.module(a,b{option=1 other=x,y})`. The wrapper is
optional, and blanks around commas are allowed. Options have the names of the pass's dataclass
fields, with `-` or `_`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from time import perf_counter
from types import MappingProxyType
from typing import Protocol, get_type_hints

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Dialect
from xdsl.passes import ModulePass
from xdsl.utils import arg_spec
from xdsl.utils.arg_spec import ArgSpec
from xdsl.utils.exceptions import ArgSpecParseError, DiagnosticException, ParseError
from xdsl.utils.hints import isa, type_repr

from cmopt.pipeline.interruption import check_interrupted
from cmopt.pipeline.registry import get_all_passes
from cmopt.pipeline.reproducer import InternalCompilerError, write_reproducer
from cmopt.support.diagnostics import CompileError, verify
from cmopt.support.names import names_hint

PassFactories = Mapping[str, Callable[[], type[ModulePass]]]

_WRAPPER = re.compile(r"\s*builtin\.module\s*\((.*)\)\s*", re.DOTALL)
_ANCHOR = re.compile(r"[\w.]+\s*\(")
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\s+|[{},=]|[^\s{},="]+|"')


def parse_pipeline(text: str, available: PassFactories | None = None) -> tuple[ModulePass, ...]:
    """The passes that `text` names, ready to run.

    available: pass name to a function that returns its class; by default all of the registry.
    Raises a `CompileError` without location for a malformed text, an unknown pass (with similar
    names), an unknown option (with the known ones) and a value of the wrong type.
    """
    available = get_all_passes() if available is None else available
    return tuple(_make_pass(spec, available) for spec in _parse_specs(text))


def pipeline_text(passes: Iterable[ModulePass]) -> str:
    """The text that `parse_pipeline` turns into equal passes."""
    return f"builtin.module({','.join(str(pass_) for pass_ in passes)})"


def _parse_specs(text: str) -> list[ArgSpec]:
    wrapped = _WRAPPER.fullmatch(text)
    inner = wrapped.group(1) if wrapped else text
    if anchor := _ANCHOR.match(inner.strip()):
        raise CompileError(
            f"malformed pass pipeline '{text}': '{anchor.group()}…)' is not supported",
            hint="every pass runs on builtin.module",
        )
    try:
        specs = list(arg_spec.parse_pipeline(_without_blanks(inner)))
    except (ArgSpecParseError, ParseError, UnicodeDecodeError) as error:
        # A string with wrong escapes raises one of the last two. The exception's text shows the
        # source with a caret; its last line is the message.
        reason = str(error).strip().splitlines()[-1].strip()
        raise CompileError(f"malformed pass pipeline '{text}': {_lower_first(reason)}") from None
    if inner.rstrip().endswith(","):
        raise CompileError(f"malformed pass pipeline '{text}': expected pass name behind ','")
    return specs


def _without_blanks(text: str) -> str:
    """`text` with blanks only where xDSL expects them: one between two options."""
    out: list[str] = []
    for token in _TOKEN.findall(text):
        if not token.isspace():
            if token in ("{", "}", ",", "=") and out and out[-1] == " ":
                out.pop()
            out.append(token)
        elif out and out[-1] not in ("{", "}", ",", "=", " "):
            out.append(" ")
    return "".join(out).strip()


def unknown_pass(name: str, available: PassFactories) -> CompileError:
    """The error for a pass that is not available."""
    return CompileError(f"unknown pass '{name}'", hint=names_hint(name, available, SEE_PASSES))


SEE_PASSES = "see cm-opt --list-passes"


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _make_pass(spec: ArgSpec, available: PassFactories) -> ModulePass:
    if spec.name not in available:
        raise unknown_pass(spec.name, available)
    cls = available[spec.name]()
    options = pass_options(cls)
    for name in spec.normalize_parameter_names().parameters:
        if name not in options:
            raise CompileError(
                f"pass '{spec.name}' has no option '{name.replace('_', '-')}'",
                hint=f"it has {_quoted(map(_dashed, options))}" if options else "it has none",
            )
    try:
        return cls.from_pass_spec(spec)
    except CompileError:
        raise
    except (ValueError, TypeError, DiagnosticException) as error:
        raise _bad_value(spec, cls, error) from None


def _bad_value(spec: ArgSpec, cls: type[ModulePass], error: Exception) -> CompileError:
    """The error for an option of `spec` with a value of the wrong type, else the pass's own."""
    hints = get_type_hints(cls)
    for name, values in spec.parameters.items():
        hint = hints[name.replace("-", "_")]
        if not isa(values[0] if len(values) == 1 else values, hint) and not isa(values, hint):
            given = ",".join(str(value) for value in values) or "nothing"
            return CompileError(
                f"pass '{spec.name}': option '{name}' expects {type_repr(hint)}, got {given}"
            )
    return CompileError(f"pass '{spec.name}': {error}")


def _quoted(names: Iterable[str], joint: str = ", ") -> str:
    return joint.join(f"'{name}'" for name in names)


def _dashed(name: str) -> str:
    return name.replace("_", "-")


@dataclasses.dataclass(frozen=True)
class PassOption:
    """An option of a pass: its type as text, and its default as text, None if it has none."""

    type: str
    default: str | None


@cache
def pass_options(cls: type[ModulePass]) -> Mapping[str, PassOption]:
    """The options of a pass class by field name."""
    hints = get_type_hints(cls)
    options: dict[str, PassOption] = {}
    for field in dataclasses.fields(cls):
        if not field.init or field.name == "name":
            continue
        default: object = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        text = None if default is dataclasses.MISSING else _default_text(default)
        options[field.name] = PassOption(type_repr(hints[field.name]), text)
    return MappingProxyType(options)


def _summary(cls: type) -> str:
    """The first line of the docstring, or the class name as words if there is no docstring."""
    if doc := (cls.__dict__.get("__doc__") or "").strip():
        return str(doc.partition("\n")[0])
    words = re.findall(r"[A-Z][a-z0-9]*", cls.__name__.removesuffix("Pass"))
    return f"{' '.join(words).capitalize()}."


def _default_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(_default_text(item) for item in value)
    return str(value)


def describe_passes(available: PassFactories | None = None) -> Iterator[str]:
    """Lines for `--list-passes`: each pass with the first line of its docstring, its options."""
    available = get_all_passes() if available is None else available
    width = max(map(len, available), default=0)
    for name in sorted(available):
        cls = available[name]()
        yield f"{name:{width}}  {_summary(cls)}"
        for option, info in pass_options(cls).items():
            default = "" if info.default is None else f" (default {info.default})"
            yield f"{'':{width}}    {_dashed(option)}: {info.type}{default}"


def describe_ops(dialects: Mapping[str, Callable[[], Dialect]]) -> Iterator[str]:
    """Lines for `--list-ops`: each op of some dialects with the first line of its docstring."""
    for name in sorted(dialects):
        ops = sorted(dialects[name]().operations, key=lambda op: op.name)
        width = max((len(op.name) for op in ops), default=0)
        for op in ops:
            yield f"{op.name:{width}}  {_summary(op)}"


class PassObserver(Protocol):
    """Called before and after every pass that runs; see `run_passes`."""

    def before(self, pass_: ModulePass, module: ModuleOp) -> None:
        """`pass_` is about to change `module`."""

    def after(self, pass_: ModulePass, module: ModuleOp, seconds: float) -> None:
        """`pass_` has changed `module` in `seconds`; the module is not verified yet."""


def run_passes(
    ctx: Context,
    module: ModuleOp,
    passes: Iterable[ModulePass],
    *,
    verify_each: bool = True,
    observer: PassObserver | None = None,
    reproducer: str | None = None,
    original: ModuleOp | None = None,
) -> None:
    """Run `passes` on `module` in order, in place.

    verify_each: verify the module after every pass.
    reproducer: the file to write if a pass has an internal error; by default a new temporary file.
    original: an unchanged copy of `module`; by default one is made.
    Raises `CompileError` if a pass refuses the input (with that or any `DiagnosticException`) or
    if the IR is invalid after a pass. Raises `InternalCompilerError` for any other exception, after
    writing a reproducer. After an error the module is unusable.
    """
    passes = tuple(passes)
    # A reproducer repeats the passes before the failing one on this copy.
    original = original or module.clone()
    for index, pass_ in enumerate(passes):
        if observer is not None:
            observer.before(pass_, module)
        start = perf_counter()
        try:
            pass_.apply(ctx, module)
        except DiagnosticException as error:
            raise _located(error, pass_) from error
        except MemoryError as error:
            raise CompileError(f"not enough memory: {error} (in pass '{pass_.name}')") from error
        except Exception as error:
            check_interrupted()
            path = write_reproducer(ctx, original, passes, index, error, pipeline_text, reproducer)
            raise InternalCompilerError(pass_.name, error, path) from error
        if observer is not None:
            observer.after(pass_, module, perf_counter() - start)
        if verify_each:
            verify(module, after=pass_.name)


def _located(error: DiagnosticException, pass_: ModulePass) -> CompileError:
    if isinstance(error, CompileError):
        return error
    return CompileError(f"{error} (in pass '{pass_.name}')")
