"""From an exported program to a `.pte`, stage by stage. The API and the tools use this."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from xdsl.dialects.builtin import ModuleOp, TensorType, f32
from xdsl.dialects.func import FuncOp

from cmopt.codegen.stock_calls import check_calls
from cmopt.dialects.arrays import Array
from cmopt.dialects.parsing import make_context
from cmopt.dialects.program import DIM_ORDER, border_attributes, border_names, main_function
from cmopt.dialects.quant import QCastOp
from cmopt.dialects.shapes import element_of, ints_of, inverse
from cmopt.interpreters.run import Session
from cmopt.lowering.set_border_layouts import LAYOUTS
from cmopt.lowering.verify_stage import check_stage
from cmopt.pipeline.files import write_output
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.pipeline.report import Report, make_report, warn_without_delegates
from cmopt.pipeline.stages import STAGES, Choice, stage_pipelines
from cmopt.support.collection import collection_paused
from cmopt.support.diagnostics import CompileError, verify
from cmopt.support.memories import Memories, parse_memories
from cmopt.support.names import unknown_name
from cmopt.support.printing import module_to_text
from cmopt.support.progress import progress
from cmopt.support.targets import check_kernels, get_target
from cmopt.support.vela_settings import VelaChoice

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram

    from cmopt.codegen.emit_pte import EmittedProgram
    from cmopt.pipeline.border import BorderTensor
    from cmopt.pipeline.compare import Comparison
    from cmopt.pipeline.runtime import HostProgram
    from cmopt.pipeline.scores import Evaluation

IO_MODES = ("float", "int8")

RUNTIMES = ("none", "executorch")
"""What C source runs on."""


@dataclass
class Program:
    """A compiled program, as `compile` returns it: its IR at every stage, its file, its figures."""

    target: str
    io: str
    kernels: str
    modules: dict[str, ModuleOp] = field(repr=False)
    dtcm: int = 0
    """The bytes of the fast memory that it was planned with."""
    _sessions: dict[str, Session] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    @collection_paused()
    def _emitted(self) -> EmittedProgram:
        from cmopt.codegen.emit_pte import emit_pte

        return emit_pte(self.modules["planned"])

    @property
    def pte(self) -> bytes:
        """The ExecuTorch program file."""
        return self._emitted.pte

    def save(self, path: str) -> None:
        """Write the `.pte`: the whole file or nothing."""
        write_output(path, self.pte)

    def header(self, name: str = "model") -> str:
        """A C header for firmware: memory sizes, tensors, operators, as macros `MODEL_…`."""
        from cmopt.codegen.emit_header import emit_header

        return emit_header(main_function(self.modules["planned"]), self._emitted, name)

    def check_fit(self, memories: str, *, is_c: bool = False) -> None:
        """Check that the program fits into memories of these sizes: "flash=1M,sram=256K".

        is_c: as C source, with code and stack not counted; otherwise as a `.pte` with what
        ExecuTorch's runtime needs. Raises CompileError, at the operator that takes the most.
        """
        from cmopt.pipeline.fit import check_fit

        check_fit(self.modules["planned"], self.report, parse_memories(memories), is_c=is_c)

    def fitted(self, memories: str, *, max_arena: int | None = None, is_c: bool = False) -> Program:
        """This program, planned for these memories.

        With dtcm, the values that are read and written most are there. If the program does not fit
        into sram otherwise, or the arena into max_arena, it is computed in strips of rows.
        memories, is_c: see `check_fit`. The program without strips if none with strips fits either.

        Raises CompileError if the arena cannot have at most max_arena bytes.
        """
        from cmopt.pipeline.fit import planned_for

        wanted = parse_memories(memories)
        return planned_for(self, wanted, max_arena=max_arena, is_c=is_c)

    def save_c(self, directory: str, *, name: str = "model", runtime: str = "none") -> None:
        """Write C source that runs the program.

        directory: is made if it does not exist; files of the same names are replaced. name: a C
        identifier, which all functions, macros and files of the program begin with. runtime: "none"
        for C without an interpreter (`codegen/c/project.py`), or "executorch" for the program file
        as an array and C++ that runs it (`codegen/c/runtime_project.py`).

        Raises CompileError, at the user's line, for an operator that has no C form, and if the name
        is not an identifier. Then nothing is written.
        """
        from cmopt.pipeline.c_project import write_project

        write_project(directory, self.c_files(name=name, runtime=runtime))

    def c_files(self, *, name: str = "model", runtime: str = "none") -> dict[str, str]:
        """The files that `save_c` writes: the text of each by its path in the directory."""
        from cmopt.pipeline.c_project import c_project, runtime_project

        check_runtime(runtime)
        planned = self.modules["planned"]
        if runtime == "none":
            return c_project(planned, self.target, name)
        return runtime_project(planned, self._emitted, self.target, name)

    def module(self, stage: str) -> ModuleOp:
        """The IR of a stage. Raises CompileError if this program has no stage of that name."""
        if stage not in STAGES:
            raise unknown_name("stage", stage, STAGES)
        if stage not in self.modules:
            raise CompileError(f"target {self.target!r} has no stage {stage!r}, it has no NPU")
        return self.modules[stage]

    def ir(self, stage: str, *, debuginfo: bool = False, elide: int | None = None) -> str:
        """The IR of a stage as text that `cm-opt` reads.

        debuginfo: print locations. elide: print larger constants without their values.
        """
        return module_to_text(self.module(stage), debuginfo=debuginfo, elide_larger_than=elide)

    @cached_property
    def report(self) -> Report:
        """Kernels, memory, bytes, fallbacks."""
        return make_report(
            self.modules,
            self._emitted,
            target=self.target,
            io=self.io,
            kernels=self.kernels,
        )

    @cached_property
    def _host(self) -> HostProgram:
        from cmopt.pipeline.runtime import HostProgram

        return HostProgram(self.pte)

    @cached_property
    def _border(self) -> tuple[list[BorderTensor], list[BorderTensor]]:
        from cmopt.pipeline.border import border_tensors

        return border_tensors(main_function(self.modules["planned"]))

    @property
    def inputs(self) -> list[BorderTensor]:
        """The inputs: name, shape, dtype, and scale and zero point of integers for reals."""
        return self._border[0]

    @property
    def outputs(self) -> list[BorderTensor]:
        """The outputs, as `inputs`."""
        return self._border[1]

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs: of the model's arguments that are tensors."""
        return border_names(main_function(self.modules["planned"]))[0]

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs: of the model's results that are tensors."""
        return border_names(main_function(self.modules["planned"]))[1]

    def run(self, *inputs: Any, **named: Any) -> tuple[torch.Tensor, ...]:
        """Run the `.pte` in ExecuTorch's host runtime.

        inputs, named: torch tensors or numpy arrays, with the model's shapes and dtypes, in any
            layout: the first inputs, in order or in the structure of the model's arguments, and
            others by name. Numbers, strings and None are constants of the program: leave them out.

        State, such as a buffer that the model changes, is kept from call to call; see `reset`.
        """
        import torch

        return self._host.run([torch.as_tensor(value) for value in self._ordered(inputs, named)])

    def interpret(
        self, *inputs: Any, stage: str = "cortex_m", **named: Any
    ) -> tuple[torch.Tensor, ...]:
        """Run the IR of one stage in the interpreter, on the same inputs as `run`.

        Each stage keeps its state from call to call, as the program does in `run`.
        """
        import torch

        module = self.module(stage)
        if stage not in self._sessions:
            self._sessions[stage] = Session(module)
        arrays = as_arrays(self._ordered(inputs, named))
        outputs = interpret(module, arrays, session=self._sessions[stage])
        return tuple(torch.from_numpy(y) for y in outputs)

    def reset(self) -> None:
        """Give all state its initial value, in the host runtime and in the interpreter."""
        self._sessions.clear()
        if "_host" in self.__dict__:
            self._host.reset()

    def _ordered(self, inputs: Sequence[Any], named: Mapping[str, Any]) -> list[Any]:
        from cmopt.frontend.structure import tensors_by_name

        return tensors_by_name(self.input_names, inputs, named)

    def evaluate(self, data: Iterable[Any], *, model: torch.nn.Module | None = None) -> Evaluation:
        """Run the `.pte` on a data set: accuracy, or distance from what is expected.

        data: items such as those of a `DataLoader`: a tuple of the inputs and what is expected, or
            a dict of inputs by name and "labels". Integers are the classes of a classification by
            the first output, [batch, classes, …]. Other values are the expected outputs. Without
            either, only `model` is compared. A batch of samples is run one by one if the program
            takes a batch of one. Reals are quantized for inputs of integers that stand for reals.
        model: the float model, called on the same inputs.

        State is kept from sample to sample, beginning with its initial value. Raises CompileError
        if an item does not fit.
        """
        from cmopt.pipeline.evaluate import evaluate

        return evaluate(self, data, model)

    def compare(self, *inputs: Any) -> Comparison:
        """Compare every quantized value with PyTorch's simulation and with float, worst first.

        inputs: as for `run`; or a list for each of them, with one item for each sample. Raises
        CompileError if they do not fit.
        """
        from cmopt.pipeline.compare import compare

        if not inputs:
            raise CompileError("compare needs inputs of the program, got none")
        batches = zip(*inputs, strict=True) if isinstance(inputs[0], list) else [inputs]
        samples = [as_arrays(batch) for batch in batches]
        return compare(self.module("quantized"), samples, self.target, self.kernels)


