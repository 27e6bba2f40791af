"""In which layouts an op can work, and the same op rewritten to work in them.

Each kind of op has one rule. A rule answers two questions: if one operand or result has *this*
layout, which layouts do the others have? Which ops compute the same on operands in these layouts?
An op without a rule works on tensors as they are written, and so do a function's arguments and
results. To let permutes pass a new op, give it a rule and list it in `RULES`.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr, StringAttr, TensorType, f32, i64
from xdsl.ir import Operation, SSAValue

from cmopt.dialects.constants import is_known
from cmopt.dialects.cortex_m import nbytes
from cmopt.dialects.edge import (
    BinaryOp,
    CallOp,
    CatOp,
    Conv2dOp,
    ConvTranspose2dOp,
    ExpandOp,
    LayerNormOp,
    LinearOp,
    MatmulOp,
    MaxPool2dOp,
    PadOp,
    PermuteOp,
    ReductionOp,
    ReshapeOp,
    SliceOp,
    SoftmaxOp,
    SumOp,
    TakeOp,
    UnaryOp,
    WhereOp,
    is_nhwc,
    permuted_type,
    weight_to_nhwc,
)
from cmopt.dialects.edge.canonicalization import is_per_axis
from cmopt.dialects.permutations import Layout, aligned, carried, identity
from cmopt.dialects.quant import DCastOp, QCastOp, SCastOp, quantized_element, storage_type
from cmopt.dialects.shapes import (
    NCHW_TO_NHWC,
    element_of,
    int_of,
    ints,
    ints_of,
    inverse,
    numel,
    permuted,
    shape_of,
)
from cmopt.lowering.rewrite import recreated

Layouts = tuple[Layout, ...]
"""A layout for each operand of an op, then one for each of its results."""


class Rule:
    """How one kind of op works in layouts other than the one it is written in."""

    def layouts(self, op: Operation, index: int, layout: Layout) -> Layouts | None:
        """The layouts of all operands and results with `layout` at `index`; None if there are none.

        index: of an operand or, counted on after the operands, of a result.
        """
        raise NotImplementedError

    def rebuild(self, op: Operation, layouts: Layouts, operands: list[SSAValue]) -> list[Operation]:
        """Ops that compute `op` in `layouts` from `operands`, which have these layouts already; the
        last one has the permuted results."""
        raise NotImplementedError

    def variant(self, op: Operation, layouts: Layouts) -> Layouts | None:
        """Layouts to consider besides `layouts`, even if no neighbour uses them."""
        return None

    def moved_bytes(self, op: Operation, layouts: Layouts) -> int:
        """Bytes the op itself copies at run time without computing anything."""
        return 0


def values_of(op: Operation) -> list[SSAValue]:
    """Operands, then results."""
    return [*op.operands, *op.results]


def as_written(op: Operation) -> Layouts:
    """Every operand and result row-major."""
    return tuple(identity(len(shape_of(value))) for value in values_of(op))


class Elementwise(Rule):
    """Elementwise functions: all operands have one layout, broadcast operands included.

    An expand is an identity that broadcasts.
    """

    def layouts(self, op: Operation, index: int, layout: Layout) -> Layouts | None:
        values, shape = values_of(op), shape_of(op.results[0])
        if shape_of(values[index]) != shape or any(is_per_axis(v.type) for v in values):
            return None
        return tuple(aligned(layout, len(shape_of(value))) for value in values)

    def rebuild(self, op: Operation, layouts: Layouts, operands: list[SSAValue]) -> list[Operation]:
        layout, ops = layouts[-1], list[Operation]()
        full: list[SSAValue] = []
        for before, value in zip(op.operands, operands, strict=True):
            missing = len(layout) - len(shape_of(value))
            if missing:
                shape = permuted((1,) * missing + shape_of(before), layout)
                ops.append(ReshapeOp([value], TensorType(element_of(value), shape)))
                value = ops[-1].results[0]
            full.append(value)
        return [*ops, recreated(op, full, permuted_type(op.results[0].type, layout))]


class AlongDim(Rule):
    """Ops on one dimension, `dim`: slice and cat. Along the outermost one they copy nothing."""

    def layouts(self, op: Operation, index: int, layout: Layout) -> Layouts | None:
        values = values_of(op)
        return None if any(is_per_axis(v.type) for v in values) else (layout,) * len(values)

    def rebuild(self, op: Operation, layouts: Layouts, operands: list[SSAValue]) -> list[Operation]:
        layout = layouts[-1]
        dim = IntegerAttr(layout.index(int_of(op.properties["dim"])), i64)
        return [recreated(op, operands, permuted_type(op.results[0].type, layout), dim=dim)]

    def variant(self, op: Operation, layouts: Layouts) -> Layouts | None:
        dim, layout = int_of(op.properties["dim"]), layouts[-1]
        return self.layouts(op, 0, (dim, *(d for d in layout if d != dim)))

    def moved_bytes(self, op: Operation, layouts: Layouts) -> int:
        layout, shape = layouts[-1], shape_of(op.results[0])
        outer = layout[: layout.index(int_of(op.properties["dim"]))]
        return 0 if numel(permuted(shape, outer)) == 1 else bytes_of(op.results[0])


class Take(AlongDim):
    """It copies the same number of bytes in any layout."""

    def variant(self, op: Operation, layouts: Layouts) -> Layouts | None:
        return None

    def moved_bytes(self, op: Operation, layouts: Layouts) -> int:
        return 0


class Pad(Rule):
    """The amounts of padding are permuted with the dimensions."""

    def layouts(self, op: Operation, index: int, layout: Layout) -> Layouts | None:
        return layout, layout

    def rebuild(self, op: Operation, layouts: Layouts, operands: list[SSAValue]) -> list[Operation]:
        type = permuted_type(op.results[0].type, layouts[-1])
        low, high = (permuted(ints_of(op.properties[end]), layouts[-1]) for end in ("low", "high"))
        return [recreated(op, operands, type, low=ints(low), high=ints(high))]


class Reshape(Rule):
    """The same bytes in another shape, if both shapes have a layout for these bytes.

    In front of a linear layer with constant weights, a reshape that flattens all dimensions except
    the first takes any layout of those: the columns of the weight are permuted instead.
    """

    def layouts(self, op: Operation, index: int, layout: Layout) -> Layouts | None:
        here, there = (shape_of(values_of(op)[i]) for i in (index, 1 - index))
        if any(is_per_axis(v.type) for v in values_of(op)):
            return None
        if (other := carried(here, layout, there)) is not None:
            return (layout, other) if index == 0 else (other, layout)
        if index == 0 and layout[0] == 0 and flattens_for_linear(op):
            return layout, identity(len(there))
        return None

    def rebuild(self, op: Operation, layouts: Layouts, operands: list[SSAValue]) -> list[Operation]:
        source, target = layouts
        ops: list[Operation] = []
        if carried(shape_of(op.operands[0]), source, shape_of(op.results[0])) is None:
            # `FoldIntoLinear` removes this permute.
            ops.append(PermuteOp.of(operands[0], inverse(source)))
            operands = list(ops[0].results)
        return [*ops, ReshapeOp(operands, permuted_type(op.results[0].type, target))]


class Linear(Rule):
    """A linear layer takes its rows in any order, and a 1×1 convolution its positions."""

    def layouts(self, op: Operation, index: int, layout: Layout) -> Layouts | None:
        if not isinstance(op, LinearOp) and not is_pointwise(op):
            return None
        _, *parameters, _ = as_written(op)
        if index not in (0, len(op.operands)) or layout[-1] != len(layout) - 1:
            return None
        return layout, *parameters, layout

    def rebuild(self, op: Operation, layouts: Layouts, operands: list[SSAValue]) -> list[Operation]:
        return [recreated(op, operands, permuted_type(op.results[0].type, layouts[-1]))]


class Convolution(Linear):
    """In float also NHWC: the portable kernel takes both formats and sums in the same order."""

    def layouts(self, op: Operation, index: int, layout: Layout) -> Layouts | None:
        if not in_float_nchw(op):
            return super().layouts(op, index, layout)
        is_data = index in (0, len(op.operands)) and layout == NCHW_TO_NHWC
        has_weight = len(op.operands) > 1
        if not is_data or (has_weight and not is_known(op.operands[1])):
            return None
        return layout, *as_written(op)[1:-1], layout

    def rebuild(self, op: Operation, layouts: Layouts, operands: list[SSAValue]) -> list[Operation]:
        if not in_float_nchw(op) or layouts[-1] != NCHW_TO_NHWC:
            return super().rebuild(op, layouts, operands)
        ops: list[Operation] = []
        if isinstance(op, Conv2dOp | ConvTranspose2dOp):
            ops.append(PermuteOp.of(operands[1], weight_to_nhwc(op)))
            operands = [operands[0], *ops[0].results, *operands[2:]]
        type = permuted_type(op.results[0].type, NCHW_TO_NHWC)
        return [*ops, recreated(op, operands, type, data_format=StringAttr("NHWC"))]


class Call(Rule):
    """A max pool whose indices nobody reads: its portable kernel takes NHWC too.

    Of other calls nothing is known.
    """

    def layouts(self, op: Operation, index: int, layout: Layout) -> Layouts | None:
        assert isinstance(op, CallOp)
        is_pool = op.target.data == "aten.max_pool2d_with_indices.default"
        if not is_pool or op.data_format is not None or layout != NCHW_TO_NHWC:
            return None
        if any(result.uses for result in op.results[1:]):
            return None
        return (layout,) * len(values_of(op))

    def rebuild(self, op: Operation, layouts: Layouts, operands: list[SSAValue]) -> list[Operation]:
        types = [permuted_type(value.type, layouts[0]) for value in op.results]
        properties = {**op.properties, "data_format": StringAttr("NHWC")}
        attributes = dict(op.attributes)
        return [
            op.create(
                operands=operands, result_types=types, properties=properties, attributes=attributes
            )
        ]


class Matmul(Rule):
    """The batch may be in any order; a transposed result is the result of exchanged operands.

    With a transposed rhs, the sum runs over the last dimension of both operands.
    """

    def layouts(self, op: Operation, index: int, layout: Layout) -> Layouts | None:
        rank = len(layout)
        batch, (row, column) = layout[:-2], layout[-2:]
        rows_last = (*batch, rank - 2, rank - 1)
        if not int_of(op.properties["transposed_rhs"]) or {row, column} != {rank - 2, rank - 1}:
            return None
        if index < 2:
            return None if layout != rows_last else (layout, layout, layout)
        return rows_last, rows_last, layout

    def rebuild(self, op: Operation, layouts: Layouts, operands: list[SSAValue]) -> list[Operation]:
        if layouts[-1] != layouts[0]:
            operands = operands[::-1]
        return [recreated(op, operands, permuted_type(op.results[0].type, layouts[-1]))]


class Softmax(Rule):
    """Row by row over the last dimension: the rows may be in any order."""

    def layouts(self, op: Operation, index: int, layout: Layout) -> Layouts | None:
        last = len(layout) - 1
        is_last = int_of(op.properties["dim"]) == last == layout[-1]
        return (layout, layout) if is_last else None

    def rebuild(self, op: Operation, layouts: Layouts, operands: list[SSAValue]) -> list[Operation]:
        return [recreated(op, operands, permuted_type(op.results[0].type, layouts[-1]))]


class LayerNorm(Rule):
    """Row by row over the last dimensions: the rows may be in any order, and so may the elements of
    a row, if its weight and bias are constants, which are permuted too.

    In float another order of the elements would round the sums differently.
    """

    def layouts(self, op: Operation, index: int, layout: Layout) -> Layouts | None:
        assert isinstance(op, LayerNormOp)
        outer = len(layout) - int_of(op.inner_dims)
        if index not in (0, len(op.operands)) or min(layout[outer:]) < outer:
            return None
        if layout[outer:] != tuple(range(outer, len(layout))):
            is_float = quantized_element(op.output.type) is None
            if is_float or not all(map(is_known, op.parameters)):
                return None
        return layout, *as_written(op)[1:-1], layout

    def rebuild(self, op: Operation, layouts: Layouts, operands: list[SSAValue]) -> list[Operation]:
        assert isinstance(op, LayerNormOp)
        layout, outer = layouts[-1], len(layouts[-1]) - int_of(op.inner_dims)
        order = [dim - outer for dim in layout[outer:]]
        input, *parameters = operands
        moved: list[Operation] = []
        if order != sorted(order):
            moved = [PermuteOp.of(parameter, order) for parameter in parameters]
            parameters = [permute.results[0] for permute in moved]
        type = permuted_type(op.output.type, layout)
        return [*moved, recreated(op, [input, *parameters], type)]


def extent(shape: Sequence[int], dims: Sequence[int]) -> tuple[int, int, int] | None:
    """Number of elements before, along and after `dims`, if these are neighbours; else None."""
    first, last = min(dims), max(dims)
    if any(d not in dims and shape[d] != 1 for d in range(first, last + 1)):
        return None
    return numel(shape[:first]), numel(shape[first : last + 1]), numel(shape[last + 1 :])


class Reduction(Rule):
    """Reductions: kernels need the reduced dimensions as neighbours, and a sum needs them last.

    Portable kernels take any layout, but another order of summation rounds differently.
    """

    def layouts(self, op: Operation, index: int, layout: Layout) -> Layouts | None:
        return (layout, layout) if quantized_element(op.results[0].type) is not None else None

    def rebuild(self, op: Operation, layouts: Layouts, operands: list[SSAValue]) -> list[Operation]:
        layout = layouts[-1]
        dims = ints(sorted(layout.index(d) for d in ints_of(op.properties["dims"])))
        return [recreated(op, operands, permuted_type(op.results[0].type, layout), dims=dims)]

    def variant(self, op: Operation, layouts: Layouts) -> Layouts | None:
        dims, layout = ints_of(op.properties["dims"]), layouts[0]
        kept, reduced = ([d for d in layout if (d in dims) is wanted] for wanted in (False, True))
        return self.layouts(op, 0, (*kept, *reduced))

    def moved_bytes(self, op: Operation, layouts: Layouts) -> int:
        layout, shape = layouts[0], shape_of(op.operands[0])
        dims = [layout.index(d) for d in ints_of(op.properties["dims"])]
        found = extent(permuted(shape, layout), dims)
        is_right = found is not None and (found[2] == 1 or not isinstance(op, SumOp))
        return 0 if is_right else bytes_of(op.operands[0])


RULES: dict[type[Operation], Rule] = {
    BinaryOp: Elementwise(),
    CallOp: Call(),
    CatOp: AlongDim(),
    Conv2dOp: Convolution(),
    ConvTranspose2dOp: Convolution(),
    DCastOp: Elementwise(),
    ExpandOp: Elementwise(),
    LayerNormOp: LayerNorm(),
    LinearOp: Linear(),
    MatmulOp: Matmul(),
    MaxPool2dOp: Convolution(),
    PadOp: Pad(),
    QCastOp: Elementwise(),
    ReductionOp: Reduction(),
    ReshapeOp: Reshape(),
    SCastOp: Elementwise(),
    SliceOp: AlongDim(),
    WhereOp: Elementwise(),
    SoftmaxOp: Softmax(),
    TakeOp: Take(),
    UnaryOp: Elementwise(),
}


def in_float_nchw(op: Operation) -> bool:
    """Whether a window op is float and in PyTorch's format."""
    assert isinstance(op, Conv2dOp | ConvTranspose2dOp | MaxPool2dOp)
    return not is_nhwc(op) and element_of(op.output) == f32


