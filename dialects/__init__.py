"""The dialects of cmopt and of plug-ins, registered lazily by name."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from xdsl.ir import Dialect

from cmopt.support.plugins import PlugIn, added_names

# Dialect name -> "module:object". Imported on first use.
_DIALECTS: dict[str, str] = {
    "cmopt": "cmopt.dialects.cmopt:Cmopt",
    "cortex_m": "cmopt.dialects.cortex_m:CortexM",
    "edge": "cmopt.dialects.edge:Edge",
    "ethos_u": "cmopt.dialects.ethos_u:EthosU",
    "quant": "cmopt.dialects.quant:Quant",
    "tosa": "cmopt.dialects.tosa:Tosa",
}

XDSL_DIALECTS = ("builtin", "arith", "func", "ml_program", "tensor", "test")
"""The dialects of xDSL that IR of this project, or a test of a tool, may use."""

DialectFactory = Callable[[], Dialect]


def own_dialects() -> dict[str, DialectFactory]:
    """Map the name of every dialect of the project to a factory that imports it on first use."""

    def factory(path: str) -> DialectFactory:
        module, _, name = path.partition(":")
        return lambda: getattr(import_module(module), name)

    return {name: factory(path) for name, path in _DIALECTS.items()}


def get_all_dialects() -> dict[str, DialectFactory]:
    """As `own_dialects`, with those of plug-ins: entry points of the group "cmopt.dialects".

    Raises CompileError for a plug-in that redefines a dialect; a factory raises it if its plug-in
    cannot be imported.
    """
    added = added_names("cmopt.dialects", "dialect", {*_DIALECTS, *XDSL_DIALECTS})
    return own_dialects() | {name: _plugin_factory(each) for name, each in added.items()}


def _plugin_factory(plug_in: PlugIn) -> DialectFactory:
    def load() -> Dialect:
        dialect = plug_in.load()
        if not isinstance(dialect, Dialect) or dialect.name != plug_in.name:
            raise plug_in.error(f"must be an xdsl.ir.Dialect named '{plug_in.name}'")
        return dialect

    return load
