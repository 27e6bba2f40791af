"""Post-training quantization to int8 and int16, from a module to an exported program."""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch.export import ExportedProgram
from torch.fx import GraphModule
from torch.utils._pytree import tree_leaves

from cmopt.frontend.precision import Precision, set_report
from cmopt.frontend.quantize_checks import (
    check_arguments,
    check_call,
    check_configs,
    check_min_snr,
)
from cmopt.frontend.samples import samples_of
from cmopt.frontend.structure import Arguments, example_of, tensor_inputs
from cmopt.support.collection import collection_paused
from cmopt.support.diagnostics import CompileError
from cmopt.support.progress import progress
from cmopt.support.targets import OWN, get_target

if TYPE_CHECKING:
    from cmopt.frontend.explicit_state import States
    from cmopt.frontend.recurrences import Recurrence
    from cmopt.frontend.recurrent_roles import GruConfig, LstmConfig, TypedObserver


def quantize(
    module: torch.nn.Module,
    example_inputs: tuple[Any, ...],
    example_kwargs: Mapping[str, Any] | None = None,
    *,
    calibration: Iterable[Any] | None = None,
    target: str = "cortex-m55",
    kernels: str = "stock",
    precision: Precision | str | None = None,
    min_snr: float = 40.0,
    bias_correction: bool = True,
    lstm: LstmConfig | None = None,
    gru: GruConfig | None = None,
) -> ExportedProgram:
    """Quantize `module` and export it, with its quantize and dequantize operators.

    module: a float model; it is copied, and the copy is put in eval mode.
    example_inputs, example_kwargs: the positional and the keyword arguments of `forward`. Tensors
        fix shapes, dtypes and memory formats, and may be in nested tuples, lists and dicts.
        Numbers, strings and None are constants of the program.
    calibration: samples to observe value ranges on, such as a `DataLoader`. Each is a tuple like
        `example_inputs` or, for a model of one argument, this argument; with `example_kwargs`, a
        pair of a tuple and a dict; or a dict of all arguments by name. A target after the
        arguments is left out. Numpy arrays are taken too. If the example is a batch of one, larger
        batches are taken sample by sample. Default: the example.
    target, kernels: the core, the NPU if there is one, and the operator library ("stock") the
        program is for. For an NPU, weights lie in -127…127. Without one, layer norm and rms norm
        are one kernel of "cmopt", and parts that are quantized by themselves with "stock". Nothing
        else differs.
    precision: what is in int16; see `Precision`. Default: nothing. int16 needs kernels="cmopt" or
        an NPU. "auto": int8, and where calibration shows that this is not enough, int16 for the
        values and 16 bits for the weights that disturb the outputs most; `precision_report` of the
        result says which. Calibration samples are then kept in memory.
    min_snr: with "auto", the least signal-to-noise ratio of any float output in dB, on the
        calibration data. If all in 16 bits does not reach it, what does not help stays int8.
    bias_correction: whether the mean error that rounded weights give a layer's results goes into
        its bias. The outputs' error does not grow by it on the calibration data: in sum over all
        outputs, on at most 128 samples.
    lstm, gru: how `nn.LSTM` and `nn.GRU` are quantized: gates together or split, and the types of
        their parts; see `LstmConfig` and `GruConfig`. A layer is a loop over its cell, whose ranges
        are those of all steps. With "auto", each step has ranges of its own, and these do not
        apply. An LSTM of `torch.ao.nn.quantizable` is quantized as an `nn.LSTM` is; without `lstm`,
        its gates are split if they are in it, and parts that it observes in 16 bits have int16.

    State, such as a buffer that `forward` changes, is kept from call to call, also from one
    calibration sample to the next; the program begins with the value that it has in `module`.

    Raises TypeError and ValueError for invalid arguments, such as a model that is already
    quantized, floats other than float32, and calibration data that holds NaN or +inf.
    Raises CompileError, at the user's line if it is known, for a model that changes its buffers, or
    an input that it does not read afterwards, computes something else when it is called again, uses
    autocast, has parameters that are not finite, a shape that depends on the values of inputs, or a
    value for which calibration finds no range. The model is called to find out.
    """
    check_arguments(module, target, kernels, precision)
    check_min_snr(min_snr)
    if _has_quantizable_lstms(module):
        from cmopt.frontend.quantizable_lstms import config_of, with_plain_lstms

        if lstm is None and precision != "auto":
            lstm = config_of(module)
        module = with_plain_lstms(_copy_of(module))
    check_configs(lstm, gru, target, kernels, precision)
    kwargs = dict(example_kwargs) if isinstance(example_kwargs, Mapping) else example_kwargs
    example = example_of(example_inputs, kwargs)
    check_call(module, example)
    with torch.no_grad():
        device = _Device(get_target(target).npu is not None, kernels == OWN)
        if precision == "auto":
            given = None if calibration is None else list(calibration)
            return _chosen(module, example, given, device, min_snr, bias_correction)
        wanted = precision if isinstance(precision, Precision) else Precision()
        configs = {torch.ops.aten.lstm.input: lstm, torch.ops.aten.gru.input: gru}
        observed = _prepared(module, example, device, wanted, bias_correction, configs=configs)
        kept = _calibrate(observed, example, calibration)
        _widen(observed, device.is_npu)
        return _converted(observed, example, kept if bias_correction else ())


