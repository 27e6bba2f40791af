"""ExecuTorch's own test suites, case by case, compiled by ExecuTorch's flow and by cmopt's."""
