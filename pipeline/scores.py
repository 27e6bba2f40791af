"""How good a program is on a data set: its accuracy, or its distance from what is expected."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cmopt.dialects.arrays import Array
from cmopt.pipeline.compare import decibels
from cmopt.support.diagnostics import CompileError

MOST_MISTAKES = 10
"""How many kinds of mistakes a text lists."""


@dataclass
class Difference:
    """The distance of values from others, over all samples so far."""

    count: int = 0
    signal: float = 0.0
    noise: float = 0.0
    largest: float = 0.0

    def add(self, values: Array, expected: Array, what: str) -> None:
        """Add one sample. Raises CompileError, for `what`, if the shapes differ."""
        if values.shape != expected.shape:
            raise CompileError(
                f"{what} has shape {list(values.shape)}, what is expected has "
                f"{list(expected.shape)}"
            )
        wanted = expected.astype(np.float64)
        error = np.abs(values.astype(np.float64) - wanted)
        self.count += error.size
        self.signal += float(np.square(wanted).sum())
        self.noise += float(np.square(error).sum())
        self.largest = max(self.largest, float(error.max(initial=0)))

    @property
    def mean_squared_error(self) -> float:
        """The mean of the squares of the errors."""
        return self.noise / self.count if self.count else 0.0

    @property
    def snr_db(self) -> float:
        """The power of what is expected divided by that of the error, in dB."""
        return decibels(self.signal, self.noise)

    def __str__(self) -> str:
        return (
            f"mean squared error {self.mean_squared_error:.4g}, SNR {self.snr_db:.2f} dB, "
            f"largest error {self.largest:.4g}"
        )


@dataclass
class Labels:
    """Predicted classes and the right ones: `confusion[label, predicted]` is a count."""

    confusion: Counter[tuple[int, int]] = field(default_factory=Counter)

    def add(self, scores: Array, labels: Array, what: str) -> None:
        """Add one call. scores: [batch, classes, …]. labels: [batch, …], integers.

        Raises CompileError, for `what`, if they do not fit or a label is not a class.
        """
        if scores.ndim < 2 or scores.shape[1] < 2:
            raise CompileError(
                f"{what} has shape {list(scores.shape)}: it has no scores of classes along its "
                "second dimension",
                hint="give the expected outputs instead of labels",
            )
        classes = scores.shape[1]
        shape = (scores.shape[0], *scores.shape[2:])
        if labels.size != math.prod(shape):
            raise CompileError(
                f"{labels.size} labels do not fit {what} of shape {list(scores.shape)}",
                hint=f"labels of shape {list(shape)} fit",
            )
        predicted = scores.argmax(axis=1)
        for label, found in zip(labels.ravel().tolist(), predicted.ravel().tolist(), strict=True):
            if not 0 <= label < classes:
                raise CompileError(f"label {label} is not one of the {classes} classes of {what}")
            self.confusion[label, found] += 1

    @property
    def total(self) -> int:
        """The number of predictions."""
        return self.confusion.total()

    @property
    def correct(self) -> int:
        """The number of predictions that are right."""
        return sum(n for (label, found), n in self.confusion.items() if label == found)

    @property
    def accuracy(self) -> float:
        """The part of the predictions that is right, from 0 to 1."""
        return self.correct / self.total if self.total else 0.0

    def lines(self) -> Iterator[str]:
        """The accuracy, and the most frequent mistakes."""
        yield f"accuracy {self.accuracy:.2%} ({self.correct:,} of {self.total:,})"
        mistakes = [
            (count, label, found)
            for (label, found), count in self.confusion.items()
            if label != found
        ]
        mistakes.sort(key=lambda each: (-each[0], each[1:]))
        for count, label, found in mistakes[:MOST_MISTAKES]:
            yield f"  {count:,} of class {label} taken for {found}"
        if len(mistakes) > MOST_MISTAKES:
            rest = sum(count for count, _, _ in mistakes[MOST_MISTAKES:])
            yield f"  {rest:,} other mistakes"


@dataclass
class Evaluation:
    """The result of an evaluation; `str()` is a short text.

    labels: for classification, of the first output. expected: for each output, its distance from
    what the data expects; empty if the data has labels or nothing. model_labels, model: the same
    labels for the float model, and each output's distance from the float model's; None and empty
    without a float model.
    """

    samples: int = 0
    labels: Labels | None = None
    expected: dict[str, Difference] = field(default_factory=dict)
    model_labels: Labels | None = None
    model: dict[str, Difference] = field(default_factory=dict)

    @property
    def accuracy(self) -> float | None:
        """The part of the predictions that is right, from 0 to 1; None without labels."""
        return None if self.labels is None else self.labels.accuracy

    def add(self, outputs: Mapping[str, Array], expected: Sequence[Array] | None) -> None:
        """Add what a program gives for a call, and what is expected: labels, or all outputs."""
        self.samples += 1
        if expected is None:
            return
        first = next(iter(outputs))
        if is_labels(expected, outputs):
            self.labels = self.labels or Labels()
            self.labels.add(outputs[first], expected[0], f"output '{first}'")
        else:
            add_differences(self.expected, outputs, expected)

    def __str__(self) -> str:
        lines = [f"{self.samples:,} samples"]
        if self.labels is not None:
            lines += self.labels.lines()
        if self.model_labels is not None:
            lines.append(f"float model: {next(self.model_labels.lines())}")
        lines += [f"{name}: {each}" for name, each in self.expected.items()]
        lines += [f"{name}, from the float model: {each}" for name, each in self.model.items()]
        return "\n".join(lines)


def is_labels(expected: Sequence[Array], outputs: Mapping[str, Array]) -> bool:
    """Whether integers are the classes of a classification, and not an output of integers."""
    if len(expected) != 1 or expected[0].dtype.kind not in "iub":
        return False
    first = next(iter(outputs.values()))
    return tuple(expected[0].shape) != tuple(first.shape)


def add_differences(
    found: dict[str, Difference], outputs: Mapping[str, Array], expected: Sequence[Array]
) -> None:
    """Add one call's outputs and what is expected. Raises CompileError if they do not fit."""
    if len(expected) != len(outputs):
        raise CompileError(f"{len(expected)} outputs are expected, the program has {len(outputs)}")
    for (name, values), wanted in zip(outputs.items(), expected, strict=True):
        found.setdefault(name, Difference()).add(values, wanted, f"output '{name}'")
