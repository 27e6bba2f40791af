"""The pass registry, which `cm-opt`, the driver and the API share.

To add a pass called `do-something`: write `DoSomethingPass` in `lowering/do_something.py` (or
`codegen/`), and add its name here.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from xdsl.passes import ModulePass

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
    "gather-windows",
    "keep-calls-in-integers",
    "lower-reductions",
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


def get_all_passes() -> dict[str, Callable[[], type[ModulePass]]]:
    """Map every pass name to a factory that imports its class on first use."""

    def factory(module: str, name: str) -> Callable[[], type[ModulePass]]:
        return lambda: getattr(import_module(module), name)

    return {name: factory(*path) for name, path in sorted(_PASSES.items())}
