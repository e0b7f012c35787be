"""Examples at the end of a command's help."""

from __future__ import annotations

import argparse
from typing import Any


def examples(*lines: str) -> dict[str, Any]:
    """What a parser is told so that its help ends with these command lines, as they are."""
    return {
        "epilog": "\n".join(["examples:", *(f"  {line}" for line in lines)]),
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }
