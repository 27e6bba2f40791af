"""Errors have the op and the user's line, and rewrites keep both."""

from __future__ import annotations

import pytest
from xdsl.dialects.arith import AddiOp, ConstantOp, MuliOp
from xdsl.dialects.builtin import (
    ArrayAttr,
    CallSiteLoc,
    FileLineColLoc,
    FusedLoc,
    IntAttr,
    IntegerAttr,
    ModuleOp,
    NameLoc,
    NoneAttr,
    StringAttr,
    UnknownLoc,
    i32,
)
from xdsl.dialects.func import FuncOp
from xdsl.dialects.test import TestOp, TestTermOp
from xdsl.ir import Attribute, Block, Operation, Region
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.parsing import make_context, parse_module
from cmopt.lowering.rewrite import apply_patterns
from cmopt.support.diagnostics import CompileError, Diagnostic, diagnostics_to, verify, warn
from cmopt.support.locations import file_position, render


def _file(line: int, column: int = 0) -> FileLineColLoc:
    return FileLineColLoc(StringAttr("model.py"), IntAttr(line), IntAttr(column))


_NAMED = NameLoc(StringAttr("permute_3"), _file(41))


@pytest.mark.parametrize(
    ("location", "text", "position"),
    [
        (UnknownLoc(), None, None),
        (_file(41), "model.py:41", ("model.py", 41)),
        (_file(41, 7), "model.py:41:7", ("model.py", 41)),
        (_NAMED, "model.py:41 (permute_3)", ("model.py", 41)),
        (NameLoc(StringAttr("x"), NoneAttr()), "x", None),
        (CallSiteLoc(_file(1), _file(2)), "model.py:1 at model.py:2", ("model.py", 1)),
        (CallSiteLoc(UnknownLoc(), _file(2)), "model.py:2", ("model.py", 2)),
        (
            FusedLoc(ArrayAttr([UnknownLoc(), _file(1), _file(1), _file(2)]), NoneAttr()),
            "model.py:1, model.py:2",
            ("model.py", 1),
        ),
    ],
)
def test_locations_are_shown(
    location: Attribute, text: str | None, position: tuple[str, int] | None
) -> None:
    assert render(location) == text
    assert file_position(location) == position


def test_a_compile_error_says_where_and_what() -> None:
    op = TestOp()
    op.location = _NAMED
    error = CompileError("has no\nway out", op=op, hint="add a door")
    assert str(error) == "model.py:41 (permute_3): error: 'test.op' op has no way out; add a door"
    assert error.op is op
    assert error.location == _NAMED
    assert str(CompileError("no", location=_file(3))) == "model.py:3: error: no"
    assert str(CompileError("no", op=op, location=_file(3))).startswith("model.py:3: error: 'test")


