"""The dialects of cmopt, registered lazily by name."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from xdsl.ir import Dialect

# Dialect name -> "module:object". Imported on first use.
_DIALECTS: dict[str, str] = {
    "cmopt": "cmopt.dialects.cmopt:Cmopt",
    "cortex_m": "cmopt.dialects.cortex_m:CortexM",
    "edge": "cmopt.dialects.edge:Edge",
    "ethos_u": "cmopt.dialects.ethos_u:EthosU",
    "quant": "cmopt.dialects.quant:Quant",
    "tosa": "cmopt.dialects.tosa:Tosa",
}


def get_all_dialects() -> dict[str, Callable[[], Dialect]]:
    """Map every dialect name to a factory that imports it on first use."""

    def factory(path: str) -> Callable[[], Dialect]:
        module, _, name = path.partition(":")
        return lambda: getattr(import_module(module), name)

    return {name: factory(path) for name, path in _DIALECTS.items()}