def _has_quantizable_lstms(module: torch.nn.Module) -> bool:
    """Whether a model has LSTMs of `torch.ao.nn.quantizable`, which is imported only then."""
    if "torch.ao.nn.quantizable" not in sys.modules:
        return False
    from cmopt.frontend.quantizable_lstms import quantizable_lstms

    return bool(quantizable_lstms(module))


def _chosen(
    module: torch.nn.Module,
    example: Arguments,
    calibration: Sequence[Any] | None,
    device: _Device,
    min_snr: float,
    bias_correction: bool,
) -> ExportedProgram:
    """The program with types chosen by measurement, and the report of the choice in it.

    Only in int16 do some operators stay whole, so that this takes another graph.
    """
    from cmopt.frontend import automatic_precision as automatic
    from cmopt.frontend.simulation import samples_within, spread

    def observed_in(precision: Precision) -> tuple[_Prepared, list[Arguments], list[Arguments]]:
        observed = _prepared(module, example, device, precision, bias_correction, keeps_loops=False)
        kept = _calibrate(observed, example, calibration)
        most = samples_within(observed.graph, automatic.MOST_SAMPLES, automatic.MOST_ELEMENTS)
        return observed, kept, spread(kept, most)

    observed, kept, few = observed_in(Precision())
    snr = automatic.snr_in_int8(observed.graph, few)
    report = automatic.report_of_int8(min_snr, snr)
    if snr < min_snr:
        observed, kept, few = observed_in(Precision("int16"))
        report = automatic.choose_types(observed.graph, few, min_snr, snr)
    exported = _converted(observed, example, kept if bias_correction else ())
    set_report(exported, report)
    return exported


@dataclass(frozen=True)
class _Device:
    """What a program is for: whether it has an NPU, and whether its core has our kernels."""

    is_npu: bool
    has_own_kernels: bool


@dataclass
class _Prepared:
    """A graph with observers, the names of its inputs that are tensors, those of the parameters of
    the model's `forward`, its loops, its state."""

    graph: GraphModule
    names: list[str]
    parameters: list[str]
    loops: list[_PreparedLoop]
    states: States


@dataclass
class _PreparedLoop:
    """A loop of a graph, its cell with observers, and those whose type the user gives."""

    loop: Recurrence
    cell: _Prepared
    typed: list[TypedObserver]


