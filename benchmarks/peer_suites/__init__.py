"""ExecuTorch's own test suites, case by case, through its flow and through cmopt's."""
