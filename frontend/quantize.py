"""Post-training quantization to int8, from a module to an exported program."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TypeVar

import torch
from torch.export import ExportedProgram

from cmopt.support.collection import collection_paused
from cmopt.support.diagnostics import CompileError
from cmopt.support.targets import KERNEL_LIBRARIES, get_target

Inputs = tuple[torch.Tensor, ...]
T = TypeVar("T")


def quantize(
    module: torch.nn.Module,
    example_inputs: Inputs,
    *,
    calibration: Iterable[Inputs | torch.Tensor] | None = None,
    target: str = "cortex-m55",
    kernels: str = "stock",
) -> ExportedProgram:
    """Quantize `module` to int8 and export it, with its quantize and dequantize operators.

    module: a float model; it is copied, and the copy is put in eval mode.
    example_inputs: one tensor per argument of `forward`; fix shapes, dtypes and memory formats.
    calibration: inputs to observe value ranges on, each a tuple like `example_inputs` or, for a
        model of one argument, a tensor. Default: the example inputs.
    target, kernels: the core, the NPU if there is one, and the operator library ("stock") the
        program is for. For an NPU, weights lie in -127…127; nothing else differs.

    Raises TypeError and ValueError for invalid arguments, such as a model that is already
    quantized, floats other than float32, and calibration data that holds NaN or +inf.
    Raises CompileError, at the user's line, for a model that changes its buffers, or an input that
    it does not read afterwards, has parameters that are not finite, a shape that depends on the
    values of inputs, or a value for which calibration finds no range.
    """
    _check_arguments(module, example_inputs, target, kernels)
    with torch.no_grad():
        observed, names = _prepared(module, example_inputs, get_target(target).npu is not None)
        _calibrate(observed, example_inputs, calibration, names)
        return _converted(observed, example_inputs)


@collection_paused()
def _prepared(
    module: torch.nn.Module, example_inputs: Inputs, for_npu: bool
) -> tuple[torch.nn.Module, list[str]]:
    """The graph of a copy of `module` with observers in it, and the names of its inputs."""
    # These imports take seconds; errors in arguments are raised before them.
    from torchao.quantization.pt2e.quantize_pt2e import prepare_pt2e

    from cmopt.frontend.batch_norms import replace_batch_norms
    from cmopt.frontend.composites import decompose_composites
    from cmopt.frontend.constant_folding import fold_constants
    from cmopt.frontend.model_checks import check_model
    from cmopt.frontend.preparation import check_preparation
    from cmopt.frontend.quantizer import Int8Quantizer
    from cmopt.frontend.state import copy_written_inputs, refuse_state

    inference = copy.deepcopy(module).eval()
    exported = _export(inference, example_inputs)
    check_model(exported)
    exported = copy_written_inputs(exported)
    refuse_state(exported)
    names = [str(name) for name in exported.graph_signature.user_inputs]
    graph = decompose_composites(exported).module(check_guards=False)
    fold_constants(graph)
    replace_batch_norms(graph)
    observed = prepare_pt2e(graph, Int8Quantizer(for_npu=for_npu))
    check_preparation(inference, observed, example_inputs)
    return observed, names


@collection_paused()
def _converted(observed: torch.nn.Module, example_inputs: Inputs) -> ExportedProgram:
    """The quantized program of a graph after calibration."""
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e

    from cmopt.frontend.divisors import keep_divisors_from_zero
    from cmopt.frontend.locations import spread_source_locations

    _compute_parameters_once(observed)
    keep_divisors_from_zero(observed)
    quantized = torch.export.export(convert_pt2e(observed), example_inputs)
    spread_source_locations(quantized.graph)
    return quantized


def _export(module: torch.nn.Module, example_inputs: Inputs) -> ExportedProgram:
    """The exported model. Raises CompileError if its shapes depend on the inputs' values."""
    from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

    from cmopt.frontend.locations import location_in_trace

    try:
        return torch.export.export(module, example_inputs)
    except GuardOnDataDependentSymNode as error:
        raise CompileError(
            "a shape or a branch of the model depends on the values of its inputs",
            location=location_in_trace(str(error)),
            hint="make it a constant: give F.one_hot its num_classes, use torch.where for an if",
        ) from error


def _calibrate(
    observed: torch.nn.Module,
    example_inputs: Inputs,
    calibration: Iterable[Inputs | torch.Tensor] | None,
    names: Sequence[str],
) -> None:
    """Run the samples through the observers; names: of the inputs, for messages."""
    from cmopt.frontend.model_checks import check_observed, check_sample

    count = 0
    for batch in _progress([example_inputs] if calibration is None else calibration):
        sample = "example_inputs" if calibration is None else f"calibration sample {count}"
        inputs = _as_inputs(batch, example_inputs)
        check_sample(inputs, names, sample)
        observed(*inputs)
        count += 1
    if count == 0:
        raise ValueError("calibration holds no inputs")
    check_observed(observed)


def _check_arguments(
    module: torch.nn.Module, example_inputs: Inputs, target: str, kernels: str
) -> None:
    if isinstance(module, ExportedProgram):
        raise TypeError(
            "module must be a torch.nn.Module, not ExportedProgram; pass a quantized program to "
            "cmopt.compile, and for a float program pass exported.module()"
        )
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, not {type(module).__name__}")
    if not isinstance(example_inputs, tuple):
        raise TypeError(
            f"example_inputs must be a tuple of tensors, not {type(example_inputs).__name__}"
        )
    for index, value in enumerate(example_inputs):
        if not isinstance(value, torch.Tensor):
            raise TypeError(f"example_inputs[{index}] must be a tensor, got {type(value).__name__}")
    try:
        get_target(target)
    except CompileError as error:
        raise ValueError(error.message) from None
    if kernels not in KERNEL_LIBRARIES:
        known = ", ".join(KERNEL_LIBRARIES)
        raise ValueError(f"unknown kernels {kernels!r}; known are {known}")


def _compute_parameters_once(observed: torch.nn.Module) -> None:
    """Let each observer search its parameters once; conversion asks again at every use.

    The search takes some 60 ms. Its result is fixed, because calibration is over.
    """
    from torchao.quantization.pt2e.observer import HistogramObserver

    for observer in observed.modules():
        if isinstance(observer, HistogramObserver):
            observer.calculate_qparams = cache(observer.calculate_qparams)


def _as_inputs(batch: Inputs | torch.Tensor, example: Inputs) -> Inputs:
    """One calibration item as a tuple of the example's shapes and dtypes, else an error."""
    inputs = (batch,) if isinstance(batch, torch.Tensor) else tuple(batch)
    if len(inputs) != len(example):
        raise ValueError(f"a calibration item has {len(inputs)} inputs, not {len(example)}")
    for index, (given, wanted) in enumerate(zip(inputs, example, strict=True)):
        if not isinstance(given, torch.Tensor):
            raise TypeError(
                f"calibration input {index} must be a tensor, got {type(given).__name__}"
            )
        if given.shape != wanted.shape or given.dtype != wanted.dtype:
            raise ValueError(
                f"calibration input {index} is {given.dtype} {list(given.shape)}, "
                f"but the example is {wanted.dtype} {list(wanted.shape)}"
            )
    return inputs


def _progress(batches: Iterable[T]) -> Iterator[T]:
    """The same items, with a progress bar on stderr if that is a terminal."""
    if not sys.stderr.isatty():
        yield from batches
        return
    from rich.console import Console
    from rich.progress import track

    total = len(batches) if isinstance(batches, Sequence) else None
    console = Console(stderr=True)
    yield from track(
        batches, description="calibrating", total=total, console=console, transient=True
    )
