"""PyTorch's quantization-aware training, without patterns of layers that a model does not have.

PyTorch traces 27 patterns for each of four kinds of convolutions, which takes most of a minute,
whether or not a model has convolutions of that kind. A pattern of a kind that is not there matches
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from torch.fx import GraphModule
from torchao.quantization.pt2e import qat_utils
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_qat_pt2e

from cmopt.frontend.overloads import operator_name


@contextmanager
def _patterns_of_present_layers() -> Iterator[None]:
    fuse, fold = qat_utils._fuse_conv_bn_qat_helper, qat_utils._fold_conv_bn_qat_helper

    def fuse_present(graph: GraphModule, layer: Any, *rest: Any, **options: Any) -> Any:
        return fuse(graph, layer, *rest, **options) if _has(graph, layer) else graph

    def fold_present(graph: GraphModule, layer: Any, *rest: Any, **options: Any) -> Any:
        if _has(graph, layer):
            return fold(graph, layer, *rest, **options)
        # What the function does to every graph.
        qat_utils._duplicate_dequantize_node(graph)
        qat_utils._remove_extra_dequantize(graph)
        return graph

    with (
        patch.object(qat_utils, "_fuse_conv_bn_qat_helper", fuse_present),
        patch.object(qat_utils, "_fold_conv_bn_qat_helper", fold_present),
    ):
        yield


def _has(graph: GraphModule, layer: Any) -> bool:
    return any(operator_name(node) == layer.__name__ for node in graph.graph.nodes)


def prepare(graph: GraphModule, quantizer: Any) -> Any:
    """`prepare_qat_pt2e`."""
    with _patterns_of_present_layers():
        return prepare_qat_pt2e(graph, quantizer)


def convert(prepared: Any) -> Any:
    """`convert_pt2e` of a prepared graph."""
    with _patterns_of_present_layers():
        return convert_pt2e(prepared)
