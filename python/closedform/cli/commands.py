"""What the commands of the program do."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from closedform import _core
from closedform.cli import EXIT_INTERRUPTED, export, scheduler, several, streams
from closedform.cli.arguments import names_of
from closedform.cli.display import display, interruptible
from closedform.cli.documents import discovery_document, interpretation_document
from closedform.cli.rows import all_columns, of_the_file
from closedform.cli.streams import is_stream, readable, write_to
from closedform.errors import InputError
from closedform.figures.canvas import check_available
from closedform.searches.backends import julia_start
from closedform.tables.files import read_groups, read_table
from closedform.tables.output import checked_output

if TYPE_CHECKING:
    from closedform.pipelines.results import Discovery, Interpretation
    from closedform.searches.progress import Progress


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
    if len(options.target) > 1:

        def told(*shown: Any) -> dict[str, Any]:
            return _asked(options) | _common(options, *shown)

        with scheduler.connected(options.scheduler) as client:
            return several.run(options, told, client)
    options = argparse.Namespace(**vars(options) | {"target": options.target[0]})
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

    asked = _asked(options)
    if (units := options.units) is not None:  # the target is a column of its own by now
        asked["units"] = {"y" if name == options.target else name: u for name, u in units.items()}
    with display(options, options.target) as show, interruptible() as interrupted:
        discovery = discover(
            groups=groups,
            client=client,
            **asked,
            **rows,
            **_common(options, show, interrupted),
        )
    discovery = of_the_file(discovery, options.target, table)
    return _conclude(options, discovery, discovery_document, interrupted)


def _asked(options: argparse.Namespace) -> dict[str, Any]:
    """What `discover` alone is told besides the rows."""
    constants = options.constant_units
    return {
        "units": options.units,
        "constant_units": constants
        if constants in ("dimensionless", "free")
        else names_of(constants),
        "noise": options.noise,
        "sigma_X": options.sigma_x,
        "template": options.template,
        "strategy": options.strategy,
    }


def _interpret(options: argparse.Namespace) -> int:
    _check_outputs(options)
    if options.boundary and options.weights is not None:
        raise InputError("--boundary: cannot be used with --weights; give one of them")
    table = all_columns(options)
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
    return _conclude(options, found, interpretation_document, interrupted)


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
    """Formulas to begin with: of a file, or the text of one, or of a template's functions."""
    given = options.start
    if given is None or not (given.endswith(".json") or Path(given).is_file()):
        if given is None or getattr(options, "template", None) is None or "=" not in given:
            return given
        functions = [part.partition("=") for part in given.split(";") if part.strip()]
        return {name.strip(): text.strip() for name, _, text in functions}
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
    document: Callable[[Any, argparse.Namespace], dict[str, Any]],
    interrupted: list[bool],
) -> int:
    """Prints the result and writes the files asked for, none the less where another cannot be. One
    that is printed is printed alone."""
    if options.json:
        text = json.dumps(document(found, options), indent=2, allow_nan=False)
    else:
        text = str(found)
    with contextlib.ExitStack() as left:  # in the order of their reverse
        if options.report is not None:
            left.callback(write_to, options.report, found.report)
        if options.save is not None:
            left.callback(write_to, options.save, found.front.save)
        if not (is_stream(options.save) or is_stream(options.report)):
            streams.write(text + "\n")
    # PySR 2 takes Ctrl-C to itself.
    return EXIT_INTERRUPTED if interrupted or found.stopped == "interrupted" else 0


RUNS: dict[str, Callable[[argparse.Namespace], int]] = {
    "discover": _discover,
    "interpret": _interpret,
    "export": export.run,
    "info": _info,
}
