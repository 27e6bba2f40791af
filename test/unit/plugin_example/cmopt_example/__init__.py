"""An example of a package that extends cmopt: a dialect, its meaning, a pass and rules."""
