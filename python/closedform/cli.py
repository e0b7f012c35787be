"""The command line: `closedform discover` and `closedform info`."""

from __future__ import annotations

import argparse
import json
import math
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from closedform import _core, report
from closedform._inputs import InputError
from closedform.tables import read_table

if TYPE_CHECKING:
    from types import FrameType

    from closedform.discover import Discovery
    from closedform.formula import Formula
    from closedform.progress import Progress

EXIT_INPUT, EXIT_INTERRUPTED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; the exit status is 0, 2 for bad input, 130 after Ctrl-C."""
    try:
        options = _parser().parse_args(arguments)
        status: int = options.run(options)
        return status
    except InputError as error:
        print(f"closedform: error: {' '.join(str(error).split())}", file=sys.stderr)
        return EXIT_INPUT
    except KeyboardInterrupt:
        print("closedform: interrupted before there was a result", file=sys.stderr)
        return EXIT_INTERRUPTED


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="closedform", description="Closed-form expressions from data.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    discover = commands.add_parser("discover", help="find the formula behind a table")
    discover.set_defaults(run=_discover)
    discover.add_argument("data", metavar="DATA", help="CSV file with a header, or Parquet")
    discover.add_argument("--target", required=True, metavar="NAME", help="column to explain")
    discover.add_argument(
        "--drop",
        action="append",
        default=[],
        metavar="COL",
        help="column to leave out (repeatable)",
    )
    discover.add_argument("--weights", metavar="COL", help="column of row weights")
    discover.add_argument(
        "--time", type=_positive, help="seconds (default 60; no limit with --evaluations)"
    )
    discover.add_argument(
        "--evaluations",
        type=_count,
        help="stop after so many expressions: the same seed then gives the same formula",
    )
    discover.add_argument("--max-size", type=_count, default=30, help="most nodes (default 30)")
    discover.add_argument(
        "--operators",
        type=_names,
        metavar="LIST",
        help="comma-separated, such as --operators=+,*,sin",
    )
    discover.add_argument(
        "--strategy",
        choices=["auto", "global", "direct"],
        default="auto",
        help="auto: split as the surrogate shows; global: never split; direct: no surrogate",
    )
    discover.add_argument("--threads", type=_count, help="default: all cores")
    discover.add_argument("--seed", type=int, default=0)
    discover.add_argument("--save", type=Path, metavar="FRONT.json", help="write the front")
    discover.add_argument("--report", type=Path, metavar="PAGE.html", help="write a page")
    discover.add_argument("--json", action="store_true", help="print one JSON document")
    discover.add_argument("--quiet", action="store_true", help="no progress display")

    info = commands.add_parser("info", help="how this installation was built")
    info.set_defaults(run=_info)
    info.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive whole number")
    return value


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _info(options: argparse.Namespace) -> int:
    info = _core.build_info()
    if options.json:
        print(json.dumps(info, indent=2))
    else:
        for key, value in info.items():
            print(f"{key:16} {value}")
    return 0


def _discover(options: argparse.Namespace) -> int:
    for option in ("save", "report"):
        path = getattr(options, option)
        if path is not None:
            _check_writable(path, f"--{option}")
    if options.report is not None:
        report.check_available()
    table = read_table(
        options.data, target=options.target, drop=options.drop, weights=options.weights
    )
    # Here, not above: it brings sympy, which a bad file or --help need not wait for.
    from closedform.discover import discover

    chosen = {} if options.operators is None else {"operators": options.operators}
    with _display(options) as show, _interruptible() as interrupted:

        def tell(progress: Progress) -> bool:
            show(progress)
            return bool(interrupted)

        discovery = discover(
            table.inputs,
            table.target,
            weights=table.weights,
            time=options.time or (60 if options.evaluations is None else math.inf),
            evaluations=options.evaluations,
            max_size=options.max_size,
            strategy=options.strategy,
            threads=options.threads,
            seed=options.seed,
            callback=tell,
            **chosen,
        )
    if options.save is not None:
        discovery.front.save(options.save)
    if options.report is not None:
        discovery.report(options.report)
    if options.json:
        print(json.dumps(_document(discovery, options), indent=2, allow_nan=False))
    else:
        print(report.text(discovery, options.target))
    return EXIT_INTERRUPTED if interrupted else 0


def _check_writable(path: Path, option: str) -> None:
    """Opens the file for writing now: after a minute of search it would be too late to fail."""
    existed = path.exists()
    try:
        with path.open("ab"):
            pass
        if not existed:
            path.unlink()
    except OSError as error:
        raise InputError(
            f"{option}: cannot write {path} ({error.strerror}); choose a path that can be written"
        ) from error


@contextmanager
def _interruptible() -> Iterator[list[bool]]:
    """Ctrl-C asks the search to stop and keep its best; a second one ends the program.

    The list it gives is empty until the first Ctrl-C.
    """
    asked: list[bool] = []

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked.append(True)
        print("stopping; Ctrl-C again to quit at once", file=sys.stderr)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _display(options: argparse.Namespace) -> Iterator[Callable[[Progress], None]]:
    """What shows progress: a live panel on a terminal, else a line per phase, else nothing."""
    if options.quiet or (options.json and not sys.stderr.isatty()):
        yield lambda progress: None
        return
    if not sys.stderr.isatty():
        phases: list[str] = []

        def line(progress: Progress) -> None:
            if progress.phase not in phases[-1:]:
                phases.append(progress.phase)
                print(f"{progress.elapsed:6.1f} s  {progress.phase}", file=sys.stderr, flush=True)

        yield line
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(stderr=True), transient=True, refresh_per_second=8) as live:
        yield lambda progress: live.update(Text(_panel(progress, options.target)))


def _panel(progress: Progress, target: str) -> str:
    clock = f"{progress.elapsed:.0f} s"
    if progress.remaining is not None:
        clock += f", {max(progress.remaining, 0):.0f} s left"
    rows = [f"{progress.phase}  ({clock}; {progress.evaluations:,} expressions)"]
    if progress.best is not None:
        loss = "" if progress.loss is None else f"  loss {progress.loss:.3g}"
        rows.append(f"{target} = {progress.best}{loss}")
    if progress.message:
        rows.append(progress.message)
    return "\n".join(rows)


def _document(discovery: Discovery, options: argparse.Namespace) -> dict[str, Any]:
    structure = discovery.separability
    return {
        "target": options.target,
        "formula": _formula(discovery.formula),
        "front": [_formula(formula) for formula in discovery.front],
        "errors": {
            way: None if errors is None else {k: _finite(v) for k, v in asdict(errors).items()}
            for way, errors in discovery.errors.items()
        },
        "chosen": discovery.chosen,
        "strategy": discovery.strategy,
        "separability": None if structure is None else str(structure),
        "reason": None if structure is None else structure.reason,
        "stopped": discovery.stopped,
        "seed": options.seed,
        "version": _core.build_info()["version"],
    }


def _formula(formula: Formula) -> dict[str, Any]:
    return {
        "text": str(formula),
        "latex": formula.latex(),
        "complexity": formula.complexity,
        "loss": _finite(formula.loss),
        "names": list(formula.names),
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None  # JSON knows no infinity
