"""What the front end does with each ATen operator: one table.

To add an operator, add a row. A function in `conversions` builds the operator's ops in the IR. A
function in `element_functions`, `norms`, `pools` or one of the other modules that are imported here
builds its replacement before calibration. The ops of `edge.FUNCTIONS` and `edge.WITH_PARAMETERS`
and every `edge.BinaryOp` have their rows already.

An operator without a row becomes `edge.call` if it is in Core ATen. PyTorch's decompositions
take any other apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from torch.fx import GraphModule, Node

from cmopt.dialects import edge
from cmopt.frontend import element_functions as functions
from cmopt.frontend import (
    layers,
    movements,
    norms,
    order_statistics,
    overlapping_windows,
    pools,
    resampling,
    running_results,
    volumes,
)
from cmopt.frontend import writes as writes_before
from cmopt.frontend.call import Conversion
from cmopt.frontend.conversions import (
    choice,
    col2im,
    constants,
    convolution,
    elementwise,
    identities,
    matrix,
    pooling,
    quantization,
    reductions,
    shapes,
    writes,
)
from cmopt.frontend.conversions import norms as row_norms
from cmopt.frontend.graph_building import Rewrite, attribute_of


class Observed(Enum):
    """How an operator's values get their ranges if ExecuTorch's quantizer does not give them."""

    FREE = auto()
    """The result and every operand are observed separately: int8 in, int8 out."""
    SHARED = auto()
    """Every value of the result lies in the range of the operands, and is observed with them."""
    CLAMPED = auto()
    """As `SHARED` if the clamp keeps 0, because its result then lies in the operand's range. Else
    as `FREE`."""
    SHARED_ON_CORE = auto()
    """As `SHARED` on a core, because its kernel keeps the operand's type. Else as `FREE`."""
    FIRST = auto()
    """The result and the first operand are observed separately. The others are constants, which
    its kernel takes in 32 bits."""
    BY_PARTS = auto()
    """PyTorch's decomposition takes it apart first, so that each part is observed."""
    AS_ONE = auto()
    """It is not taken apart: ExecuTorch's quantizer or an earlier pass knows the whole operator."""


FREE, SHARED, CLAMPED, SHARED_ON_CORE, FIRST, BY_PARTS, AS_ONE = Observed


@dataclass(frozen=True)
class Operator:
    """One row: facts about some operators. Two rows may state different facts about the same one.

    `imported`, `prepared`, `rewritten` and `whole_if` hold for the overloads that are named. The
    other facts hold for all overloads of their operators, in place or not.
    """

    names: str
    """Overloads, such as `mean.dim`; the operator's name alone means its overload "default".

    The in-place variant of a `FREE` or `CLAMPED` operator computes the same and is included.
    """
    observed: Observed | None = None
    imported: Conversion | None = None
    """Builds what the operator is in the `edge` dialect."""
    prepared: Rewrite | None = None
    """Applied before calibration to the graph as exported, before ExecuTorch's own rewrites."""
    rewritten: Rewrite | None = None
    """Applied before calibration, after numbers have become tensors."""
    rewritten_for_core: Rewrite | None = None
    """The same, but only for targets without an NPU."""
    whole_if: Callable[[GraphModule, Node], bool] | None = None
    """Which calls are not rewritten for a core with this project's kernels: one computes it."""
    fused_if: Callable[[Node], bool] | None = None
    """Whether ExecuTorch's quantizer may take a call; replaces its own check."""
    takes_indices: bool = False
    """The operands after the first are integers and are not quantized."""
    of_elements: bool = False
    """It computes each element from the elements in the same place, and nothing observes it.

    In a chain of functions of one element it costs nothing; it is part of the chain's table.
    """
    gives_scores: bool = False
    """Its values lie between -1 and 1 whatever the operand's are."""
    namespace: str = "aten"

    def overloads(self) -> Iterator[str]:
        """The overloads of this row, as `overload_name` gives them."""
        for name in self.names.split():
            operator, _, kind = name.partition(".")
            for mark in ("", "_") if self.observed in (FREE, CLAMPED) else ("",):
                yield f"{self.namespace}.{operator}{mark}.{kind or 'default'}"

    def operators(self) -> set[str]:
        """The operators of this row, as `operator_name` gives them."""
        names = self.names.split() if self.namespace == "aten" else []
        return {name.partition(".")[0].rstrip("_") for name in names}


