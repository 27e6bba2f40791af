"""Random small networks: a plan of layers and functions, made while it runs on an example."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MAX_ELEMENTS = 3000

Step = tuple[Callable[..., Tensor], tuple[int, ...], int | None]
"""A function of tensors, the numbers of its operands, and the number of its layer or None."""

_ACTIVATIONS: list[Callable[[Tensor], Tensor]] = [
    torch.relu, F.relu6, F.hardtanh, torch.sigmoid, torch.tanh, F.hardswish, F.silu, F.gelu,
    F.hardsigmoid, F.leaky_relu, torch.neg, torch.abs, lambda x: F.gelu(x, approximate="tanh"),
    lambda x: torch.clamp(x, -0.3, 0.7), lambda x: torch.clamp(x, min=0.1), F.elu,
]  # fmt: skip


class RandomNet(nn.Module):
    """A network that `NetworkBuilder` planned. Values are numbered: inputs, then step results."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        self.steps: list[Step] = []
        self.outputs: list[int] = []

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        values = list(inputs)
        for function, arguments, layer in self.steps:
            given: list[Any] = [values[i] for i in arguments]
            if layer is not None:
                given.insert(0, self.layers[layer])
            values.append(function(*given))
        return tuple(values[i] for i in self.outputs)


def _apply(layer: nn.Module, x: Tensor) -> Tensor:
    result: Tensor = layer(x)
    return result


