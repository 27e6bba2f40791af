"""Source locations: how they are shown, and kept in rewrites."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import (
    ArrayAttr,
    CallSiteLoc,
    FileLineColLoc,
    FusedLoc,
    NameLoc,
    UnknownLoc,
)
from xdsl.ir import Attribute, Operation
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern


def render(location: Attribute) -> str | None:
    """The location as one line, `model.py:41 (permute_3)`; None if nothing is known.

    A column of 0 means "no column" and is left out. A call site has its callee first. A fused
    location lists its known parts in order, each once.
    """
    match location:
        case FileLineColLoc():
            place = f"{location.filename.data}:{location.line.data}"
            column = location.column.data
            return f"{place}:{column}" if column else place
        case NameLoc():
            inner = render(location.location)
            name = location.desc.data
            return f"{inner} ({name})" if inner else name
        case CallSiteLoc():
            callee, caller = render(location.callee), render(location.caller)
            return f"{callee} at {caller}" if callee and caller else callee or caller
        case FusedLoc(locations=ArrayAttr() as parts):
            known = (render(part) for part in parts)
            return ", ".join(dict.fromkeys(part for part in known if part)) or None
        case _:
            return None


def file_location(location: Attribute) -> FileLineColLoc | None:
    """The first file location inside `location`, or None."""
    match location:
        case FileLineColLoc():
            return location
        case NameLoc():
            return file_location(location.location)
        case CallSiteLoc():
            return file_location(location.callee) or file_location(location.caller)
        case FusedLoc(locations=ArrayAttr() as parts):
            return next(filter(None, map(file_location, parts)), None)
        case _:
            return None


def file_position(location: Attribute) -> tuple[str, int] | None:
    """The file name and line of the first file location inside `location`, or None."""
    found = file_location(location)
    return None if found is None else (found.filename.data, found.line.data)


@dataclass(eq=False, repr=False)
class _LocationPreserving(RewritePattern):
    pattern: RewritePattern

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        location = op.location
        if isinstance(location, UnknownLoc):
            self.pattern.match_and_rewrite(op, rewriter)
            return
        created: list[Operation] = []
        handlers = rewriter.operation_insertion_handler
        # A new list, because the walker's listener may share the old one.
        rewriter.operation_insertion_handler = [*handlers, created.append]
        try:
            self.pattern.match_and_rewrite(op, rewriter)
        finally:
            rewriter.operation_insertion_handler = handlers
        for root in created:
            # The handler is called for an op with a region, but not for the ops in it.
            for new in root.walk():
                if isinstance(new.location, UnknownLoc):
                    new.location = location


def location_preserving(pattern: RewritePattern) -> RewritePattern:
    """`pattern`, changed so that every inserted op takes the location of the matched op.

    A location that the pattern sets itself (such as a fused one) stays. An op that is only moved
    keeps its own.
    """
    return _LocationPreserving(pattern)