@collection_paused()
def _prepared(
    module: torch.nn.Module,
    example: Arguments,
    device: _Device,
    precision: Precision,
    bias_correction: bool,
    *,
    keeps_loops: bool = True,
    configs: Mapping[Any, LstmConfig | GruConfig | None] | None = None,
) -> _Prepared:
    """The graph of a copy of `module` with observers in it.

    keeps_loops: whether recurrent layers become loops; otherwise each of their steps is a part of
    the graph, with observers of its own. configs: by operator, of the loops' cells.
    """
    # These imports take seconds; errors in arguments are raised before them.
    from torchao.quantization.pt2e.quantize_pt2e import prepare_pt2e

    from cmopt.frontend.batch_norms import replace_batch_norms
    from cmopt.frontend.carried_ranges import share_state_ranges
    from cmopt.frontend.composites import decompose_composites
    from cmopt.frontend.constant_folding import fold_constants
    from cmopt.frontend.explicit_state import changed_buffers, take_state_out
    from cmopt.frontend.kept_values import refuse_kept_values
    from cmopt.frontend.model_checks import check_model
    from cmopt.frontend.precision import mark
    from cmopt.frontend.preparation import check_preparation
    from cmopt.frontend.quantizer import Int8Quantizer
    from cmopt.frontend.recurrent_layers import recurrent_operators, replace_recurrent_layers
    from cmopt.frontend.regions import merge_regions
    from cmopt.frontend.shares import observe_shares
    from cmopt.frontend.state import (
        copy_written_inputs,
        drop_batch_counters,
        refuse_state,
        with_functional_state,
    )
    from cmopt.frontend.whole_numbers import observe_whole_numbers
    from cmopt.frontend.wide_types import mark_sums

    inference = _copy_of(module).eval()
    exported = merge_regions(_export(inference, example))
    mark(exported, inference, precision)
    check_model(exported)
    exported = copy_written_inputs(drop_batch_counters(exported))
    exported = with_functional_state(exported)
    refuse_state(exported)
    refuse_kept_values(inference, example, changed_buffers(exported))
    names = tensor_inputs(exported)
    exported, states = take_state_out(exported)
    whole = recurrent_operators(exported) if keeps_loops else set()
    graph = decompose_composites(exported, whole).module(check_guards=False)
    fold_constants(graph)
    recurrences = replace_recurrent_layers(graph, configs or {}) if whole else []
    if recurrences:
        fold_constants(graph)  # the initial states of single layers
    replace_batch_norms(graph)
    loops = [_prepared_loop(graph, one, device, bias_correction) for one in recurrences]
    quantizer = Int8Quantizer(
        for_npu=device.is_npu,
        adds_biases=bias_correction,
        folds_factors=True,
        has_own_kernels=device.has_own_kernels,
    )
    observed = prepare_pt2e(graph, quantizer)
    if device.is_npu:
        observe_shares(observed)
    observe_whole_numbers(observed)
    mark_sums(observed)
    share_state_ranges(observed, len(states.initial))
    check_preparation(inference, observed, example, list(states.initial.values()))
    parameters = list(inspect.signature(module.forward).parameters)
    return _Prepared(observed, names, parameters, loops, states)


def _prepared_loop(
    graph: GraphModule, loop: Recurrence, device: _Device, bias_correction: bool
) -> _PreparedLoop:
    """A loop of a graph with observers in its cell; one observer for each carried value."""
    from cmopt.frontend.carried_ranges import share_carried_ranges
    from cmopt.frontend.recurrences import example_of_cell
    from cmopt.frontend.recurrent_roles import place_observers

    bits = loop.choice.weight_bits
    precision = Precision(
        "int16" if loop.choice.is_wide else "int8", weights={} if bits == 8 else {"*": bits}
    )
    example = Arguments(example_of_cell(graph, loop), {})
    cell = _prepared(loop.cell, example, device, precision, bias_correction)
    share_carried_ranges(cell.graph)
    loop.observed = cell.graph
    typed = [] if loop.config is None else place_observers(cell.graph, loop.config)
    return _PreparedLoop(loop, cell, typed)


def _copy_of(module: torch.nn.Module) -> torch.nn.Module:
    """A deep copy. Tensors that are the results of a computation, such as the weights that
    `torch.nn.utils.weight_norm` leaves in a module, are copied without their history."""
    copies: dict[int, Any] = {}
    for part in module.modules():
        for value in tree_leaves(part.__dict__):
            if isinstance(value, torch.Tensor) and not value.is_leaf:
                copies[id(value)] = value.detach().clone()
    return copy.deepcopy(module, copies)


def _widen(observed: _Prepared, for_npu: bool) -> None:
    from cmopt.frontend.wide_types import widen_chosen

    widen_chosen(observed.graph, for_npu=for_npu)
    for each in observed.loops:
        _widen(each.cell, for_npu)
        for typed in each.typed:
            typed.set_type()


