"""The figures of a compiled program: kernels, memory, bytes, and what stayed in float."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    IntegerAttr,
    ModuleOp,
    StringAttr,
)
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation

from cmopt.codegen.emit_delegate import EmittedDelegate
from cmopt.codegen.emit_pte import EmittedProgram
from cmopt.codegen.emit_scan import instructions_of
from cmopt.codegen.hot_values import traffic_in
from cmopt.codegen.step_facts import StepFacts, step_facts, steps_of
from cmopt.dialects.cortex_m import KernelOp
from cmopt.dialects.edge import CallOp, ScanOp
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.program import (
    ARENA_BOUND,
    ARENA_BYTES,
    LAYOUT_LIMIT,
    NPU_REASON,
    ORDER_BOUND,
    ORDER_LIMIT,
    PLAN_LIMIT,
    PRECISION,
    ROW_STRIPS,
    border_names,
    main_function,
    region_bytes,
)
from cmopt.dialects.shapes import numel
from cmopt.pipeline.op_kinds import is_float_operand
from cmopt.support.diagnostics import warn
from cmopt.support.locations import render
from cmopt.support.precision_report import PrecisionReport
from cmopt.support.strips_report import RowStrips, from_json

if TYPE_CHECKING:
    from cmopt.pipeline.compare import Comparison
    from cmopt.pipeline.emulation import Count


@dataclass(frozen=True)
class Fallback:
    """An operator that runs on a portable kernel, the reason, and the user's source line."""

    op: str
    reason: str
    location: str | None
    is_float: bool


@dataclass(frozen=True)
class Outside:
    """An op that the NPU does not compute, the reason, and the user's source line."""

    op: str
    reason: str
    location: str | None


@dataclass(frozen=True)
class Report:
    """Figures of one program. Sizes are in bytes; the arena holds inputs and outputs too.

    `inputs` and `outputs` are their names.
    `ops` counts kernel calls by name, and the instructions of loops; those in a loop count once.
    `operators` lists what ExecuTorch's selective build must register. `arena_bound` is a lower
    bound on the arena for this order of ops, and `order_bound` for all orders; 0 if the orders were
    not compared. `row_strips` has an entry for each run of calls that is split into strips of rows.
    `dtcm_bytes` are planned in the fast memory, which takes `dtcm_traffic` of the bytes that calls
    read and write in planned memory (see `codegen/hot_values.py`).
    The two allocator sizes are the memory that ExecuTorch's runtime takes besides the arena on a
    32-bit core, including the NPU's scratch.
    `limits` lists the searches that ended before the best was proven.
    `delegates` has an entry for each call of the NPU, with Vela's estimates, and `outside` has one
    for each op that stays on the core. `steps` has an entry for each call, in order; an NPU's
    products are in its own figures. `precision` is what quantization with precision="auto" chose.
    `modules` is the IR of each stage, which the page draws; the JSON does not have it.
    """

    target: str
    io: str
    kernels: str
    ops: dict[str, int]
    fallbacks: tuple[Fallback, ...]
    arena_bytes: int
    arena_bound: int
    constant_bytes: int
    pte_bytes: int
    method_allocator_bytes: int
    temp_allocator_bytes: int
    operators: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    delegates: tuple[EmittedDelegate, ...] = ()
    outside: tuple[Outside, ...] = ()
    steps: tuple[StepFacts, ...] = ()
    precision: PrecisionReport | None = None
    order_bound: int = 0
    row_strips: tuple[RowStrips, ...] = ()
    dtcm_bytes: int = 0
    dtcm_traffic: float = 0.0
    modules: Mapping[str, ModuleOp] = field(default_factory=dict, repr=False, compare=False)

    @property
    def npu_cycles(self) -> int:
        """Cycles of all calls of the NPU, memory accesses included, as Vela estimates them."""
        times = [step.times for step in self.steps if step.kernel == DelegateOp.name]
        return sum(d.figures.cycles * n for d, n in zip(self.delegates, times, strict=True))

    @property
    def allocator_bytes(self) -> int:
        """What ExecuTorch's runtime takes besides planned memory: both allocators."""
        return self.method_allocator_bytes + self.temp_allocator_bytes

    @property
    def float_ops(self) -> int:
        """Number of operators that compute in float, without the casts at the border."""
        return sum(fallback.is_float for fallback in self.fallbacks)

    def to_json(self) -> str:
        """All figures as a JSON object."""
        figures = asdict(replace(self, modules={}))
        del figures["modules"]
        derived = {"float_ops": self.float_ops, "npu_cycles": self.npu_cycles}
        return json.dumps({**figures, **derived}, indent=2)

    def html(
        self,
        *,
        title: str = "program",
        comparison: Comparison | None = None,
        count: Count | None = None,
    ) -> str:
        """The report as one HTML page that works without a network: see `docs/report.md`.

        title: the name of the program. comparison: what `Program.compare` measured, which adds the
        accuracy of each operator. count: the instructions of each step of the program's C source
        (`pipeline.emulation.run_project`). Raises CompileError if one of them belongs to another
        program.
        """
        from cmopt.pipeline.page.assemble import assemble
        from cmopt.pipeline.page.data import page_data

        return assemble(page_data(self, title=title, comparison=comparison, count=count))

    def arena_picture(self, width: int | None = None) -> str:
        """The arena as a picture of characters: addresses upwards, time to the right.

        width: characters of a line, 40 at least; by default those of the terminal.
        """
        from cmopt.pipeline.arena_picture import arena_picture
        from cmopt.pipeline.tables import terminal_width

        return arena_picture(main_function(self.modules["planned"]), width or terminal_width())

    def __str__(self) -> str:
        from cmopt.pipeline.tables import report_text

        return report_text(self)