def as_arrays(inputs: Sequence[Any]) -> list[Array]:
    """Torch tensors or numpy arrays as numpy arrays. Raises CompileError for anything else."""
    import torch

    arrays = []
    for index, value in enumerate(inputs):
        try:
            arrays.append(torch.as_tensor(value).detach().numpy())
        except (TypeError, ValueError, RuntimeError) as error:
            kind = type(value).__name__
            raise CompileError(f"input {index} must be a tensor, got {kind}") from error
    return arrays


def interpret(
    module: ModuleOp,
    inputs: Sequence[Array],
    name: str = "forward",
    session: Session | None = None,
) -> list[Array]:
    """Run a module of any stage. Inputs and outputs have logical shapes, as its callers see them.

    session: of this function, with its state; by default a new one, in which all state has its
    initial value. Raises CompileError if inputs do not fit, or if an operator fails on them.
    """
    func = main_function(module, name)
    entries = border_attributes(func.arg_attrs, len(func.body.block.args))
    physical = []
    for index, value in enumerate(inputs):
        order = entries[index].get(DIM_ORDER) if index < len(entries) else None
        fits = order is not None and value.ndim == len(ints_of(order))
        moved = np.transpose(value, ints_of(order)) if fits and order is not None else value
        physical.append(np.asarray(moved, order="C"))
    try:
        outputs = (session or Session(module, name)).run(physical)
    except (ValueError, RuntimeError) as error:  # torch raises RuntimeError if an operator fails
        raise CompileError(str(error)) from error
    return _logical(func, outputs)


