"""Searches of expressions, for values, directions of gradients, or labels."""
