"""The report's page in a browser: it draws without errors, and answers to clicks and keys."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from browser import HEIGHT, WIDTH, browser, require_browser
from report_programs import HOSTILE, NAMES, hostile, lowered, program

from cmopt.pipeline.emulation import Count

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    require_browser()
    with browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


class Page:
    """A page that is open, and what a person does with it."""

    def __init__(self, driver: Any, folder: Path, html: str) -> None:
        self.driver = driver
        path = folder / "report.html"
        path.write_text(html, "utf-8")
        driver.get(path.as_uri())
        self.wait("return document.documentElement.dataset.ready === 'true'")

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait(self, condition: str) -> None:
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.driver, 60).until(lambda _: self.run(condition))

    def find(self, selector: str) -> list[Any]:
        from selenium.webdriver.common.by import By

        found: list[Any] = self.driver.find_elements(By.CSS_SELECTOR, selector)
        return found

    def click(self, selector: str) -> None:
        self.find(selector)[0].click()

    def text(self, selector: str) -> str:
        return "\n".join(element.text for element in self.find(selector))

    def keys(self, *keys: str) -> None:
        self.driver.switch_to.active_element.send_keys(*keys)

    def rows(self) -> list[str]:
        """The operators that are shown, each with the line of its row."""
        # Not innerText, which is empty for rows that the browser has not drawn yet.
        names = self.run(
            "const parts = (node) => node.children.length ? [...node.children].map(parts).join(' ')"
            " : node.textContent;"
            "return [...document.querySelectorAll('.row')].map(parts)"
        )
        return [" ".join(name.split()) for name in names]

    def picture(self) -> Any:
        """A screenshot as an array: height, width, colours."""
        from PIL import Image

        return np.asarray(Image.open(BytesIO(self.driver.get_screenshot_as_png())).convert("RGB"))

    def errors(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture
def opened(chromium: Any, tmp_path: Path) -> Iterator[Any]:
    """Opens pages. At the end, no page may have had an error."""
    pages: list[Page] = []

    def make(html: str) -> Page:
        pages.append(Page(chromium, tmp_path, html))
        return pages[-1]

    yield make
    assert [error for page in pages for error in page.errors()] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_view_draws(opened: Any, name: str) -> None:
    made = program(name)
    page = opened(made.report.html(title=name))
    assert page.driver.title == f"{name} – cmopt report"
    assert f"{made.report.pte_bytes:,} bytes" in page.text("#summary")
    for stage in made.modules:
        page.click(f"[data-stage={stage}]")
        assert len(page.rows()) == page.run("return document.querySelectorAll('.box').length") > 2
        assert page.find(".edge")
    for view in page.run("return [...document.querySelectorAll('#tabs button')].map((b) => b.id)"):
        page.click(f"#{view}")
        assert page.text("#view")
        if view in ("tab-graph", "tab-arena"):
            picture = page.picture()
            assert picture.shape == (HEIGHT, WIDTH, 3)
            colours = np.unique(picture.astype(np.uint32) @ [1 << 16, 1 << 8, 1])
            assert len(colours) > 20, "the picture is blank"


def test_the_table_of_costs_has_the_report_and_sorts(opened: Any) -> None:
    report = program("kernels").report
    page = opened(report.html())
    page.click("#tab-cost")
    for kernel, count in report.ops.items():
        assert any(row.text.startswith(f"{kernel} {count} ") for row in page.find("tbody tr"))
    page.click("th.number button")
    calls = [int(row.text.split()[1]) for row in page.find("table:first-of-type tbody tr")]
    assert calls[: len(report.ops)] == sorted(report.ops.values(), reverse=True)


def test_an_operator_shows_what_is_known_of_it(opened: Any) -> None:
    page = opened(program("float").report.html())
    page.click(".row.float")
    details = page.text("#details")
    (fallback,) = [f for f in program("float").report.fallbacks if "prod" in f.op]
    known = fallback.reason, fallback.location, "float32 1×65", "arena"
    titles = "computes in float", "Why in float", "Operands", "Results", "bytes read and written"
    for part in (*known, *titles):
        assert part is not None and part in details
    assert page.run("return document.querySelectorAll('.edge.in, .edge.out').length") >= 2
    page.run("[...document.querySelectorAll('#details .link')][0].click()")
    assert page.text("#details") != details


def test_search_filters_the_operators(opened: Any) -> None:
    page = opened(program("kernels").report.html())
    every = page.rows()
    page.keys("/")
    page.keys("conv2d")
    page.wait("return document.getElementById('found').textContent !== ''")
    assert page.rows() == [row for row in every if "conv2d" in row]
    assert page.text("#found") == f"{len(page.rows())} of {len(every)}"
    page.keys("\ue00c")  # Escape
    assert page.rows() == every


def test_the_keyboard_selects_operators_stages_and_views(opened: Any) -> None:
    page = opened(program("npu").report.html())
    page.run("document.getElementById('graph').focus()")
    page.keys("\ue015")  # arrow down
    assert page.text(".row.selected").startswith("input")
    page.keys("\ue010")  # End
    assert page.text(".row.selected").startswith("output")
    page.keys("[")
    assert page.text(".choice [aria-pressed=true]") == "cortex_m"
    page.keys("2")
    assert page.text("#tabs [aria-selected=true]") == "Memory"


@pytest.mark.parametrize("sizes", ["0x8", "2x8"])
def test_a_program_without_operators(opened: Any, sizes: str) -> None:
    type = f"tensor<{sizes}xf32>"
    text = f"func.func @forward(%x: {type}) -> {type} {{ func.return %x : {type} }}"
    page = opened(lowered(text).report.html())
    assert len(page.rows()) == 2
    for view in ("arena", "cost", "reasons"):
        page.click(f"#tab-{view}")
    page.click("#tab-arena")
    assert ("The arena is empty." in page.text("#arena")) == (sizes == "0x8")


def test_names_of_a_model_run_nothing(opened: Any) -> None:
    page = opened(hostile().report.html(title=HOSTILE))
    assert page.driver.title.startswith("</script>")
    row = f"output {HOSTILE}".replace("\u2028", " ")
    assert page.rows()[-1].startswith(" ".join(row.split())[:60])
    page.run("[...document.querySelectorAll('.row')].at(-1).click()")
    page.click(".row.near")
    for view in ("cost", "arena", "reasons"):
        page.click(f"#tab-{view}")
    assert page.find("img") == [] and len(page.find("script")) == 2


def test_a_region_closes_and_opens(opened: Any) -> None:
    page = opened(program("npu").report.html())
    every = page.rows()
    page.click(".box button")
    closed = page.rows()
    assert 2 < len(closed) < len(every) and not any("tosa" in row for row in closed)
    assert page.find(".edge")
    page.click(".box button")
    assert page.rows() == every


def test_a_block_of_the_arena_leads_to_its_operator(opened: Any) -> None:
    report = program("kernels").report
    page = opened(report.html())
    page.click("#tab-arena")
    assert f"peak {report.arena_bytes:,} bytes" in page.text("#arena")
    label = page.run(
        "const block = document.querySelector('#arena .block.core');"
        "block.dispatchEvent(new MouseEvent('click'));"
        "return block.getAttribute('aria-label')"
    )
    name = label.splitlines()[0].split(",")[0]
    results = page.text("#details").split("Results")[1]
    assert results.strip().startswith(f"{name} ") or "scratch" in label
    page.run(
        "document.querySelector('#arena .block').dispatchEvent("
        "new PointerEvent('pointermove', {clientX: 300, clientY: 300}))"
    )
    assert "bytes 0" in page.text("#tip")


def test_accuracy_and_instructions_have_their_views(opened: Any) -> None:
    made = program("strips")
    counts = tuple(range(10, 10 + len(made.report.steps)))
    comparison = made.compare(torch.zeros((1, 3, 32, 32), dtype=torch.int8))
    page = opened(made.report.html(comparison=comparison, count=Count(sum(counts), counts)))
    assert f"{sum(counts):,}" in page.text("#summary")
    page.click("#tab-accuracy")
    assert len(page.find("tbody tr")) == len(comparison.rows)
    page.click("tbody tr")
    assert "steps from PyTorch" in page.text("#details")


def test_a_program_of_thousands_of_operators(opened: Any) -> None:
    """A chain of additions: all rows are there, and the last one is selected and in sight."""
    body = [
        f"  %{i + 1} = edge.add %{i}, %q : (tensor<1x8x!q>, tensor<1x8x!q>) -> tensor<1x8x!q>\n"
        for i in range(1_500)
    ]
    module = (
        "!q = !quant.uniform<i8:f32, 0.1>\n"
        "func.func @forward(%x: tensor<1x8xf32>) -> tensor<1x8xf32> {\n"
        "  %q = quant.qcast %x : tensor<1x8xf32> to tensor<1x8x!q>\n"
        "  %0 = edge.relu %q : (tensor<1x8x!q>) -> tensor<1x8x!q>\n"
        + "".join(body)
        + "  %y = quant.dcast %1500 : tensor<1x8x!q> to tensor<1x8xf32>\n"
        "  func.return %y : tensor<1x8xf32>\n}\n"
    )
    page = opened(lowered(module).report.html())
    assert len(page.rows()) > 1_500
    page.run("document.getElementById('graph').focus()")
    page.keys("\ue010")
    visible = "const r = document.querySelector('.row.selected').getBoundingClientRect();"
    assert page.run(f"{visible} return r.top > 0 && r.bottom <= innerHeight")
