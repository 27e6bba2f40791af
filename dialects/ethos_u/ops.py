"""A delegate and its terminator."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import StringAttr, TensorType
from xdsl.ir import Attribute, Block, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.traits import IsolatedFromAbove, IsTerminator, Pure
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.ethos_u.constraints import why_not
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.support.vela_settings import VelaSettings

_SETTINGS = ("system_config", "memory_mode", "vela_config")


def _form(value: SSAValue) -> tuple[Attribute, tuple[int, ...]]:
    return element_of(value), shape_of(value)


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Ends a delegate's region with its results."""

    name = "ethos_u.yield"

    values = var_operand_def(TensorType)

    traits = traits_def(IsTerminator())
    assembly_format = "attr-dict ($values^ `:` type($values))?"

    def __init__(self, values: Sequence[SSAValue]):
        super().__init__(operands=[values])


@irdl_op_definition
class DelegateOp(IRDLOperation):
    """One call of the NPU: a command stream that Vela compiles from the region.

    `npu` is an accelerator configuration ("ethos-u55-128"). The region takes the operands as
    block arguments, contains `tosa` ops that this NPU can do, and yields the results. Operands and
    results are row-major integers. The attributes `ethos_u.system_config`, `ethos_u.memory_mode`
    and `ethos_u.vela_config` are those of `VelaSettings`, if they are not the defaults.
    """

    name = "ethos_u.delegate"

    inputs = var_operand_def(TensorType)
    npu = prop_def(StringAttr)
    body = region_def("single_block")
    outputs = var_result_def(TensorType)

    traits = traits_def(Pure(), IsolatedFromAbove())
    assembly_format = "$npu `(` $inputs `)` $body attr-dict `:` functional-type($inputs, $outputs)"

    def __init__(self, inputs: Sequence[SSAValue], npu: str, body: Block,
                 outputs: Sequence[Attribute]):  # fmt: skip
        super().__init__(
            operands=[inputs],
            properties={"npu": StringAttr(npu)},
            regions=[Region(body)],
            result_types=[outputs],
        )

    @property
    def settings(self) -> VelaSettings:
        """The memories that Vela compiles for."""
        found = (self.attributes.get(f"ethos_u.{name}") for name in _SETTINGS)
        return VelaSettings(*(a.data if isinstance(a, StringAttr) else "" for a in found))

    @settings.setter
    def settings(self, settings: VelaSettings) -> None:
        texts = (settings.system_config, settings.memory_mode, settings.config)
        for name, text in zip(_SETTINGS, texts, strict=True):
            if text:
                self.attributes[f"ethos_u.{name}"] = StringAttr(text)

    @property
    def end(self) -> YieldOp:
        """The terminator."""
        last = self.body.block.last_op
        assert isinstance(last, YieldOp), "a delegate ends in ethos_u.yield"
        return last

    def verify_(self) -> None:
        block = self.body.block
        if not isinstance(end := block.last_op, YieldOp):
            raise VerifyException("must end in ethos_u.yield")
        for what, inner, outer in (
            ("argument", block.args, self.inputs),
            ("result", end.values, self.outputs),
        ):
            # A planned value's type has a place outside the region only.
            if [_form(v) for v in inner] != [_form(v) for v in outer]:
                raise VerifyException(f"the region's {what}s are not of the op's types")
        if not self.outputs:
            raise VerifyException("computes nothing")
        for op in block.ops:
            if op is not end and (reason := why_not(op, self.npu.data)) is not None:
                raise VerifyException(reason)
