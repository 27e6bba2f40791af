"""The report as a page: its data is that of the program, and no text of a model becomes markup."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import torch

from cmopt.dialects.cortex_m import place_of
from cmopt.dialects.program import main_function
from cmopt.pipeline.emulation import Count
from cmopt.support.diagnostics import CompileError

sys.path.insert(0, str(Path(__file__).parents[1]))
from report_programs import HOSTILE, NAMES, hostile, program

pytestmark = pytest.mark.filterwarnings("ignore")


class Elements(HTMLParser):
    """The elements of a page: names, attributes, and the text in each."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.found:
            tag, attributes, text = self.found[-1]
            self.found[-1] = tag, attributes, text + data

    def handle_endtag(self, tag: str) -> None:
        self.found.append((f"/{tag}", {}, ""))

    def all(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attributes, text) for name, attributes, text in self.found if name == tag]


def data_of(page: str) -> dict[str, Any]:
    (text,) = [text for attributes, text in Elements(page).all("script") if "type" in attributes]
    data: dict[str, Any] = json.loads(text)
    return data


def data(name: str) -> dict[str, Any]:
    return data_of(program(name).report.html(title=name))


@pytest.mark.parametrize("name", NAMES)
def test_the_operators_of_every_stage_and_their_values(name: str) -> None:
    found = data(name)
    assert [stage["name"] for stage in found["stages"]] == list(program(name).modules)
    for stage in found["stages"]:
        ops, values = stage["ops"], stage["values"]
        inputs = [op["name"] for op in ops if op["name"].startswith("input ")]
        assert len(inputs) == len(program(name).input_names)
        for number, op in enumerate(ops):
            assert op.get("parent", -1) < number
            for value in op["in"]:
                maker = source(values, value)
                is_region = any(other.get("parent") == number for other in ops)
                assert maker is None or maker < number or is_region
            assert all(values[value]["from"] == number for value in op["out"])
            assert "dense<" not in op.get("text", "") or len(op["text"]) < 4_100


def source(values: list[dict[str, Any]], number: int) -> int | None:
    """The op that makes a value, seen through regions."""
    value = values[number]
    while "same" in value:
        value = values[value["same"]]
    maker: int | None = value.get("from")
    return maker


@pytest.mark.parametrize("name", NAMES)
def test_figures_and_steps_are_those_of_the_report(name: str) -> None:
    found, report = data(name), program(name).report
    assert found["figures"] == json.loads(report.to_json())
    planned = found["stages"][-1]
    steps = [op for op in planned["ops"] if "step" in op]
    assert [op["step"] for op in steps] == list(range(len(report.steps)))
    for op, step in zip(steps, report.steps, strict=True):
        assert op["name"].removeprefix("cortex_m.") == step.kernel
        assert op.get("where", "") == step.where
    inner = sum(op.get("cycles", 0) for op in planned["ops"] if "parent" in op)
    outer = sum(op.get("cycles", 0) for op in steps)
    assert outer == report.npu_cycles
    assert inner == sum(op.cycles for d in report.delegates for op in d.figures.ops)
    assert (name == "npu") == (inner > 0)


@pytest.mark.parametrize("name", NAMES)
def test_blocks_of_the_arena_have_the_places_of_the_ir(name: str) -> None:
    found = data(name)
    planned, arena = found["stages"][-1], found["arena"]
    func = main_function(program(name).module("planned"))
    values = [value for op in func.walk() for value in (*op.operands, *op.results)]
    places = {place.offset for value in values if (place := place_of(value)) is not None}
    assert arena["size"] == program(name).report.arena_bytes
    for value, offset, size, first, last, _ in arena["blocks"]:
        entry = planned["values"][value]
        assert entry["place"] in places
        assert entry["place"] <= offset and offset + size <= entry["place"] + entry["bytes"]
        assert 0 <= first <= last < len(arena["columns"]) == len(arena["live"])


