"""Lowering of ops on int16 activations to the kernels of the dialect `cmopt`.

`rules.py` has the table: one rule for each kind of op.
"""
