"""Fuzz delegates: random quantized ops, alone, at the NPUs' limits, and as graphs.

    python test/fuzz/npu_fuzz.py --ops 400 --long 400 --graphs 100 --seed 0

The requirements for each program of the layout stage:

* An op alone is within the bound of its rule in `lowering/tosa`.
* Every delegate gives, byte for byte, what Arm's reference model computes from its flatbuffer.
* Vela compiles every delegate for an NPU of each family, and the stream writes as many elements as
  the results have. What Vela refuses or truncates belongs in `dialects/ethos_u/constraints.py`.
* A graph split into delegates is planned and emitted, and the plan computes what the kernels do.
* No delegate yields an argument, a constant or one value twice, and none only reshapes.
"""

from __future__ import annotations

import argparse
import struct
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
import meaning
from npu_functions import LONG
from npu_programs import NpuProgram, one_op, random_graph
from tosa_programs import reference
from vela_server import forked_vela

from cmopt.codegen.emit_pte import emit_pte
from cmopt.codegen.tosa_flatbuffer import serialize
from cmopt.codegen.vela import compile_stream
from cmopt.dialects import edge, tosa
from cmopt.dialects.arrays import Array, dequantize
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.parsing import make_context
from cmopt.dialects.program import main_function
from cmopt.dialects.quant import QCastOp, quantized_element
from cmopt.dialects.shapes import int_of, numel, shape_of
from cmopt.interpreters.run import make_interpreter, run_module
from cmopt.lowering.delegate_to_ethos_u import outline
from cmopt.lowering.legality import no_kernel_reason, npu_reason, why_not_delegated
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.pipeline.stages import stage_pipelines
from cmopt.support.diagnostics import CompileError
from cmopt.support.printing import module_to_text
from cmopt.support.targets import NPUS
from cmopt.support.vela_settings import VelaSettings

FAMILIES = ("ethos-u55-128", "ethos-u65-256", "ethos-u85-256")
LONGEST = 1 << 17
"""Elements of the largest tensors in programs that are compiled but not run."""

_EXACT = (
    edge.PermuteOp, edge.ReshapeOp, edge.SliceOp, edge.CatOp, edge.MaxPool2dOp, edge.TakeOp,
    edge.PadOp, edge.ExpandOp, edge.MinimumOp, edge.MaximumOp,
)  # fmt: skip


@dataclass
class Totals:
    """The counts of a run, the findings by message, and the reasons for refused ops."""

    programs: int = 0
    delegates: int = 0
    findings: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)

    def finding(self, message: str, module: ModuleOp) -> None:
        """Add a finding about a program."""
        self.findings.setdefault(message, module_to_text(module, elide_larger_than=64))

    def refuse(self, reason: str) -> None:
        """Count a reason why an op stays on the core."""
        self.refusals[reason] = self.refusals.get(reason, 0) + 1

    def report(self) -> str:
        """The findings with their programs, and the counts."""
        parts = [f"=== {message}\n{text}" for message, text in self.findings.items()]
        counts = f"{self.programs} programs, {self.delegates} delegates"
        return "\n".join([*parts, f"{counts}, {len(self.findings)} findings"])


def delegates_of(module: ModuleOp) -> list[DelegateOp]:
    """The delegates, in the order of their calls."""
    return [op for op in module.walk() if isinstance(op, DelegateOp)]


def random_inputs(module: ModuleOp, seed: int) -> list[Array]:
    """Random int8 inputs."""
    generator = np.random.default_rng(seed)
    inputs = []
    for argument in main_function(module).body.block.args:
        value = generator.integers(-128, 128, shape_of(argument))
        inputs.append(value.astype(np.int8))
    return inputs


def canonical(module: ModuleOp) -> ModuleOp:
    """The module after canonicalization."""
    run_passes(make_context(), module, parse_pipeline("canonicalize,cse"))
    return module


def operation_of(module: ModuleOp) -> Operation | None:
    """The op of `one_op`; None if canonicalization has removed it."""
    kinds = (edge.EdgeOp, QCastOp)
    return next((op for op in module.walk() if isinstance(op, kinds)), None)


