"""The command line: `closedform discover`, `interpret`, `export` and `info`."""

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

from closedform import _core
from closedform.cli import export
from closedform.errors import InputError
from closedform.reports import page
from closedform.reports.text import text_of
from closedform.searches.backends import julia_start
from closedform.searches.settings import BACKENDS
from closedform.tables.files import read_table

if TYPE_CHECKING:
    from types import FrameType

    from closedform.formulas.formula import Formula
    from closedform.pipelines.results import Discovery, Interpretation
    from closedform.searches.progress import Progress

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
    discover.add_argument(
        "data", metavar="DATA", help="CSV file with a header, or Parquet (a file or a folder)"
    )
    discover.add_argument("--target", required=True, metavar="NAME", help="column to explain")
    discover.add_argument(
        "--strategy",
        choices=["auto", "global", "direct"],
        default="auto",
        help="auto: split as the surrogate shows; global: never split; direct: no surrogate",
    )
    _add_common(discover)

    interpret = commands.add_parser("interpret", help="find the formula of a network's neuron")
    interpret.set_defaults(run=_interpret)
    interpret.add_argument("model", metavar="MODEL.onnx", help="the trained network")
    interpret.add_argument("data", metavar="POINTS", help="CSV or Parquet file of its inputs")
    interpret.add_argument(
        "--neuron", type=_neuron, metavar="N", help="an output's number, or LAYER:N (from 0)"
    )
    interpret.add_argument(
        "--classifier",
        action="store_true",
        default=None,
        help="the output is one before a sigmoid that is not in the file",
    )
    interpret.add_argument(
        "--band", type=float, default=1e-4, help="use probabilities in [BAND, 1 - BAND]"
    )
    interpret.add_argument(
        "--boundary", action="store_true", help="weigh rows by F(1 - F), F the probability"
    )
    interpret.add_argument(
        "--extra-points", type=_count, default=0, metavar="N", help="sample so many more rows"
    )
    interpret.add_argument(
        "--no-symmetries", action="store_true", help="do not merge inputs before the search"
    )
    _add_common(interpret)

    export.add(commands)

    info = commands.add_parser("info", help="how this installation was built")
    info.set_defaults(run=_info)
    info.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def _add_common(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--drop",
        action="append",
        default=[],
        metavar="COL",
        help="column to leave out (repeatable)",
    )
    command.add_argument("--weights", metavar="COL", help="column of row weights")
    command.add_argument(
        "--time", type=_positive, help="seconds (default 60; no limit with --evaluations)"
    )
    command.add_argument(
        "--evaluations",
        type=_count,
        help="stop after so many expressions: the same seed then gives the same formula",
    )
    command.add_argument("--max-size", type=_count, default=30, help="most nodes (default 30)")
    command.add_argument(
        "--operators",
        type=_names,
        metavar="LIST",
        help="comma-separated, such as --operators=+,*,sin",
    )
    command.add_argument(
        "--backend", choices=BACKENDS, default="native", help="who searches (default native)"
    )
    command.add_argument("--threads", type=_count, help="default: all cores")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--save", type=Path, metavar="FRONT.json", help="write the front")
    command.add_argument("--report", type=Path, metavar="PAGE.html", help="write a page")
    command.add_argument("--json", action="store_true", help="print one JSON document")
    command.add_argument("--quiet", action="store_true", help="no progress display")


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


def _neuron(text: str) -> int | tuple[str, int]:
    layer, colon, number = text.rpartition(":")
    index = int(number)
    return (layer, index) if colon else index


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _info(options: argparse.Namespace) -> int:
    usable, pysr = julia_start.status()
    info = {**_core.build_info(), "backend pysr": pysr if usable else f"no: {pysr}"}
    devices = _core.cuda_devices()
    if options.json:
        print(json.dumps({**info, "devices": devices}, indent=2))
    else:
        lines = [
            f"{device['name']}, compute capability {device['compute_capability']},"
            f" {device['memory'] / 2**30:.0f} GiB"
            for device in devices
        ] or [f"none: {_core.cuda_problem()[0]}"]
        for key, value in [*info.items(), *(("device", line) for line in lines)]:
            print(f"{key:16} {value}")
    return 0