def _is_finite(node: Node) -> bool:
    assert node.graph.owning_module is not None
    value = attribute_of(node.graph.owning_module, node)
    return value is None or bool(value.isfinite().all())


def _broadcasts(node: Node) -> bool:
    """Any broadcasting: the lowering expands, or folds a constant.

    An int8 range cannot represent an infinite constant.
    """
    is_whole = isinstance(node.kwargs.get("alpha", 1), int)
    return is_whole and all(_is_finite(operand) for operand in node.all_input_nodes)


def _always(node: Node) -> bool:
    return True


BINARY = [op for op in edge.Edge.operations if issubclass(op, edge.BinaryOp)]

# Functions of each element of one tensor.
_FUNCTIONS = (
    *(
        Operator(n, CLAMPED if n == "relu" else FREE, elementwise.unary(op))
        for n, op in edge.FUNCTIONS.items()
    ),
    *(
        Operator({"pow": "pow.Tensor_Scalar"}.get(n, n), FREE, elementwise.with_numbers(op))
        for n, op in edge.WITH_PARAMETERS.items()
    ),
    Operator("celu", FREE, elementwise.celu),
    Operator("clamp clamp_max clamp_min", CLAMPED, elementwise.clamp),
    Operator("gelu", FREE, elementwise.gelu),
    Operator("hardtanh", CLAMPED, elementwise.hardtanh),
    Operator("relu6", CLAMPED, elementwise.relu6, rewritten=functions.relu6),
    Operator("rrelu", FREE, elementwise.rrelu),
    Operator("selu", FREE, elementwise.selu),
)

_ELEMENTWISE = (
    *(
        # `FREE` does not hold for `max.other`: `max` is observed like its other overloads.
        Operator(n, FREE if f"edge.{n}".startswith(f"{op.name}.") else None, elementwise.binary(op))
        for op in BINARY
        for n in op.ATEN
    ),
    Operator("add mul sub", fused_if=_broadcasts),
    Operator("add.Tensor", rewritten=functions.add_scaled),
    Operator(
        "clamp.Tensor clamp_max.Tensor clamp_min.Tensor", rewritten=functions.clamp_by_tensors
    ),
    Operator("div.Tensor", rewritten=functions.divide_by_constant),
    Operator("div.Scalar_mode div.Tensor_mode", FREE, elementwise.rounded_division),
    Operator("hardsigmoid sigmoid tanh", gives_scores=True),
    Operator("hardsigmoid hardsigmoid_", rewritten=functions.hardsigmoid),
    Operator("nan_to_num", prepared=functions.without_nans),
    Operator("unfold unfold_copy", prepared=movements.unfold_number),
    Operator("hypot", prepared=functions.hypotenuse),
    Operator("angle", prepared=functions.angle),
    Operator("copysign.Scalar copysign.Tensor", prepared=functions.copy_sign),
    Operator("fmax fmin", prepared=functions.extremum),
    Operator("heaviside", prepared=functions.heaviside),
    Operator("ldexp.Tensor", prepared=functions.by_power_of_two),
    Operator("lerp.Scalar lerp.Tensor", prepared=functions.interpolate),
    Operator("logical_and logical_not logical_or logical_xor", prepared=functions.truth_of_floats),
    Operator("signbit", prepared=functions.sign_bit),
    Operator(
        "xlogy.Scalar_Other xlogy.Scalar_Self xlogy.Tensor", prepared=functions.times_logarithm
    ),
    Operator("hardswish hardswish_", rewritten=functions.hardswish),
    Operator("masked_fill.Scalar masked_fill.Tensor", prepared=writes_before.fill_where),
    Operator("prelu", rewritten=functions.prelu),
    Operator("where.ScalarOther where.ScalarSelf where.self", prepared=functions.choose_masked),
    Operator("round.decimals round_.decimals", prepared=functions.round_to_places),
    Operator("rsub.Scalar", prepared=functions.reverse_subtraction),
    Operator("sub.Tensor", rewritten=functions.subtract),
)

