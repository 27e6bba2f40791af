"""The reference models, which show whether real networks compile well.

Weights are random and the same in every run. Silero's are its own if they are installed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from .convnext import ConvNeXt
from .mobilenet_v2 import MobileNetV2
from .mobilenet_v3_small import MobileNetV3Small
from .silero_vad import silero_vad
from .wav2letter import Wav2Letter
from .yolo11n import YOLO11n

Inputs = tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class Model:
    """How to make a float model, and the shapes of its inputs."""

    make: Callable[[], nn.Module]
    shapes: tuple[tuple[int, ...], ...]

    def module(self) -> nn.Module:
        """The model in eval mode, with seeded weights and batch norm statistics."""
        torch.manual_seed(0)
        module = self.make().eval()
        randomize_statistics(module, torch.Generator().manual_seed(0))
        return module

    def inputs(self, count: int, seed: int = 0) -> list[Inputs]:
        """Random inputs of mean 0 and deviation 1."""
        generator = torch.Generator().manual_seed(seed)
        return [
            tuple(torch.randn(shape, generator=generator) for shape in self.shapes)
            for _ in range(count)
        ]


def randomize_statistics(module: nn.Module, generator: torch.Generator) -> None:
    """Give batch norms statistics and biases other than 0 and 1, as training would."""
    for part in module.modules():
        if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)):
            for tensor, low, high in (
                (part.running_mean, -0.3, 0.3),
                (part.running_var, 0.05, 0.3),
                (part.weight.data, 0.6, 1.4),
                (part.bias.data, -0.3, 0.3),
            ):
                assert tensor is not None
                tensor.uniform_(low, high, generator=generator)


def mlperf_tiny(name: str) -> Callable[[], nn.Module]:
    """A function that makes a model of `executorch.examples.models.mlperf_tiny`."""

    def make() -> nn.Module:
        from executorch.examples.models import mlperf_tiny

        module: nn.Module = getattr(mlperf_tiny, name)()
        return module

    return make


MODELS = {
    "ds_cnn": Model(mlperf_tiny("DSCNNKWS"), ((1, 1, 49, 10),)),
    "resnet8": Model(mlperf_tiny("ResNet8"), ((1, 3, 32, 32),)),
    "mobilenet_v1": Model(mlperf_tiny("MobileNetV1025"), ((1, 3, 96, 96),)),
    "deep_autoencoder": Model(mlperf_tiny("DeepAutoEncoder"), ((1, 640),)),
    "wav2letter": Model(lambda: Wav2Letter(29), ((1, 1, 16000),)),
    "wav2letter_short": Model(lambda: Wav2Letter(29), ((1, 1, 700),)),
    "mobilenet_v2": Model(MobileNetV2, ((1, 3, 224, 224),)),
    "mobilenet_v3_small": Model(MobileNetV3Small, ((1, 3, 224, 224),)),
    "yolo11n": Model(YOLO11n, ((1, 3, 320, 320),)),
    "convnext_bn_relu": Model(lambda: ConvNeXt("bn", "relu"), ((1, 3, 64, 64),)),
    "convnext_bn_gelu": Model(lambda: ConvNeXt("bn", "gelu"), ((1, 3, 64, 64),)),
    "convnext_ln_relu": Model(lambda: ConvNeXt("ln", "relu"), ((1, 3, 64, 64),)),
    "convnext_ln_gelu": Model(lambda: ConvNeXt("ln", "gelu"), ((1, 3, 64, 64),)),
    "silero_vad": Model(silero_vad, ((1, 576), (2, 1, 128))),
}
