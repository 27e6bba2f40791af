"""Run a program on a data set: what a data loader gives, or the arrays of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cmopt.dialects.arrays import Array
from cmopt.pipeline.arrays_file import reshaped_like, samples_in, select
from cmopt.pipeline.scores import Evaluation, Labels, add_differences, is_labels
from cmopt.support.diagnostics import CompileError

if TYPE_CHECKING:
    import torch

    from cmopt.pipeline.border import BorderTensor
    from cmopt.pipeline.program import Program

LABELS = "labels"
"""The name of labels among named arrays."""


def evaluate(
    program: Program, data: Iterable[Any], model: torch.nn.Module | None = None
) -> Evaluation:
    """Run a program on each sample of a data set; see `Program.evaluate`."""
    import torch

    found = Evaluation()
    was_training = model is not None and model.training
    program.reset()
    try:
        if model is not None:
            model.eval()
        with torch.no_grad():
            for number, item in enumerate(data):
                for call in calls_of(item, program.inputs, f"item {number} of the data"):
                    _add(found, program, model, *call)
    finally:
        if model is not None:
            model.train(was_training)
    if found.samples == 0:
        raise CompileError("the data holds no samples")
    return found


def _add(
    found: Evaluation,
    program: Program,
    model: torch.nn.Module | None,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    expected: list[torch.Tensor] | None,
) -> None:
    """Add one call of a program, and of the float model, to an evaluation."""
    import torch
    from torch.utils._pytree import tree_leaves

    from cmopt.frontend.structure import tensors_by_name

    values = tensors_by_name(program.input_names, args, kwargs)
    stored = [
        tensor.stored(value.detach().numpy())
        for tensor, value in zip(program.inputs, values, strict=True)
    ]
    outputs = {
        tensor.name: tensor.real(value.numpy())
        for tensor, value in zip(program.outputs, program.run(*stored), strict=True)
    }
    wanted = None if expected is None else [value.detach().numpy() for value in expected]
    found.add(outputs, wanted)
    if model is None:
        return
    results = tree_leaves(model(*args, **kwargs))
    floats = [value.numpy() for value in results if isinstance(value, torch.Tensor)]
    add_differences(found.model, outputs, floats)
    if wanted is not None and is_labels(wanted, outputs):
        found.model_labels = found.model_labels or Labels()
        found.model_labels.add(floats[0], wanted[0], "the model's first output")


Call = tuple[tuple[Any, ...], dict[str, Any], "list[torch.Tensor] | None"]
"""The positional and the keyword arguments of a call, and what is expected of it."""


def calls_of(item: Any, inputs: Sequence[BorderTensor], what: str) -> Iterator[Call]:
    """The calls of a program for one item of a data set.

    item: a tensor, a tuple of the inputs with or without the expected result behind them, or a dict
    of inputs by name, with the expected result as "labels". A batch of samples is as many calls if
    the first size of each input is 1.

    Raises CompileError, for `what`, if it does not fit.
    """
    import torch
    from torch.utils._pytree import tree_leaves, tree_map

    from cmopt.frontend.samples import batch_of, with_tensors
    from cmopt.frontend.structure import tensors_by_name

    args, kwargs, target = _split(item, len(inputs), what)
    args, kwargs = with_tensors((args, kwargs))
    values = tensors_by_name([each.name for each in inputs], args, kwargs)
    expected = None if target is None else [torch.as_tensor(x) for x in tree_leaves(target)]
    shapes = [(tuple(value.shape), each.shape) for value, each in zip(values, inputs, strict=True)]
    if all(given == wanted for given, wanted in shapes):
        yield args, kwargs, expected
        return
    if (batch := batch_of(shapes)) is None:
        raise _does_not_fit(shapes, inputs, what)
    calls, is_absent = batch
    everything = (args, kwargs, expected)
    if is_absent:
        everything = tree_map(lambda x: x[None] if isinstance(x, torch.Tensor) else x, everything)
    for wanted in everything[2] or ():
        if wanted.ndim == 0 or len(wanted) != calls:
            raise CompileError(f"{what} has {calls} samples, but {wanted.numel()} expected results")
    for i in range(calls):
        yield tree_map(
            lambda x, i=i: x[i : i + 1] if isinstance(x, torch.Tensor) else x, everything
        )


def _split(item: Any, count: int, what: str) -> tuple[tuple[Any, ...], dict[str, Any], Any]:
    """The arguments in an item, and what is expected, None if that is not in it."""
    from torch.utils._pytree import tree_leaves

    if isinstance(item, Mapping):
        return (), {name: x for name, x in item.items() if name != LABELS}, item.get(LABELS)
    args = tuple(item) if isinstance(item, tuple | list) else (item,)
    for inputs, expected in ((args, None), (args[:-1], args[-1] if args else None)):
        if len(tree_leaves(inputs)) == count:
            return inputs, {}, expected
    raise CompileError(
        f"{what} holds {len(tree_leaves(args))} values",
        hint=f"the program takes {count} inputs, which one expected result may follow",
    )


def _does_not_fit(
    shapes: Sequence[tuple[tuple[int, ...], tuple[int, ...]]],
    inputs: Sequence[BorderTensor],
    what: str,
) -> CompileError:
    """The error for the first value whose shape is not that of its input."""
    given, wanted, name = next(
        (given, wanted, each.name)
        for (given, wanted), each in zip(shapes, inputs, strict=True)
        if given != wanted
    )
    return CompileError(
        f"{what}: input {name!r} has shape {list(given)}, the program takes {list(wanted)}"
    )


Runner = Callable[[list[list[Array]]], list[dict[str, Array]]]
"""Runs a program on the inputs of each of some samples; gives the outputs of each by name."""


def evaluate_arrays(
    arrays: Mapping[str, Array],
    inputs: Mapping[str, Sequence[int]],
    outputs: Sequence[str],
    run: Runner,
    path: str,
) -> Evaluation:
    """Run a program on the samples in named arrays, and compare with what these expect.

    arrays: each input by name, and `labels` or outputs by name, samples along the first dimension.
    inputs: the shape of each. path: the file of the arrays, for messages. Raises CompileError.
    """
    names = list(inputs)
    samples = samples_in(select(arrays, names, path), inputs, path)
    wanted = [name for name in (LABELS, *outputs) if name in arrays]
    check_expected(arrays, wanted, len(samples), outputs, path)
    return score(run(samples), {name: arrays[name] for name in wanted}, path)


def check_expected(
    arrays: Mapping[str, Array],
    wanted: Sequence[str],
    samples: int,
    outputs: Sequence[str],
    path: str,
) -> None:
    """Raise CompileError if arrays do not say, for each sample, what is expected of it."""
    if not wanted:
        raise CompileError(
            f"'{path}' does not say what is expected",
            hint=f"add an array '{LABELS}' of classes, or {', '.join(outputs)}",
        )
    for name in wanted:
        if len(arrays[name]) != samples if arrays[name].ndim else True:
            shape = list(arrays[name].shape)
            raise CompileError(
                f"'{path}': array {name!r} has shape {shape}, but there are {samples} samples"
            )


def score(
    results: Sequence[Mapping[str, Array]], expected: Mapping[str, Array], path: str
) -> Evaluation:
    """Compare the outputs of samples with what is expected of each: `labels`, or outputs."""
    found = Evaluation(samples=len(results))
    for i, outputs in enumerate(results):
        first = next(iter(outputs))
        for name, array in expected.items():
            if name == LABELS:
                if array.dtype.kind not in "iub":
                    raise CompileError(f"'{path}': labels must be integers, got {array.dtype}")
                found.labels = found.labels or Labels()
                found.labels.add(outputs[first], array[i : i + 1], f"output '{first}'")
            else:
                wanted = reshaped_like(array[i], outputs[name])
                add_differences(found.expected, {name: outputs[name]}, [wanted])
    return found
