"""The algebra of layouts, and the choice between them.

A *layout* of a tensor is a permutation `p` of its dimensions: its bytes are those of
`permute(tensor, p)`, row-major. `permutations` holds the rules, `modes` what each op can do in
which layouts, `solver` the exact choice; `choose-layouts` is the pass that joins them.
"""
