"""Canonicalization of `edge.cat`: average pools of parts of one image are one pool.

Upstream's decomposition of adaptive pools has a slice and a pool for each window.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, pairwise

from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.edge import AvgPool2dOp, CatOp, SliceOp, data_format_of
from cmopt.dialects.shapes import element_of, int_of, ints, ints_of, shape_of


@dataclass(frozen=True)
class Windows:
    """Where the windows of a pool begin in an image, along the rows and the columns."""

    image: SSAValue
    starts: tuple[range, range]

    def behind(self, others: list[Windows], axis: int) -> Windows | None:
        """All windows as those of one pool, if the others are behind these along an axis.

        None if they are those of other images or rows, or not evenly apart.
        """
        parts = [self, *others]
        if len({(part.image, part.starts[1 - axis]) for part in parts}) > 1:
            return None
        places = list(chain.from_iterable(part.starts[axis] for part in parts))
        steps = {after - before for before, after in pairwise(places)}
        if len(steps) > 1 or min(steps, default=0) < 1:
            return None
        joined = range(places[0], places[-1] + 1, *steps)
        rows, columns = self.starts
        return Windows(self.image, (joined, columns) if axis == 0 else (rows, joined))


def spatial_dims(op: AvgPool2dOp) -> tuple[int, int]:
    """The dimensions of the rows and the columns."""
    return (1, 2) if data_format_of(op) == "NHWC" else (2, 3)


def windows_of(op: AvgPool2dOp) -> Windows | None:
    """The windows of a pool; None if one of them is not inside the image."""
    dims, kernel, strides = spatial_dims(op), ints_of(op.kernel_size), ints_of(op.stride)
    sizes, counts = ([shape_of(v)[dim] for dim in dims] for v in (op.input, op.output))
    ends = [(n - 1) * s + k for n, s, k in zip(counts, strides, kernel, strict=True)]
    if any(ints_of(op.padding)) or any(e > size for e, size in zip(ends, sizes, strict=True)):
        return None
    image, offsets = op.input, dict.fromkeys(dims, 0)
    while isinstance(cut := image.owner, SliceOp) and int_of(cut.dim) in dims:
        offsets[int_of(cut.dim)] += int_of(cut.start)
        image = cut.input
    rows, columns = (
        range(offsets[dim], offsets[dim] + n * s, s)
        for dim, n, s in zip(dims, counts, strides, strict=True)
    )
    return Windows(image, (rows, columns))


class JoinAverages(RewritePattern):
    """`cat(avg_pool2d(slice(x)), avg_pool2d(slice(x)), …)` → `avg_pool2d(slice(x))`, if all windows
    are evenly apart and nothing else reads a part."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CatOp, rewriter: PatternRewriter) -> None:
        pools = [v.owner for v in op.inputs if isinstance(v.owner, AvgPool2dOp) and v.has_one_use()]
        if len(pools) < max(2, len(op.inputs)):
            return
        one, *others = pools
        dims, kernel = spatial_dims(one), ints_of(one.kernel_size)
        if int_of(op.dim) not in dims or any(not _differs_in_place(one, o) for o in others):
            return
        if element_of(op.output) != element_of(one.output):
            return
        windows = [w for pool in pools if (w := windows_of(pool)) is not None]
        if len(windows) < len(pools):
            return
        joined = windows[0].behind(windows[1:], dims.index(int_of(op.dim)))
        if joined is None:
            return
        ops: list[Operation] = []
        value = joined.image
        for dim, places, k in zip(dims, joined.starts, kernel, strict=True):
            size = places[-1] - places[0] + k
            if size != shape_of(value)[dim]:
                ops.append(cut := SliceOp.of(value, dim, places[0], size))
                value = cut.output
        stride = ints([places.step for places in joined.starts])
        pool = AvgPool2dOp([value], op.output.type, {**one.properties, "stride": stride})
        rewriter.replace(op, [*ops, pool])


def _differs_in_place(one: AvgPool2dOp, other: AvgPool2dOp) -> bool:
    """Whether two pools are the same except for their input and their stride."""
    a, b = ({**pool.properties, "stride": None} for pool in (one, other))
    return a == b and element_of(one.output) == element_of(other.output)


CAT_OF_POOLS: tuple[RewritePattern, ...] = (JoinAverages(),)
