"""Which peers are installed; why those that are not are left out."""

from __future__ import annotations

from importlib import import_module, metadata

# Distribution and module of each.
PEERS = {
    "JAX": ("jax", "jax"),
    "torch": ("torch", "torch"),
    "pyoperon": ("pyoperon", "pyoperon"),
    "bingo": ("bingo-nasa", "bingo"),
    "gplearn": ("gplearn", "gplearn"),
}


def missing(peer: str) -> str:
    """Why a peer cannot be run, in one line; "" where it can."""
    if peer == "PySR":
        from closedform.searches.backends import julia_start

        usable, line = julia_start.status()
        return "" if usable and "will download" not in line else f"PySR left out: {line}"
    try:
        import_module(PEERS[peer][1])
    except Exception as error:  # an extension that does not load is no peer either
        return f"{peer} left out: {' '.join(str(error).split())[:100]}"
    return ""


def versions() -> dict[str, str]:
    """Version of every peer that is installed."""
    found = {}
    for peer, (distribution, _) in {**PEERS, "PySR": ("pysr", "pysr")}.items():
        if not missing(peer):
            found[peer] = metadata.version(distribution)
    return found
