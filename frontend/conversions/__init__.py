"""From ATen operators to `edge`: functions from a `Call` to its value, a module for each family.

`frontend/operators.py` lists the function of each operator. An operator without a function, and a
call for which the function returns None, become `edge.call`.
"""
