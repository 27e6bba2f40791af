"""Checks, before and after calibration, that a model and its data can be quantized."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.fx import Node

from cmopt.frontend.annotation import RangeObserver, all_finite, is_mask
from cmopt.frontend.block_importer import unsupported_operator
from cmopt.frontend.locations import location
from cmopt.frontend.overloads import overload
from cmopt.frontend.structure import computed_nodes
from cmopt.frontend.tensor_types import UnsupportedTensor, check_sizes, dtype_name
from cmopt.frontend.upstream import HigherOrder
from cmopt.support.diagnostics import CompileError

_OTHER_FLOATS = (torch.float64, torch.float16, torch.bfloat16)
_QUANTIZED = {"cortex_m", "quantized", "quantized_decomposed", "torchao"}


def is_quantized(program: ExportedProgram) -> bool:
    """Whether a program is already quantized."""
    targets = (overload(node) for node in program.graph.nodes)
    return any(target is not None and target.namespace in _QUANTIZED for target in targets)


def check_model(program: ExportedProgram) -> None:
    """Raise ValueError for a model that is already quantized, or that has parameters or inputs of a
    float type other than float32. Raise CompileError for a parameter that is not finite, and at the
    user's line for control flow and for a value of another float type that depends on an input.

    A parameter may be a mask of 0 and -inf. A buffer may hold infinities. Neither may hold NaN.
    """
    if is_quantized(program):
        raise ValueError(
            "the model is quantized already; export it and pass it to cmopt.compile unchanged"
        )
    for node in program.graph.nodes:
        if isinstance(node.target, HigherOrder):
            raise unsupported_operator(node)
    state = {**program.state_dict, **program.constants}
    used = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    for spec in program.graph_signature.input_specs:
        node = used.get(spec.arg.name)
        if node is None or not isinstance(value := node.meta.get("val"), torch.Tensor):
            continue
        if spec.kind is InputKind.USER_INPUT:
            check_dtype(f"input {spec.arg.name!r}", value)
        elif node.users and isinstance(value := state.get(spec.target or ""), torch.Tensor):
            is_parameter = spec.kind is InputKind.PARAMETER
            what = f"{'parameter' if is_parameter else 'buffer'} {spec.target!r}"
            check_dtype(what, value)
            _check_finite(what, value, is_parameter)
    _check_computed(program)


def check_dtype(what: str, value: torch.Tensor) -> None:
    """Raise ValueError for a float tensor that is not float32; what: its name for the message."""
    if value.dtype in _OTHER_FLOATS or value.is_complex():
        raise ValueError(
            f"{what} is {dtype_name(value.dtype)}, and only float32 can be quantized; "
            "convert the model and all its inputs with .float()"
        )


def _check_computed(program: ExportedProgram) -> None:
    """Constants of any type pass: only values computed from them are quantized."""
    for node in computed_nodes(program):
        value = node.meta.get("val")
        if isinstance(value, torch.SymBool | torch.SymFloat | torch.SymInt):
            raise CompileError(
                "this number depends on the values of the inputs",
                location=location(node),
                hint="keep it a tensor: do without .item(), float() and int()",
            )
        if not isinstance(value, torch.Tensor):
            continue
        try:
            check_sizes(value)
        except UnsupportedTensor as error:
            raise CompileError(str(error), location=location(node), hint=error.hint) from None
        if value.dtype in _OTHER_FLOATS:
            raise CompileError(
                f"this value is {dtype_name(value.dtype)}, and only float32 can be quantized",
                location=location(node),
                hint="compute it in float32: look for dtype=, .double(), .half() or a constant of "
                "that type in this line",
            )


def _check_finite(what: str, value: torch.Tensor, is_parameter: bool) -> None:
    if all_finite(value):
        return
    nans = int(value.isnan().sum())
    infinities = int(value.isinf().sum()) if is_parameter and not _is_mask(value) else 0
    for count, kind in ((nans, "NaN"), (infinities, "infinite")):
        if count:
            raise CompileError(
                f"{what} cannot be quantized: {count} of its {value.numel()} values are {kind}",
                hint="was the training stable, and were the right weights loaded?",
            )


def _is_mask(value: torch.Tensor) -> bool:
    return is_mask(value) and bool((value == 0).any())


def check_sample(inputs: Sequence[torch.Tensor], names: Sequence[str], sample: str) -> None:
    """Raise ValueError for NaN or +inf in the inputs of one sample.

    -inf marks what attention must ignore, and may be part of an input.
    """
    for name, value in zip(names, inputs, strict=True):
        if all_finite(value):
            continue
        wrong = value.isnan() | (value == torch.inf)
        if bool(wrong.any()):
            first = value[wrong][0].item()
            raise ValueError(
                f"{sample}: input {name!r} holds {int(wrong.sum())} values that are NaN or +inf "
                f"(the first is {first}); remove or correct the sample"
            )


def check_observed(observed: torch.nn.Module) -> None:
    """Raise CompileError, at the user's line, for a value that calibration never saw finite."""
    assert isinstance(observed, torch.fx.GraphModule)
    for node in observed.graph.nodes:
        if node.op != "call_module":
            continue
        observer = observed.get_submodule(str(node.target))
        if not isinstance(observer, RangeObserver) or not observer.saw_no_finite_value:
            continue
        source = node.args[0]
        assert isinstance(source, Node)
        raise CompileError(
            "no calibration sample gave this value a finite element, so it has no range",
            location=location(source),
            hint="look for a division by 0 or a logarithm of 0 or less",
        )
