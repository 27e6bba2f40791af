"""A compiled program: its IR, its file, its C source, its figures; and how to run it here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from xdsl.dialects.builtin import ModuleOp

from cmopt.dialects.program import border_names, main_function
from cmopt.interpreters.run import Session
from cmopt.pipeline.files import write_output
from cmopt.pipeline.interpreting import as_arrays, interpret
from cmopt.pipeline.report import Report, make_report
from cmopt.pipeline.stages import STAGES
from cmopt.support.collection import collection_paused
from cmopt.support.diagnostics import CompileError
from cmopt.support.memories import parse_memories
from cmopt.support.names import unknown_name
from cmopt.support.printing import module_to_text

if TYPE_CHECKING:
    import torch

    from cmopt.codegen.emit_pte import EmittedProgram
    from cmopt.pipeline.border import BorderTensor
    from cmopt.pipeline.compare import Comparison
    from cmopt.pipeline.runtime import HostProgram
    from cmopt.pipeline.scores import Evaluation

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


def check_runtime(runtime: str) -> None:
    """Raises CompileError if C source cannot run on a runtime of that name."""
    if runtime not in RUNTIMES:
        raise unknown_name("runtime", runtime, RUNTIMES)
