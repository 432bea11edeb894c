"""Commands: they parse, call, and print with workflows.terminal, and decide nothing."""
