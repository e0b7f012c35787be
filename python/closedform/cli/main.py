"""The command line: `closedform discover`, `interpret`, `export` and `info`."""

from __future__ import annotations

from collections.abc import Sequence

from closedform.cli import EXIT_INPUT, EXIT_INTERRUPTED, streams
from closedform.cli.arguments import parser
from closedform.errors import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; the exit status is 0, 2 for bad input, 130 after Ctrl-C."""
    try:
        options = parser().parse_args(arguments)
        from closedform.cli import commands  # what --help and a wrong argument do without

        return commands.RUNS[options.command](options)
    except InputError as error:
        streams.say(f"closedform: error: {' '.join(str(error).split())}")
        return EXIT_INPUT
    except OSError as error:  # a full disk, a reader of standard output that has gone
        streams.say(f"closedform: error: {error}")
        return EXIT_INPUT
    except KeyboardInterrupt:
        streams.say("closedform: interrupted before there was a result")
        return EXIT_INTERRUPTED