def delegated(module: ModuleOp, npu: str) -> ModuleOp:
    """A copy in which the only op is in a delegate, if the NPU can compute it."""
    copy = module.clone()
    if (op := operation_of(copy)) is not None and npu_reason(op, npu) is None:
        if not isinstance(op, edge.ReshapeOp):
            outline([op], npu, VelaSettings())
        copy.verify()
    return copy


# ------------------------------------------------------------------------------------ one delegate


def compiles(module: ModuleOp, npus: Sequence[str]) -> str | None:
    """What is wrong with Vela's streams of a module's delegate for each NPU; None if nothing is."""
    for npu in npus:
        for op in delegates_of(delegated(module, npu)):
            try:
                with forked_vela():
                    stream = compile_stream(serialize(op), NPUS[npu])
            except CompileError as error:
                return str(error)
            if len(stream.inputs) != len(op.inputs) or len(stream.outputs) != len(op.outputs):
                return f"{npu}: inputs or outputs are lost"
            wanted = sum(numel(shape_of(value)) for value in op.outputs)
            if (written := elements_written(stream.stream.commands)) < wanted:
                return f"{npu}: the stream writes {written} elements of {wanted}"
    return None


def elements_written(commands: bytes) -> int:
    """How many elements the operations of a command stream write, according to its registers.

    The lower half of a word is the number of a command. Bit 14 says that a second word follows.
    0x111, 0x112 and 0x113 set width, height and depth, minus 1, of the output of operations 2 … 7.
    """
    words = iter(struct.unpack(f"<{len(commands) // 4}I", commands))
    size: dict[int, int] = {}
    total = 0
    for word in words:
        number, value = word & 0xFFFF, word >> 16
        if number >> 14 == 1:
            next(words)
        elif number in (0x111, 0x112, 0x113):
            size[number] = value + 1
        elif 2 <= number <= 7 and len(size) == 3:
            total += numel(list(size.values()))
    return total


def as_the_reference_model(module: ModuleOp, inputs: Sequence[Array]) -> str | None:
    """Run the module. Returns how a delegate differs from the reference model, or None."""
    block = main_function(module).body.block
    values: dict[object, Array] = dict(zip(block.args, inputs, strict=True))
    interpreter = make_interpreter(module)
    for op in block.ops:
        if not op.results:
            continue
        given = [values[operand] for operand in op.operands]
        results = interpreter.run_op(op, tuple(given))
        values.update(zip(op.results, results, strict=True))
        if isinstance(op, DelegateOp):
            expected = reference(op, given)
            if expected is None:
                return "the reference model refuses a delegate"
            if any(a.tobytes() != b.tobytes() for a, b in zip(results, expected, strict=True)):
                return "the reference model computes something else"
    return None


def well_formed(module: ModuleOp) -> str | None:
    """What is wrong with the form of the delegates; None if nothing is."""
    for op in delegates_of(module):
        values = list(op.end.values)
        if len(set(values)) != len(values):
            return "a delegate yields a value twice"
        if any(isinstance(v.owner, Block | tosa.ConstOp) for v in values):
            return "a delegate yields an argument or a constant"
        names = (tosa.ReshapeOp, tosa.ConstShapeOp, tosa.ConstOp)
        if all(isinstance(inner, names) for inner in op.body.block.ops if inner is not op.end):
            return "a delegate only reshapes"
    return None


# ------------------------------------------------------------------------------------ the programs


def check_op(kind: str, seed: int, totals: Totals) -> None:
    """Check one op alone: its bound, the reference model, and Vela."""
    module = canonical(one_op(Random(seed), kind))
    totals.programs += 1
    if (op := operation_of(module)) is None:
        return
    if (reason := npu_reason(op, FAMILIES[0])) is not None:
        totals.refuse(reason)
        return
    after = delegated(module, FAMILIES[0])
    totals.delegates += len(delegates_of(after))
    inputs = random_inputs(module, seed)
    problem = (
        out_of_bounds(op, *(run_module(m, inputs)[0] for m in (module, after)))
        or well_formed(after)
        or as_the_reference_model(after, inputs)
        or compiles(module, FAMILIES)
    )
    if problem is not None:
        totals.finding(f"{op.name} {kind} {seed}: {problem}", module)


