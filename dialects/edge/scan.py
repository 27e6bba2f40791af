"""A loop over the steps of a sequence."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr, TensorType, UnitAttr, i64
from xdsl.ir import Attribute, Block, BlockArgument, Region, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    AttrSizedResultSegments,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.traits import IsolatedFromAbove, Pure
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge.base import EdgePatterns
from cmopt.dialects.edge.map import YieldOp
from cmopt.dialects.shapes import element_of, int_of, shape_of


@irdl_op_definition
class ScanOp(IRDLOperation):
    """Run the body `steps` times, in the manner of `torch.ops.higher_order.scan`.

    The body takes the carried values, one slice along dimension 0 of each sequence, and the
    invariants. It yields the new carried values, then one slice of each stacked result. The first
    step takes `initial`; the carried values after the last step are `final`. Step t takes slice t
    of each sequence and makes slice t of each stacked result. With `reverse`, the last slice comes
    first. The body sees no other values from outside; constants are in it.

    A sequence is `steps × shape`, its slice is `shape`. No type changes at the op's border: the
    elements of operands and block arguments, and of yielded values and results, are equal.
    """

    name = "edge.scan"

    initial = var_operand_def(TensorType)
    sequences = var_operand_def(TensorType)
    invariants = var_operand_def(TensorType)
    steps = prop_def(IntegerAttr)
    reverse = opt_prop_def(UnitAttr)
    body = region_def("single_block")
    final = var_result_def(TensorType)
    stacked = var_result_def(TensorType)

    irdl_options = (
        AttrSizedOperandSegments(as_property=True),
        AttrSizedResultSegments(as_property=True),
        ParsePropInAttrDict(),
    )
    traits = traits_def(Pure(), IsolatedFromAbove(), EdgePatterns())
    assembly_format = (
        "attr-dict `carried` `(` ($initial^ `:` type($initial))? `)` "
        "`sequences` `(` ($sequences^ `:` type($sequences))? `)` "
        "`invariants` `(` ($invariants^ `:` type($invariants))? `)` "
        "$body `->` `final` `(` (type($final)^)? `)` `stacked` `(` (type($stacked)^)? `)`"
    )

    def __init__(
        self,
        initial: Sequence[SSAValue],
        sequences: Sequence[SSAValue],
        invariants: Sequence[SSAValue],
        body: Block,
        stacked: Sequence[Attribute],
        *,
        steps: int,
        reverse: bool = False,
    ):
        """stacked: the types of the stacked results."""
        super().__init__(
            operands=[initial, sequences, invariants],
            properties={
                "steps": IntegerAttr(steps, i64),
                **({"reverse": UnitAttr()} if reverse else {}),
            },
            regions=[Region(body)],
            result_types=[[value.type for value in initial], stacked],
        )

    @property
    def end(self) -> YieldOp:
        """The terminator."""
        last = self.body.block.last_op
        assert isinstance(last, YieldOp), "a scan ends in edge.yield"
        return last

    @property
    def count(self) -> int:
        """The number of steps."""
        return int_of(self.steps)

    @property
    def order(self) -> range:
        """The slices of a sequence in the order in which the steps take them."""
        return range(self.count)[::-1] if self.reverse is not None else range(self.count)

    @property
    def carried(self) -> tuple[BlockArgument, ...]:
        """The block arguments that are carried from step to step."""
        return self.body.block.args[: len(self.initial)]

    @property
    def slices(self) -> tuple[BlockArgument, ...]:
        """The block arguments that are slices of the sequences."""
        first = len(self.initial)
        return self.body.block.args[first : first + len(self.sequences)]

    @property
    def captured(self) -> tuple[BlockArgument, ...]:
        """The block arguments that are the invariants."""
        return self.body.block.args[len(self.initial) + len(self.sequences) :]

    @property
    def renewed(self) -> tuple[SSAValue, ...]:
        """The yielded values that are carried on."""
        return tuple(self.end.values[: len(self.initial)])

    @property
    def parts(self) -> tuple[SSAValue, ...]:
        """The yielded values that are slices of the stacked results."""
        return tuple(self.end.values[len(self.initial) :])

    def verify_(self) -> None:
        if not isinstance(end := self.body.block.last_op, YieldOp):
            raise VerifyException("must end in edge.yield")
        if self.count < 1:
            raise VerifyException(f"must have a step, got {self.count}")
        arguments, yielded = len(self.body.block.args), len(end.values)
        if arguments != len(self.operands):
            raise VerifyException(f"its body takes {arguments} values of {len(self.operands)}")
        if len(self.final) != len(self.initial) or yielded != len(self.results):
            raise VerifyException(
                f"its body yields {yielded} values for {len(self.results)} results, of which "
                f"{len(self.initial)} are carried"
            )
        for what, inside, outside in (
            ("carried value", self.carried, self.initial),
            ("new carried value", self.renewed, self.initial),
            ("final value", self.final, self.initial),
            ("invariant", self.captured, self.invariants),
        ):
            self._verify_equal(what, inside, outside, ())
        self._verify_equal("slice", self.slices, self.sequences, (self.count,))
        self._verify_equal("yielded slice", self.parts, self.stacked, (self.count,))

    def _verify_equal(self, what: str, inside: Sequence[SSAValue], outside: Sequence[SSAValue],
                      steps: tuple[int, ...]) -> None:  # fmt: skip
        # A planned value's type has a place, which may differ.
        for index, (inner, outer) in enumerate(zip(inside, outside, strict=True)):
            wanted = element_of(inner), (*steps, *shape_of(inner))
            if (element_of(outer), shape_of(outer)) != wanted:
                raise VerifyException(f"{what} {index}: {inner.type} does not fit {outer.type}")
