"""What the commands of the program take."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, get_args

from closedform import _core
from closedform._choices import BACKENDS, KINDS, Device, Missing
from closedform.cli import export
from closedform.cli.examples import examples
from closedform.errors import InputError

Commands: TypeAlias = "argparse._SubParsersAction[Any]"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {self.prog} --help")


def parser() -> argparse.ArgumentParser:
    """The program's; `command` of what it parses is the command's name."""
    program = _Parser(
        prog="closedform",
        description="Closed-form expressions from data and from trained neural networks.",
        **examples(
            "closedform discover data.csv --target y",
            "closedform interpret model.onnx points.csv --neuron 0",
            "closedform export front.json --to fortran --output law.f90",
        ),
    )
    version = f"%(prog)s {_core.build_info()['version']}"
    program.add_argument("--version", action="version", version=version)
    commands = program.add_subparsers(required=True, metavar="COMMAND", dest="command")
    _add_discover(commands)
    _add_interpret(commands)
    export.add(commands)
    info = commands.add_parser(
        "info",
        help="how this installation was built",
        description="Says how this installation was built, and which devices it can use.",
        **examples("closedform info", "closedform info --json"),
    )
    info.add_argument("--json", action="store_true", help="print one JSON document")
    return program


def _add_discover(commands: Commands) -> None:
    discover = commands.add_parser(
        "discover",
        help="find the formula behind a table",
        description="Finds the formula behind a table.",
        **examples(
            "closedform discover data.csv --target y",
            "closedform discover data.parquet --target y --drop id --time 10 --save front.json",
            "closedform discover data.csv --target y --sigma error --report page.html",
            "closedform discover data.csv --target F --units m=kg,a=m/s^2,F=N",
            "closedform discover orbits.csv --target dx --target dy",
            "closedform discover data.csv --target rate --groups enzyme",
            "closedform discover data.csv --target y --template 'f(x1)*g(x2) + p[0]'",
            "closedform discover data.csv --target F --groups cell --units x=m,F=N "
            "--constant-units free",
            "closedform discover data.csv --target y --start front.json --checkpoint front.json",
            "closedform discover folder --target y --scheduler tcp://10.0.0.1:8786",
            "gzip -dc data.csv.gz | closedform discover - --target y --save - --quiet > front.json",
        ),
    )
    discover.add_argument(
        "data",
        metavar="DATA",
        help="CSV file with a header, or Parquet (a file or a folder); - for standard input",
    )
    discover.add_argument(
        "--target",
        required=True,
        action="append",
        metavar="NAME",
        help="column to explain (repeatable: several, none of them an input of another)",
    )
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


def _add_interpret(commands: Commands) -> None:
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
        default="auto",
        help="where what goes over all rows is computed (default auto: a GPU if many rows)",
    )
    command.add_argument("--seed", type=int, default=0, help="of every random choice (default 0)")
    command.add_argument(
        "--start",
        metavar="FRONT.json",
        help="a saved front, or a formula, to begin with; of a template 'f=sin(x1); g=a1*a1'",
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
    pairs = [part.partition("=") for part in names_of(text)]
    if not all(equals and value for _, equals, value in pairs):
        raise argparse.ArgumentTypeError(f"{text} is no NAME=VALUE,NAME=VALUE")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _operators(text: str) -> list[str | dict[str, str]]:
    return [
        {name.strip(): definition.strip()} if equals and name else part
        for part in names_of(text)
        for name, equals, definition in [part.partition("=")]
    ]


def _counts(text: str) -> dict[str, int]:
    return {name: int(number) for name, number in _pairs(text).items()}


def names_of(text: str) -> list[str]:
    """Of a list with commas."""
    return [name.strip() for name in text.split(",") if name.strip()]
