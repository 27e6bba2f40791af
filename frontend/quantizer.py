"""ExecuTorch's quantizer for Cortex-M, plus what our own lowering allows.

Importing this module takes seconds: it pulls in ExecuTorch's Arm backend.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeAlias

from executorch.backends.arm.quantizer.arm_quantizer_utils import PatternCheck, PatternQuantizer
from executorch.backends.cortex_m.passes.clamp_hardswish_pass import ClampHardswishPass
from executorch.backends.cortex_m.passes.cortex_m_pass_manager import CortexMPassManager
from executorch.backends.cortex_m.passes.decompose_mean_pass import DecomposeMeanPass
from executorch.backends.cortex_m.passes.matmul_to_bmm_pass import MatmulToBmmPass
from executorch.backends.cortex_m.quantizer.node_finders import NodeTargetNodeFinder
from executorch.backends.cortex_m.quantizer.quantization_configs import INT8_PER_TENSOR_CONFIG
from executorch.backends.cortex_m.quantizer.quantizer import CortexMQuantizer
from executorch.backends.transforms.replace_scalar_with_tensor import (
    ReplaceScalarWithTensorArgPass,
)
from torch.fx import GraphModule, Node
from torchao.quantization.pt2e.quantizer import (
    FixedQParamsQuantizationSpec,
    SharedQuantizationSpec,
)
from torchao.quantization.pt2e.quantizer.quantizer import Q_ANNOTATION_KEY

from cmopt.frontend.annotation import (
    ACTIVATION,
    PER_CHANNEL,
    PER_TENSOR,
    ElementChains,
    RemainingOperators,
    SharedRanges,
    with_narrow_weights,
)
from cmopt.frontend.bias_correction import add_biases
from cmopt.frontend.channel_convolutions import convolve_channels
from cmopt.frontend.constant_folding import fold_constants
from cmopt.frontend.folded_factors import fold_factors
from cmopt.frontend.magnitudes import name_magnitudes
from cmopt.frontend.operators import CONVERSIONS, FUSED_IF, GIVES_SCORES
from cmopt.frontend.overloads import operator_name, operator_of, overload_name
from cmopt.frontend.rewriting import rewrite_as_exported, rewrite_for_annotation

# For each pattern (a chain of operators), the check whether an instance can be quantized.
Support: TypeAlias = dict[tuple[Any, ...], type[PatternCheck] | None]


# The operators for which an ExecuTorch rewrite is run; one without an entry always runs.
_REWRITTEN_BY: dict[type[Any], Collection[Any]] = {
    **dict.fromkeys((ClampHardswishPass, DecomposeMeanPass, MatmulToBmmPass), ()),
    ReplaceScalarWithTensorArgPass: ReplaceScalarWithTensorArgPass.default_ops,
}


class Int8Quantizer(CortexMQuantizer):
    """int8 activations, per-channel int8 convolution weights, per-tensor int8 linear weights.

    Uses the support table that does not require channels-last convolutions: the compiler chooses
    layouts, so both memory formats are quantized alike. For an NPU, weights lie in -127…127.

    adds_biases: whether layers without a bias get one of zeros. folds_factors: whether layers take
    the constant factors and offsets around them into their weights, and the others become
    convolutions. has_own_kernels: whether the program is for this project's kernels; norms that one
    of them computes stay whole on a core.
    """

    def __init__(
        self, *, for_npu: bool = False, adds_biases: bool = False, folds_factors: bool = False,
        has_own_kernels: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(use_explicit_layout=True)
        self._for_npu = for_npu
        self._adds_biases = adds_biases
        self._folds_factors = folds_factors
        self._has_own_kernels = has_own_kernels
        # The last of ExecuTorch's three quantizers handles operators that share a range.
        self.quantizers[-1:] = [RemainingOperators(for_npu=for_npu), SharedRanges()]
        self.quantizers.insert(0, ElementChains())
        for quantizer in self.quantizers:
            if isinstance(quantizer, PatternQuantizer):
                is_per_tensor = quantizer.quantization_config is INT8_PER_TENSOR_CONFIG
                config = PER_TENSOR if is_per_tensor else PER_CHANNEL
                quantizer.quantization_config = with_narrow_weights(config) if for_npu else config
                matcher = quantizer.pattern_matcher
                matcher.support_dict = _relaxed(matcher.support_dict)
                if isinstance(quantizer.node_finder, NodeTargetNodeFinder):
                    targets = quantizer.node_finder.targets
                    targets.extend(filter(None, map(_padded_by_name, list(targets))))

    def transform_for_annotation(self, model: GraphModule) -> GraphModule:
        """ExecuTorch's rewrites and ours, before observers are placed.

        The table of operators replaces some of ExecuTorch's, because each traces the whole graph.
        """
        rewrite_as_exported(model)
        for rewrite in CortexMPassManager.pass_list_transform_for_annotation:
            present = {node.target for node in model.graph.nodes}
            if not present.isdisjoint(_REWRITTEN_BY.get(rewrite, present)):
                model = rewrite().call(model).graph_module
        fold_constants(model)
        if not self._for_npu:
            name_magnitudes(model)
        rewrite_for_annotation(model, for_npu=self._for_npu, has_own_kernels=self._has_own_kernels)
        if self._folds_factors:
            fold_factors(model)
            convolve_channels(model)
        if self._adds_biases:
            add_biases(model)
        return model

    def annotate(self, model: GraphModule) -> GraphModule:
        """Annotate, then drop observers behind values whose quantization is already final."""
        model = super().annotate(model)
        for node in model.graph.nodes:
            if node.op == "output":
                _leave_unlike_parts_apart(node)
                _keep_producers_quantization(node)
            else:
                _share_fixed_quantization(node)
        return model


def _relaxed(support: Support) -> Support:
    """ExecuTorch's patterns, with the checks of the table of operators."""
    result: Support = {}
    for pattern, check in support.items():
        if len(pattern) > 1 and operator_of(pattern[-1]) in GIVES_SCORES:
            # No kernel includes this activation, as it would a clamp: without an observer between
            # the two operators, the first would stay in float.
            continue
        if check is not None and (fused_if := FUSED_IF.get(operator_of(pattern[0]))) is not None:
            check = _check(check, fused_if)
        result[pattern] = check
        if (padded := _padded_by_name(pattern[0])) is not None:
            result[padded, *pattern[1:]] = check
    return result