_CALLS_OF_ELEMENTS = (
    Operator("__and__ __or__ __xor__ atan2 bitwise_and bitwise_not", of_elements=True),
    Operator("bitwise_or bitwise_xor eq floor_divide fmax fmin fmod ge", of_elements=True),
    Operator("gt isinf isnan le logical_and logical_not logical_or", of_elements=True),
    Operator("logical_xor lt masked_fill ne remainder to where", of_elements=True),
)

_PRODUCTS = (
    Operator("_softmax softmax.int", None, matrix.softmax, fused_if=_always, gives_scores=True),
    Operator("_softmax softmax.int", prepared=norms.share_of_one),
    Operator("_softmax softmax.int", rewritten_for_core=norms.softmax),
    Operator("special_softmax", None, matrix.softmax),
    Operator("addbmm", prepared=layers.sum_of_products),
    Operator("addmm", None, convolution.linear_of_constant, prepared=layers.affine),
    Operator("addmv", prepared=layers.matrix_by_vector_and_sum),
    Operator("batch_norm conv3d conv_transpose3d.input", AS_ONE),
    Operator("bilinear", AS_ONE, rewritten=layers.bilinear),
    Operator("bmm", FREE, matrix.matmul),
    Operator(
        "conv1d conv1d.padding conv2d conv2d.padding",
        imported=convolution.convolution,
        prepared=layers.convolution_of_one,
    ),
    Operator("conv3d conv3d.padding", rewritten=volumes.convolution_3d),
    Operator("convolution", None, convolution.convolution),
    Operator(
        "conv_transpose1d",
        imported=convolution.transposed_convolution,
        rewritten=layers.conv_transpose_1d,
    ),
    Operator("conv_transpose3d.input", rewritten=volumes.transposed_convolution_3d),
    Operator("conv_transpose2d.input", None, convolution.transposed_convolution, fused_if=_always),
    Operator("linear", None, convolution.linear, prepared=layers.linear_of_activations),
    Operator("matmul mm", FREE, matrix.matmul, prepared=layers.product_with_constant),
    Operator("matmul", rewritten=layers.batched_product),
    Operator("mv dot vdot", prepared=layers.matrix_by_vector),
    Operator("mul.Tensor", rewritten=functions.product_with_ones),
)

