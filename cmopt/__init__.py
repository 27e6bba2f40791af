"""PyTorch to Arm microcontrollers: one readable IR from `torch.export` to `.pte`.

    exported = cmopt.quantize(model, example_inputs, calibration=data)
    program = cmopt.compile(exported, target="cortex-m55")
    program.save("model.pte")

Importing this package imports no torch; its functions do when they are called. From then on
`torch.export.load` reads quantized programs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cmopt.frontend.registration import register_operators_on_load

if TYPE_CHECKING:
    from cmopt.frontend.precision import Precision, precision_report
    from cmopt.frontend.quantize import quantize
    from cmopt.frontend.recurrent_roles import GruConfig, LstmConfig
    from cmopt.pipeline.driver import compile
    from cmopt.pipeline.program import Program
    from cmopt.pipeline.report import Report
    from cmopt.pipeline.scores import Evaluation
    from cmopt.support.diagnostics import CompileError
    from cmopt.support.precision_report import LayerPrecision, PrecisionReport

_WHERE = {
    "CompileError": "cmopt.support.diagnostics",
    "Evaluation": "cmopt.pipeline.scores",
    "GruConfig": "cmopt.frontend.recurrent_roles",
    "LstmConfig": "cmopt.frontend.recurrent_roles",
    "LayerPrecision": "cmopt.support.precision_report",
    "Precision": "cmopt.frontend.precision",
    "PrecisionReport": "cmopt.support.precision_report",
    "Program": "cmopt.pipeline.program",
    "Report": "cmopt.pipeline.report",
    "compile": "cmopt.pipeline.driver",
    "precision_report": "cmopt.frontend.precision",
    "quantize": "cmopt.frontend.quantize",
}

register_operators_on_load()

__all__ = [
    "CompileError", "Evaluation", "GruConfig", "LayerPrecision", "LstmConfig", "Precision",
    "PrecisionReport", "Program", "Report", "compile", "precision_report", "quantize",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'cmopt' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
