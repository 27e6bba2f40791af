"""What a test passes to ExecuTorch's tester: its model, its inputs, and how it quantizes."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from torch import nn

from peer_suites.suites import Case, seed


@dataclass(frozen=True)
class Recorded:
    """The model and the inputs of a case, and ExecuTorch's tester with its quantize stage."""

    model: nn.Module
    inputs: tuple[Any, ...]
    tester: Any
    quantize: Any

    @property
    def calibration(self) -> list[tuple[Any, ...]]:
        """The inputs that calibrate: the model's, if the test has no others."""
        return [tuple(sample) for sample in self.quantize.calibration_samples or [self.inputs]]


class NoModel(Exception):
    """A test has nothing to compare. `str(error)` is the reason."""


class _Stop(BaseException):
    """Leaves a test function, past its own `except Exception`, with what was recorded."""

    def __init__(self, recorded: tuple[Any, ...]):
        self.recorded = recorded


def record(case: Case) -> Recorded:
    """Run the test until it reaches the tester. Raises NoModel if it does not.

    The random numbers that a test draws for its inputs depend only on the name of the case.
    """
    from executorch.backends.test.harness.tester import Tester

    seed(case.key.partition("/")[2].partition("#")[0])

    run_stage = Tester._run_stage

    def at_first_stage(tester: Any, stage: Any, *args: Any, **options: Any) -> Any:
        if stage.stage_type().name == "INITIAL_MODEL":
            return run_stage(tester, stage, *args, **options)
        raise _Stop((tester, stage))

    with patch.object(Tester, "_run_stage", at_first_stage):
        try:
            case.function(**_arguments(case))
        except _Stop as stop:
            recorded = stop.recorded
        except NoModel:
            raise
        except BaseException as error:  # pytest's `skip` is not an Exception.
            if isinstance(error, KeyboardInterrupt):
                raise
            line = " ".join(str(error).split())[:160]
            message = f"the test ends before its tester: {type(error).__name__}: {line}"
            raise NoModel(message) from error
        else:
            raise NoModel("the test uses no tester")
    if len(recorded) == 3:
        return Recorded(*_by_its_flow(case, *recorded))
    tester, stage = recorded
    return _checked(case, Recorded(tester.original_module, tester.example_inputs, tester, stage))


def _arguments(case: Case) -> dict[str, Any]:
    """The parameters of a case, and the fixtures of ExecuTorch's `conftest` that give a target."""
    arguments = dict(case.arguments)
    for name in inspect.signature(case.function).parameters:
        if name in arguments:
            continue
        if name == "test_runner":
            arguments[name] = _Runner(case.index)
        elif name == "cortex_m_target":
            from executorch.backends.cortex_m.target_config import CortexMTargetConfig

            arguments[name] = CortexMTargetConfig.from_target_string("cortex-m55")
        else:
            raise NoModel(f"the test takes {name!r}, which only pytest can give")
    return arguments


class _Runner:
    """Replaces the operator suite's own runner, and stops at the model with the given index."""

    def __init__(self, index: int):
        self._before = index

    _flow = SimpleNamespace(name="recorder", backend="recorder", quantize=True)

    def lower_and_run_model(self, model: nn.Module, inputs: Any, **options: Any) -> None:
        self._before -= 1
        if self._before >= 0:
            return
        if options.get("dynamic_shapes") is not None:
            raise NoModel("dynamic shapes")
        raise _Stop(("by its flow", model, inputs))


def _by_its_flow(case: Case, _: str, model: nn.Module, inputs: Any) -> tuple[Any, ...]:
    """The tester that ExecuTorch's suite of operators makes for a backend."""
    if case.suite.has_npu:
        from executorch.backends.test.suite.flows.arm import ARM_ETHOS_U55_FLOW as flow
    else:
        from executorch.backends.test.suite.flows.cortex_m import CORTEX_M_TEST_FLOW as flow
    tester = flow.tester_factory(model, inputs)
    if case.suite.has_npu:
        from executorch.backends.arm.quantizer import get_symmetric_quantization_config
        from executorch.backends.arm.test.tester.quantize import ArmQuantize
        from executorch.backends.arm.util._factory import create_quantizer

        config = get_symmetric_quantization_config(is_per_channel=True)
        stage = ArmQuantize(create_quantizer(tester.compile_spec), config)
    else:
        stage = flow.quantize_stage_factory()
    return model, tuple(inputs), tester, stage


def _checked(case: Case, recorded: Recorded) -> Recorded:
    """Raises NoModel if the test does not quantize its model to int8 or int16."""
    from executorch.backends.test.harness.stages import Quantize

    if not isinstance(recorded.quantize, Quantize):
        raise NoModel("the test does not quantize its model")
    if recorded.tester.dynamic_shapes is not None:
        raise NoModel("dynamic shapes")
    if case.suite.has_npu:
        config = getattr(recorded.quantize.quantizer, "global_config", None)
        activation = getattr(config, "input_activation", None)
        if activation is not None and activation.dtype not in (torch.int8, torch.int16):
            raise NoModel(f"the test quantizes to {activation.dtype}, not to int8 or int16")
    return recorded