_REDUCTIONS = (
    Operator("_adaptive_avg_pool2d", None, pooling.adaptive_avg_pool2d),
    Operator("_log_softmax", FREE),
    Operator("log_softmax.int", None, matrix.log_softmax, rewritten=norms.log_softmax),
    Operator("adaptive_avg_pool1d", None, pooling.adaptive_avg_pool1d),
    Operator("adaptive_avg_pool1d", rewritten=resampling.adaptive_average_1d),
    Operator("adaptive_avg_pool2d", SHARED, pooling.adaptive_avg_pool2d),
    Operator("adaptive_max_pool1d", AS_ONE),
    Operator("adaptive_max_pool2d", SHARED, pooling.adaptive_max_pool2d),
    Operator("adaptive_max_pool2d", rewritten=resampling.adaptive_max_2d),
    Operator("adaptive_avg_pool3d", rewritten=volumes.adaptive_average_3d),
    Operator("adaptive_max_pool3d", rewritten=volumes.adaptive_max_3d),
    Operator("amax max", SHARED, reductions.reduction(edge.AmaxOp)),
    Operator("amin min", SHARED, reductions.reduction(edge.AminOp)),
    Operator("avg_pool1d", None, pooling.avg_pool1d, rewritten=pools.pool_1d),
    Operator("avg_pool2d", SHARED, pooling.avg_pool2d, rewritten=pools.average_with_divisor),
    Operator("avg_pool3d", rewritten=volumes.average_pool_3d),
    Operator("cummax cummin", prepared=running_results.running_extremum),
    Operator("cumprod", prepared=running_results.running_product),
    Operator("cumsum", FREE, rewritten=running_results.running_sum),
    Operator("prod prod.dim_int", prepared=running_results.product),
    Operator("col2im", FREE, col2im.col2im, rewritten=overlapping_windows.sum_of_windows),
    Operator("group_norm", rewritten=norms.group_norm),
    Operator("instance_norm", rewritten=norms.instance_norm),
    Operator("layer_norm", FIRST, row_norms.layer_norm, rewritten=norms.layer_norm),
    Operator("layer_norm rms_norm", whole_if=norms.is_one_kernel),
    Operator("cdist", prepared=norms.distances),
    Operator("dist", prepared=norms.distance),
    Operator("linalg_vector_norm", rewritten=norms.vector_norm),
    Operator("adaptive_avg_pool2d", rewritten=resampling.adaptive_average_2d),
    Operator("mean.dim", rewritten_for_core=pools.average_of_plane),
    Operator("max.dim", None, reductions.values_of(reductions.reduction(edge.AmaxOp))),
    Operator("sort sort.stable", rewritten=order_statistics.sorted_line),
    Operator("kthvalue", rewritten=order_statistics.kth_value),
    Operator("max_pool1d", None, pooling.max_pool1d, rewritten=pools.pool_1d),
    Operator("max_pool2d", SHARED, pooling.max_pool2d),
    Operator("max_pool3d", rewritten=volumes.max_pool_3d),
    Operator("max_pool2d_with_indices", None, pooling.max_pool2d_with_indices),
    Operator("mean mean.dim", SHARED_ON_CORE, reductions.reduction(edge.MeanOp)),
    Operator(
        "native_layer_norm", None, row_norms.native_layer_norm, prepared=norms.layer_norm_alone
    ),
    Operator("median median.dim", rewritten=order_statistics.median),
    Operator("min.dim", None, reductions.values_of(reductions.reduction(edge.AminOp))),
    Operator("rms_norm", FIRST, row_norms.rms_norm, rewritten=norms.rms_norm),
    Operator("sum sum.dim_IntList", FREE, reductions.reduction(edge.SumOp)),
    Operator("var.correction var.dim var", rewritten=norms.variance),
    Operator("var_mean.correction var_mean.dim var_mean", rewritten=norms.variance_and_mean),
)

_MOVEMENT = (
    Operator("_reshape_copy _unsafe_view reshape view view_as view_copy", None, shapes.reshape),
    Operator("broadcast_to expand expand_copy", None, shapes.expand),
    Operator("cat", None, shapes.cat),
    Operator("channel_shuffle im2col mT", SHARED),
    Operator("chunk", SHARED, shapes.split),
    Operator("constant_pad_nd pad", None, choice.pad),
    Operator("expand_as", SHARED, shapes.expand, rewritten=movements.expand_as),
    Operator("flatten.using_ints unflatten.int", None, shapes.reshape),
    Operator("movedim.int movedim.intlist moveaxis.int", SHARED, shapes.permute),
    Operator("moveaxis.intlist permute swapaxes swapdims", SHARED, shapes.permute),
    Operator("narrow", SHARED, shapes.narrow),
    Operator("narrow_copy", None, shapes.narrow),
    Operator("numpy_T permute_copy t t_copy", SHARED, shapes.permute),
    Operator("pixel_shuffle", SHARED, shapes.pixel_shuffle),
    Operator("pixel_unshuffle", SHARED, shapes.pixel_unshuffle),
    Operator("select.int", SHARED, shapes.select),
    Operator("select_copy.int", None, shapes.select),
    Operator("slice.Tensor slice_copy.Tensor", None, shapes.slice_of),
    Operator("split.Tensor", BY_PARTS, shapes.split),
    Operator("split_copy.Tensor split_with_sizes_copy", None, shapes.split),
    Operator("split_with_sizes", SHARED, shapes.split),
    Operator("squeeze squeeze.dim squeeze.dims", None, shapes.reshape),
    Operator("squeeze_copy squeeze_copy.dim squeeze_copy.dims", None, shapes.reshape),
    Operator("stack", SHARED, shapes.stack),
    Operator("transpose.int transpose_copy.int", None, shapes.permute),
    Operator("unbind.int", BY_PARTS, shapes.unbind),
    Operator("unbind_copy.int", None, shapes.unbind),
    Operator("unfold", SHARED, shapes.unfold),
    Operator("unfold_copy", None, shapes.unfold),
    Operator("unsqueeze", SHARED, shapes.reshape),
    Operator("unsqueeze_copy", None, shapes.reshape),
)