def _logical(func: FuncOp, outputs: Sequence[Array]) -> list[Array]:
    entries = border_attributes(func.res_attrs, len(outputs))
    result = []
    for value, entry in zip(outputs, entries, strict=False):
        order = entry.get(DIM_ORDER)
        moved = value if order is None else np.transpose(value, inverse(ints_of(order)))
        result.append(np.asarray(moved, order="C"))
    return result


def check_max_arena(max_arena: int | None) -> None:
    """Raises CompileError for a limit of the arena that is not a positive number of bytes."""
    if max_arena is not None and max_arena <= 0:
        raise CompileError(f"max_arena must be a positive number of bytes, got {max_arena}")


def check_runtime(runtime: str) -> None:
    """Raises CompileError if C source cannot run on a runtime of that name."""
    if runtime not in RUNTIMES:
        raise unknown_name("runtime", runtime, RUNTIMES)


def check_options(
    target: str,
    io: Choice,
    kernels: str,
    input_layout: Choice | None = None,
    output_layout: Choice | None = None,
) -> None:
    """Raises CompileError if the target, an io mode, a layout or the kernel library is unknown."""
    get_target(target)
    _check_choice("io", io, IO_MODES)
    for layout in (input_layout, output_layout):
        _check_choice("layout", layout or {}, LAYOUTS)
    check_kernels(kernels)


