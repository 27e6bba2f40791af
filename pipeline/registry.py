"""The pass registry, which `cm-opt`, the driver and the API share.

To add a pass called `do-something`: write `DoSomethingPass` in `lowering/do_something.py` (or
`codegen/`), and add its name here.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from xdsl.passes import ModulePass

from cmopt.support.plugins import PlugIn, added_names

_LOWERING = (
    "canonicalize",
    "choose-layouts",
    "convert-edge-to-cortex-m",
    "convert-edge-to-portable",
    "convert-to-nhwc",
    "delegate-to-ethos-u",
    "expose-transposes",
    "fall-back-to-float",
    "fold-inverse-permutes",
    "fold-quantize-dequantize",
    "fuse-activations",
    "fuse-elementwise-chains",
    "fuse-factors",
    "fuse-lstm-steps",
    "gather-windows",
    "keep-calls-in-integers",
    "lower-reductions",
    "lower-running-sums",
    "materialize-dim-order",
    "set-border-layouts",
    "merge-gates",
    "move-casts-out-of-scans",
    "quantize-masks",
    "quantize-state",
    "split-convolutions",
    "split-bilinear-upsampling",
    "split-depthwise-batches",
    "split-gates",
    "split-shuffled-convolutions",
    "split-transposed-convolutions",
    "trim-padding-taps",
    "unroll-scans",
    "use-integer-io",
    "verify-stage",
    "wrap-conv1d",
)
_CODEGEN = (
    "copy-carried-values",
    "copy-joined-operands",
    "order-operators",
    "plan-memory",
    "shift-ring-buffers",
    "split-rows",
    "verify-plan",
)


def _own(folder: str, name: str) -> tuple[str, str]:
    """The module and the class of a pass of ours; both follow from its name."""
    camel_case = "".join(word.capitalize() for word in name.split("-"))
    return f"cmopt.{folder}.{name.replace('-', '_')}", f"{camel_case}Pass"


_PASSES: dict[str, tuple[str, str]] = {
    **{name: _own("lowering", name) for name in _LOWERING},
    **{name: _own("codegen", name) for name in _CODEGEN},
    "cse": ("xdsl.transforms.common_subexpression_elimination", "CommonSubexpressionElimination"),
    "dce": ("xdsl.transforms.dead_code_elimination", "DeadCodeElimination"),
}


PassFactory = Callable[[], type[ModulePass]]


def own_passes() -> dict[str, PassFactory]:
    """Map the name of every pass of the project to a factory that imports it on first use."""

    def factory(module: str, name: str) -> PassFactory:
        return lambda: getattr(import_module(module), name)

    return {name: factory(*path) for name, path in sorted(_PASSES.items())}


def get_all_passes() -> dict[str, PassFactory]:
    """As `own_passes`, with those of plug-ins: entry points of the group "cmopt.passes".

    Raises CompileError for a plug-in that redefines a pass; a factory raises it if its plug-in
    cannot be imported.
    """
    added = added_names("cmopt.passes", "pass", _PASSES)
    return own_passes() | {name: _plugin_factory(each) for name, each in added.items()}


def _plugin_factory(plug_in: PlugIn) -> PassFactory:
    def load() -> type[ModulePass]:
        cls = plug_in.load()
        if isinstance(cls, type) and issubclass(cls, ModulePass) and cls.name == plug_in.name:
            return cls
        raise plug_in.error(f"must be a subclass of ModulePass named '{plug_in.name}'")

    return load
