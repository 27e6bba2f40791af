"""From an exported program to a compiled one, stage by stage. The API and the tools use this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

from xdsl.dialects.builtin import ModuleOp, TensorType, f32

from cmopt.codegen.stock_calls import check_calls
from cmopt.dialects.constants import is_known
from cmopt.dialects.parsing import make_context
from cmopt.dialects.quant import QCastOp
from cmopt.dialects.shapes import element_of
from cmopt.lowering.set_border_layouts import LAYOUTS
from cmopt.lowering.verify_stage import check_stage
from cmopt.pipeline.passes import parse_pipeline, run_passes
from cmopt.pipeline.program import Program
from cmopt.pipeline.report import warn_without_delegates
from cmopt.pipeline.stages import STAGES, Choice, stage_pipelines
from cmopt.support.collection import collection_paused
from cmopt.support.diagnostics import CompileError, verify
from cmopt.support.memories import Memories, parse_memories
from cmopt.support.names import unknown_name
from cmopt.support.progress import progress
from cmopt.support.targets import check_kernels, get_target
from cmopt.support.vela_settings import VelaChoice

if TYPE_CHECKING:
    from torch.export import ExportedProgram


IO_MODES = ("float", "int8")


def check_max_arena(max_arena: int | None) -> None:
    """Raises CompileError for a limit of the arena that is not a positive number of bytes."""
    if max_arena is not None and max_arena <= 0:
        raise CompileError(f"max_arena must be a positive number of bytes, got {max_arena}")


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
    """Whether a module computes in float, more than constants, and is not quantized."""
    ops = list(module.walk())
    computing = (op for op in ops if not all(map(is_known, op.operands)))
    values = (v for op in computing for v in op.results if isinstance(v.type, TensorType))
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
