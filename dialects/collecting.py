"""Making a dialect of the op definitions in a package."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from xdsl.ir import Attribute, Dialect, Operation


def dialect_of(name: str, found: Iterable[Any]) -> Dialect:
    """The dialect of those ops and attributes that are named `<name>.…`, sorted by their names."""
    kinds = {
        kind.name: kind
        for kind in found
        if isinstance(kind, type)
        and issubclass(kind, Operation | Attribute)
        and getattr(kind, "name", "").startswith(f"{name}.")
    }
    ordered = [kinds[key] for key in sorted(kinds)]
    return Dialect(
        name,
        [kind for kind in ordered if issubclass(kind, Operation)],
        [kind for kind in ordered if issubclass(kind, Attribute)],
    )
