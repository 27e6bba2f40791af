"""One HTML file from the page's parts and its data."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

SCRIPTS = ("state.js", "graph.js", "details.js", "arena.js", "tables.js", "main.js")
"""The scripts in the order in which they are put together; they share one scope."""


def assemble(data: Mapping[str, Any]) -> str:
    """The page that draws this data; see `data.page_data`.

    The page is one file that loads nothing. Its policy allows only its own script and style, by
    their hashes. No text of the data can end the element that holds it, or become markup.
    """
    folder = files("cmopt.pipeline.page")
    read = {name: (folder / name).read_text("utf-8") for name in ("page.html", "style.css")}
    source = "\n".join((folder / name).read_text("utf-8") for name in SCRIPTS)
    script = f'"use strict";\n(() => {{\n{source}}})();\n'
    parts = {
        "title": html.escape(str(data["title"])),
        "style": read["style.css"],
        "script": script,
        "data": json_in_html(data),
        "policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"style-src {_hash(read['style.css'])}; script-src {_hash(script)}",
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], read["page.html"])


def json_in_html(data: Any) -> str:
    """JSON that may stand in a `<script>` element: it has none of the characters of markup."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    # A lone surrogate cannot be written as UTF-8.
    return text.encode("utf-8", errors="backslashreplace").decode("utf-8")


def _hash(text: str) -> str:
    """The hash of an element's text, as a content security policy has it."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
