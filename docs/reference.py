"""Pages of the site that are made from the definitions: passes, ops of each dialect, and messages.

A hook of MkDocs, which calls `on_files`. Needs cmopt and the tests of the checkout.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from xdsl.ir import Operation
from xdsl.irdl import OptOperandDef, OptPropertyDef, OptResultDef, VarOperandDef, VarResultDef
from xdsl.passes import ModulePass

from cmopt.dialects import get_all_dialects
from cmopt.dialects.parsing import make_context, parse_module
from cmopt.pipeline.passes import parse_pipeline, pass_options, run_passes
from cmopt.pipeline.registry import get_all_passes
from cmopt.support.diagnostics import CompileError
from cmopt.support.printing import module_to_text

LIT = Path(__file__).resolve().parents[1] / "test" / "lit"
TRANSFORMS = LIT / "transforms"

LONGEST_EXAMPLE = 40
"""Lines of the IR before or after a pass. A longer example does not help a reader."""

_KINDS = {
    "DenseArrayBase": "integers",
    "FloatAttr": "number",
    "IntegerAttr": "integer",
    "ShapeType": "shape",
    "StringAttr": "string",
    "TensorType": "tensor",
    "TypeAttribute": "type",
    "UnitAttr": "flag",
}
"""A reader's word for a kind of operand or property. Others keep the name of their class."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to the site."""
    for name, text in pages().items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def pages() -> dict[str, str]:
    """The text of each page by its name."""
    ops = {name: ops_page(name) for name in get_all_dialects()}
    return {"passes": passes_page(), "messages": messages_page(), **ops}


def messages_page() -> str:
    """Typical mistakes with their messages, each of which a test makes."""
    folder = LIT.parent / "unit"
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    from mistakes import table

    return f"# Messages\n\nWhat the tools say to typical mistakes. `…` is any text.\n\n{table()}\n"


# Ops


def ops_page(dialect: str) -> str:
    """The page of a dialect: each op with its docstring, operands, properties and results."""
    ops = sorted(get_all_dialects()[dialect]().operations, key=lambda op: op.name)
    intro = (
        f"{len(ops)} ops, from their definitions. [The IR](../ir.md) explains the dialect. Each "
        "example is the first use of the op in `test/lit/`."
    )
    return "\n\n".join([f"# `{dialect}`", intro, *(_op_text(op) for op in ops)]) + "\n"


def _op_text(op: type[Operation]) -> str:
    rows = [f"| {name} | {kind} | {text} |" for name, kind, text in _parts(op)]
    table = "\n".join(["| name | | type |", "|---|---|---|", *rows]) if rows else ""
    use = first_use(op.name)
    ir = _block(use) if use else ""
    return "\n\n".join(part for part in (f"## {op.name}", *_prose(op), ir, table) if part)


def first_use(name: str) -> str | None:
    """The first op of that name in the tests of its dialect, with its regions; else of passes."""
    use = re.compile(
        rf"^(?P<indent> *)(?:%[\w, %:]+ = )?\"?{re.escape(name)}\b[^\n]*?"
        rf"(?:\{{\n(?:(?P=indent) +[^\n]*\n|(?P=indent)\^[^\n]*\n)*(?P=indent)\}}[^\n]*)?$",
        re.MULTILINE,
    )
    for path in _tests_of(name.partition(".")[0]):
        if found := use.search(path.read_text()):
            return inspect.cleandoc(found[0])
    return None


@cache
def _tests_of(dialect: str) -> list[Path]:
    """Tests of the forms that ops have, those of the dialect first; none of what is refused."""
    own = sorted((LIT / "dialects" / dialect).glob("ops*.mlir"))
    return [*own, *(path for path in sorted(LIT.rglob("*.mlir")) if "invalid" not in path.name)]


def _prose(op: type[Operation]) -> Iterator[str]:
    """The docstring, and the operators of PyTorch that an op stands for."""
    yield inspect.cleandoc(op.__doc__ or "")
    if aten := getattr(op, "ATEN", ()):
        yield "PyTorch: " + ", ".join(f"`aten.{overload}`" for overload in aten)


def _parts(op: type[Operation]) -> Iterator[tuple[str, str, str]]:
    """(name, kind, type) of each operand, property, region and result."""
    definition = op.get_irdl_definition()
    for name, operand in definition.operands:
        yield f"`{name}`", "operand", _type_text(operand)
    for name, prop in sorted({**definition.properties, **definition.attributes}.items()):
        yield f"`{name}`", "property", _type_text(prop)
    for name, _ in definition.regions:
        yield f"`{name}`", "region", ""
    for name, result in definition.results:
        yield f"`{name}`", "result", _type_text(result)