def test_warnings_go_to_the_handler_of_the_block(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[Diagnostic] = []
    with diagnostics_to(seen.append):
        warn("careful", location=_file(1))
    assert [str(diagnostic) for diagnostic in seen] == ["model.py:1: warning: careful"]
    assert capsys.readouterr().err == ""
    warn("careful", location=_file(1))
    assert capsys.readouterr().err == "model.py:1: warning: careful\n"


def _function(text: str) -> ModuleOp:
    return parse_module(make_context(), f"func.func @f(%x: i32) -> i32 {{\n{text}\n}}", "f.mlir")


def _named(module: ModuleOp, name: str) -> Operation:
    return next(op for op in module.walk() if op.name == name)


def test_verify_accepts_what_is_valid() -> None:
    verify(_function("%0 = arith.addi %x, %x : i32\nfunc.return %0 : i32"))
    # In the body of a module the order does not matter.
    verify(
        parse_module(make_context(), '"test.op"(%0) : (i32) -> ()\n%0 = "test.op"() : () -> i32')
    )
    # The order of the blocks of a region does not matter either.
    verify(
        _function(
            '"test.termop"()[^b] : () -> ()\n^a:\n  func.return %0 : i32\n'
            '^b:\n  %0 = "test.op"() : () -> i32\n  "test.termop"()[^a] : () -> ()'
        )
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("func.return", "f.mlir:2:1: error: 'func.return' op "),
        (
            "%0 = arith.addi %1, %x : i32\n%1 = arith.addi %x, %x : i32\nfunc.return %0 : i32",
            "f.mlir:2:1: error: 'arith.addi' op operand #0 does not dominate this use",
        ),
        (
            "%0 = arith.addi %x, %x : i32",
            "f.mlir:2:1: error: 'arith.addi' op is the last op of its block but not a terminator",
        ),
        (
            '"test.op"() ({ %0 = arith.addi %x, %x : i32 "test.termop"() : () -> () }) : () -> ()\n'
            '"test.op"() ({ func.return }) : () -> ()\nfunc.return %x : i32',
            "f.mlir:3:16: error: 'func.return' op ",
        ),
        (
            '"test.termop"()[^a] : () -> ()\n"test.op"() : () -> ()\n^a:\n  func.return %x : i32',
            "f.mlir:2:1: error: 'test.termop' op has successors and must terminate its block",
        ),
    ],
)
def test_verify_names_the_innermost_op(body: str, message: str) -> None:
    with pytest.raises(CompileError) as info:
        verify(_function(body), after="fold-x")
    assert str(info.value).startswith(message)
    assert str(info.value).endswith("(after pass 'fold-x')")


def test_verify_sees_what_rewrites_break() -> None:
    module = _function("%0 = arith.addi %x, %x : i32\nfunc.return %0 : i32")
    _named(module, "arith.addi").results[0].erase(safe_erase=False)
    with pytest.raises(CompileError, match=r"operand #0 is the result of an erased op"):
        verify(module)

    module = ModuleOp([FuncOp("f", ((), ()), Region(Block()))])
    with pytest.raises(CompileError, match=r"'func.func' op .* empty block"):
        verify(module)


class _AddToMul(RewritePattern):
    """Rewrites `x + x` to `x * 2` and adds an op with a body."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: AddiOp, rewriter: PatternRewriter, /) -> None:
        two = ConstantOp(IntegerAttr(2, i32))
        own = TestTermOp()
        own.location = _file(99)
        user = TestOp(regions=[Region(Block([TestOp(), own]))])
        rewriter.insert(user)
        rewriter.replace(op, [two, MuliOp(op.lhs, two.result)])


def test_what_a_pattern_makes_is_where_the_matched_op_was() -> None:
    module = _function("%0 = arith.addi %x, %x : i32\nfunc.return %0 : i32")
    _named(module, "arith.addi").location = _NAMED
    apply_patterns(module, _AddToMul())
    verify(module)
    made = [op for op in module.walk() if op.name not in ("builtin.module", "func.func")]
    assert [op.location for op in made[:-1]] == [_NAMED, _NAMED, _file(99), _NAMED, _NAMED]


class _AddToAdd(RewritePattern):
    """Rewrites `x + y` to `y + x`. Applied to its own results, it never ends."""

    count = 0

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: AddiOp, rewriter: PatternRewriter, /) -> None:
        self.count += 1
        assert self.count < 10
        rewriter.replace(op, AddiOp(op.rhs, op.lhs))


def test_not_recursive_means_once() -> None:
    module = _function("%0 = arith.addi %x, %x : i32\nfunc.return %0 : i32")
    pattern = _AddToAdd()
    apply_patterns(module, pattern, recursive=False)
    assert pattern.count == 1


class _Fails(RewritePattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: AddiOp, rewriter: PatternRewriter, /) -> None:
        raise KeyError("scale")


def test_an_exception_in_a_pattern_keeps_its_type_and_says_where() -> None:
    module = _function("%0 = arith.addi %x, %x : i32\nfunc.return %0 : i32")
    _named(module, "arith.addi").location = _NAMED
    with pytest.raises(KeyError, match="scale") as info:
        apply_patterns(module, _Fails())
    # xDSL's own note would be the whole module.
    assert info.value.__notes__ == ["while rewriting 'arith.addi' at model.py:41 (permute_3)"]
