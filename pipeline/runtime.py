"""Run a `.pte` in ExecuTorch's own runtime on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from cmopt.support.diagnostics import CompileError

_DTYPES = {
    "BYTE": torch.uint8,
    "CHAR": torch.int8,
    "SHORT": torch.int16,
    "INT": torch.int32,
    "LONG": torch.int64,
    "HALF": torch.float16,
    "FLOAT": torch.float32,
    "DOUBLE": torch.float64,
    "BOOL": torch.bool,
}


@dataclass(frozen=True)
class TensorInfo:
    """One input of a program: dtype, logical sizes, and the dim order of its bytes."""

    dtype: torch.dtype
    sizes: tuple[int, ...]
    order: tuple[int, ...]

    def in_order(self, tensor: torch.Tensor, what: str) -> torch.Tensor:
        """`tensor` with its bytes in the program's order. The runtime does not check the order.

        Raises CompileError if dtype or sizes differ from the program's.
        """
        if tensor.dtype != self.dtype or tuple(tensor.shape) != self.sizes:
            raise CompileError(
                f"{what}: expected {self.dtype} {list(self.sizes)}, "
                f"got {tensor.dtype} {list(tensor.shape)}"
            )
        inverse = [self.order.index(d) for d in range(len(self.order))]
        ordered = tensor.detach().permute(self.order)
        # `contiguous` leaves the strides of an empty tensor, and the runtime aborts if they differ.
        ordered = (
            ordered.contiguous()
            if ordered.numel()
            else torch.empty_like(ordered, memory_format=torch.contiguous_format)
        )
        return ordered.permute(inverse)


class HostProgram:
    """A program loaded into ExecuTorch's host runtime, with the kernels of `cmopt.kernels`."""

    def __init__(self, pte: bytes, method: str = "forward"):
        """Check the file and load one method.

        Raises CompileError if `pte` is not a program file or needs an NPU.
        """
        plan = _plan_of(pte, method)
        self.inputs = _input_infos(plan)
        from executorch.runtime import Runtime

        from cmopt.kernels import load

        load()
        self._pte = pte  # The runtime reads from these bytes.
        _check_backends(plan, Runtime.get().backend_registry.registered_backend_names)
        self._name = method
        self.reset()

    def reset(self) -> None:
        """Load the method anew, so that all state has its initial value."""
        from executorch.runtime import Runtime

        try:
            self._method: Any = Runtime.get().load_program(self._pte).load_method(self._name)
        except RuntimeError as error:
            raise CompileError(
                f"ExecuTorch's runtime cannot load the program: {error}",
                hint="this machine's kernel libraries may lack one of its operators",
            ) from error

    def run(self, inputs: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """Run once. The outputs are copies.

        Raises CompileError if the inputs do not fit or a kernel fails.
        """
        if len(inputs) != len(self.inputs):
            raise CompileError(f"the program takes {len(self.inputs)} inputs, got {len(inputs)}")
        ordered = [
            info.in_order(tensor, f"input {i}")
            for i, (info, tensor) in enumerate(zip(self.inputs, inputs, strict=True))
        ]
        try:
            outputs = self._method.execute(ordered)
        except RuntimeError as error:
            raise CompileError(f"ExecuTorch's runtime failed: {error}") from error
        return tuple(output.clone() for output in outputs)


def _check_backends(plan: Any, registered: Sequence[str]) -> None:
    """Raises CompileError if a delegate needs a backend that is not registered here."""
    missing = sorted({d.id for d in plan.delegates} - set(registered))
    if missing:
        raise CompileError(
            f"the program needs {', '.join(missing)}, and there is no NPU on this machine",
            hint="run its IR instead, with program.interpret or cm-run",
        )


def _plan_of(pte: bytes, method: str) -> Any:
    """The execution plan of one method. Raises CompileError if the file has none."""
    from executorch.exir._serialize._program import deserialize_pte_binary

    if pte[4:8] != b"ET12":
        raise CompileError("not an ExecuTorch program: bytes 4 to 7 of the file are not 'ET12'")
    try:
        program = deserialize_pte_binary(pte).program
        return next(p for p in program.execution_plan if p.name == method)
    except StopIteration:
        names = ", ".join(p.name for p in program.execution_plan)
        raise CompileError(f"the program has no method {method!r}, only {names}") from None
    except Exception as error:
        raise CompileError(f"a truncated or malformed ExecuTorch program: {error}") from error


def _input_infos(plan: Any) -> list[TensorInfo]:
    from executorch.exir.schema import Tensor

    infos = []
    for index in plan.inputs:
        tensor = plan.values[index].val if 0 <= index < len(plan.values) else None
        if not isinstance(tensor, Tensor):
            raise CompileError("the program takes an input that is not a tensor")
        dtype = _DTYPES[tensor.scalar_type.name]
        order = tuple(int(d) for d in tensor.dim_order)
        infos.append(TensorInfo(dtype, tuple(tensor.sizes), order))
    return infos
