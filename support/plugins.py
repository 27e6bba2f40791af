"""Plug-ins: what other Python packages add to the compiler, found by their entry points.

A package says in its metadata what it adds, in the groups of `GROUPS`::

    [project.entry-points."cmopt.dialects"]
    example = "cmopt_example.dialect:EXAMPLE"

The metadata is read once, when names are first looked up. The package is imported when one of its
names is used.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from cmopt.support.diagnostics import CompileError, one_line

GROUPS = ("cmopt.dialects", "cmopt.interpreters", "cmopt.passes", "cmopt.rules")
"""The groups of entry points that are read."""


@dataclass(frozen=True)
class PlugIn:
    """One entry point: a name in a group, the object it stands for as "module:attribute", and the
    distribution that has it, as "name version"."""

    group: str
    name: str
    value: str
    distribution: str

    def load(self) -> Any:
        """The object; imports its module. Raises CompileError if that is not possible."""
        module, _, path = self.value.partition(":")
        try:
            found: Any = import_module(module.strip())
            for attribute in path.strip().split("."):
                found = getattr(found, attribute)
        except CompileError:
            raise
        except (Exception, SystemExit) as error:
            raise self.error(
                f"cannot be imported: {type(error).__name__}: {one_line(str(error))}"
            ) from error
        return found

    def error(self, problem: str) -> CompileError:
        """The error that this entry point has a problem."""
        where = f"'{self.name} = {self.value}' of {self.group}"
        return CompileError(
            f"plug-in '{self.distribution}': {where} {problem}", hint="repair it or uninstall it"
        )


@cache
def plug_ins(group: str) -> tuple[PlugIn, ...]:
    """The entry points of a group, by name."""
    if not any(_mentions_groups(folder) for folder in sys.path):
        return ()
    from importlib.metadata import entry_points

    found = []
    for entry in entry_points(group=group):
        title = f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "unknown"
        found.append(PlugIn(group, entry.name, entry.value, title))
    return tuple(sorted(found, key=lambda each: (each.name, each.distribution)))


def _mentions_groups(folder: str) -> bool:
    """Whether a folder of the path has metadata that mentions one of the groups.

    It takes 2 ms for 150 packages; to import `importlib.metadata` and let it read them takes 30.
    """
    return any(b"[cmopt." in text for text in _entry_points(folder))


def _entry_points(folder: str) -> Iterator[bytes]:
    try:
        names = os.listdir(folder or ".")
    except OSError:
        return
    for name in names:
        if name.endswith((".dist-info", ".egg-info")):
            try:
                with open(os.path.join(folder, name, "entry_points.txt"), "rb") as file:
                    yield file.read()
            except OSError:
                continue


def added_names(group: str, what: str, taken: Collection[str]) -> dict[str, PlugIn]:
    """The entry points of a group by name.

    what: one of them, for messages. taken: the names that the project has itself. Raises
    CompileError for a name that is taken, or that two plug-ins define.
    """
    found: dict[str, PlugIn] = {}
    for each in plug_ins(group):
        if each.name in taken:
            raise each.error(f"redefines the {what} '{each.name}'")
        if each.name in found:
            other = found[each.name].distribution
            raise each.error(f"redefines the {what} '{each.name}' of plug-in '{other}'")
        found[each.name] = each
    return found