_SELECTIONS = (
    Operator("_pad_circular as_strided_copy diagonal_copy repeat", None, choice.selection),
    Operator("_upsample_nearest_exact1d _upsample_nearest_exact1d.vec", None, choice.selection),
    Operator("_upsample_nearest_exact2d _upsample_nearest_exact2d.vec", None, choice.selection),
    Operator("as_strided diagonal flip roll tile", SHARED, choice.selection),
    Operator(
        "gather index.Tensor index_select take",
        SHARED,
        choice.selection,
        takes_indices=True,
    ),
    Operator("embedding take_along_dim", SHARED, takes_indices=True),
    Operator("topk", SHARED),
    Operator("reflection_pad1d reflection_pad2d", SHARED, choice.selection),
    Operator("reflection_pad3d replication_pad3d", None, choice.selection),
    Operator("repeat_interleave.self_int", SHARED, choice.selection),
    Operator("replication_pad1d replication_pad2d", SHARED, choice.selection),
    Operator("_upsample_bicubic2d_aa _upsample_bicubic2d_aa.vec", rewritten=resampling.resample_2d),
    Operator("_upsample_bilinear2d_aa", rewritten=resampling.resample_2d),
    Operator("_upsample_bilinear2d_aa.vec", rewritten=resampling.resample_2d),
    Operator("upsample_bicubic2d upsample_linear1d", SHARED),
    Operator("upsample_bicubic2d upsample_bicubic2d.vec", rewritten=resampling.resample_2d),
    Operator("upsample_bilinear2d upsample_bilinear2d.vec", rewritten=resampling.resample_2d),
    Operator("upsample_linear1d upsample_linear1d.vec", rewritten=resampling.resample_1d),
    Operator("upsample_bilinear2d upsample_bilinear2d.vec", SHARED, choice.upsample_bilinear2d),
    Operator("upsample_nearest1d upsample_nearest1d.vec", SHARED, choice.selection),
    Operator("upsample_nearest2d upsample_nearest2d.vec", SHARED, choice.selection),
    Operator("upsample_nearest3d upsample_nearest3d.vec", None, choice.selection),
)

_WRITES = (
    Operator("as_strided_scatter diagonal_scatter", SHARED, writes.replacement),
    Operator("copy", SHARED, writes.copied, prepared=writes_before.copied),
    Operator("fill.Scalar fill.Tensor", None, writes.filled, prepared=writes_before.filled),
    Operator("full_like ones_like zeros_like", prepared=writes_before.filled),
    Operator("index_put", SHARED, writes.replacement, writes_before.put_where, takes_indices=True),
    Operator("scatter.src", SHARED, writes.replacement, takes_indices=True),
    Operator("scatter_add", SHARED, takes_indices=True),
    Operator("scatter.value", prepared=writes_before.scattered_number),
    Operator("select_scatter slice_scatter", SHARED, writes.replacement),
)

_COMPOSITES = (
    Operator("glu gru gru_cell lstm lstm_cell rnn_relu rnn_relu_cell", BY_PARTS),
    Operator("rnn_tanh rnn_tanh_cell scaled_dot_product_attention", BY_PARTS),
)

