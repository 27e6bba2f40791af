"""The networks that whole-program tests compile, quantized once per test session."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import nn
from torch.export import ExportedProgram

import cmopt

sys.path.insert(0, str(Path(__file__).parents[1]))
from models import randomize_statistics

DEMO = Path(__file__).parents[2] / "demo"


@dataclass(frozen=True)
class Network:
    """A quantized program, its input generator, and the step of its output."""

    name: str
    exported: ExportedProgram
    shape: tuple[int, ...]

    def inputs(self, count: int, seed: int = 1) -> list[torch.Tensor]:
        """Random inputs, of the calibrated range and a little beyond."""
        generator = torch.Generator().manual_seed(seed)
        return [torch.randn(self.shape, generator=generator) * 1.2 for _ in range(count)]

    @property
    def output_step(self) -> float:
        """One step of the output's quantization: the scale of the last dequantize."""
        nodes = [n for n in self.exported.graph.nodes if "dequantize_per_tensor" in str(n.target)]
        scale = nodes[-1].args[1]
        assert isinstance(scale, float)
        return scale


def quantize(name: str, module: nn.Module, shape: tuple[int, ...]) -> Network:
    """Quantize a float network on random inputs."""
    generator = torch.Generator().manual_seed(0)
    batches = [(torch.randn(shape, generator=generator),) for _ in range(8)]
    return Network(name, cmopt.quantize(module, batches[0], calibration=batches), shape)


def mlperf_tiny(name: str, model: str, shape: tuple[int, ...]) -> Network:
    """A network of MLPerf Tiny, with random weights."""
    from executorch.examples.models import mlperf_tiny as models

    torch.manual_seed(0)
    module = getattr(models, model)().eval()
    randomize_statistics(module, torch.Generator().manual_seed(0))
    return quantize(name, module, shape)


@cache
def ds_cnn() -> Network:
    """Keyword spotting."""
    return mlperf_tiny("ds_cnn", "DSCNNKWS", (1, 1, 49, 10))


@cache
def resnet8() -> Network:
    """Image classification."""
    return mlperf_tiny("resnet8", "ResNet8", (1, 3, 32, 32))


@cache
def mobilenet_v1() -> Network:
    """Visual wake words."""
    return mlperf_tiny("mobilenet_v1", "MobileNetV1025", (1, 3, 96, 96))


@cache
def deep_autoencoder() -> Network:
    """Anomaly detection."""
    return mlperf_tiny("deep_autoencoder", "DeepAutoEncoder", (1, 640))


@cache
def digits() -> Network:
    """The demo's network, with random weights."""
    sys.path.insert(0, str(DEMO))
    try:
        from digits_net import DigitsNet
    finally:
        sys.path.remove(str(DEMO))
    torch.manual_seed(0)
    module = DigitsNet().eval()
    randomize_statistics(module, torch.Generator().manual_seed(0))
    return quantize("digits", module, (1, 1, 8, 8))


NETWORKS = {"digits": digits, "ds_cnn": ds_cnn}
MLPERF_TINY = {
    "ds_cnn": ds_cnn,
    "resnet8": resnet8,
    "mobilenet_v1": mobilenet_v1,
    "deep_autoencoder": deep_autoencoder,
}
