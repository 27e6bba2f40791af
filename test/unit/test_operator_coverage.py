"""Each op of the `edge` dialect has all that an op needs, or a reason why not."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import pytest
from xdsl.ir import Operation

from cmopt.arithmetic import functions
from cmopt.dialects import edge
from cmopt.frontend.operators import CONVERSIONS
from cmopt.interpreters.edge import EdgeFunctions
from cmopt.lowering import convert_edge_to_portable
from cmopt.lowering.cortex_m import binary
from cmopt.lowering.cortex_m import rules as core
from cmopt.lowering.int16 import elementwise as int16_binary
from cmopt.lowering.layout import modes
from cmopt.lowering.tosa import elementwise
from cmopt.lowering.tosa import rules as tosa

Op: TypeAlias = type[Operation]

REPOSITORY = Path(__file__).resolve().parents[2]
OPS: list[Op] = sorted(set(edge.Edge.operations) - {edge.YieldOp}, key=lambda op: op.name)


def classes_in_front_end() -> set[str]:
    """The names of classes that the front end's modules use."""
    found: set[str] = set()
    for path in (REPOSITORY / "frontend").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.Name):
                found.add(node.id)
    return found


NAMED = classes_in_front_end()

# One function for each need: whether the compiler has it.


def has_meaning(op: Op) -> bool:
    return op in {kind for kind, _ in EdgeFunctions._impls()}


def has_layout_rule(op: Op) -> bool:
    return any(kind in modes.RULES for kind in op.__mro__)


def has_function(op: Op) -> bool:
    if issubclass(op, edge.BinaryOp):
        return op in functions.BINARY
    by_properties = (edge.ClampOp, edge.GeluOp, edge.FUNCTIONS["relu"])
    is_unary = issubclass(op, edge.UnaryOp) and op not in by_properties
    return not is_unary or op.name.removeprefix("edge.") in functions.FUNCTIONS


def has_core_rule(op: Op) -> bool:
    if issubclass(op, edge.BinaryOp):
        return op in binary.BINARY or op in int16_binary.BINARY
    return any(kind in core.RULES for kind in op.__mro__)


def has_npu_rule(op: Op) -> bool:
    if issubclass(op, edge.BinaryOp):
        return any(kind in elementwise.BINARY for kind in op.__mro__)
    return any(kind in tosa.RULES for kind in op.__mro__)


def has_portable_rule(op: Op) -> bool:
    return any(kind in convert_edge_to_portable.RULES for kind in op.__mro__)


def is_imported(op: Op) -> bool:
    if issubclass(op, edge.BinaryOp):
        named = [f"aten.{name}" for name in op.ATEN]
        return any(name in CONVERSIONS for name in named) or op.__name__ in NAMED
    if op in (*edge.FUNCTIONS.values(), *edge.WITH_PARAMETERS.values()):
        return any(name.split(".")[1] == op.name.removeprefix("edge.") for name in CONVERSIONS)
    return op.__name__ in NAMED


@dataclass(frozen=True)
class Need:
    """One thing that an op needs."""

    what: str
    where: str
    """What to edit."""
    has: Callable[[Op], bool]
    without: dict[Op, str] = field(default_factory=dict)
    """Ops that do not need it, with the reason."""


WRAPPED = dict.fromkeys(
    (edge.AvgPool1dOp, edge.Conv1dOp, edge.MaxPool1dOp), "wrap-conv1d makes it two-dimensional"
)
SPLIT = {edge.UpsampleBilinear2dOp: "split-bilinear-upsampling makes it convolutions"}
ORDER = {edge.ToDimOrderOp: "materialize-dim-order makes it a permute"}
BYTES = {edge.BitcastOp: "it is the same bytes as plain integers"}
CALL = {edge.CallOp: "it is a call of a portable kernel itself"}
ROUNDED = dict.fromkeys(
    (edge.FloorDivideOp, edge.TruncDivideOp, edge.RemainderOp, edge.FmodOp),
    "CMSIS-NN has no division that rounds to integers; the portable kernel computes in float",
)
MASKS = dict.fromkeys(
    (edge.EqualOp, edge.GreaterOp, edge.GreaterEqualOp, edge.WhereOp),
    "masks are bools on the core; quantize-masks makes numbers of those that the NPU computes",
)
LOOP = {edge.ScanOp: "it is a loop, up to the program file"}