@collection_paused()
def _converted(
    observed: _Prepared, example: Arguments, samples: Sequence[Arguments]
) -> ExportedProgram:
    """The quantized program of a graph after calibration. samples: to correct biases on."""
    from cmopt.frontend.explicit_state import put_state_back
    from cmopt.frontend.locations import spread_source_locations
    from cmopt.frontend.precision import forget_choices
    from cmopt.frontend.recurrences import name_sources

    converted = _convert(observed, samples)
    states = observed.states
    given = states.added_to(example, list(states.initial.values()))
    quantized = torch.export.export(converted, given.args, given.kwargs)
    if states.initial:
        quantized = put_state_back(quantized, states, example)
    name_sources(quantized, [each.loop for each in observed.loops])
    spread_source_locations(quantized.graph)
    forget_choices(quantized)
    return quantized


def _convert(prepared: _Prepared, samples: Sequence[Arguments]) -> GraphModule:
    """The quantized graph of a graph after calibration, with its loops."""
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e

    from cmopt.frontend.bias_correction import correct_biases
    from cmopt.frontend.carried_ranges import share_ranges_of_loops
    from cmopt.frontend.common_ranges import keep_integers_of_products, quantize_as_extremes
    from cmopt.frontend.divisors import keep_divisors_from_zero
    from cmopt.frontend.least_steps import raise_least_steps
    from cmopt.frontend.recurrences import put_loops

    observed = prepared.graph
    share_ranges_of_loops(observed, [each.loop for each in prepared.loops])
    _compute_parameters_once(observed)
    for each in prepared.loops:
        each.loop.converted = _convert(each.cell, each.loop.kept.samples if samples else ())
    raise_least_steps(observed)
    quantize_as_extremes(observed)
    keep_integers_of_products(observed)
    keep_divisors_from_zero(observed)
    if samples:
        correct_biases(observed, samples)
    converted: GraphModule = convert_pt2e(observed)
    put_loops(converted, [each.loop for each in prepared.loops])
    return converted


def _export(module: torch.nn.Module, example: Arguments) -> ExportedProgram:
    """The exported model. Raises CompileError if its shapes depend on the inputs' values."""
    from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

    from cmopt.frontend.decomposing import depends_on_values
    from cmopt.frontend.recurrent_shapes import known_shapes

    try:
        with known_shapes():
            return torch.export.export(module, example.args, example.kwargs)
    except GuardOnDataDependentSymNode as error:
        raise depends_on_values(error) from error
    except RuntimeError as error:
        if "fake tensor in the exported program constant" not in str(error):
            raise
        raise CompileError(
            "torch.export cannot follow a tensor's .data, which the model reads or writes",
            hint="use the tensor itself; a buffer that is changed is state, which is not supported",
        ) from error


def _calibrate(
    prepared: _Prepared, example: Arguments, calibration: Iterable[Any] | None
) -> list[Arguments]:
    """Run the samples through the observers. Returns some of the samples, for `Simulation`."""
    from cmopt.frontend.bias_correction import MOST_ELEMENTS, MOST_SAMPLES
    from cmopt.frontend.model_checks import check_observed, check_sample
    from cmopt.frontend.simulation import KeptSamples, samples_within

    observed = prepared.graph
    kept = KeptSamples(samples_within(observed, MOST_SAMPLES, MOST_ELEMENTS))
    values = list(prepared.states.initial.values())
    for each in prepared.loops:
        each.loop.observes = True
    seen = 0
    given = [(example.args, example.kwargs) if example.kwargs else example.args]
    items = progress(given if calibration is None else calibration, "calibrating")
    for index, item in enumerate(items):
        what = "example_inputs" if calibration is None else f"calibration sample {index}"
        for sample in samples_of(item, example, prepared.parameters, what):
            check_sample(sample.tensors, prepared.names, what)
            sample = prepared.states.added_to(sample, values)
            kept.offer(sample)
            results = observed(*sample.args, **sample.kwargs)
            if values:
                _, values = results
            seen += 1
    if seen == 0:
        raise ValueError("calibration holds no inputs")
    check_observed(observed)
    for each in prepared.loops:
        each.loop.observes = False
        check_observed(each.cell.graph)
    return kept.samples


def _compute_parameters_once(observed: torch.nn.Module) -> None:
    """Let each observer search its parameters once; conversion asks again at every use.

    The search takes some 60 ms. Its result is fixed, because calibration is over.
    """
    from torchao.quantization.pt2e.observer import HistogramObserver

    for observer in observed.modules():
        if isinstance(observer, HistogramObserver):
            observer.calculate_qparams = cache(observer.calculate_qparams)
