"""Parse IR text. Every op gets the location of its text, and every error has a location."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property
from typing import Any

from xdsl.context import Context
from xdsl.dialects import get_all_dialects as get_xdsl_dialects
from xdsl.dialects.builtin import (
    UNKNOWN_LOC,
    FileLineColLoc,
    IntAttr,
    ModuleOp,
    StringAttr,
)
from xdsl.ir import Attribute, Dialect, Operation, TypeAttribute
from xdsl.parser import ParserState
from xdsl.utils.exceptions import ParseError
from xdsl.utils.lexer import Input, Span
from xdsl.utils.mlir_lexer import MLIRTokenKind

from cmopt.dialects import XDSL_DIALECTS, get_all_dialects
from cmopt.dialects.literals import REFUSALS, Lexer, LiteralParser, short
from cmopt.support.collection import collection_paused
from cmopt.support.diagnostics import CompileError
from cmopt.support.names import near_names

MAX_ALIAS_PARTS = 10_000
"""The most attributes and types in what an alias stands for, those of other aliases included."""
MAX_PARTS = 2_000_000
"""The most attributes and types that the aliases of a file stand for, at all their uses."""


_UNKNOWN_OP = re.compile(r"Operation (\S+) is not registered")
_UNDEFINED = re.compile(r"values used but not defined: \[(%[^,\]]+)")
_UNKNOWN_ATTRIBUTE = re.compile(r"'(\S+)' is not registered")


def make_context(*, allow_unregistered: bool = False) -> Context:
    """A context with the dialects of the project, of plug-ins and some of xDSL's, loaded when first
    used. Raises CompileError for a plug-in that redefines a dialect."""
    ctx = Context(allow_unregistered=allow_unregistered)
    factories: dict[str, Callable[[], Dialect]] = {
        name: factory for name, factory in get_xdsl_dialects().items() if name in XDSL_DIALECTS
    }
    factories.update(get_all_dialects())
    for name, factory in sorted(factories.items()):
        ctx.register_dialect(name, factory)
    ctx.load_registered_dialect("builtin")
    return ctx


@collection_paused()
def parse_module(ctx: Context, text: str, name: str = "-") -> ModuleOp:
    """Parse `text` into a module, not yet verified.

    name: the file name for locations; `-` stands for standard input, as in MLIR.
    An op without `loc(…)` gets the location of its text. Raises a located `CompileError`.
    """
    # Parsing an empty text is an error in xDSL; in MLIR it is an empty module.
    if not re.sub(r"//[^\n]*", "", text).strip():
        return ModuleOp([])
    parser: _LocatingParser | None = None
    try:
        parser = _LocatingParser(ctx, text, name)  # which reads the first token
        return parser.parse_module()
    except ParseError as error:
        file, line, column = _blamed(error).get_location()
        raise CompileError(
            _reworded(error.msg),
            location=FileLineColLoc(StringAttr(file), IntAttr(line), IntAttr(column)),
            hint=_hint(ctx, error.msg),
        ) from None
    except CompileError:
        raise
    except RecursionError:
        message = "nested too deeply"
    except REFUSALS as error:
        message = str(error) or type(error).__name__
    except Exception as error:
        message = f"internal error in the parser: {type(error).__name__}: {error}"
    raise CompileError(message, location=None if parser is None else parser.here())


_NESTED = r"[^<>]*+(?:<[^<>]*+(?:<[^<>]*+>[^<>]*+)*+>[^<>]*+)*+"
_TENSOR_TYPE = re.compile(f"tensor<{_NESTED}>")
"""Text that is most likely a whole tensor type; the parser decides."""


class _LocatingParser(LiteralParser):
    """xDSL's parser, but an op without `loc(…)` gets the location of its first character.

    A tensor type is parsed once; later uses with the same text are looked up. What aliases stand
    for is limited: 25 of them can stand for 33 million types.
    """

    def __init__(self, ctx: Context, text: str, name: str):
        super().__init__(ctx, "", name)
        self._tensor_types: dict[str, tuple[TypeAttribute, int]] = {}
        self._alias_parts: dict[str, int] = {}
        self._parts = 0  # attributes and types so far, those of aliases at each use
        self._from_aliases = 0
        self._parser_state = ParserState(Lexer(Input(text, name)))

    def parse_operation(self) -> Operation:
        start = self.pos
        op = super().parse_operation()
        # By identity: a `loc(unknown)` in the text stays.
        if op.location is UNKNOWN_LOC:
            op.location = self.location_at(start)
        return op

    def _parse_alias_def(self) -> None:
        start, name = self.pos, self._current_token.text
        before = self._parts
        super()._parse_alias_def()  # type: ignore[no-untyped-call]
        parts = self._parts - before
        if parts > MAX_ALIAS_PARTS:
            self.raise_error(
                f"alias '{short(name)}' is too large: it stands for {parts} attributes and types; "
                f"at most {MAX_ALIAS_PARTS} are supported",
                start,
                start + len(name),
            )
        self._alias_parts[name] = parts

    def _parse_extended_type_or_attribute(self, attr_or_dialect_name: str, is_type: bool) -> Any:
        start = self.pos
        parts = self._alias_parts.get(("!" if is_type else "#") + attr_or_dialect_name, 0)
        if parts and self._current_token.kind is not MLIRTokenKind.LESS:
            self._parts += parts
            self._from_aliases += parts
            if self._from_aliases > MAX_PARTS:
                self.raise_error(
                    f"the aliases of the file stand for more than {MAX_PARTS} attributes and types",
                    start,
                    start,
                )
        return super()._parse_extended_type_or_attribute(attr_or_dialect_name, is_type)  # type: ignore[call-overload]

    def parse_optional_attribute(self) -> Attribute | None:
        self._parts += 1
        return super().parse_optional_attribute()

    def parse_optional_type(self) -> TypeAttribute | None:
        self._parts += 1
        content = self.lexer.input.content
        written = _TENSOR_TYPE.match(content, self.pos)
        if written is None:
            return super().parse_optional_type()
        if (known := self._tensor_types.get(written.group())) is not None:
            self._resume_from(written.end())
            self._parts += known[1]
            self._from_aliases += known[1]
            return known[0]
        before = self._parts
        type = super().parse_optional_type()
        if type is not None and content[written.start() : self.pos].rstrip() == written.group():
            self._tensor_types[written.group()] = type, self._parts - before
        return type

    def here(self) -> FileLineColLoc:
        """Where the next token starts."""
        return self.location_at(self.pos)

    def location_at(self, position: int) -> FileLineColLoc:
        line = bisect_right(self._line_starts, position)
        column = position - self._line_starts[line - 1] + 1
        return FileLineColLoc(self._file, IntAttr(line), IntAttr(column))

    @cached_property
    def _file(self) -> StringAttr:
        return StringAttr(self.lexer.input.name)

    @cached_property
    def _line_starts(self) -> list[int]:
        content = self.lexer.input.content
        return [0, *(match.end() for match in re.finditer("\n", content))]


def _blamed(error: ParseError) -> Span[str] | Span[bytes]:
    """Where the error is: for an unknown op its name, for an undefined value its last use in the
    region. xDSL gives the token after the op, and the end of the region."""
    span: Span[str] | Span[bytes] = error.span
    content = span.input.content
    name = _UNKNOWN_OP.search(error.msg) or _UNDEFINED.search(error.msg)
    if name is None or not isinstance(content, str):
        return span
    uses = re.finditer(re.escape(name.group(1)) + r"\b", content[: span.start])
    spans = [use.span() for use in uses]
    return Span(*spans[-1], Input(content, span.input.name)) if spans else span


def _reworded(message: str) -> str:
    if unknown := _UNKNOWN_OP.search(message):
        return f"unknown operation '{unknown.group(1)}'"
    if unknown := _UNKNOWN_ATTRIBUTE.search(message):
        return f"unknown attribute or type '{unknown.group(1)}'"
    return message


def _hint(ctx: Context, message: str) -> str | None:
    """For a name that is not registered: the closest ones that are."""
    unknown = _UNKNOWN_OP.search(message) or _UNKNOWN_ATTRIBUTE.search(message)
    if unknown is None:
        return None
    name = unknown.group(1)
    dialect, dot, _ = name.partition(".")
    if dot and dialect not in ctx.registered_dialect_names:
        close = near_names(dialect, ctx.registered_dialect_names)
        near = f", did you mean '{close[0]}'?" if close else ", see cm-opt --show-dialects"
        return f"there is no dialect '{dialect}'{near}"
    known = {op.name for op in ctx.loaded_ops} | {attr.name for attr in ctx.loaded_attrs}
    known |= {type_.name for type_ in ctx.loaded_types}
    close = near_names(name, known, 3)
    return "did you mean " + " or ".join(f"'{n}'" for n in close) + "?" if close else None
