"""Schemas, compared with the kernel wrappers that ExecuTorch's own generator makes of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import torch
import torchgen
from executorch.codegen.api import et_cpp
from executorch.codegen.api.types import ExecutorchCppSignature
from executorch.codegen.api.unboxing import Unboxing
from executorch.codegen.parse import parse_et_yaml
from torchgen import local
from torchgen.model import FunctionSchema

from cmopt.codegen.operator_schemas import (
    CORTEX_M_OPERATORS,
    Argument,
    Schema,
    cortex_m_schemas,
    parse_schema,
    portable_operators,
)


def wrappers() -> Iterator[tuple[str, list[str]]]:
    """The generated wrappers: the operator's name, and the names of the arguments it unpacks."""
    tags = Path(torchgen.__file__).parent / "packaged/ATen/native/tags.yaml"
    yaml = files("executorch").joinpath(CORTEX_M_OPERATORS)
    for function in parse_et_yaml(str(yaml), str(tags))[0]:
        with local.parametrize(
            use_const_ref_for_mutable_tensors=False, use_ilistref_for_tensor_lists=False
        ):
            signature = ExecutorchCppSignature.from_native_function(function)
            unpacked, _ = Unboxing(et_cpp.argumenttype_type).convert_arguments(
                signature.arguments(include_context=False)
            )
        yield f"{function.namespace}::{function.func.name}", [b.name for b in unpacked]


def test_a_call_has_the_length_that_a_generated_wrapper_expects() -> None:
    """A wrapper expects one EValue more than it unpacks: the returned value."""
    schemas = cortex_m_schemas()
    found = dict(wrappers())
    assert found.keys() == schemas.keys()
    for name, unpacked in found.items():
        ours = [argument.name for argument in schemas[name].arguments]
        assert [re.sub(r"_(base|opt_out|list_out)$", "", n) for n in unpacked] == ours
        assert len(unpacked) + 1 == schemas[name].call_length


def portable_overloads() -> dict[str, Any]:
    found = {}
    for name in portable_operators():
        namespace, _, rest = name.partition("::")
        packet, _, overload = rest.partition(".")
        operator = getattr(getattr(torch.ops, namespace), packet, None)
        if operator is not None and (overload or "default") in operator.overloads():
            found[name] = getattr(operator, overload or "default")
    return found


def test_schemas_are_parsed_as_torchgen_does() -> None:
    overloads = portable_overloads()
    assert len(overloads) > 190
    for name, overload in overloads.items():
        text = str(overload._schema)
        ours = parse_schema(text)
        theirs = FunctionSchema.parse(text.partition("::")[2])
        assert ours.qualified == name
        assert ours.arguments == tuple(
            Argument(a.name, plain_type(str(a.type)), a.is_write)
            for a in theirs.schema_order_arguments()
        )


def plain_type(text: str) -> str:
    for length in range(1, 8):
        text = text.replace(f"[{length}]", "[]")
    return text.replace("SymInt", "int")


def test_defaults_may_hold_commas() -> None:
    schema = parse_schema("ns::op.out(Tensor x, int[2] stride=[1, 1], *, Tensor(a!) out) -> ()")
    assert schema == Schema(
        "ns::op",
        "out",
        (Argument("x", "Tensor"), Argument("stride", "int[]"), Argument("out", "Tensor", True)),
    )


def test_what_is_no_schema_is_refused() -> None:
    with pytest.raises(ValueError, match="not an operator schema: 'op'"):
        parse_schema("op")
