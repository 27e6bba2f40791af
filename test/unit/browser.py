"""A headless Chromium for tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

REQUIRE = "CMOPT_REQUIRE_BROWSER"
"""If this environment variable is 1, a missing browser fails the tests instead of skipping them."""
WIDTH, HEIGHT = 1280, 800
"""The pixels of the window."""
_OPTIONS = (
    "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run",
    "disable-background-networking", "disable-component-update", "disable-sync",
    f"window-size={WIDTH},{HEIGHT}",
)  # fmt: skip


def missing() -> list[str]:
    """What is needed and not there."""
    found = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    try:
        import selenium  # noqa: F401
    except ImportError:
        found.append("selenium")
    return found


def require_browser() -> None:
    """Skip, or fail, the test if there is no browser."""
    if found := missing():
        message = f"no {', '.join(found)}: install chromium chromium-driver and the extra dev"
        if os.environ.get(REQUIRE) == "1":
            pytest.fail(message, pytrace=False)
        pytest.skip(message)


@contextmanager
def browser(profile: Path) -> Iterator[Any]:
    """A browser with an empty profile in this folder, as a WebDriver of selenium."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for option in (*_OPTIONS, f"user-data-dir={profile}"):
        options.add_argument(f"--{option}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    try:
        # The window's border is not part of the page.
        size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        yield driver
    finally:
        driver.quit()