def _check_choice(what: str, choice: Choice, known: Sequence[str]) -> None:
    for each in [choice] if isinstance(choice, str) else choice.values():
        if each not in known:
            raise unknown_name(what, each, known)


def check_passes(passes: Mapping[str, str], target: str, start: str = "edge") -> None:
    """Raises CompileError if more passes than the compiler's own cannot run: see `compile`.

    start: the stage that the compilation begins with.
    """
    stages = list(stage_pipelines(target, "float"))
    if start not in stages:
        return  # reported with the IR
    made = stages[stages.index(start) + (start != "edge") : -1]
    for stage, pipeline in passes.items():
        if stage not in STAGES:
            raise unknown_name("stage", stage, made)
        if stage not in made:
            raise CompileError(
                f"passes cannot be added to stage {stage!r}",
                hint=f"the stages before the plan that are made are {', '.join(made) or 'none'}",
            )
        parse_pipeline(pipeline)


class PlanOptions(TypedDict):
    """The options of `lower` that a board decides."""

    dtcm: int
    in_strips: bool


def plan_options(board: Memories) -> PlanOptions:
    """How a program is planned first for a board: with its fast memory, or else in strips.

    `Program.fitted` tries both if the first plan does not fit.
    """
    return {"dtcm": board.dtcm or 0, "in_strips": not board.dtcm}


@collection_paused()
def compile(
    exported: ExportedProgram,
    *,
    target: str = "cortex-m55",
    io: Choice = "float",
    kernels: str = "stock",
    allow_float: bool = False,
    min_npu_work: int = 0,
    memories: str | None = None,
    max_arena: int | None = None,
    input_layout: Choice | None = None,
    output_layout: Choice | None = None,
    passes: Mapping[str, str] | None = None,
    system_config: str | None = None,
    memory_mode: str | None = None,
    vela_config: str | None = None,
) -> Program:
    """Compile an exported, quantized program for a target.

    exported: the result of `torch.export.export` after PT2E quantization (see `cmopt.quantize`),
        in the ATen or the Edge dialect.
    target: a Cortex-M core, "cortex-m55", or a core with an NPU, "cortex-m55+ethos-u55-128".
    io: "float", or "int8" to pass quantized tensors in and out; or a choice for each of some inputs
        and outputs, {"image": "int8", "scores": "float"}, with "float" for the others.
    input_layout, output_layout: "NHWC" or "NCHW", the memory order of tensors of rank above 2, for
        all or by name; by default that of the example inputs and of the model's results. Shapes
        stay those of the model, as with PyTorch's memory format channels_last.
    kernels: "stock", the operators of ExecuTorch's own device build, or "cmopt", these and the
        int16 operators of this project, which must be linked too.
    allow_float: also compile a model that is not quantized, onto portable float kernels.
    min_npu_work: delegates of fewer multiplications than this stay on the core.
    memories: what the board has, "flash=1M,sram=256K": see `Program.check_fit`. With "dtcm=64K" the
        values that are read and written most are in that memory (`plan-memory`). Calls are computed
        in strips of rows (`split-rows`) if the program does not fit into sram otherwise.
    max_arena: the bytes of planned memory at most; calls are computed in strips if it is larger
        otherwise.
    passes: more passes, such as those of plug-ins: for the name of a stage, a pipeline that runs on
        its IR, {"quantized": "canonicalize,cse"}. The stage is checked again after it.
    system_config, memory_mode, vela_config: the memories of the NPU as Vela knows them: names of
        sections, and the path of a configuration file that has them. By default those that
        ExecuTorch uses, of the file that Vela is installed with.

    Raises CompileError, one line with the user's source location, if the program cannot be
    compiled or does not fit.
    """
    check_options(target, io, kernels, input_layout, output_layout)
    check_max_arena(max_arena)
    board = parse_memories(memories) if memories is not None else Memories()
    check_passes(passes or {}, target)
    vela = VelaChoice(system_config, memory_mode, vela_config)
    vela.settings(get_target(target).npu)
    from cmopt.frontend.importer import import_program

    program = lower(
        import_program(exported),
        target=target,
        io=io,
        kernels=kernels,
        allow_float=allow_float,
        min_npu_work=min_npu_work,
        max_arena=max_arena,
        input_layout=input_layout,
        output_layout=output_layout,
        **plan_options(board),
        passes=passes,
        vela=vela,
    )
    if memories is not None:
        program = program.fitted(memories, max_arena=max_arena)
        program.check_fit(memories)
    return program


