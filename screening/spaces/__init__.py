"""Search of combinatorial spaces: the exact best products of a factor model, without a list of products."""
