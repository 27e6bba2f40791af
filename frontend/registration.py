"""Register the operators of a quantized program before `torch.export.load` reads one.

PyTorch registers `quantized_decomposed::quantize_per_tensor` and the like only when one of its own
modules is imported; a file that uses them cannot be loaded before. `import cmopt` does not import
torch, so the registration waits until the module that reads such files is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_READER = "torch._export.serde.serialize"
_OPERATORS = "torch.ao.quantization.fx._decomposed"


class _BeforeReader(MetaPathFinder):
    """Finds no module; registers the operators when the reader of files is about to be imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == _READER:
            sys.meta_path.remove(self)
            import_module(_OPERATORS)
        return None


def register_operators_on_load() -> None:
    """Register them before the first file is read; now, if the reader is already imported."""
    if _READER in sys.modules:
        import_module(_OPERATORS)
    else:
        sys.meta_path.insert(0, _BeforeReader())
