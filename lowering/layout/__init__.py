"""The algebra of layouts, and the choice between them.

A *layout* of a tensor is a permutation `p` of its dimensions: its bytes are those of
`permute(tensor, p)`, row-major. `permutations` has the algebra, `modes` the layouts in which each
op can work, and `solver` the exact choice. The pass `choose-layouts` uses all three.
"""
