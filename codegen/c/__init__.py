"""C source that runs a planned program without an interpreter."""
