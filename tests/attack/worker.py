"""Runs attacks one after another; says before each which, and after it what came of it."""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tests.attack import computing, files, telling, writing
from tests.attack.outcomes import Attack, judged

# How often each is drawn.
KINDS: dict[Callable[[Attack], None], int] = {
    computing.search_values: 20,
    computing.search_labels: 6,
    computing.search_gradients: 8,
    computing.discover: 8,
    computing.interpret: 5,
    computing.surrogate: 10,
    computing.separability: 4,
    telling.words: 20,
    telling.templates: 6,
    telling.groups: 6,
    telling.given_form: 8,
    telling.resumed: 4,
    writing.formula: 22,
    files.mutated: 25,
    files.failing_write: 4,
    files.killed_write: 3,
    files.stopped: 2,
    files.command: 10,
}


def attack_of(seed: int, number: int) -> tuple[Attack, Callable[[Attack], None]]:
    """An attack, the same for the same numbers, and what it does."""
    rng = np.random.default_rng([seed, number])
    shares = np.array(list(KINDS.values()), float)
    work = list(KINDS)[int(rng.choice(len(KINDS), p=shares / shares.sum()))]
    return Attack(rng, Path(tempfile.gettempdir())), work


def attacked(seed: int, number: int) -> dict[str, object]:
    """One attack and its outcome."""
    attack, work = attack_of(seed, number)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        attack.folder = Path(folder)
        outcome, said = judged(attack, work)
    return {
        "number": number,
        "kind": work.__name__,
        "outcome": outcome,
        "said": said,
        "done": attack.said,
        "seconds": time.monotonic() - began,
    }


def main() -> None:
    seed, first, last = map(int, sys.argv[1:])
    # What is printed on the way is not for whoever reads us.
    say = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    faulthandler.enable()
    warnings.simplefilter("ignore")
    # Whoever started us may have said otherwise (nohup does).
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    for number in range(first, last):
        print(json.dumps({"begun": number}), file=say)
        print(json.dumps(attacked(seed, number)), file=say)


if __name__ == "__main__":
    main()
