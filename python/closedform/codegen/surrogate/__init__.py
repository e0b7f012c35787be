"""Source code of surrogates."""