def _check(upstream: type[PatternCheck], accepts: Callable[[Node], bool]) -> type[PatternCheck]:
    """ExecuTorch's check of the configuration, plus our check of the pattern's first node."""

    class Check(upstream):
        @classmethod
        def check_pattern(cls, pattern: list[Node]) -> bool:
            return accepts(pattern[0])

    return Check


def _padded_by_name(target: Any) -> Any:
    """The overload that takes padding="same", if the importer reads it; else None."""
    padded = getattr(target.overloadpacket, "padding", None)
    return padded if padded is not None and overload_name(padded) in CONVERSIONS else None


def _leave_unlike_parts_apart(output: Node) -> None:
    """Remove the observers of an output that joins scores with values of any other kind.

    In one range with boxes of hundreds of pixels, all scores between 0 and 1 would fall into one
    step. Each part keeps its own range; the dequantized parts are joined.
    """
    annotation = output.meta.get(Q_ANNOTATION_KEY)
    for cat in output.all_input_nodes:
        if operator_name(cat) != "cat" or len(cat.users) != 1:
            continue
        if len({operator_name(part) in GIVES_SCORES for part in cat.all_input_nodes}) == 2:
            cat.meta.pop(Q_ANNOTATION_KEY, None)
            if annotation is not None:
                annotation.input_qspec_map.pop(cat, None)


def _keep_producers_quantization(output: Node) -> None:
    """Remove the output's own observer for each value whose producer has one.

    A second observer is a second rounding and another instruction on the device: a softmax has a
    fixed quantization and would be requantized to nearly the same parameters.
    """
    annotation = output.meta.get(Q_ANNOTATION_KEY)
    if annotation is None:
        return
    for producer in list(annotation.input_qspec_map):
        own = producer.meta.get(Q_ANNOTATION_KEY)
        if own is not None and own.output_qspec is not None:
            del annotation.input_qspec_map[producer]


def _share_fixed_quantization(node: Node) -> None:
    """Read each operand in its producer's quantization if that is a fixed one.

    Operands of a node that shares a range stay, because the range may be wider.
    """
    annotation = node.meta.get(Q_ANNOTATION_KEY)
    if annotation is None:
        return
    specs = [annotation.output_qspec, *annotation.input_qspec_map.values()]
    if any(isinstance(spec, SharedQuantizationSpec) for spec in specs):
        return
    for producer, spec in annotation.input_qspec_map.items():
        own = producer.meta.get(Q_ANNOTATION_KEY)
        is_fixed = own is not None and isinstance(own.output_qspec, FixedQParamsQuantizationSpec)
        if is_fixed and spec == ACTIVATION:
            annotation.input_qspec_map[producer] = SharedQuantizationSpec(producer)
