"""Source code of what was found, for simulation codes: formulas with derivatives, surrogates."""