_WITHOUT_ARITHMETIC = (
    Operator("_assert_async.msg _assert_scalar _assert_tensor_metadata", None, identities.drop),
    Operator("_to_copy", None, identities.pass_same_dtype),
    Operator("alias alias_copy clone contiguous detach detach_", None, identities.pass_first),
    Operator(
        "alpha_dropout dropout feature_alpha_dropout feature_dropout", None, identities.dropout
    ),
    Operator("alpha_dropout_ dropout_ feature_alpha_dropout_", None, identities.dropout),
    Operator("feature_dropout_", None, identities.dropout),
    Operator("_native_batch_norm_legit_functional", None, identities.batch_norm_in_training),
    Operator("arange arange.start arange.start_step eye eye.m full", None, constants.create),
    Operator("detach_copy lift lift_fresh lift_fresh_copy positive", None, identities.pass_first),
    Operator("full_like ones_like zeros_like", None, constants.fill_like),
    Operator("linspace ones scalar_tensor zeros", None, constants.create),
    Operator("to.device to.dtype to.dtype_layout to.other type_as", None, identities.cast),
    Operator("_clone_dim_order", None, identities.pass_first, namespace="dim_order_ops"),
    Operator("_to_dim_order_copy", None, identities.pass_same_dtype, namespace="dim_order_ops"),
)


def _conversion(names: str, imported: Conversion) -> Operator:
    return Operator(names, None, imported, namespace="quantized_decomposed")


_QUANTIZATION = (
    _conversion(
        "quantize_per_tensor quantize_per_tensor.tensor quantize_per_tensor.tensor2",
        quantization.quantize_per_tensor,
    ),
    _conversion(
        "dequantize_per_tensor dequantize_per_tensor.tensor dequantize_per_tensor.tensor2",
        quantization.dequantize_per_tensor,
    ),
    _conversion("quantize_per_channel", quantization.quantize_per_channel),
    _conversion("dequantize_per_channel", quantization.dequantize_per_channel),
    _conversion("choose_qparams.tensor choose_qparams_per_token", quantization.unsupported),
    _conversion("choose_qparams_per_token_asymmetric", quantization.unsupported),
    _conversion("dequantize_per_channel_group dequantize_per_token", quantization.unsupported),
    _conversion("quantize_per_channel_group quantize_per_token", quantization.unsupported),
)

_ARITHMETIC = (*_FUNCTIONS, *_ELEMENTWISE, *_PRODUCTS, *_REDUCTIONS)

OPERATORS = (
    *(*_ARITHMETIC, *_CALLS_OF_ELEMENTS, *_MOVEMENT),
    *(*_SELECTIONS, *_WRITES, *_COMPOSITES, *_WITHOUT_ARITHMETIC, *_QUANTIZATION),
)


def _facts(field: str, names: Callable[[Operator], Iterable[str]]) -> dict[str, Any]:
    """What the rows state in one field, by name."""
    found: dict[str, Any] = {}
    for row in OPERATORS:
        if fact := getattr(row, field):
            for name in names(row):
                assert found.setdefault(name, fact) is fact, f"{name}: rows contradict ({field})"
    return found


# By the name of an overload, as `overload_name` gives it.
CONVERSIONS: dict[str, Conversion] = _facts("imported", Operator.overloads)
ARITHMETIC = {name for row in _ARITHMETIC if row.imported for name in row.overloads()}
"""Operators whose conversion gives None for integers."""
PREPARED: dict[str, Rewrite] = _facts("prepared", Operator.overloads)
REWRITTEN: dict[str, Rewrite] = _facts("rewritten", Operator.overloads)
REWRITTEN_FOR_CORE: dict[str, Rewrite] = _facts("rewritten_for_core", Operator.overloads)
WHOLE_IF: dict[str, Callable[[GraphModule, Node], bool]] = _facts("whole_if", Operator.overloads)

# By the name of an operator, as `operator_name` gives it.
OBSERVED: dict[str, Observed] = _facts("observed", Operator.operators)
FUSED_IF: dict[str, Callable[[Node], bool]] = _facts("fused_if", Operator.operators)
GIVES_SCORES = _facts("gives_scores", Operator.operators).keys()
TAKES_INDICES = _facts("takes_indices", Operator.operators).keys()
MOVEMENTS = {
    name
    for row in OPERATORS
    if row.imported in (identities.pass_first, shapes.expand, shapes.permute, shapes.reshape)
    for name in row.operators()
}
"""Operators that only rearrange or repeat the elements of one tensor."""
CALLS_OF_ELEMENTS = _facts("of_elements", Operator.operators).keys()
FUNCTIONS_OF_ELEMENTS = {name for row in _FUNCTIONS for name in row.operators()}
