"""Train a small classifier of 8×8 digits, and save it as a float program with its samples.

Writes float.pt2 (what torch.export gives), samples.npz (for calibration) and test.npz (one image).
Replace this file by your own model: the other commands stay the same.
"""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images[:, None] / 16, dtype=torch.float32)  # [N, 1, 8, 8], 0…1
labels = torch.tensor(digits.target)
train, test = slice(0, 1400), slice(1400, None)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 16, 3, padding=1)
        self.second = nn.Conv2d(16, 32, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.scores = nn.Linear(32 * 2 * 2, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.pool(torch.relu(self.first(image)))
        x = self.pool(torch.relu(self.second(x)))
        return self.scores(x.flatten(1))


net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-2)
for _ in range(3):
    for batch in torch.randperm(1400).split(100):
        loss = nn.functional.cross_entropy(net(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
net.eval()

if __name__ == "__main__":
    torch.export.save(torch.export.export(net, (images[:1],)), "float.pt2")
    np.savez("samples.npz", image=images[:100].unsqueeze(1).numpy())
    np.savez("test.npz", image=images[1400:1401].numpy())
    right = (net(images[test]).argmax(1) == labels[test]).float().mean()
    print(f"float accuracy {right:.1%}")
