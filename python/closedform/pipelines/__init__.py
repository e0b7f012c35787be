"""From data, or a network, to a formula: the whole way."""