def out_of_bounds(op: Operation, before: Array, after: Array) -> str | None:
    """Where the stored results of an op differ by more than its rule allows."""
    element = quantized_element(op.results[0].type)
    assert element is not None
    bound: float | None = 0.0 if isinstance(op, _EXACT) else element.scale * 1.0001
    if isinstance(op, edge.EdgeOp) and bound:
        bound = meaning.kernel_bound(op)
    if bound is None:
        return None
    real = ([dequantize(y, element)] for y in (before, after))
    return meaning.difference(*real, bound)


def check_long(kind: str, seed: int, totals: Totals) -> None:
    """Check that Vela compiles one op with long dimensions."""
    module = canonical(one_op(Random(seed), kind, LONG, LONGEST))
    totals.programs += 1
    for npu in FAMILIES:
        totals.delegates += len(delegates_of(delegated(module, npu)))
        op = operation_of(module)
        if op is not None and (reason := npu_reason(op, npu)) is not None:
            totals.refuse(f"{npu} {op.name}: {reason}")
    problem = well_formed(delegated(module, FAMILIES[0])) or compiles(module, FAMILIES)
    if problem is not None:
        totals.finding(f"{kind} {seed}: {problem}", module)


def check_graph(kind: str, seed: int, totals: Totals) -> None:
    """Check that a graph of several ops can be split, planned and emitted. `kind` is unused."""
    random = Random(seed)
    npu = random.choice(FAMILIES)

    def fits(op: Operation) -> bool:
        is_last = (
            not isinstance(op, edge.SoftmaxOp) or int_of(op.dim) == len(shape_of(op.output)) - 1
        )
        return is_last and (no_kernel_reason(op) is None or why_not_delegated(op, npu) is None)

    module = canonical(random_graph(random, random.choice([3, 5, 8, 12]), fits))
    totals.programs += 1
    inputs, after = random_inputs(module, seed), module.clone()
    pipelines = stage_pipelines(f"cortex-m55+{npu}", "int8")
    results = {}
    for stage in ("ethos_u", "cortex_m", "planned"):
        run_passes(make_context(), after, parse_pipeline(pipelines[stage]))
        if stage == "ethos_u":
            totals.delegates += len(delegates_of(after))
            if problem := well_formed(after) or as_the_reference_model(after, inputs):
                totals.finding(f"graph {seed}: {problem}", module)
                return
        results[stage] = run_module(after, inputs)
    if problem := meaning.difference(results["cortex_m"], results["planned"], 0):
        totals.finding(f"graph {seed}: planned: {problem}", module)
    emit_pte(after)


KINDS = tuple(NpuProgram(Random(0)).kinds)


def fuzz(ops: int, long: int, graphs: int, seed: int, kinds: Sequence[str] = KINDS) -> Totals:
    """Run this many programs. The same seed gives the same programs."""
    totals = Totals()
    checks = ((ops, check_op), (long, check_long), (graphs, check_graph))
    for count, check in checks:
        for case in range(count):
            number, kind = seed * 1_000_003 + case, kinds[case % len(kinds)]
            try:
                check(kind, number, totals)
            except Exception as error:
                frames = traceback.extract_tb(error.__traceback__)
                where = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in frames[:-7:-1])
                message = f"{check.__name__} {kind} {number}: {type(error).__name__}: {error}"
                totals.findings.setdefault(message, where)
    return totals


def main() -> int:
    """The command line. Returns exit code 1 if there are findings."""
    parser = argparse.ArgumentParser(description="Fuzz delegates.")
    parser.add_argument("--ops", type=int, default=400, help="ops alone, executed")
    parser.add_argument("--long", type=int, default=400, help="ops with long dimensions")
    parser.add_argument("--graphs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", default=KINDS)
    args = parser.parse_args()
    totals = fuzz(args.ops, args.long, args.graphs, args.seed, args.kinds)
    for reason, count in sorted(totals.refusals.items()):
        print(f"{count} refused: {reason}")
    print(totals.report())
    return int(bool(totals.findings))


if __name__ == "__main__":
    sys.exit(main())
