"""`edge` ops on quantized tensors as `tosa` ops (INT profile, 1.0), one file for each family.

Each rule takes an op and a `RegionBuilder`, adds the ops that compute the op's stored result, and
returns that value. Its docstring states the bound in steps of the op's result; `0` means exact.
Raises `Unsupported` with the reason if TOSA cannot express the op.
"""
