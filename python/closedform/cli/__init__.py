"""The command line."""

EXIT_INPUT, EXIT_INTERRUPTED = 2, 130
