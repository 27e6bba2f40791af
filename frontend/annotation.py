"""Which operators are quantized besides those that ExecuTorch's quantizer knows, and how.

Importing this module takes seconds: it pulls in ExecuTorch's Arm backend.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import torch
from executorch.backends.arm.quantizer.arm_quantizer_utils import (
    SharedQspecQuantizer,
    has_float_output,
)
from executorch.backends.cortex_m.quantizer.pattern_matcher import PatternMatcher
from executorch.backends.cortex_m.quantizer.quantization_configs import (
    INT8_PER_CHANNEL_CONFIG,
    INT8_PER_TENSOR_CONFIG,
    CortexMQuantizationConfig,
)
from executorch.backends.cortex_m.quantizer.quantizer import mark_node_as_annotated
from executorch.backends.cortex_m.quantizer_reporter import QuantizerInfo, QuantizerReporterUser
from torch.fx import GraphModule, Node
from torchao.quantization.pt2e.observer import HistogramObserver, PerChannelMinMaxObserver
from torchao.quantization.pt2e.quantizer import (
    FixedQParamsQuantizationSpec,
    QuantizationSpec,
    Quantizer,
    SharedQuantizationSpec,
)
from torchao.quantization.pt2e.quantizer.quantizer import Q_ANNOTATION_KEY

from cmopt.frontend.element_chains import chains_of
from cmopt.frontend.graph_building import attribute_of, filled_arguments
from cmopt.frontend.operators import (
    CLAMPED,
    FIRST,
    FREE,
    OBSERVED,
    SHARED,
    SHARED_ON_CORE,
    TAKES_INDICES,
)
from cmopt.frontend.overloads import operator_name, overload
from cmopt.frontend.upstream import GroupRanges, arguments_of

MASK_STEP = 16.0
"""One step of a mask of 0 and -inf; its lowest value is -255 steps."""

_E_TO_MINUS_THIS_IS_NOTHING = 8.0
ROOM = 1.25
"""An int16 range is this much wider than what calibration saw. It costs 2 of some 80 dB. Without
it, GELU on other data of the same kind has 40 dB, because a few values saturate."""
_REACH, _MOST_ROOM = 5.5, 4.0
"""How many standard deviations a sum of many products may reach, and a bound for few samples."""
_MORE_IN_INT16 = 4.0
"""e^-12 is 1/162755, which is nothing to a softmax in steps of 1/32768."""

_LOWER, _UPPER = ("min", "min_val"), ("max", "max_val")
"""The names of the bounds in the schemas of clamps."""


_PORTION = 1e-5
_SMALL_DISTANCE = 1e-9

LEAST_STEP = 2.0**-60
"""The smallest step of an activation: the product of two such steps is still a normal float32."""


def room_of(count: int, *, is_of_sums: bool) -> float:
    """How much wider an int16 range is than the largest of `count` elements.

    The largest of n normal numbers is about sqrt(2 ln n) standard deviations; that of few may be
    small by chance, so a fifth of them counts. Sums of many products are nearly normal, and their
    range reaches `_REACH` standard deviations. Of the 12 results of two convolutions, the largest
    was exceeded 2.5 and 4 times on other data, which left 10 and 38 dB; 100000 need no more room.
    """
    if not is_of_sums:
        return ROOM
    largest = math.sqrt(2 * math.log(max(count / 5, 1.1)))
    return min(max(ROOM, _REACH / largest), _MOST_ROOM)


def all_finite(value: torch.Tensor) -> bool:
    """Whether no element is NaN or infinite, in one pass and without a second tensor."""
    if not value.is_floating_point() or not value.numel():
        return True
    return all(map(math.isfinite, map(float, value.aminmax())))


class RangeObserver(HistogramObserver):
    """A histogram of the finite values; -inf counts as 8 less than the smallest of them.

    -inf is the score of a position that attention must ignore. A score that is 8 less than another
    gives less than half of the softmax's step of 1/256, because e^-8 is 1/2981.

    A step may be as small as `LEAST_STEP`, because the squares of small values are even smaller.
    torchao's own limit is 2^-23; a value that was always 0 keeps that one.
    """

    saw_no_finite_value = False
    """Whether there were elements, and none of them was finite."""
    saw_minus_infinity = False
    fixed_step: float | None = None
    """In int16 the step, whatever was seen."""
    is_of_sums = False
    """Whether the values are sums of many products, such as the results of a layer."""
    count = 0
    """How many elements were seen."""
    may_be_finer = False
    """Whether the step may be less than `fixed_step`, if what was seen allows it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not x.numel():
            return x
        self.count += x.numel()
        is_first = bool(self.min_val > self.max_val)
        self.saw_no_finite_value = False
        if all_finite(x):
            super().forward(x)
        elif bool((finite := torch.isfinite(x)).any()):
            self.saw_minus_infinity |= bool((x == -torch.inf).any())
            lowest = x[finite].min() - _E_TO_MINUS_THIS_IS_NOTHING
            super().forward(torch.where(x == -torch.inf, lowest, x)[finite | (x == -torch.inf)])
        else:
            self.saw_no_finite_value = is_first
        return x

    def _non_linear_param_search(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The exact result of torchao's search, without a tensor for each of many comparisons.

        It narrows the range by 1/100000 of the elements at a time, at the end where this removes
        more bins, and stops before the error grows.
        """
        total = float(self.histogram.sum())
        sums = torch.cumsum(self.histogram, dim=0).tolist()
        first, last = 0, self.bins - 1
        alpha, beta, least = 0.0, 1.0, math.inf
        while alpha < beta and first < last:
            next_alpha, next_beta = alpha + _PORTION, beta - _PORTION
            # torch compares a float32 with a number as float32.
            lower, upper = np.float32(next_alpha * total), np.float32(next_beta * total)
            left, right = first, last
            while left < last and sums[left] < lower:
                left += 1
            while right > first and sums[right] > upper:
                right -= 1
            if left - first > last - right:
                alpha, moved = next_alpha, (left, last)
            else:
                beta, moved = next_beta, (first, right)
            if moved == (first, last):
                continue
            error = self._compute_quantization_error(*moved)
            if error > least:
                break
            least, (first, last) = error, moved
        width = (self.max_val - self.min_val) / self.bins
        return self.min_val + width * first, self.min_val + width * (last + 1)

    def _get_norm(
        self, delta_begin: torch.Tensor, delta_end: torch.Tensor, density: torch.Tensor
    ) -> torch.Tensor:
        """As torchao's. In float32 the cubes of very small distances would be 0."""
        distances = (delta_begin, delta_end, density)
        if float(torch.maximum(delta_begin.abs(), delta_end.abs()).max()) <= _SMALL_DISTANCE:
            distances = (delta_begin.double(), delta_end.double(), density.double())
        norm: torch.Tensor = super()._get_norm(*distances)
        return norm

    def _calculate_qparams(
        self, min_val: torch.Tensor, max_val: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        is_zero = bool((min_val == 0) & (max_val == 0))
        self.eps.fill_(torch.finfo(torch.float32).eps if is_zero else LEAST_STEP)
        scale, zero_point = super()._calculate_qparams(min_val, max_val)
        return scale, zero_point

    def calculate_qparams(self) -> tuple[torch.Tensor, torch.Tensor]:
        """As torchao's in int8. In int16 the zero point is 0, and the range has room."""
        if self.dtype != torch.int16:
            scale, zero_point = super().calculate_qparams()
            return scale, zero_point
        low = self.min_val - (_MORE_IN_INT16 if self.saw_minus_infinity else 0.0)
        largest = torch.maximum(low.abs(), self.max_val.abs()).reshape(1)
        step = torch.where(
            largest == 0,
            torch.finfo(torch.float32).eps,
            largest * room_of(self.count, is_of_sums=self.is_of_sums) / (2**15 - 1),
        )
        if self.fixed_step is not None:
            fixed = torch.full_like(step, self.fixed_step)
            step = torch.minimum(step, fixed) if self.may_be_finer else fixed
        return step.clamp_min(LEAST_STEP), torch.zeros(1, dtype=torch.int64)


class WeightObserver(PerChannelMinMaxObserver):
    """The least and the largest weight of each output channel, and one scale for all of them.

    If its scheme is changed to `torch.per_channel_symmetric`, it gives one for each.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "ch_axis": 0, "qscheme": torch.per_channel_symmetric})
        self.qscheme = torch.per_tensor_symmetric

    def calculate_qparams(self) -> tuple[torch.Tensor, torch.Tensor]:
        low, high = self.min_val, self.max_val
        if self.qscheme == torch.per_tensor_symmetric:
            low, high = low.min(), high.max()
        scale, zero_point = self._calculate_qparams(low, high)
        return scale, zero_point


ACTIVATION = QuantizationSpec(
    dtype=torch.int8,
    observer_or_fake_quant_ctr=RangeObserver,
    qscheme=torch.per_tensor_affine,
)
MASK = FixedQParamsQuantizationSpec(
    dtype=torch.int8,
    scale=MASK_STEP,
    zero_point=127,
    quant_min=-128,
    quant_max=127,
    qscheme=torch.per_tensor_affine,
)


def _is_transposed_in_groups(node: Node | None) -> bool:
    if node is None or operator_name(node) != "conv_transpose2d" or len(node.args) < 7:
        return False
    return bool(node.args[6] != 1)


def _has_one_weight_for_each_result(node: Node | None) -> bool:
    if node is None or operator_name(node) not in {"conv1d", "conv2d"}:
        return False
    weight = filled_arguments(node)[1].meta["val"]
    return bool(weight.numel() == weight.shape[0])


def _narrowed(weight: QuantizationSpec) -> QuantizationSpec:
    return dataclasses.replace(weight, quant_min=-127, quant_max=127)


class Int8Config(CortexMQuantizationConfig):
    """ExecuTorch's configuration, with one weight scale for a transposed convolution in groups.

    Its weights have an axis for the output channels of one group. Scales along it would not fit
    the bias, which has all output channels.

    If each output channel has a single weight, it lies in -127…127, which hold it exactly. With
    -128, the scale is 1/127.5 of the weight, and the rounded weight is 0.4 % off.
    """

    def get_weight_qspec(self, node: Node | None = None) -> Any:
        if _has_one_weight_for_each_result(node) and isinstance(self.weight, QuantizationSpec):
            return _narrowed(self.weight)
        if not _is_transposed_in_groups(node):
            return super().get_weight_qspec(node)
        spec, own = INT8_PER_TENSOR_CONFIG.weight, self.weight
        assert isinstance(spec, QuantizationSpec) and isinstance(own, QuantizationSpec)
        return dataclasses.replace(spec, quant_min=own.quant_min, quant_max=own.quant_max)

    def get_bias_qspec(self, node: Node | None = None) -> Any:
        if _is_transposed_in_groups(node):
            return INT8_PER_TENSOR_CONFIG.get_bias_qspec(node)
        return super().get_bias_qspec(node)


def with_range_observer(config: CortexMQuantizationConfig) -> Int8Config:
    """ExecuTorch's configuration with our observers of activations and weights of one scale."""
    weight = config.weight
    if isinstance(weight, QuantizationSpec) and weight.qscheme == torch.per_tensor_symmetric:
        weight = dataclasses.replace(weight, observer_or_fake_quant_ctr=WeightObserver)
    return Int8Config(ACTIVATION, ACTIVATION, weight, config.bias, f"{__name__}.{config.label}")


def with_narrow_weights(config: Int8Config) -> Int8Config:
    """Weights of at least -127: an Ethos-U stores weights that may be -128 in 9 bits, not 8."""
    assert isinstance(config.weight, QuantizationSpec)
    return Int8Config(
        config.input_activation,
        config.output_activation,
        _narrowed(config.weight),
        config.bias,
        config.label,
    )


PER_TENSOR = with_range_observer(INT8_PER_TENSOR_CONFIG)
PER_CHANNEL = with_range_observer(INT8_PER_CHANNEL_CONFIG)


def is_mask(value: torch.Tensor | None) -> bool:
    """Whether a constant holds only 0 (keep the score) and -inf (drop it), -inf at least once."""
    if value is None or not value.dtype.is_floating_point:
        return False
    masked = value == -torch.inf
    return bool(masked.any()) and bool((masked | (value == 0)).all())


class ElementChains(Quantizer, QuantizerReporterUser):
    """Annotates chains of functions of one element, at their ends only; see `element_chains`."""

    def get_quantizer_info(self) -> QuantizerInfo:
        return QuantizerInfo(
            type(self).__name__,
            "chains of elementwise functions",
            str(PER_TENSOR.label),
            "cmopt.frontend.element_chains",
        )

    def annotate(self, model: GraphModule) -> GraphModule:
        for chain in chains_of(model):
            for node in chain.nodes:
                reads = chain.source in node.args and has_float_output(chain.source)
                inputs = {chain.source: ACTIVATION} if reads else {}
                result = ACTIVATION if node in chain.ends else None
                mark_node_as_annotated(node, inputs, result, True)
                node.meta[PatternMatcher.Q_PATTERN_MATCHED_KEY] = True
            self.report_accept(chain.nodes)
        return model

    def validate(self, model: GraphModule) -> None:
        return None


class RemainingOperators(Quantizer, QuantizerReporterUser):
    """Annotates `FREE`, `SHARED`, `CLAMPED` and `FIRST` operators that are not annotated yet.

    Operators stay in float if all operands are constants, if they mix float and integer tensors, if
    a constant is infinite (other than a mask that is added), or if they have several results.
    """

    def __init__(self, *, for_npu: bool):
        super().__init__()
        self._for_npu = for_npu

    def get_quantizer_info(self) -> QuantizerInfo:
        return QuantizerInfo(
            type(self).__name__, "operators left", str(PER_TENSOR.label), "cmopt.frontend.operators"
        )

    def annotate(self, model: GraphModule) -> GraphModule:
        for node in model.graph.nodes:
            if node.op != "call_function" or Q_ANNOTATION_KEY in node.meta:
                continue
            observed = OBSERVED.get(operator_name(node))
            if observed is CLAMPED:
                observed = SHARED if _keeps_zero(node) else FREE
            elif observed is SHARED_ON_CORE:
                observed = FREE if self._for_npu else SHARED
            if observed is FREE and self._can_be_quantized(model, node):
                inputs = {operand: self._operand(model, operand) for operand in floats(node)}
                if operator_name(node) == "hypot":
                    first, *rest = inputs
                    inputs |= dict.fromkeys(rest, SharedQuantizationSpec((first, node)))
                mark_node_as_annotated(node, inputs, ACTIVATION, True)
                self.report_accept([node])
            elif observed is FIRST and self._can_be_quantized(model, node):
                mark_node_as_annotated(
                    node, {node.all_input_nodes[0]: ACTIVATION}, ACTIVATION, True
                )
                self.report_accept([node])
            elif observed is SHARED and self._can_be_quantized(model, node):
                first, *rest = floats(node)
                shared = SharedQuantizationSpec((first, node))
                inputs = {first: ACTIVATION, **dict.fromkeys(rest, shared)}
                mark_node_as_annotated(node, inputs, shared, True)
                self.report_accept([node])
        return model

    def _operand(self, model: GraphModule, operand: Node) -> Any:
        return MASK if is_mask(attribute_of(model, operand)) else ACTIVATION

    def _can_be_quantized(self, model: GraphModule, node: Node) -> bool:
        operands = node.all_input_nodes
        value = node.meta.get("val")
        if not isinstance(value, torch.Tensor) or value.dtype != torch.float32:
            return False
        if any(o.meta["val"].dtype != torch.float32 for o in operands if not _is_index(node, o)):
            return False
        if all(attribute_of(model, operand) is not None for operand in operands):
            return False
        constants = [attribute_of(model, operand) for operand in floats(node)]
        return all(
            constant is None or bool(constant.isfinite().all()) or _adds_mask(node, constant)
            for constant in constants
        )

    def validate(self, model: GraphModule) -> None:
        return None


def _keeps_zero(node: Node) -> bool:
    """Whether 0 lies between the bounds of a clamp, and these are numbers."""
    target = overload(node)
    assert target is not None
    for index, argument in enumerate(arguments_of(target)):
        if argument.name not in (*_LOWER, *_UPPER):
            continue
        given = node.args[index] if index < len(node.args) else node.kwargs.get(argument.name)
        bound = argument.default_value if given is None else given
        if bound is not None and not isinstance(bound, int | float):
            return False
        if bound is not None and (bound > 0 if argument.name in _LOWER else bound < 0):
            return False
    return True


def floats(node: Node) -> list[Node]:
    """The operands of a node that are float tensors."""
    return [operand for operand in node.all_input_nodes if has_float_output(operand)]


def _is_index(node: Node, operand: Node) -> bool:
    return operator_name(node) in TAKES_INDICES and operand is not node.args[0]


def _adds_mask(node: Node, constant: torch.Tensor) -> bool:
    return operator_name(node) == "add" and is_mask(constant)


class SharedRanges(GroupRanges, SharedQspecQuantizer):
    """ExecuTorch's quantizer for operators that move values; they share one range.

    That quantizer may also choose a fixed range: a softmax concatenated with another value would
    clamp that value to 0..1. Here a group of operators shares a fixed range only if all values that
    enter the group have this range.
    """

    def ranges_of(self, nodes: set[Node], specs: list[Any]) -> list[Any]:
        if not any(isinstance(spec, FixedQParamsQuantizationSpec) for spec in specs):
            return specs
        entering = {o for node in nodes for o in floats(node) if o not in nodes}
        producers = [_output_spec(node) for node in entering]
        fixed = producers[0] if len({id(spec) for spec in producers}) == 1 else None
        return [fixed if isinstance(fixed, FixedQParamsQuantizationSpec) else ACTIVATION]


def _output_spec(node: Node) -> Any:
    annotation = node.meta.get(Q_ANNOTATION_KEY)
    return None if annotation is None else annotation.output_qspec
