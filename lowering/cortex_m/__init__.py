"""The rules of `convert-edge-to-cortex-m`, one module for each family of kernels.

A rule takes an `edge` op on quantized types and makes `cortex_m` ops on their storage. Its
docstring states the bound: by how many steps the result may differ from the `edge` op's exact
meaning (dequantize → float32 → quantize). To lower a new op, add a rule to the module of its
kernel's family and to `RULES` in `rules.py`.
"""
