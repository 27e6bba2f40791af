"""ExecuTorch's quantizer for Cortex-M, with what our own lowering allows on top.

Importing this module takes seconds: it pulls in ExecuTorch's Arm backend.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import torch
from executorch.backends.arm.quantizer.arm_quantizer_utils import PatternCheck, PatternQuantizer
from executorch.backends.cortex_m.quantizer.node_finders import NodeTargetNodeFinder
from executorch.backends.cortex_m.quantizer.pattern_checkers import (
    CortexMActivationCheck,
    CortexMAddMulCheck,
    CortexMExplicitConvTranspose2DCheck,
    CortexMSoftmaxCheck,
)
from executorch.backends.cortex_m.quantizer.quantization_configs import INT8_PER_TENSOR_CONFIG
from executorch.backends.cortex_m.quantizer.quantizer import CortexMQuantizer
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
    RemainingOperators,
    SharedRanges,
    operator_name,
    with_narrow_weights,
)
from cmopt.frontend.constant_folding import fold_constants
from cmopt.frontend.decompositions import (
    decompose_for_annotation,
    mark_masks,
    name_leading_numbers,
    prepare_products,
    reverse_subtractions,
)
from cmopt.frontend.graph_building import attribute_of

aten = torch.ops.aten

# For each pattern, a chain of operators, what says whether an instance can be quantized.
Support: TypeAlias = dict[tuple[Any, ...], type[PatternCheck] | None]


class BroadcastingCheck(CortexMAddMulCheck):
    """Add, sub and mul under any broadcasting: the lowering expands, or folds a constant.

    What an infinite constant means is not for an int8 range to hold.
    """

    @classmethod
    def check_pattern(cls, pattern: list[Node]) -> bool:
        return all(
            isinstance(node.kwargs.get("alpha", 1), int)
            and all(_is_finite(operand) for operand in node.all_input_nodes)
            for node in pattern
        )


def _is_finite(node: Node) -> bool:
    assert node.graph.owning_module is not None
    value = attribute_of(node.graph.owning_module, node)
    return value is None or bool(value.isfinite().all())


class AnyDimensionSoftmaxCheck(CortexMSoftmaxCheck):
    """Softmax over any dimension: the lowering transposes."""

    @classmethod
    def check_pattern(cls, pattern: list[Node]) -> bool:
        return True


class UngroupedTransposedConvolutionCheck(CortexMExplicitConvTranspose2DCheck):
    """Any transposed convolution whose weights have one axis of output channels."""

    @classmethod
    def check_pattern(cls, pattern: list[Node]) -> bool:
        groups = pattern[0].args[6] if len(pattern[0].args) > 6 else 1
        return bool(groups == 1)


_ELEMENTWISE = {aten.add, aten.add_, aten.sub, aten.sub_, aten.mul, aten.mul_}
_SOFTMAX = {aten.softmax, aten._softmax}
_MORE_ACTIVATIONS: Support = {
    (aten.hardsigmoid.default,): CortexMActivationCheck,
    (aten.hardsigmoid_.default,): CortexMActivationCheck,
}
# The overload that takes padding="same" computes what the other does.
_PADDED_BY_NAME = {
    aten.conv1d.default: aten.conv1d.padding,
    aten.conv2d.default: aten.conv2d.padding,
}
# Behind a convolution or linear layer these are quantized on their own: no kernel has them built
# in, so without an observer between the two the first would stay in float.
_NOT_A_CLAMP = {aten.hardsigmoid.default, aten.hardsigmoid_.default}


class Int8Quantizer(CortexMQuantizer):
    """int8 activations, per-channel int8 convolution weights, per-tensor int8 linear weights.

    Uses the support table that does not ask for channels-last convolutions: layout is the
    compiler's business, so a model is quantized alike in both memory formats. For an NPU weights
    keep to -127…127.
    """

    def __init__(self, *, for_npu: bool = False) -> None:
        super().__init__(use_explicit_layout=True)
        # The last of ExecuTorch's three is for operators that share their operand's range.
        self.quantizers[-1:] = [RemainingOperators(), SharedRanges()]
        for quantizer in self.quantizers:
            if isinstance(quantizer, PatternQuantizer):
                is_per_tensor = quantizer.quantization_config is INT8_PER_TENSOR_CONFIG
                config = PER_TENSOR if is_per_tensor else PER_CHANNEL
                quantizer.quantization_config = with_narrow_weights(config) if for_npu else config
                matcher = quantizer.pattern_matcher
                matcher.support_dict = _relaxed(matcher.support_dict)
                if isinstance(quantizer.node_finder, NodeTargetNodeFinder):
                    quantizer.node_finder.targets.extend(_PADDED_BY_NAME.values())

    def transform_for_annotation(self, model: GraphModule) -> GraphModule:
        """Fold constants, ExecuTorch's own rewrites, then ours; before observers are placed."""
        fold_constants(model)
        reverse_subtractions(model)
        name_leading_numbers(model)
        prepare_products(model)
        mark_masks(model)
        model = super().transform_for_annotation(model)
        fold_constants(model)
        decompose_for_annotation(model)
        return model

    def annotate(self, model: GraphModule) -> GraphModule:
        """Annotate, then drop observers behind values that are quantized for good already."""
        model = super().annotate(model)
        for node in model.graph.nodes:
            if node.op == "output":
                _leave_unlike_parts_apart(node)
                _keep_producers_quantization(node)
            else:
                _share_fixed_quantization(node)
        return model


