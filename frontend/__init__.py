"""From PyTorch into the IR: quantization and the importer.

Importing this package imports neither torch nor ExecuTorch; its modules do.
"""