def _is_float(module: ModuleOp) -> bool:
    """Whether a module computes in float and is not quantized."""
    ops = list(module.walk())
    values = (value for op in ops for value in op.results if isinstance(value.type, TensorType))
    has_float = any(element_of(value) == f32 for value in values)
    return has_float and not any(isinstance(op, QCastOp) for op in ops)


def _check_start(
    module: ModuleOp, stage: str, target: str, kernels: str, pipelines: Mapping[str, str]
) -> None:
    """Raise CompileError if a compilation for a target cannot begin with this module and stage."""
    if stage not in pipelines:
        hint = f"one of {', '.join(pipelines)}"
        raise CompileError(f"target {target!r} has no stage {stage!r}", hint=hint)
    npu = get_target(target).npu
    check_stage(module, stage, npu.name if npu else "", kernels)
    if stage == "planned":
        run_passes(make_context(), module, parse_pipeline("verify-plan"))
    if stage in ("cortex_m", "planned"):
        check_calls(module, kernels)


def lower(
    module: ModuleOp,
    *,
    target: str,
    io: Choice,
    kernels: str,
    allow_float: bool = False,
    min_npu_work: int = 0,
    stage: str = "edge",
    max_arena: int | None = None,
    input_layout: Choice | None = None,
    output_layout: Choice | None = None,
    dtcm: int = 0,
    in_strips: bool = True,
    passes: Mapping[str, str] | None = None,
    vela: VelaChoice | None = None,
) -> Program:
    """Take a module of the edge stage, or of a later one, through all stages that follow.

    stage: the stage whose contract the module keeps. A module of a later stage than "edge" has its
    `io` and layouts already, and one of stage "planned" its plan for the target's instruction set.
    max_arena: the bytes of the arena at most, None for no limit. dtcm: those of a fast memory for
    the values that are read and written most, 0 if there is none. in_strips: compute calls in
    strips of rows if the arena is larger otherwise. passes: see `compile`; not for `stage` itself
    if it is not "edge", which is made already. vela: the memories of the NPU.

    Raises CompileError if the target cannot run the module. Warns if the target has an NPU and the
    program has no delegate.
    """
    if stage == "edge" and not allow_float and _is_float(module):
        raise CompileError(
            "the model is not quantized: it has no quantize operator",
            hint="use cmopt.quantize (cm-compile --calibrate), or allow_float (--allow-float)",
        )
    check_max_arena(max_arena)
    check_passes(passes or {}, target, stage)
    pipelines = stage_pipelines(
        target,
        io,
        min_npu_work,
        kernels,
        max_arena or 0,
        input_layout,
        output_layout,
        dtcm,
        in_strips,
        vela,
    )
    modules: dict[str, ModuleOp] = {}
    ctx = make_context()
    if stage != "edge":
        _check_start(module, stage, target, kernels, pipelines)
        modules[stage] = module
    order = list(pipelines)
    following = order[order.index(stage) + 1 :] if modules else order
    for stage in progress(following, "compiling", names_items=True):
        own, original = parse_pipeline(pipelines[stage]), module
        modules[stage] = module = original.clone()
        # Verifying once a stage is enough here; `cm-opt` finds the pass that made IR invalid.
        run_passes(ctx, module, own, verify_each=False, original=original)
        verify(module, after=str(own[-1]))
        if more := (passes or {}).get(stage):
            run_passes(ctx, module, parse_pipeline(more))
            _check_start(module, stage, target, kernels, pipelines)
        if stage == "ethos_u":
            warn_without_delegates(module, target)
        if stage == "cortex_m":
            check_calls(module, kernels)
    if not isinstance(io, str):
        io = ", ".join(f"{name}={mode}" for name, mode in io.items())
    return Program(target, io, kernels, modules, dtcm if "planned" in following else 0)