NEEDS = (
    Need(
        "meaning", "interpreters/edge.py", has_meaning,
        {edge.ScanOp: "interpreters/scan.py runs its body, without torch"},
    ),
    Need(
        "function in NumPy", "arithmetic/functions.py", has_function,
        {edge.MapOp: "arithmetic/maps.py computes its body"},
    ),
    Need(
        "layout rule",
        "RULES in lowering/layout/modes.py",
        has_layout_rule,
        {
            **WRAPPED, **ORDER, **BYTES,
            edge.ScanOp: "its body has layouts of its own; it takes and gives tensors as written",
            edge.AvgPool2dOp: "convert-to-nhwc gives it the layout of its kernels",
            edge.PermuteOp: "it is a layout",
            edge.UpsampleBilinear2dOp: "split-bilinear-upsampling makes it convolutions",
        },
    ),
    Need(
        "kernel rule for the core",
        "RULES in lowering/cortex_m/rules.py, of a function of two tensors BINARY in binary.py, or "
        "in lowering/int16/elementwise.py",
        has_core_rule,
        {**WRAPPED, **SPLIT, **CALL, **ORDER, **LOOP, **ROUNDED, **MASKS},
    ),
    Need(
        "rule for the NPU",
        "RULES in lowering/tosa/rules.py, of a function of two tensors BINARY in elementwise.py",
        has_npu_rule,
        {
            **WRAPPED, **SPLIT, **ORDER, **BYTES,
            edge.ScanOp: "unroll-scans makes it its steps, or its body has the delegates",
            edge.LayerNormOp: "it is for a kernel of the core; for an NPU it is taken apart",
            edge.HypotOp: "it is for kernels of int16; the NPU takes its square roots and sums",
            edge.ConvTranspose2dOp: "split-transposed-convolutions makes it convolutions",
        },
    ),
    Need(
        "portable kernel", "RULES in lowering/convert_edge_to_portable.py", has_portable_rule,
        {
            **WRAPPED, **CALL, **ORDER, **BYTES, **LOOP,
            edge.ReshapeOp: "it is a view of the same bytes",
        },
    ),
    Need(
        "importer entry", "frontend/operators.py", is_imported,
        {
            **dict.fromkeys((edge.BitcastOp, edge.MapOp), "fuse-elementwise-chains makes it"),
            **MASKS,
        },
    ),
)  # fmt: skip


def fault(op: Op, need: Need) -> str | None:
    """What an op lacks and where to add it; None if it lacks nothing."""
    if need.has(op) and op in need.without:
        return f"{op.name} has a {need.what}: say no more in {Path(__file__).name} that it has none"
    if need.has(op) or op in need.without:
        return None
    return (
        f"{op.name} has no {need.what}: add one in {need.where}, or the reason why it has none "
        f"to NEEDS in {Path(__file__).name}"
    )


@pytest.mark.parametrize("need", NEEDS, ids=lambda need: need.what)
@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_an_op_has_all_it_needs(op: Op, need: Need) -> None:
    assert (found := fault(op, need)) is None, found


def test_a_forgotten_op_is_named_with_the_place_to_add_it() -> None:
    class ForgottenOp(edge.BinaryOp):
        name = "edge.forgotten"
        ATEN = ("forgotten.Tensor",)

    derived = {"layout rule", "portable kernel"}  # those of every function of two tensors
    for need in NEEDS:
        found = fault(ForgottenOp, need)
        if need.what in derived:
            assert found is None
        else:
            assert found is not None
            assert "edge.forgotten has no" in found and need.where in found