def test_reasons_and_kinds() -> None:
    planned = data("float")["stages"][-1]["ops"]
    (product,) = [op for op in planned if "prod" in op["name"]]
    assert product["kind"] == "float" and product["reason"] == "there is no integer kernel for prod"
    kinds = {op["kind"] for stage in data("npu")["stages"] for op in stage["ops"]}
    assert {"npu", "cast", "border", "core"} <= kinds
    loop = data("loop")["stages"][-1]["ops"]
    (number,) = [i for i, op in enumerate(loop) if op["kind"] == "loop"]
    assert sum(op.get("parent") == number for op in loop) > 3
    assert any(op["name"].startswith("state ") for op in data("state")["stages"][0]["ops"])


def test_no_text_of_a_model_becomes_markup() -> None:
    assert HOSTILE in hostile().output_names
    page = hostile().report.html(title=HOSTILE)
    plain = Elements(program("kernels").report.html())
    found = Elements(page)
    assert [tag for tag, _, _ in found.found] == [tag for tag, _, _ in plain.found]
    assert found.all("title")[0][1].startswith(HOSTILE)
    planned = data_of(page)["stages"][-1]["ops"]
    assert any(HOSTILE in op.get("where", "") for op in planned)
    assert planned[-1]["name"] == f"output {HOSTILE}"


def test_the_page_loads_nothing_and_its_policy_allows_only_its_own_script() -> None:
    page = program("kernels").report.html()
    found = Elements(page)
    assert not [a for _, attributes, _ in found.found for a in attributes if a in ("src", "href")]
    assert not [a for _, attributes, _ in found.found for a in attributes if a.startswith("on")]
    assert (
        "http://" not in page.replace("http://www.w3.org/2000/svg", "") and "https://" not in page
    )
    (policy,) = [a["content"] for a, _ in found.all("meta") if "http-equiv" in a]
    (script,) = [text for attributes, text in found.all("script") if not attributes]
    assert policy is not None and policy.startswith("default-src 'none';")
    for directive, text in (("script", script), ("style", found.all("style")[0][1])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_a_large_program_has_a_page_of_a_few_bytes_for_each_operator() -> None:
    """With 1,400 bytes for an operator of a stage, 3,500 operators are below 5 MB."""
    page = program("npu").report.html()
    bare = len(program("kernels").report.html()) - len(json.dumps(data("kernels")))
    ops = sum(len(stage["ops"]) for stage in data("npu")["stages"])
    assert len(page.encode()) < bare + 4_000 + 1_400 * ops


def test_scales_and_constants_are_elided() -> None:
    quantized = data("kernels")["stages"][1]
    assert any("4 scales along axis 0" in v.get("quant", "") for v in quantized["values"])
    texts = [op.get("text", "") for stage in data("float")["stages"] for op in stage["ops"]]
    assert not any("0x" in text for text in texts)


def test_accuracy_belongs_to_operators() -> None:
    made = program("strips")
    torch.manual_seed(5)
    inputs = torch.randint(-128, 128, (1, 3, 32, 32), dtype=torch.int8)
    comparison = made.compare(inputs)
    found = data_of(made.report.html(comparison=comparison))
    ops = next(s for s in found["stages"] if s["name"] == "quantized")["ops"]
    assert len(found["accuracy"]) == len(comparison.rows) > 3
    for row, entry in zip(comparison.rows, found["accuracy"], strict=True):
        op = ops[entry["op"]]
        assert (op["name"], op.get("where")) == (row.op, row.location)
        assert entry["steps"] == row.steps
    with pytest.raises(CompileError, match="of another program"):
        program("kernels").report.html(comparison=comparison)


def test_instructions_belong_to_steps() -> None:
    report = program("kernels").report
    counts = tuple(range(10, 10 + len(report.steps)))
    found = data_of(report.html(count=Count(sum(counts), counts)))
    assert found["instructions"] == {"total": sum(counts), "steps": list(counts)}
    with pytest.raises(CompileError, match="the count has 1 steps, the program"):
        report.html(count=Count(7, (7,)))
