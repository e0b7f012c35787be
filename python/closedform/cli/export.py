"""The command `closedform export`: a saved formula or surrogate as source code."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from closedform.cli import streams
from closedform.cli.examples import examples
from closedform.cli.streams import is_stream, readable
from closedform.errors import InputError
from closedform.tables.output import write_output


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Adds the command to those of the program."""
    export = commands.add_parser(
        "export",
        help="write a formula or surrogate as source code",
        description="Writes one self-contained function, with its derivatives if wanted.",
        **examples(
            "closedform export front.json --to c --derivatives 1",
            "closedform export front.json --to fortran --derivatives 2 --name law --output law.f90",
            "closedform export - --to julia --complexity 7 < front.json",
        ),
    )
    export.add_argument(
        "front",
        metavar="FRONT",
        help="file of Front.save, Formula.save or Surrogate.save; - for standard input",
    )
    export.add_argument(
        "--to",
        required=True,
        metavar="LANGUAGE",
        help="c, c++, cuda, fortran, julia, numpy, jax or torch; a surrogate: c or fortran",
    )
    export.add_argument(
        "--derivatives",
        type=int,
        choices=[0, 1, 2],
        default=0,
        help="1: the gradient, too; 2: the Hessian, too (default 0; a surrogate: 0 or 1)",
    )
    export.add_argument(
        "--complexity",
        type=int,
        metavar="N",
        help="the front's formula of that many nodes (default: its best)",
    )
    export.add_argument(
        "--outside",
        choices=["clamp", "flag"],
        help="beyond the data's ranges: clamp the inputs, or flag them in a last output",
    )
    export.add_argument("--name", help="of the function (default: formula, or surrogate)")
    export.add_argument(
        "--unit",
        action="append",
        type=_unit,
        default=[],
        metavar="INPUT=UNIT",
        help="unit of an input, for the comment (repeatable)",
    )
    export.add_argument(
        "--output", type=Path, metavar="FILE", help="default and -: standard output"
    )


def _unit(text: str) -> tuple[str, str]:
    name, equals, unit = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text} is not INPUT=UNIT")
    return name, unit


def run(options: argparse.Namespace) -> int:
    with readable(options.front) as file:
        try:
            with open(file, "rb") as content:
                archive = content.read(2) == b"PK"  # a saved surrogate is a zip archive
            code = _surrogate_code(options, file) if archive else _formula_code(options, file)
        except OSError as error:
            raise InputError(f"{file}: cannot be read ({error.strerror})") from error
    if options.output is None or is_stream(options.output):
        streams.write(code)
        return 0
    try:
        write_output(options.output, code, name="--output", inputs=[options.front])
    except OSError as error:
        raise InputError(f"--output: cannot write {options.output} ({error.strerror})") from error
    return 0


def _formula_code(options: argparse.Namespace, file: str) -> str:
    from closedform.formulas.front import Front

    front = Front.load(file)
    formula = front.best
    if options.complexity is not None:
        sizes = [member.complexity for member in front]
        if options.complexity not in sizes:
            raise InputError(
                f"--complexity: none of {options.complexity} nodes; there are "
                f"{', '.join(map(str, sizes))}"
            )
        formula = front[sizes.index(options.complexity)]
    return formula.code(
        options.to,
        options.derivatives,
        name=options.name or "formula",
        units=dict(options.unit),
        outside=options.outside,
    )


def _surrogate_code(options: argparse.Namespace, file: str) -> str:
    from closedform.surrogates.model import Surrogate

    for option in ("complexity", "outside"):
        if getattr(options, option) is not None:
            raise InputError(f"--{option}: is for formulas; {file} is a surrogate")
    return Surrogate.load(file).code(
        options.to,
        options.derivatives,
        name=options.name or "surrogate",
        units=dict(options.unit),
    )