def _type_text(definition: Any) -> str:
    """What may be there: the word of its kind, and how often."""
    constraint = str(definition.constr)
    if "IntegerAttr" in constraint and (bits := re.search(r"IntegerType\((\d+)\)", constraint)):
        kind = "bool" if bits[1] == "1" else f"i{bits[1]}"
    else:
        named = re.search(r"BaseAttr\((\w+)\)|ParamAttrConstraint\((\w+)", constraint)
        name = (named[1] or named[2]) if named else "attribute"
        kind = _KINDS.get(name, name.removesuffix("Attr"))
    if isinstance(definition, VarOperandDef | VarResultDef):
        return f"{kind}, any number"
    if isinstance(definition, OptOperandDef | OptResultDef | OptPropertyDef):
        return f"{kind}, optional"
    return kind


# Passes


def passes_page() -> str:
    """The page of the passes: each with its docstring, its options and an example."""
    passes = {name: factory() for name, factory in get_all_passes().items()}
    intro = (
        "`cm-opt -p NAME` runs a pass. Each example is the first function of the pass's test in "
        "`test/lit/transforms/` that the pass changes, and what `cm-opt` prints for it."
    )
    return "\n\n".join(["# Passes", intro, *(_pass_text(*item) for item in passes.items())]) + "\n"


def _pass_text(name: str, cls: type[ModulePass]) -> str:
    parts = [f"## {name}", inspect.cleandoc(cls.__dict__.get("__doc__") or "")]
    options = [
        f"| `{option.replace('_', '-')}` | {info.type} | {info.default or ''} |"
        for option, info in pass_options(cls).items()
    ]
    if options:
        parts.append("\n".join(["| option | type | default |", "|---|---|---|", *options]))
    if found := example(name):
        pipeline, comment, before, after = found
        parts += [comment, _block(before), f"After `cm-opt -p '{pipeline}'`:", _block(after)]
    return "\n\n".join(part for part in parts if part)


def _block(ir: str) -> str:
    return f"```mlir\n{ir}\n```"


def example(name: str) -> tuple[str, str, str, str] | None:
    """(pipeline, comment, IR before, IR after) of a pass, from its lit test.

    None if the pass has no test of its own, as the passes of xDSL, or changes none of its short
    functions, as those that only check.
    """
    path = TRANSFORMS / f"{name}.mlir"
    if not path.exists():
        return None
    text = path.read_text()
    run = next(line for line in text.splitlines() if "RUN:" in line and name in line)
    quoted = re.search(r"(?:-p|--pass-pipeline=)\s*(?:'([^']*)'|(\S+))", run)
    assert quoted is not None, f"{path.name}: the first RUN line has no pipeline"
    pipeline = (quoted[1] or quoted[2]).removeprefix("builtin.module(")
    pipeline = pipeline.removesuffix(")") if pipeline != (quoted[1] or quoted[2]) else pipeline
    for chunk in re.split(r"^// -----$", text, flags=re.MULTILINE):
        aliases = dict(re.findall(r"^([!#]\w+) = (.*)$", chunk, re.MULTILINE))
        for function in re.finditer(
            r"(?P<comments>(?:^//[^\n]*\n)*)(?P<body>^func\.func [^\n]*\n(?:[^\n]*\n)*?^\})",
            chunk, re.MULTILINE,
        ):  # fmt: skip
            before = _without_checks(function["body"])
            after = _after(pipeline, before, aliases)
            if after is None or _is_long(before) or _is_long(after):
                continue
            if _shape(after) != _shape(before):
                used = [f"{a} = {t}" for a, t in aliases.items() if a in before or a in after]
                return pipeline, _comment(function["comments"]), "\n".join([*used, before]), after
    return None


def _is_long(ir: str) -> bool:
    return ir.count("\n") >= LONGEST_EXAMPLE


def _without_checks(ir: str) -> str:
    return "\n".join(line for line in ir.splitlines() if not line.lstrip().startswith("//"))


def _comment(comments: str) -> str:
    """The sentences above a function, without the lines for filecheck."""
    lines = [line.removeprefix("//").strip() for line in comments.splitlines()]
    return " ".join(line for line in lines if not re.match(r"[A-Z][A-Z0-9_-]*:", line)).strip()


def _shape(ir: str) -> str:
    """IR without what printing changes: names of values, blanks and forms of numbers."""
    return re.sub(r"%\w+|\s+|\d[\d.e+-]*", "", ir)


def _after(pipeline: str, function: str, aliases: Mapping[str, str]) -> str | None:
    """What the passes make of a function, with the aliases; None if they refuse it."""
    ctx = make_context(allow_unregistered=True)
    definitions = "".join(f"{alias} = {type}\n" for alias, type in aliases.items())
    try:
        module = parse_module(ctx, f"{definitions}\n{function}\n")
        run_passes(ctx, module, parse_pipeline(pipeline))
    except CompileError:
        return None
    lines = module_to_text(module, elide_larger_than=64).splitlines()[1:-1]
    text = "\n".join(line.removeprefix("  ") for line in lines)
    for alias, type in aliases.items():
        text = text.replace(type, alias)
    return text
