"""A model named by a Python file: `model.py:Model`. The file is run."""

from __future__ import annotations

import importlib.util
import inspect
import os
import sys
from collections.abc import Mapping
from traceback import extract_tb
from types import ModuleType
from typing import Any

import torch
from torch.export import ExportedProgram
from xdsl.dialects.builtin import FileLineColLoc, IntAttr, StringAttr

from cmopt.dialects.arrays import Array
from cmopt.support.diagnostics import CompileError
from cmopt.support.names import names_hint

EXAMPLE = "example_inputs"
"""The function of a file that returns the arguments of its model: a tuple, or a dict by name."""


def export_model(path: str, name: str, samples: Mapping[str, Array] | None) -> ExportedProgram:
    """The exported model of a file.

    name: a class that is called without arguments, a function that returns a model, or a model.
    samples: calibration data, samples along the first dimension. The arguments are those that the
    file's function `example_inputs` returns; without one, the first sample of the array with the
    name of each parameter of `forward`.

    Raises CompileError, at the line of the file if it fails, if there is no such model or no
    example.
    """
    file = _run(path)
    model = _model(file, path, name)
    args, kwargs = _arguments(file, path, model, samples)
    try:
        return torch.export.export(model.eval(), args, kwargs)
    except CompileError:
        raise
    except Exception as error:  # torch raises many kinds
        raise _at_line(f"torch.export cannot export '{name}'", path, error) from error


def _run(path: str) -> ModuleType:
    """The module that a file is, in the way that Python runs it."""
    name = os.path.splitext(os.path.basename(path))[0]
    folder = os.path.dirname(os.path.realpath(path))
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, folder)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise _at_line(f"'{path}' cannot be run", path, error) from error
    return module


def _model(file: ModuleType, path: str, name: str) -> torch.nn.Module:
    if not hasattr(file, name):
        models = [
            key
            for key, value in vars(file).items()
            if isinstance(value, type) and issubclass(value, torch.nn.Module)
        ]
        hint = names_hint(name, models) if models else None
        raise CompileError(f"'{path}' has no '{name}'", hint=hint)
    found = getattr(file, name)
    if not isinstance(found, torch.nn.Module) and callable(found):
        try:
            found = found()
        except Exception as error:
            raise _at_line(f"'{name}' cannot be called without arguments", path, error) from error
    if not isinstance(found, torch.nn.Module):
        raise CompileError(
            f"'{name}' of '{path}' gives {type(found).__name__}, not a torch.nn.Module",
            hint="name a class of a model, a function that returns a model, or a model",
        )
    return found


def _arguments(
    file: ModuleType, path: str, model: torch.nn.Module, samples: Mapping[str, Array] | None
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The example arguments of a model."""
    make = getattr(file, EXAMPLE, None)
    if make is not None:
        try:
            given = make()
        except Exception as error:
            raise _at_line(f"{EXAMPLE} of '{path}' fails", path, error) from error
        if isinstance(given, torch.Tensor):
            return (given,), {}
        if isinstance(given, dict):
            return (), given
        if isinstance(given, tuple | list):
            return tuple(given), {}
        raise CompileError(
            f"{EXAMPLE} of '{path}' gives {type(given).__name__}",
            hint="return a tuple of the arguments, or a dict of arguments by name",
        )
    parameters = inspect.signature(model.forward).parameters.values()
    names = [p.name for p in parameters if p.default is p.empty]
    if samples is None:
        raise CompileError(
            f"'{path}' has no example of the model's inputs: {', '.join(names)}",
            hint=f"add a function {EXAMPLE}() that returns a tuple of them, or --calibrate",
        )
    missing = [name for name in names if name not in samples]
    if missing:
        raise CompileError(
            f"the calibration data has no array {', '.join(map(repr, missing))}",
            hint=f"it has {', '.join(samples)}; or add {EXAMPLE}() to '{path}'",
        )
    return tuple(torch.from_numpy(samples[name][0].copy()) for name in names), {}


def _at_line(what: str, path: str, error: BaseException) -> CompileError:
    """The error for an exception in the user's code, at the last line of the file in its trace."""
    lines = [
        frame.lineno
        for frame in extract_tb(error.__traceback__)
        if os.path.realpath(frame.filename) == os.path.realpath(path)
    ]
    line = lines[-1] if lines else getattr(error, "lineno", None)
    reason = next(iter(str(error).strip().splitlines()), "")
    location = (
        FileLineColLoc(StringAttr(path), IntAttr(line), IntAttr(0)) if line is not None else None
    )
    return CompileError(f"{what}: {type(error).__name__}: {reason}", location=location)
