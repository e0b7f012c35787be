"""Pictures: drawn on axes, of arrays alone."""
