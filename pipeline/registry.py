"""The one pass registry: `cm-opt`, the driver and the API name the same passes."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from xdsl.passes import ModulePass

# Pass name -> "module:class". Imported on first use, so that starting a tool costs nothing.
_PASSES: dict[str, str] = {
    "canonicalize": "cmopt.lowering.canonicalize:CanonicalizePass",
    "convert-edge-to-cortex-m": "cmopt.lowering.convert_edge_to_cortex_m:ConvertEdgeToCortexMPass",
    "convert-to-nhwc": "cmopt.lowering.convert_to_nhwc:ConvertToNhwcPass",
    "cse": "xdsl.transforms.common_subexpression_elimination:CommonSubexpressionElimination",
    "dce": "xdsl.transforms.dead_code_elimination:DeadCodeElimination",
    "fall-back-to-float": "cmopt.lowering.fall_back_to_float:FallBackToFloatPass",
    "fold-permutes": "cmopt.lowering.fold_permutes:FoldPermutesPass",
    "fold-quantize-dequantize": "cmopt.lowering.fold_quantize_dequantize:FoldQuantizeDequantizePass",
    "fuse-activations": "cmopt.lowering.fuse_activations:FuseActivationsPass",
    "materialize-dim-order": "cmopt.lowering.materialize_dim_order:MaterializeDimOrderPass",
    "use-integer-io": "cmopt.lowering.use_integer_io:UseIntegerIoPass",
}


def get_all_passes() -> dict[str, Callable[[], type[ModulePass]]]:
    """Map every pass name to a factory that imports its class on first use."""

    def factory(path: str) -> Callable[[], type[ModulePass]]:
        module, _, name = path.partition(":")
        return lambda: getattr(import_module(module), name)

    return {name: factory(path) for name, path in _PASSES.items()}
