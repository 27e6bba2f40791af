"""Quantize one convolution with a relu, and save it: conv.pt2."""

import torch
from torch import nn

import cmopt

torch.manual_seed(0)
net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
samples = [(torch.rand(1, 3, 8, 8),) for _ in range(4)]
torch.export.save(cmopt.quantize(net.eval(), samples[0], calibration=samples), "conv.pt2")
