"""Checks of what `cmopt.quantize` is given, before it takes time."""

from __future__ import annotations

import inspect
import math
from typing import TYPE_CHECKING

import torch
from torch.export import ExportedProgram

from cmopt.frontend.precision import Precision
from cmopt.frontend.structure import Arguments
from cmopt.support.diagnostics import CompileError
from cmopt.support.targets import check_kernels, get_target

if TYPE_CHECKING:
    from cmopt.frontend.recurrent_roles import GruConfig, LstmConfig


def check_arguments(
    module: torch.nn.Module, target: str, kernels: str, precision: Precision | str | None
) -> None:
    """Raises TypeError and ValueError for a model, target, kernels or precision that do not fit."""
    if isinstance(module, ExportedProgram):
        raise TypeError(
            "module must be a torch.nn.Module, not ExportedProgram; pass a quantized program to "
            "cmopt.compile, and for a float program pass exported.module()"
        )
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, not {type(module).__name__}")
    if isinstance(precision, str) and precision != "auto":
        raise ValueError(f'precision must be "auto" or a cmopt.Precision, not {precision!r}')
    if not isinstance(precision, Precision | str | None):
        raise TypeError(
            f'precision must be "auto" or a cmopt.Precision, not {type(precision).__name__}'
        )
    try:
        npu = get_target(target).npu
        check_kernels(kernels)
    except CompileError as error:
        raise ValueError(error.message) from None
    is_wide = isinstance(precision, Precision) and precision.needs_wide_kernels
    if (is_wide or precision == "auto") and kernels == "stock" and not npu:
        raise ValueError(
            f'int16 needs kernels of this project: pass kernels="cmopt"; {target!r} has no NPU '
            "and the stock operators compute in int8"
        )


def check_call(module: torch.nn.Module, example: Arguments) -> None:
    """Raises TypeError if a model cannot be called with its example inputs."""
    try:
        inspect.signature(module.forward).bind(*example.args, **example.kwargs)
    except TypeError as error:
        raise TypeError(
            f"example_inputs and example_kwargs do not fit the model's forward: {error}"
        ) from None


def check_configs(
    lstm: LstmConfig | None,
    gru: GruConfig | None,
    target: str,
    kernels: str,
    precision: Precision | str | None,
) -> None:
    """Raises TypeError and ValueError for configurations of recurrent layers that do not fit."""
    from cmopt.frontend.recurrent_roles import GruConfig, LstmConfig

    for name, given, kind in (("lstm", lstm, LstmConfig), ("gru", gru, GruConfig)):
        if given is None:
            continue
        if not isinstance(given, kind):
            raise TypeError(f"{name} must be a cmopt.{kind.__name__}, not {type(given).__name__}")
        if precision == "auto":
            raise ValueError(f'{name} is chosen by precision="auto": leave one of the two out')
        if given.needs_wide_kernels and kernels == "stock" and get_target(target).npu is None:
            raise ValueError(f'{name} has parts of 16 bits, which need kernels="cmopt"')


def check_min_snr(min_snr: float) -> None:
    """Raises ValueError for a signal-to-noise ratio that is not a finite number."""
    is_number = isinstance(min_snr, int | float) and not isinstance(min_snr, bool)
    if not is_number or not math.isfinite(min_snr):
        raise ValueError(f"min_snr must be a finite number of dB, not {min_snr!r}")
