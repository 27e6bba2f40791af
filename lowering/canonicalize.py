"""Fold constants and apply every op's canonicalization patterns."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern
from xdsl.traits import HasCanonicalizationPatternsTrait

from cmopt.lowering.rewrite import apply_patterns


@dataclass(eq=False, repr=False)
class _CanonicalizationPatterns(RewritePattern):
    """Applies the patterns in an op's `HasCanonicalizationPatternsTrait`."""

    _patterns: dict[type[Operation], tuple[RewritePattern, ...]] = field(
        default_factory=dict[type[Operation], tuple[RewritePattern, ...]], init=False
    )

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        for pattern in self._of(type(op)):
            pattern.match_and_rewrite(op, rewriter)
            if rewriter.has_done_action:
                return

    def _of(self, op_type: type[Operation]) -> tuple[RewritePattern, ...]:
        if op_type not in self._patterns:
            trait_type = HasCanonicalizationPatternsTrait
            traits = op_type.get_traits_of_type(trait_type)  # type: ignore[type-abstract]
            self._patterns[op_type] = tuple(
                pattern for trait in traits for pattern in trait.get_patterns(op_type)
            )
        return self._patterns[op_type]


@dataclass(frozen=True)
class CanonicalizePass(ModulePass):
    """Fold constants and apply every op's canonicalization patterns until nothing changes."""

    name = "canonicalize"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, _CanonicalizationPatterns(), fold=ctx)
