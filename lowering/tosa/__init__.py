"""`edge` ops on quantized tensors as `tosa` ops (INT profile, 1.0), one file a family.

Each function takes an op and a `RegionBuilder`, adds what computes the op's stored result, and
gives that value. Its docstring states the bound in steps of the op's result; `0` means exact.
What cannot be said in TOSA raises `Unsupported` with the reason.
"""
