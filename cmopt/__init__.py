"""PyTorch to Arm microcontrollers: one readable IR from `torch.export` to `.pte`."""
