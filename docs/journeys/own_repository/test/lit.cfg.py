"""lit: run the RUN lines of the .mlir files in this folder. cm-opt must be on the PATH."""

import lit.formats

config.name = "my-project"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
