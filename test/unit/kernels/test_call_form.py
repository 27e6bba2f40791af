"""The host, like a device, refuses calls with a wrong number or a wrong kind of arguments.

A device build registers generated wrappers. They count the EValues of a call, including the
returned value, and read each as the kind in the schema in `operators.yaml`.
"""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from one_op_program import Constant, Planned, Program
from operator_cases import all_cases
from running import Outcome, run_programs

from cmopt.codegen.operator_schemas import Schema, cortex_m_schemas

SAMPLES = {
    "None": None,
    "Tensor": Constant(np.zeros(4, np.int8)),
    "str": "text",
    "float": 0.5,
    "int": 1,
    "bool": True,
    "bool[]": [True, False],
    "float[]": [0.5, 1.5],
    "int[]": [1, 1],
    "Tensor[]": [Constant(np.zeros(4, np.int8))],
}
"""One argument of each kind of EValue."""


def kinds_of(type: str) -> set[str]:
    """The kinds of EValue that an argument of a schema type may be."""
    if type == "Tensor?":
        return {"Tensor", "None"}
    return {"int" if type == "ScalarType" else type}


def right_programs() -> dict[str, Program]:
    """For each operator a call that succeeds."""
    return {c.program.name: c.program for c in all_cases() if c.expected is not None}


def schema_of(program: Program) -> Schema:
    return cortex_m_schemas()[f"cortex_m::{program.name}.out"]


def wrong_programs() -> dict[str, tuple[Program, str]]:
    """Calls with one mistake each, by name, and the expected log of the runtime."""
    wrong = {}
    for name, program in right_programs().items():
        schema = schema_of(program)
        for returned in (0, 2):
            given = len(program.args) + returned
            message = f"expected {schema.call_length} args, received {given}"
            changed = dataclasses.replace(program, returned=returned)
            wrong[f"{name}.returned_{returned}"] = changed, message
        for index, argument in enumerate(schema.arguments):
            for kind, sample in SAMPLES.items():
                if kind in kinds_of(argument.type) or (
                    isinstance(program.args[index], Planned) and program.args[index].output
                ):
                    continue
                args = [*program.args[:index], sample, *program.args[index + 1 :]]
                message = f"argument {index} is {kind}, expected {argument.type}"
                key = f"{name}.{index}_{kind.replace('[]', '_list')}"
                wrong[key] = dataclasses.replace(program, args=args), message
    return wrong


WRONG = wrong_programs()


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """The outcome of each call."""
    programs = {name: program for name, (program, _) in WRONG.items()}
    return run_programs(programs, tmp_path_factory.mktemp("programs"))


@pytest.mark.parametrize("operator", sorted(right_programs()))
def test_a_call_of_another_form_is_refused(operator: str, outcomes: dict[str, Outcome]) -> None:
    """The kernel is not called. One line says which argument is wrong."""
    mistakes = {n: m for n, (_, m) in WRONG.items() if n.partition(".")[0] == operator}
    assert len(mistakes) >= 2 + 9 * 2
    for name, message in mistakes.items():
        assert outcomes[name].after is None, name
        expected = re.escape(f"cortex_m::{operator}: {message}")
        assert re.search(expected, outcomes[name].log), (name, outcomes[name].log)


def test_every_operator_is_covered() -> None:
    ours = {f"cortex_m::{name}.out" for name in right_programs()}
    assert ours == {name for name in cortex_m_schemas() if not name.endswith("_nhwc.out")}