def is_pointwise(op: Operation) -> bool:
    """Whether each output position of an NHWC convolution depends only on the same input one."""
    if not isinstance(op, Conv2dOp):
        return False
    strides = ints_of(op.stride) == (1, 1) and not any(ints_of(op.padding))
    return is_nhwc(op) and strides and shape_of(op.weight)[1:3] == (1, 1)


def rule_of(op: Operation) -> Rule | None:
    """The rule for an op; None for one that works on tensors as they are written."""
    return next((RULES[kind] for kind in type(op).__mro__ if kind in RULES), None)


def bytes_of(value: SSAValue) -> int:
    """Bytes of a tensor as it will be stored."""
    return nbytes(storage_type(value.type))


def flattens_for_linear(op: Operation) -> bool:
    """Whether a reshape from [N, …] to [N, I] is read only by one linear layer of constants."""
    source, target = shape_of(op.operands[0]), shape_of(op.results[0])
    users = [use.operation for use in op.results[0].uses]
    if len(users) != 1 or len(target) != 2 or not source or source[0] != target[0]:
        return False
    linear = users[0]
    if not isinstance(linear, LinearOp) or not is_known(linear.weight):
        return False
    element = quantized_element(linear.weight.type)
    return op.results[0] is linear.input and (element is None or element.axis.data != 1)
