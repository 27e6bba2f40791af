"""A small convolutional network for scikit-learn's 8×8 handwritten digits, and its data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn


class DigitsNet(nn.Module):
    """Input [N,1,8,8] in 0…1, output [N,10]: convolution, depthwise, residual add, pool, linear."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
        )
        self.depthwise = nn.Sequential(
            nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False), nn.BatchNorm2d(16), nn.ReLU()
        )
        self.pointwise = nn.Sequential(
            nn.Conv2d(16, 32, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU()
        )
        self.residual = nn.Conv2d(32, 32, 3, padding=1)
        self.activation = nn.ReLU()
        self.pool = nn.AvgPool2d(4)
        self.dropout = nn.Dropout(0.1)
        self.classifier = nn.Linear(32 * 2 * 2, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pointwise(self.depthwise(self.stem(x)))
        x = self.activation(self.residual(x) + x)
        x = torch.flatten(self.dropout(self.pool(x)), 1)
        return self.classifier(x)


@dataclass(frozen=True)
class Digits:
    """Images [N,1,8,8] as float32 in 0…1 and labels [N]. A quarter is held out."""

    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor


def load() -> Digits:
    """The 1,797 digits of scikit-learn, always split in the same way."""
    bunch = load_digits()
    images = (bunch.images / 16.0).astype(np.float32)[:, None]
    parts = train_test_split(
        images, bunch.target, test_size=0.25, random_state=0, stratify=bunch.target
    )
    train_x, test_x, train_y, test_y = (torch.from_numpy(np.ascontiguousarray(p)) for p in parts)
    return Digits(train_x, train_y, test_x, test_y)


def train(data: Digits, epochs: int = 12, seed: int = 0) -> DigitsNet:
    """Train from scratch, in seconds on one core. A seed always gives the same network."""
    torch.manual_seed(seed)
    net = DigitsNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(epochs):
        for batch in torch.randperm(len(data.train_images)).split(64):
            loss = nn.functional.cross_entropy(
                net(data.train_images[batch]), data.train_labels[batch]
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net.eval()