class NetworkBuilder:
    """Plans one network. All choices come from `random`, and all weights from torch's seed."""

    def __init__(self, random: Random):
        self.random = random
        self.net = RandomNet()
        self.values: list[Tensor] = []

    def build(self) -> tuple[RandomNet, tuple[Tensor, ...]]:
        """The network and example inputs, in any memory layout."""
        random = self.random
        inputs = tuple(self.input() for _ in range(random.choice([1, 1, 1, 2, 3])))
        self.values = list(inputs)
        wanted = len(inputs) + random.choice([1, 1, 2, 3, 4, 6])
        for _ in range(60):
            if len(self.values) >= wanted:
                break
            self.step()
        outputs = [len(self.values) - 1]
        while random.random() < 0.2:
            outputs.append(random.randrange(len(self.values)))
        self.net.outputs = outputs
        return self.net.eval(), inputs

    def input(self) -> Tensor:
        random = self.random
        rank = random.choice([4, 4, 4, 4, 3, 2, 2, 1, 5, 0])
        if rank == 4:
            shape = [random.choice([1, 1, 1, 2]), random.choice([1, 2, 3, 4, 8])]
            shape += [random.choice([1, 2, 5, 6, 8]) for _ in range(2)]
        else:
            shape = [random.choice([1, 1, 2, 3, 5]) for _ in range(rank)]
        x = torch.randn(shape)
        choice = random.random()
        if rank == 4 and choice < 0.35:
            return x.contiguous(memory_format=torch.channels_last)
        if rank >= 2 and choice > 0.85:
            return x.transpose(0, 1).contiguous().transpose(0, 1)  # same sizes, other strides
        if rank >= 1 and choice > 0.75:
            return torch.randn([*shape[:-1], 2 * shape[-1]])[..., ::2]
        return x

    def step(self) -> None:
        random = self.random
        index = len(self.values) - 1
        if random.random() < 0.25:
            index = random.randrange(len(self.values))
        make = random.choice(
            [
                *[self.convolution, self.activation, self.binary, self.movement] * 2,
                *[self.linear, self.pool, self.constant, self.other],
            ]
        )
        made = make(index)
        if made is None:
            return
        function, arguments, layer = made
        given: list[Any] = [self.values[i] for i in arguments]
        number = None
        if layer is not None:
            number = len(self.net.layers)
            given.insert(0, layer.eval())
        try:
            with torch.no_grad():
                result = function(*given)
        except (RuntimeError, ValueError, IndexError):  # the step does not fit these shapes
            return
        if result.dtype != torch.float32 or not 0 < result.numel() <= MAX_ELEMENTS:
            return
        if layer is not None:
            self.net.layers.append(layer)
        self.net.steps.append((function, arguments, number))
        self.values.append(result)

    Made = tuple[Callable[..., Tensor], tuple[int, ...], nn.Module | None]

    def convolution(self, index: int) -> Made | None:
        random, x = self.random, self.values[index]
        if x.dim() not in (3, 4):
            return None
        rank = x.dim() - 2
        channels = x.shape[1]
        groups = random.choice([g for g in (1, 1, 2, channels) if channels % g == 0])
        kind = nn.Conv2d if rank == 2 else nn.Conv1d
        sizes = lambda *choices: tuple(random.choice(choices) for _ in range(rank))  # noqa: E731
        stride = sizes(1, 1, 2, 3)
        padding: Any = sizes(0, 0, 1, 2)
        if set(stride) == {1} and random.random() < 0.2:
            padding = "same"
        layer = kind(
            channels, groups * random.choice([1, 2, 3]), sizes(1, 2, 3, 3), stride, padding,
            sizes(1, 1, 1, 2), groups, bias=random.random() < 0.7,
        )  # fmt: skip
        if rank == 2 and random.random() < 0.2:
            norm = nn.BatchNorm2d(layer.out_channels)
            nn.init.uniform_(norm.running_var, 0.1, 2)  # type: ignore[arg-type]
            return _apply, (index,), nn.Sequential(layer, norm)
        return _apply, (index,), layer

    def linear(self, index: int) -> Made | None:
        x = self.values[index]
        if x.dim() == 0:
            return None
        layer = nn.Linear(
            x.shape[-1], self.random.choice([1, 2, 5, 8]), bias=self.random.random() < 0.7
        )
        return _apply, (index,), layer

    def pool(self, index: int) -> Made | None:
        random = self.random
        if self.values[index].dim() != 4:
            return None
        kernel = random.choice([1, 2, 3, (1, 2), (3, 1)])
        least = kernel if isinstance(kernel, int) else min(kernel)
        padding, stride = random.randint(0, least // 2), random.choice([None, 1, 2, (2, 1)])
        ceil = random.random() < 0.2
        choice = random.random()
        if choice < 0.4:
            layer: nn.Module = nn.MaxPool2d(
                kernel, stride, padding, random.choice([1, 1, 2]), ceil_mode=ceil
            )
        elif choice < 0.8:
            layer = nn.AvgPool2d(
                kernel, stride, padding, ceil, count_include_pad=random.random() < 0.5
            )
        else:
            layer = nn.AdaptiveAvgPool2d(random.choice([1, 1, 2, (1, 2)]))
        return _apply, (index,), layer

    def activation(self, index: int) -> Made:
        return self.random.choice(_ACTIVATIONS), (index,), None

    def binary(self, index: int) -> Made:
        other = self.random.randrange(len(self.values))
        function = self.random.choice([torch.add, torch.add, torch.mul, torch.mul, torch.sub])
        pair = (index, other) if self.random.random() < 0.5 else (other, index)
        return function, pair, None

    def constant(self, index: int) -> Made:
        random, shape = self.random, self.values[index].shape
        function = random.choice([torch.add, torch.mul, torch.sub])
        value: Any = random.choice([0.5, -2, 0.0, 3])
        if random.random() < 0.7:
            size = [d if random.random() < 0.5 else 1 for d in shape]
            value = torch.randn(size[random.randint(0, len(size)) :]) * random.choice([0.1, 1, 5])
            if random.random() < 0.2:
                value = torch.ones_like(value)
            return _Constant.run, (index,), _Constant(function, value)
        return (lambda x: function(x, value)), (index,), None

    def movement(self, index: int) -> Made:
        random, x = self.random, self.values[index]
        dim = random.randrange(max(1, x.dim()))
        order = list(range(x.dim()))
        random.shuffle(order)
        functions: list[Callable[[Tensor], Tensor]] = [
            lambda x: x.permute(order),
            lambda x: x.permute(order).contiguous(),
            lambda x: x.reshape(-1),
            lambda x: torch.flatten(x, min(1, x.dim() - 1) if x.dim() else 0),
            lambda x: x.unsqueeze(dim),
            lambda x: x.squeeze(dim),
            lambda x: x.transpose(0, dim),
            lambda x: x.reshape(1, -1, 1),
            lambda x: x.contiguous(memory_format=torch.channels_last),
        ]
        return random.choice(functions), (index,), None

    def other(self, index: int) -> Made:
        random, x = self.random, self.values[index]
        dim = random.randrange(max(1, x.dim()))
        second = random.randrange(len(self.values))
        unary: list[Callable[[Tensor], Tensor]] = [
            lambda x: torch.softmax(x, dim),
            lambda x: x.mean(dim),
            lambda x: x.mean(dim, keepdim=True),
            lambda x: x.sum(dim),
            lambda x: x.narrow(dim, 0, 1),
            lambda x: F.pad(x, (1, 0)),
            lambda x: F.pad(x, (0, 1, 2, 0), value=0.5),
            lambda x: F.dropout(x, 0.5, training=False),
            lambda x: x.amax(dim),
            lambda x: x.expand(2, *x.shape),
        ]
        if random.random() < 0.25:
            return (lambda a, b: torch.cat([a, b], dim)), (index, second), None
        return random.choice(unary), (index,), None


class _Constant(nn.Module):
    """A function of a tensor and a constant of the model."""

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor], value: Tensor):
        super().__init__()
        self.function = function
        self.register_buffer("value", value)

    def run(self, x: Tensor) -> Tensor:
        value = self.value
        assert isinstance(value, Tensor)
        return self.function(x, value)


def random_network(seed: int) -> tuple[RandomNet, tuple[Tensor, ...]]:
    """The network of a seed, and inputs to export it with."""
    torch.manual_seed(seed)
    return NetworkBuilder(Random(seed)).build()
