"""From ATen operators to `edge`: functions from a `Call` to its value, a module for each family.

`frontend/operators.py` says which function is for which operator. An operator that has none there,
and a call for which the function returns None, become `edge.call`.
"""
