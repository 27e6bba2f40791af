"""Patterns of `convert-edge-to-cortex-m`, one module a family of kernels.

Each pattern takes an `edge` op on quantized types and gives a `cortex_m` op on their storage; its
docstring states the bound: how many steps the result may differ from the `edge` op's exact
meaning (dequantize → float32 → quantize). To lower a new op, add a pattern to the module of its
kernel's family and to `PATTERNS` there.
"""
