"""Hints for a name that does not exist: the name that is meant, if one is near, or all names."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches

from cmopt.support.diagnostics import CompileError

NEAR = 0.85
"""The least similarity, by `difflib`, of a name to one that is meant: a typing error in seven
characters. "cortex-a53" is not near "cortex-m33": 0.8."""


def near_names(name: str, known: Iterable[str], most: int = 1, least: float = NEAR) -> list[str]:
    """The known names that are near a name, nearest first. Case does not matter.

    least: the similarity of a near name.
    """
    by_lower = {each.lower(): each for each in known}
    close = get_close_matches(name.lower(), by_lower, n=most, cutoff=least)
    return [by_lower[each] for each in close]


def _likeness(name: str, known: str) -> float:
    return SequenceMatcher(None, known.lower(), name.lower()).ratio()


def names_hint(name: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """What to do about an unknown name: the nearest ones are named, of several equally near ones up
    to three. otherwise: said if none is near, by default all names."""
    known = tuple(known)
    if near := near_names(name, known, 3):
        best = [each for each in near if _likeness(name, each) == _likeness(name, near[0])]
        return f"did you mean {' or '.join(map(repr, best))}?"
    return otherwise or f"one of {', '.join(known)}"


def unknown_name(what: str, name: str, known: Iterable[str]) -> CompileError:
    """The error for a name that is not one of the known ones. what: "target", "stage", …"""
    return CompileError(f"unknown {what} {name!r}", hint=names_hint(name, known))
