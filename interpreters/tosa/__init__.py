"""What each `tosa` op computes: TOSA 1.0, INT profile, in numpy.

A case that the specification leaves undefined (its REQUIREs: an accumulator that overflows, a
shift out of range, …) raises ValueError with the op's name and the value: the program is wrong.
"""

from cmopt.interpreters.tosa.functions import TosaFunctions

__all__ = ["TosaFunctions"]