def _discover(options: argparse.Namespace) -> int:
    _check_outputs(options)
    table = read_table(
        options.data, target=options.target, drop=options.drop, weights=options.weights
    )
    # Here, not above: it brings sympy, which a bad file or --help need not wait for.
    from closedform.pipelines import results
    from closedform.pipelines.discovery import discover

    with _display(options, options.target) as show, _interruptible() as interrupted:
        discovery = discover(
            table.inputs,
            table.target,
            weights=table.weights,
            strategy=options.strategy,
            **_common(options, show, interrupted),
        )
    if options.json:
        text = json.dumps(_document(discovery, options), indent=2, allow_nan=False)
    else:
        text = text_of(results.discovery_report(discovery, options.target))
    return _conclude(options, discovery, text, interrupted)


def _interpret(options: argparse.Namespace) -> int:
    _check_outputs(options)
    if options.boundary and options.weights is not None:
        raise InputError("--boundary: cannot be used with --weights; give one of them")
    table = read_table(options.data, target=None, drop=options.drop, weights=options.weights)
    from closedform.neurons.network import network
    from closedform.pipelines import results
    from closedform.pipelines.interpretation import interpret

    net = network(options.model, neuron=options.neuron, classifier=options.classifier)
    with _display(options, "T") as show, _interruptible() as interrupted:
        found = interpret(
            net,
            table.inputs,
            band=options.band,
            weights="boundary" if options.boundary else table.weights,
            extra_points=options.extra_points,
            symmetries=not options.no_symmetries,
            **_common(options, show, interrupted),
        )
    if options.json:
        text = json.dumps(_interpretation_document(found, options), indent=2, allow_nan=False)
    else:
        text = text_of(results.interpretation_report(found))
    return _conclude(options, found, text, interrupted)


def _check_outputs(options: argparse.Namespace) -> None:
    for option in ("save", "report"):
        path = getattr(options, option)
        if path is not None:
            _check_writable(path, f"--{option}")
    if options.report is not None:
        page.check_available()


def _common(
    options: argparse.Namespace, show: Callable[[Progress], None], interrupted: list[bool]
) -> dict[str, Any]:
    """The arguments that both pipelines take."""

    def tell(progress: Progress) -> bool:
        show(progress)
        return bool(interrupted)

    common = {
        "time": options.time or (60 if options.evaluations is None else math.inf),
        "evaluations": options.evaluations,
        "max_size": options.max_size,
        "backend": options.backend,
        "threads": options.threads,
        "seed": options.seed,
        "callback": tell,
    }
    return common | ({} if options.operators is None else {"operators": options.operators})


def _conclude(
    options: argparse.Namespace,
    found: Discovery | Interpretation,
    text: str,
    interrupted: list[bool],
) -> int:
    """Writes the files asked for and prints the result."""
    if options.save is not None:
        found.front.save(options.save)
    if options.report is not None:
        found.report(options.report)
    print(text)
    # PySR 2 takes Ctrl-C to itself.
    return EXIT_INTERRUPTED if interrupted or found.stopped == "interrupted" else 0


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
def _display(options: argparse.Namespace, name: str) -> Iterator[Callable[[Progress], None]]:
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
        yield lambda progress: live.update(Text(_panel(progress, name)))


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
        "similarity": None if discovery.similarity is None else str(discovery.similarity),
        "stopped": discovery.stopped,
        "seed": options.seed,
        "version": _core.build_info()["version"],
    }


def _interpretation_document(found: Interpretation, options: argparse.Namespace) -> dict[str, Any]:
    return {
        "neuron": found.network,
        "formula": _formula(found.formula),
        "front": [_formula(formula) for formula in found.front],
        "link": None if found.link.formula is None else _formula(found.link.formula),
        "threshold": found.threshold,
        "fidelity": {
            key: None if value is None else _finite(value)
            for key, value in asdict(found.fidelity).items()
        },
        "symmetries": None
        if found.symmetries is None
        else [str(merge) for merge in found.symmetries.merges],
        "rows": {
            "searched": len(found.gradients.X),
            "sampled": found.gradients.extra,
            "dropped": found.gradients.dropped,
        },
        "stopped": found.stopped,
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
