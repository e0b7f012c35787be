"""The command line of the suite: `python -m bench --help`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import bench
from bench import runner, table
from bench.record import Benchmark, Record, Value
from bench.suite import SUITE


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=bench.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Any parameter that --list shows is an option: one value, or several with commas.",
    )
    parser.add_argument("names", nargs="*", help="benchmarks, or what their names begin with")
    parser.add_argument(
        "--list", action="store_true", help="print names and parameters, run nothing"
    )
    parser.add_argument("--quick", action="store_true", help="small sizes and budgets")
    parser.add_argument("--write", action="store_true", help="renew bench/README.md from this run")
    parser.add_argument(
        "--add", type=Path, metavar="FILE", help="put a GPU's results.json into bench/README.md"
    )
    parser.add_argument("--json", type=Path, help="a file to write this run's records to")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--seed", type=int, default=0)
    options, rest = parser.parse_known_args()
    if options.add is not None:
        table.add(options.add)
        return 0
    selected = [b for b in SUITE if not options.names or any(_begins(b, n) for n in options.names)]
    if not selected:
        parser.error(f"no benchmark is named {' or '.join(options.names)}; see --list")
    given = _parameters(rest, selected, parser)
    plans = [(benchmark, _chosen(benchmark, given, options.quick)) for benchmark in selected]
    if options.list:
        for benchmark, chosen in plans:
            values = (f"{key}={','.join(map(str, v)) or 'none'}" for key, v in chosen.items())
            print(benchmark.name, *values)
        return 0
    failed = False
    kept: list[Record] = []
    for benchmark, chosen in plans:
        records = runner.run(benchmark, chosen, options.threads, options.seed)
        failed |= records is None or any(record.verdict == "miss" for record in records)
        if records and options.write:  # at once: a run may be cut short
            table.write(benchmark.name, records, options.threads)
        kept += records or []
        if options.json is not None:
            options.json.write_text(json.dumps([record.plain() for record in kept], indent=1))
    return int(failed)


def _begins(benchmark: Benchmark, name: str) -> bool:
    return benchmark.name == name or benchmark.name.startswith(f"{name}.")


def _parameters(
    rest: list[str], selected: list[Benchmark], parser: argparse.ArgumentParser
) -> dict[str, tuple[Value, ...]]:
    """`--rows 1e5,1e6` and the like, as values of the kind the parameter has."""
    kinds: dict[str, type[Value]] = {}
    for benchmark in selected:
        kinds |= {key: type(values[0]) for key, values in benchmark.parameters.items()}
    given: dict[str, tuple[Value, ...]] = {}
    words = [part for word in rest for part in word.split("=", 1)]
    for option, text in zip(words[::2], [*words[1::2], ""], strict=False):
        key = option.removeprefix("--")
        if not option.startswith("--") or key not in kinds:
            parser.error(f"{option}: no parameter of {' '.join(b.name for b in selected)}")
        try:
            given[key] = tuple(_value(kinds[key], part) for part in text.split(","))
        except ValueError:
            parser.error(f"{option}: {text!r} is not a {kinds[key].__name__}")
    return given


def _value(kind: type[Value], text: str) -> Value:
    return int(float(text)) if kind is int else kind(text)


def _chosen(
    benchmark: Benchmark, given: dict[str, tuple[Value, ...]], quick: bool
) -> dict[str, tuple[Value, ...]]:
    chosen = {**benchmark.parameters, **(benchmark.quick if quick else {})}
    return {key: given.get(key, values) for key, values in chosen.items()}


if __name__ == "__main__":
    sys.exit(main())
