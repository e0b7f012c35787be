"""The command line: `closedform discover`, `interpret`, `export` and `info`."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, get_args

from closedform import _core
from closedform.cli import export, scheduler, streams
from closedform.cli.display import display, interruptible
from closedform.cli.documents import discovery_document, interpretation_document
from closedform.cli.examples import examples
from closedform.cli.streams import is_stream, readable, write_to
from closedform.errors import InputError
from closedform.figures.canvas import check_available
from closedform.searches.backends import julia_start
from closedform.searches.settings import BACKENDS, KINDS
from closedform.tables.chunks import Missing
from closedform.tables.devices import Device
from closedform.tables.files import read_groups, read_table
from closedform.tables.output import checked_output

if TYPE_CHECKING:
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
        streams.say(f"closedform: error: {' '.join(str(error).split())}")
        return EXIT_INPUT
    except OSError as error:  # a full disk, a reader of standard output that has gone
        streams.say(f"closedform: error: {error}")
        return EXIT_INPUT
    except KeyboardInterrupt:
        streams.say("closedform: interrupted before there was a result")
        return EXIT_INTERRUPTED


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="closedform",
        description="Closed-form expressions from data and from trained neural networks.",
        **examples(
            "closedform discover data.csv --target y",
            "closedform interpret model.onnx points.csv --neuron 0",
            "closedform export front.json --to fortran --output law.f90",
        ),
    )
    version = f"%(prog)s {_core.build_info()['version']}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    discover = commands.add_parser(
        "discover",
        help="find the formula behind a table",
        description="Finds the formula behind a table.",
        **examples(
            "closedform discover data.csv --target y",
            "closedform discover data.parquet --target y --drop id --time 10 --save front.json",
            "closedform discover data.csv --target y --sigma error --report page.html",
            "closedform discover data.csv --target F --units m=kg,a=m/s^2,F=N",
            "closedform discover data.csv --target rate --groups enzyme",
            "closedform discover data.csv --target y --template 'f(x1)*g(x2) + p[0]'",
            "closedform discover data.csv --target y --start front.json --checkpoint front.json",
            "closedform discover folder --target y --scheduler tcp://10.0.0.1:8786",
            "gzip -dc data.csv.gz | closedform discover - --target y --save - --quiet > front.json",
        ),
    )
    discover.set_defaults(run=_discover)
    discover.add_argument(
        "data",
        metavar="DATA",
        help="CSV file with a header, or Parquet (a file or a folder); - for standard input",
    )
    discover.add_argument("--target", required=True, metavar="NAME", help="column to explain")
    discover.add_argument(
        "--noise", choices=KINDS, default="auto", help="how the target scatters (default: look)"
    )
    discover.add_argument("--sigma", metavar="COL", help="column of the target's standard errors")
    discover.add_argument(
        "--sigma-x",
        type=_input_errors,
        metavar="NUMBER or NAME=NUMBER,...",
        help="standard errors of the inputs, one of all or by column",
    )
    discover.add_argument(
        "--units",
        type=_pairs,
        metavar="NAME=UNIT,...",
        help="units of columns and target; columns left out are pure numbers",
    )
    discover.add_argument(
        "--constant-units",
        default="dimensionless",
        metavar="UNITS",
        help="what constants may be of: dimensionless (default), free, or units, comma-separated",
    )
    discover.add_argument(
        "--groups", metavar="COL", help="column of names: constants are each group's own"
    )
    discover.add_argument(
        "--template",
        metavar="TEXT",
        help="form of the whole, with unknown functions: 'f(x1, x2)*g(x3) + p[0]'",
    )
    discover.add_argument(
        "--strategy",
        choices=["auto", "global", "direct"],
        default="auto",
        help="auto: split as the surrogate shows; global: never split; direct: no surrogate",
    )
    discover.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of a Dask cluster, whose workers search, and read Parquet themselves",
    )
    _add_common(discover)

    interpret = commands.add_parser(
        "interpret",
        help="find the formula of a network's neuron",
        description="Finds the closed form of what a network's neuron computes.",
        **examples(
            "closedform interpret model.onnx points.csv --neuron 0",
            "closedform interpret model.onnx points.csv --neuron dense_1:3 --time 30",
            "closedform interpret model.onnx - --classifier --json < points.csv",
        ),
    )
    interpret.set_defaults(run=_interpret)
    interpret.add_argument("model", metavar="MODEL.onnx", help="the trained network")
    interpret.add_argument(
        "data", metavar="POINTS", help="CSV or Parquet file of its inputs; - for standard input"
    )
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

    info = commands.add_parser(
        "info",
        help="how this installation was built",
        description="Says how this installation was built, and which devices it can use.",
        **examples("closedform info", "closedform info --json"),
    )
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
        "--missing",
        choices=get_args(Missing),
        default="error",
        help="what rows with a missing value are: an error (default), or dropped",
    )
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
        type=_operators,
        metavar="LIST",
        help="comma-separated, own ones defined: --operators='+,*,sinc=sin(x)/x'",
    )
    command.add_argument(
        "--complexities",
        type=_counts,
        metavar="NAME=NUMBER,...",
        help="what operators, columns and numbers (constant) count where not 1",
    )
    command.add_argument(
        "--backend", choices=BACKENDS, default="native", help="who searches (default native)"
    )
    command.add_argument("--threads", type=_count, help="default: all cores")
    command.add_argument(
        "--device",
        choices=get_args(Device),
        default="cpu",
        help="where what goes over all rows is computed (default cpu)",
    )
    command.add_argument("--seed", type=int, default=0, help="of every random choice (default 0)")
    command.add_argument(
        "--start", metavar="FRONT.json", help="a saved front, or a formula, to begin with"
    )
    command.add_argument("--stop-loss", type=_positive, help="stop at a formula of this loss")
    command.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FRONT.json",
        help="write the best front so far, every 5 seconds and at the end",
    )
    command.add_argument(
        "--resume",
        type=Path,
        metavar="STATE",
        help="write the search's state, and go on from it where it is there",
    )
    command.add_argument(
        "--save", type=Path, metavar="FRONT.json", help="write the front; - prints it alone"
    )
    command.add_argument(
        "--report", type=Path, metavar="PAGE.html", help="write a page; - prints it alone"
    )
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


def _input_errors(text: str) -> float | dict[str, float]:
    if "=" not in text:
        return float(text)
    pairs = (part.rpartition("=") for part in text.split(","))
    return {name.strip(): float(number) for name, _, number in pairs}


def _pairs(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in _names(text)]
    if not all(equals and value for _, equals, value in pairs):
        raise argparse.ArgumentTypeError(f"{text} is no NAME=VALUE,NAME=VALUE")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _operators(text: str) -> list[str | dict[str, str]]:
    return [
        {name.strip(): definition.strip()} if equals and name else part
        for part in _names(text)
        for name, equals, definition in [part.partition("=")]
    ]


def _counts(text: str) -> dict[str, int]:
    return {name: int(number) for name, number in _pairs(text).items()}


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _info(options: argparse.Namespace) -> int:
    usable, pysr = julia_start.status()
    info = {**_core.build_info(), "backend pysr": pysr if usable else f"no: {pysr}"}
    devices = _core.cuda_devices()
    if devices:
        info["matrix products"] = _core.cuda_matrix_library() or "our own: no cuBLAS is found"
    if options.json:
        streams.write(json.dumps({**info, "devices": devices}, indent=2) + "\n")
    else:
        lines = [
            f"{device['name']}, compute capability {device['compute_capability']},"
            f" {device['memory'] / 2**30:.0f} GiB"
            for device in devices
        ] or [f"none: {_core.cuda_problem()[0]}"]
        rows = [*info.items(), *(("device", line) for line in lines)]
        streams.write("".join(f"{key:16} {value}\n" for key, value in rows))
    return 0


def _discover(options: argparse.Namespace) -> int:
    _check_outputs(options)
    with scheduler.connected(options.scheduler) as client:
        return _discovered(options, client)


def _discovered(options: argparse.Namespace, client: Any) -> int:
    roles: dict[str, Any] = {"weights": options.weights, "sigma": options.sigma}
    roles["missing"] = options.missing
    rows: dict[str, Any] = {"X": scheduler.partitions(options, client), "y": options.target}
    rows |= roles
    table, groups = None, None
    if rows["X"] is None:
        drop = [*options.drop, *([] if options.groups is None else [options.groups])]
        with readable(options.data) as file:
            table = read_table(file, target=options.target, drop=drop, **roles)
            if options.groups is not None:
                groups = read_groups(file, options.groups).at(table.kept)
        rows = {"X": table.inputs, "y": table.target}
        rows |= {"weights": table.weights, "sigma": table.sigma}
    # Here, not above: it brings sympy, which a bad file or --help need not wait for.
    from closedform.pipelines.discovery import discover

    units, constants = options.units, options.constant_units
    if units is not None:  # the target is a column of its own by now
        units = {"y" if name == options.target else name: unit for name, unit in units.items()}
    with display(options, options.target) as show, interruptible() as interrupted:
        discovery = discover(
            units=units,
            constant_units=constants
            if constants in ("dimensionless", "free")
            else _names(constants),
            noise=options.noise,
            sigma_X=options.sigma_x,
            groups=groups,
            template=options.template,
            strategy=options.strategy,
            client=client,
            **rows,
            **_common(options, show, interrupted),
        )
    origin = replace(discovery.provenance, target=options.target)
    far = discovery.outliers
    if table is not None:
        origin = replace(origin, dropped=table.dropped)
        if table.kept is not None:  # rows are those of the file
            far = tuple(int(table.kept[row]) for row in far)
    discovery = replace(discovery, outliers=far, provenance=origin)
    if options.json:
        text = json.dumps(discovery_document(discovery, options), indent=2, allow_nan=False)
    else:
        text = str(discovery)
    return _conclude(options, discovery, text, interrupted)


def _interpret(options: argparse.Namespace) -> int:
    _check_outputs(options)
    if options.boundary and options.weights is not None:
        raise InputError("--boundary: cannot be used with --weights; give one of them")
    with readable(options.data) as file:
        table = read_table(
            file,
            target=None,
            drop=options.drop,
            weights=options.weights,
            missing=options.missing,
        )
    from closedform.neurons.network import network
    from closedform.pipelines.interpretation import interpret

    net = network(options.model, neuron=options.neuron, classifier=options.classifier)
    with display(options, "T") as show, interruptible() as interrupted:
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
        text = json.dumps(interpretation_document(found, options), indent=2, allow_nan=False)
    else:
        text = str(found)
    return _conclude(options, found, text, interrupted)


def _check_outputs(options: argparse.Namespace) -> None:
    read = [getattr(options, given, None) for given in ("data", "model")]
    for option in ("save", "report", "checkpoint"):
        path = getattr(options, option)
        if path is not None and (option == "checkpoint" or not is_stream(path)):
            checked_output(path, name=f"--{option}", inputs=read)
    if None not in (options.save, options.report) and options.save == options.report:
        raise InputError("--report: is the same file as --save; choose another")
    if options.json and (is_stream(options.save) or is_stream(options.report)):
        raise InputError("--json: prints a document, too; write --save or --report to a file")
    if options.report is not None:
        check_available("report")


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
        "complexities": options.complexities,
        "max_size": options.max_size,
        "backend": options.backend,
        "options": _engine_options(options),
        "device": options.device,
        "threads": options.threads,
        "seed": options.seed,
        "start": _start(options),
        "stop_loss": options.stop_loss,
        "callback": tell,
        "progress": False,  # there is one already
    }
    return common | ({} if options.operators is None else {"operators": options.operators})


def _start(options: argparse.Namespace) -> Any:
    """Formulas to begin with: of a file, or the text of one."""
    given = options.start
    if given is None or not (given.endswith(".json") or Path(given).is_file()):
        return given
    from closedform.formulas.front import Front

    try:
        return Front.load(options.start)
    except OSError as error:
        raise InputError(f"--start: cannot read {options.start} ({error.strerror})") from error
    except InputError as error:
        raise InputError(f"--start: {error}") from error


def _engine_options(options: argparse.Namespace) -> dict[str, Any]:
    """What the engine is told besides: where to leave what it has."""
    own: dict[str, Any] = {}
    for name in ("checkpoint", "resume"):
        if (path := getattr(options, name)) is not None:
            own[name] = path
    return own


def _conclude(
    options: argparse.Namespace,
    found: Discovery | Interpretation,
    text: str,
    interrupted: list[bool],
) -> int:
    """Prints the result and writes the files asked for, none the less where another cannot be. One
    that is printed is printed alone."""
    with contextlib.ExitStack() as left:  # in the order of their reverse
        if options.report is not None:
            left.callback(write_to, options.report, found.report)
        if options.save is not None:
            left.callback(write_to, options.save, found.front.save)
        if not (is_stream(options.save) or is_stream(options.report)):
            streams.write(text + "\n")
    # PySR 2 takes Ctrl-C to itself.
    return EXIT_INTERRUPTED if interrupted or found.stopped == "interrupted" else 0