def is_cast(op: str) -> bool:
    """Whether an op only quantizes or dequantizes, which no NPU does."""
    return op.startswith("quant.")


def fallback_of(op: Operation) -> Fallback | None:
    """The report's entry for an op that is not a Cortex-M kernel."""
    if not isinstance(op, CallOp):
        return None
    reason = op.reason.data if op.reason is not None else "it is not lowered"
    values = (*op.operands, *op.results)
    is_float = any(is_float_operand(value) for value in values)
    return Fallback(op.target.data, reason, render(op.location), is_float)


def outside_of(module: ModuleOp) -> tuple[Outside, ...]:
    """The ops of stage "ethos_u" that are in no delegate, with the reasons noted on them."""
    found = []
    for op in module.walk():
        if isinstance(reason := op.attributes.get(NPU_REASON), StringAttr):
            name = op.target.data if isinstance(op, CallOp) else op.name
            found.append(Outside(name, reason.data, render(op.location)))
    return tuple(found)


def warn_without_delegates(module: ModuleOp, target: str) -> None:
    """Warn if a module of stage "ethos_u" has no delegate. The warning has the first reasons."""
    if any(isinstance(op, DelegateOp) for op in module.walk()):
        return
    outside = [out for out in outside_of(module) if not is_cast(out.op)]
    reasons = Counter(f"{out.op} ({out.reason})" for out in outside)
    left = "; ".join(text for text, _ in reasons.most_common(3))
    core = target.partition("+ethos")[0]
    warn(
        f"nothing in this program is for the NPU of {target!r}, all of it runs on the core"
        + (f": {left}" if left else "")
        + f"; compile it for {core!r} to have no NPU in its requirements"
    )


def constant_bytes(module: ModuleOp) -> int:
    """Bytes of the distinct constants."""
    attrs = {
        (op.value.data.data, numel(op.value.get_shape()), op.value.get_element_type())
        for op in module.walk()
        if isinstance(op, ConstantOp) and isinstance(op.value, DenseIntOrFPElementsAttr)
    }
    # Equal elements may be held as one.
    distinct = {(data, count * element.compile_time_size) for data, count, element in attrs}
    return sum(size for _, size in distinct)


def _precision_of(func: FuncOp) -> PrecisionReport | None:
    text = func.attributes.get(PRECISION)
    return PrecisionReport.from_json(text.data) if isinstance(text, StringAttr) else None


def make_report(
    modules: Mapping[str, ModuleOp],
    emitted: EmittedProgram,
    *,
    target: str,
    io: str,
    kernels: str,
) -> Report:
    """The figures of a program and of the file emitted from it.

    modules: the IR of each stage, "planned" at least.
    """
    planned, split = modules["planned"], modules.get("ethos_u")
    func = main_function(planned)
    inputs, outputs = border_names(func)
    sizes = [func.attributes[name] for name in (ARENA_BYTES, ARENA_BOUND)]
    arena, bound = (s.value.data for s in sizes if isinstance(s, IntegerAttr))
    calls = [op for op in planned.walk() if isinstance(op, KernelOp | CallOp | DelegateOp)]
    names = Counter(op.target.data if isinstance(op, CallOp) else op.name for op in calls)
    for scan in (op for op in planned.walk() if isinstance(op, ScanOp)):
        names.update(instructions_of(scan))
    limits = [func.attributes.get(name) for name in (LAYOUT_LIMIT, ORDER_LIMIT, PLAN_LIMIT)]
    order_bound = func.attributes.get(ORDER_BOUND)
    strips = func.attributes.get(ROW_STRIPS)
    fallbacks = tuple(f for f in map(fallback_of, calls) if f is not None)
    return Report(
        target=target,
        io=io,
        kernels=kernels,
        ops=dict(sorted(names.items())),
        fallbacks=fallbacks,
        arena_bytes=arena,
        arena_bound=bound,
        constant_bytes=constant_bytes(planned),
        pte_bytes=len(emitted.pte),
        method_allocator_bytes=emitted.method_allocator_bytes,
        temp_allocator_bytes=emitted.temp_allocator_bytes,
        operators=emitted.operators,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        limits=tuple(limit.data for limit in limits if isinstance(limit, StringAttr)),
        delegates=emitted.delegates,
        outside=() if split is None else outside_of(split),
        steps=tuple(step_facts(op, times) for op, times in steps_of(func.body.block)),
        precision=_precision_of(func),
        order_bound=order_bound.value.data if isinstance(order_bound, IntegerAttr) else 0,
        row_strips=from_json(strips.data) if isinstance(strips, StringAttr) else (),
        dtcm_bytes=region_bytes(func, "dtcm"),
        dtcm_traffic=traffic_in(func, "dtcm"),
        modules=modules,
    )
