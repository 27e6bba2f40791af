"""Apply rewrite patterns, in the same way for every pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
)
from xdsl.rewriter import InsertPoint, Rewriter

from cmopt.dialects.edge import MapOp
from cmopt.support.locations import location_preserving, render


def apply_patterns(
    module: ModuleOp,
    *patterns: RewritePattern,
    recursive: bool = True,
    fold: Context | None = None,
) -> None:
    """Rewrite `module` in place. At each op, the first pattern that changes something is applied.

    The body of an `edge.map` is left as it is. Ops without effect and without users are erased.
    Every inserted op gets the location of the matched op. An exception in a pattern is raised
    unchanged, with a note that names the op.

    recursive: visit new and changed ops too, until nothing changes; otherwise visit every op
    that exists at the start once.
    fold: also call the ops' folders, and make constants in this context.
    """
    greedy = GreedyRewritePatternApplier(list(patterns), ctx=fold, folding_enabled=fold is not None)
    walker = PatternRewriteWalker(
        _Escaping(location_preserving(greedy)), apply_recursively=recursive
    )
    try:
        walker.rewrite_module(module)
    except _Escape as escape:
        raise escape.error from escape.error.__cause__


def recreated(
    op: Operation, operands: Sequence[SSAValue], type: Attribute, **properties: Attribute
) -> Operation:
    """`op` with other operands, result type and some other properties."""
    return op.create(
        operands=operands,
        result_types=[type],
        properties={**op.properties, **properties},
        attributes=dict(op.attributes),
        regions=[region.clone() for region in op.regions],
    )


def read_through(value: SSAValue, op: Operation, point: InsertPoint) -> None:
    """Insert `op`, which reads `value`, and let all else that reads `value` read its result."""
    Rewriter.insert_op(op, point)
    value.replace_all_uses_with(op.results[0])
    op.operands[list(op.operands).index(op.results[0])] = value


def pass_through(user: Operation, index: int, op: Operation) -> None:
    """Insert `op` in front of `user`, which then takes its result as operand `index`."""
    Rewriter.insert_op(op, InsertPoint.before(user))
    user.operands[index] = op.results[0]


class _Escape(BaseException):
    """Carries an exception past the walker, which would add the printed module to it."""

    def __init__(self, error: Exception):
        self.error = error
        super().__init__(str(error))


@dataclass(eq=False, repr=False)
class _Escaping(RewritePattern):
    pattern: RewritePattern

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if isinstance(op.parent_op(), MapOp):
            return
        # Read now, because the pattern may have erased the op when it fails.
        name, location = op.name, op.location
        try:
            self.pattern.match_and_rewrite(op, rewriter)
        except Exception as error:
            where = render(location)
            error.add_note(f"while rewriting '{name}'" + (f" at {where}" if where else ""))
            raise _Escape(error) from error