def _relaxed(support: Support) -> Support:
    result: Support = {**support, **_MORE_ACTIVATIONS}
    for pattern in support:
        if len(pattern) > 1 and pattern[-1] in _NOT_A_CLAMP:
            del result[pattern]
            continue
        if pattern[0] in _PADDED_BY_NAME:
            result[_PADDED_BY_NAME[pattern[0]], *pattern[1:]] = support[pattern]
        packet = getattr(pattern[0], "overloadpacket", None)
        if packet in _ELEMENTWISE:
            result[pattern] = BroadcastingCheck
        elif packet is aten.conv_transpose2d:
            result[pattern] = UngroupedTransposedConvolutionCheck
        elif packet in _SOFTMAX:
            result[pattern] = AnyDimensionSoftmaxCheck
    return result


_BOUNDED = {"hardsigmoid", "sigmoid", "softmax", "_softmax", "tanh"}


def _leave_unlike_parts_apart(output: Node) -> None:
    """Take the observers off an output that joins scores with values of any other kind.

    Boxes of hundreds of pixels and scores between 0 and 1 in one range would leave the scores no
    step of their own. Each part keeps its range; joined are what they mean.
    """
    annotation = output.meta.get(Q_ANNOTATION_KEY)
    for cat in output.all_input_nodes:
        if operator_name(cat) != "cat" or len(cat.users) != 1:
            continue
        if len({operator_name(part) in _BOUNDED for part in cat.all_input_nodes}) == 2:
            cat.meta.pop(Q_ANNOTATION_KEY, None)
            if annotation is not None:
                annotation.input_qspec_map.pop(cat, None)


def _keep_producers_quantization(output: Node) -> None:
    """Remove the output's own observer for each value whose producer has one.

    A second observer is a second rounding, and an instruction on the device: a softmax, of fixed
    quantization, would be requantized to nearly the same parameters.
    """
    annotation = output.meta.get(Q_ANNOTATION_KEY)
    if annotation is None:
        return
    for producer in list(annotation.input_qspec_map):
        own = producer.meta.get(Q_ANNOTATION_KEY)
        if own is not None and own.output_qspec is not None:
            del annotation.input_qspec_map[producer]


def _share_fixed_quantization(node: Node) -> None:
    """Read each operand whose producer has a fixed quantization in that.

    Not if another operand or the result shares the range, which may be wider.
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
