"""Run one case in one flow: quantize, compile, run, and collect the figures."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cached_property
from typing import Any
from unittest.mock import patch

import torch
from torch.export import ExportedProgram
from torch.utils import _pytree
from xdsl.dialects.builtin import ModuleOp

import cmopt
from cmopt.dialects.ethos_u import DelegateOp
from cmopt.dialects.program import main_function, terminator, update
from cmopt.pipeline.interpreting import as_arrays, interpret
from cmopt.support.targets import NPUS, get_target
from peer_suites import figures
from peer_suites.other_inputs import Run, noise_on, other_inputs
from peer_suites.outcomes import (
    CANNOT_RUN,
    ERROR,
    OK,
    REFUSED,
    SKIPPED,
    WRONG_BYTES,
    Result,
    of_exception,
    without_places,
)
from peer_suites.recording import Recorded
from peer_suites.suites import Case

Phase = Callable[[str], None]
AFTER_COMPILING = ("interpret", "interpret planned", "run", "reference model", "measure")


class NotQuantized(Exception):
    """Upstream's quantizer gives no program. The reason is the exception's cause."""


class Subject:
    """The model of a case. What several flows need is computed once."""

    def __init__(self, case: Case, recorded: Recorded, others: int = 0):
        """others: on how many other inputs the noise is measured too; see `other_inputs`."""
        self.others = others
        self.key, self.target, self.has_npu = case.key, case.suite.target, case.suite.has_npu
        self.int16 = case.suite.int16
        self.recorded = recorded
        self._inputs = figures.copies(recorded.inputs)
        self._calibration = [figures.copies(sample) for sample in recorded.calibration]
        self._given = figures.copies(recorded.tester.example_inputs)
        self.model = copy.deepcopy(recorded.model).eval()
        self._failure: Exception | None = None

    @property
    def inputs(self) -> tuple[Any, ...]:
        """A new copy of the model's inputs, because some models write to them."""
        return figures.copies(self._inputs)

    @property
    def calibration(self) -> list[tuple[Any, ...]]:
        """New copies of the inputs that calibrate."""
        return [figures.copies(sample) for sample in self._calibration]

    @property
    def tester_inputs(self) -> tuple[Any, ...]:
        """A new copy of the inputs in the memory format of upstream's tester."""
        return figures.copies(self._given)

    def as_for_tester(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Other inputs in the memory format of upstream's tester."""
        given = zip(figures.tensors_of(self._given), figures.tensors_of(inputs), strict=True)
        tensors = iter([torch.empty_like(old).copy_(new) for old, new in given])
        return _pytree.tree_map_only(torch.Tensor, lambda _: next(tensors), self._given)

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """The tensor inputs, in order: the inputs of a compiled program."""
        return figures.tensors_of(self.inputs)

    @cached_property
    def expected(self) -> list[torch.Tensor]:
        """The outputs of the float model."""
        return self._float(self.inputs)

    def _float(self, inputs: tuple[Any, ...]) -> list[torch.Tensor]:
        with torch.no_grad():
            return figures.flat(copy.deepcopy(self.model)(*inputs))

    def noise_on_others(self, run: Run) -> float | None:
        """The noise of a program on the other inputs; None if there are none."""
        return noise_on(other_inputs(self.inputs, self.others), self._float, run)

    @property
    def upstream_quantized(self) -> ExportedProgram:
        """The program that upstream's quantizer makes. Raises NotQuantized."""
        if self._failure is None:
            try:
                return self._upstream_quantized
            except Exception as error:  # Upstream raises many kinds of exception.
                self._failure = error
        raise NotQuantized(f"{type(self._failure).__name__}: {self._failure}") from self._failure

    @cached_property
    def _upstream_quantized(self) -> ExportedProgram:
        tester = self.recorded.tester
        tester.example_inputs = self.tester_inputs
        with torch.no_grad():
            tester.quantize(self.recorded.quantize)
            tester.export()
        program: ExportedProgram = tester.get_artifact()
        return program


def run_flow(subject: Subject, flow: str, phase: Phase) -> Result:
    """The result of one flow. An exception becomes a part of the result."""
    run = {"ours": _ours, "theirs": _theirs, "upstream": _upstream}[flow]
    at = ["begin"]

    def note(name: str) -> None:
        at[0] = name
        phase(name)

    try:
        return run(subject, note)
    except NotQuantized as error:
        outcome = SKIPPED if flow == "theirs" else of_exception(error, flow)[0]
        message = f"upstream's quantizer: {without_places(str(error))}"
        return Result(subject.key, flow, outcome, at[0], message)
    except Exception as error:
        outcome, message, frame = of_exception(error, flow)
        if outcome == REFUSED and flow != "upstream" and at[0] in AFTER_COMPILING:
            outcome = ERROR  # A program that was compiled must run.
        if flow == "ours" and at[0] == "quantize" and (reason := _why_no_export(subject)):
            outcome, message, frame = SKIPPED, reason, ""
        return Result(subject.key, flow, outcome, at[0], message, frame)


def _why_no_export(subject: Subject) -> str | None:
    """Why PyTorch itself cannot export or run the model; None if it can."""
    try:
        assert subject.expected is not None
        with torch.no_grad():
            torch.export.export(copy.deepcopy(subject.model), subject.inputs)
    except Exception as error:
        return without_places(f"torch.export: {type(error).__name__}: {error}")
    return None


def _ours(subject: Subject, phase: Phase) -> Result:
    phase("quantize")
    exported = cmopt.quantize(
        subject.model,
        subject.inputs,
        calibration=subject.calibration,
        target=subject.target,
        precision=cmopt.Precision(default="int16" if subject.int16 else "int8"),
    )
    return _compiled(subject, "ours", exported, phase)


def _theirs(subject: Subject, phase: Phase) -> Result:
    phase("upstream's quantizer")
    return _compiled(subject, "theirs", subject.upstream_quantized, phase)


def _compiled(subject: Subject, flow: str, exported: ExportedProgram, phase: Phase) -> Result:
    phase("compile")
    # A model of integers, or without operators that the quantizer knows, gets no quantize operator.
    allow_float = not any("quantize_per" in str(node.target) for node in exported.graph.nodes)
    program = cmopt.compile(exported, target=subject.target, allow_float=allow_float)
    note = ""
    phase("emit")
    found: dict[str, Any] = dict(figures.of_file(program.pte))
    report = program.report
    found["arena"] = report.arena_bytes
    if report.delegates:
        found["cycles"] = report.npu_cycles
    inputs = subject.tensors
    phase("interpret")
    outputs = list(program.interpret(*inputs))
    scales = figures.output_scales(exported)
    if difference := _disagreement(program, inputs, outputs, phase):
        return Result(subject.key, flow, WRONG_BYTES, "interpret", difference, figures=found)
    if not report.delegates:
        phase("run")
        ran = list(program.run(*inputs))
        if difference := figures.first_difference(ran, outputs):
            difference = f"run and interpret: {difference}"
            if not found["float"] or not figures.is_rounding(ran, outputs, scales):
                return Result(subject.key, flow, WRONG_BYTES, "run", difference, figures=found)
            note = f"a float operator rounds differently, {difference}"
    phase("measure")
    with torch.no_grad():
        meant = figures.flat(exported.module(check_guards=False)(*subject.inputs))
    found["steps"] = figures.steps(outputs, meant, scales)
    found["snr"] = figures.noise(outputs, subject.expected)
    found["integers"] = figures.wrong_integers(outputs, subject.expected)
    if subject.others:
        found["snr_others"] = subject.noise_on_others(
            lambda other: program.interpret(*figures.tensors_of(other))
        )
    reasons = _reasons(program)
    return Result(subject.key, flow, OK, message=note, figures=found, reasons=reasons)


def _reasons(program: cmopt.Program) -> list[str]:
    """What stayed in float or off the NPU, and why: at most four, each once."""
    report = program.report
    left = [(f.op, f.reason) for f in report.fallbacks if f.is_float or report.delegates]
    left += [(o.op, o.reason) for o in report.outside if not o.op.startswith("quant.")]
    return list(dict.fromkeys(f"{op}: {without_places(reason, 160)}" for op, reason in left))[:4]


def _disagreement(
    program: cmopt.Program, inputs: tuple[Any, ...], outputs: list[torch.Tensor], phase: Phase
) -> str | None:
    """Where two ways to run a program give different bytes; None if all agree.

    The planned stage is interpreted, and each delegate is compared with Arm's TOSA reference model.
    """
    phase("interpret planned")
    planned = list(program.interpret(*inputs, stage="planned"))
    if difference := figures.first_difference(planned, outputs):
        return f"planned and cortex_m: {difference}"
    if not program.report.delegates:
        return None
    phase("reference model")
    return _delegates_disagree(program, inputs)


def _delegates_disagree(program: cmopt.Program, inputs: tuple[Any, ...]) -> str | None:
    from tosa_programs import reference

    module: ModuleOp = program.module("ethos_u").clone()
    func = main_function(module)
    delegates = [op for op in func.body.block.ops if isinstance(op, DelegateOp)]
    terminator(func).operands = [v for op in delegates for v in (*op.inputs, *op.outputs)]
    func.res_attrs = None
    update(func)
    arrays = iter(interpret(module, as_arrays(inputs)))
    for index, op in enumerate(delegates):
        given = [next(arrays) for _ in op.inputs]
        meant = [torch.from_numpy(next(arrays)) for _ in op.outputs]
        got = reference(op, given)
        if got is None:
            return f"delegate {index}: the reference model refuses it"
        tensors = [torch.from_numpy(array) for array in got]
        if difference := figures.first_difference(tensors, meant):
            return f"delegate {index}, reference model and interpreter: {difference}"
    return None


def _upstream(subject: Subject, phase: Phase) -> Result:
    """The result of ExecuTorch's own lowering.

    On a core, the outputs are those of its operators' Python implementations. With an NPU they are
    those of its TOSA graph in Arm's reference model, if the program has one input and is one
    delegate between quantize and dequantize operators. Else they are those of its quantized program
    in PyTorch, because its command stream cannot be run here.
    """
    tester = subject.recorded.tester
    phase("upstream's quantizer")
    exported = subject.upstream_quantized
    scales = figures.output_scales(exported)

    def simulated(inputs: tuple[Any, ...]) -> list[torch.Tensor]:
        with torch.no_grad():
            return figures.flat(exported.module(check_guards=False)(*inputs))

    meant = simulated(subject.inputs)
    found: dict[str, Any] = {}
    note = ""
    phase("lower")
    if subject.has_npu:
        flatbuffers = _lowered_for_npu(tester)
        npu = get_target(subject.target).npu
        assert npu is not None

        def run(inputs: tuple[Any, ...]) -> list[torch.Tensor]:
            simulation = simulated(inputs)
            return _of_graph(exported, flatbuffers, inputs, simulation) or simulation

        outputs: list[torch.Tensor] | None = run(subject.inputs)
        found["cycles"] = _cycles(flatbuffers, npu.name)
    else:
        tester.to_edge()
        tester.run_passes()
        module = tester.get_artifact().exported_program().module(check_guards=False)

        def run(inputs: tuple[Any, ...]) -> list[torch.Tensor]:
            with torch.no_grad():
                return figures.flat(module(*subject.as_for_tester(inputs)))

        outputs, note = _upstream_outputs(run, subject)
        found["steps"] = None if outputs is None else figures.steps(outputs, meant, scales)
        tester.to_executorch()
    found |= figures.of_file(bytes(tester.get_artifact().buffer))
    if outputs is not None:
        found["snr"] = figures.noise(outputs, subject.expected)
        found["integers"] = figures.wrong_integers(outputs, subject.expected)
        if subject.others:
            found["snr_others"] = subject.noise_on_others(run)
    return Result(subject.key, "upstream", OK, message=note, figures=found)


def _of_graph(
    exported: ExportedProgram,
    flatbuffers: list[bytes],
    inputs: tuple[Any, ...],
    like: list[torch.Tensor],
) -> list[torch.Tensor] | None:
    """What upstream's TOSA graph gives for the inputs, dequantized; None if it is not all."""
    from tosa_programs import run_reference

    borders = figures.borders(exported)
    if len(flatbuffers) != 1 or borders is None or len(borders.inputs) != 1:
        return None
    arrays = [borders.inputs[0].quantize(tensor) for tensor in figures.tensors_of(inputs)]
    outputs = run_reference(flatbuffers[0], arrays)
    if outputs is None or not len(outputs) == len(like) == len(borders.outputs):
        return None
    return [
        border.dequantize(array).reshape(tensor.shape)
        for border, array, tensor in zip(borders.outputs, outputs, like, strict=True)
    ]


def _upstream_outputs(
    run: Callable[[tuple[Any, ...]], list[torch.Tensor]], subject: Subject
) -> tuple[list[torch.Tensor] | None, str]:
    """Upstream's outputs, or the reason why some operator cannot be run in Python."""
    try:
        outputs = run(subject.inputs)
        assert len(outputs) == len(subject.expected), "another number of outputs"
        return outputs, ""
    except Exception as error:
        return None, without_places(f"{CANNOT_RUN}: {type(error).__name__}: {error}", 160)


def _lowered_for_npu(tester: Any) -> list[bytes]:
    """Lower to a program. Returns the TOSA graphs that were passed to Vela."""
    from executorch.backends.arm.ethosu import EthosUBackend

    flatbuffers: list[bytes] = []
    compile_flatbuffer = EthosUBackend._compile_tosa_flatbuffer

    def noted(flatbuffer: bytes, spec: Any) -> Any:
        flatbuffers.append(flatbuffer)
        return compile_flatbuffer(flatbuffer, spec)

    with patch.object(EthosUBackend, "_compile_tosa_flatbuffer", staticmethod(noted)):
        tester.to_edge_transform_and_lower()
        tester.to_executorch()
    return flatbuffers


def _cycles(flatbuffers: list[bytes], npu: str) -> int:
    """The cycles that Vela estimates, with the same options as for a program of ours."""
    from cmopt.codegen.vela import compile_stream

    return sum(compile_stream(graph, NPUS[npu]).figures.cycles for graph in flatbuffers)
