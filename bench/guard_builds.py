"""The builds of closedform that the guard compares, and Python under either of them."""

from __future__ import annotations

import atexit
import filecmp
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import closedform as cf
from bench.guard_work import Outcome, Task

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 600.0  # seconds a process may take


@dataclass(frozen=True)
class Build:
    """A build of closedform.

    Attributes:
        name: "" for ours, else the commit's.
        site: the folder that holds the package; None for the one that Python finds.
    """

    name: str = ""
    site: Path | None = None

    def python(self, *arguments: str) -> str:
        """What a process of Python under this build prints.

        Raises:
            FileNotFoundError: it ended with one.
            RuntimeError: it failed otherwise.
        """
        environment = dict(os.environ)
        if self.site is not None:
            more = environment.get("PYTHONPATH")
            environment["PYTHONPATH"] = os.pathsep.join([str(self.site), *([more] if more else [])])
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        if done.returncode:
            kind, _, reason = done.stderr.strip().rpartition("\n")[2].partition(": ")
            if kind == "FileNotFoundError":
                raise FileNotFoundError(reason)
            raise RuntimeError(f"{self.name or 'ours'}: {arguments}:\n{done.stderr[-3000:]}")
        return done.stdout

    def outcome(self, work: str, task: Task) -> Outcome:
        """Of a piece of guard_work.py, which ran under this build and no other."""
        said = self.python("-m", "bench.guard_work", work, json.dumps(asdict(task)))
        document = json.loads(said.splitlines()[-1])
        package = Path(document["package"])
        site = self.site or Path(cf.__file__).parents[1]
        assert package.is_relative_to(site), f"{self.name or 'ours'}: {package} was imported"
        _check_alike(document["build"])
        return Outcome.from_plain(document)


def _check_alike(about: Mapping[str, str]) -> None:
    """Compiler, optimisation and instruction set are ours."""
    differing = {key for key, value in cf.build_info().items() if about.get(key) != value}
    assert differing <= {"version"}, f"a build unlike ours, {cf.build_info()}: {about}"


@cache
def ours() -> Build:
    """The package that Python finds.

    Raises:
        RuntimeError: its Python is not the working tree's.
    """
    package, tree = Path(cf.__file__).parent, ROOT / "python" / "closedform"
    for path in sorted(tree.rglob("*.py")):
        installed = package / path.relative_to(tree)
        if not installed.exists() or not filecmp.cmp(path, installed, shallow=False):
            raise RuntimeError(f"{installed} is not this tree's; install it again: pip install .")
    return Build()


@cache
def built(commit: str) -> Build:
    """A commit's package, built as pip builds it, for the CPU alone."""
    name = _git("rev-parse", "--short", f"{commit}^{{commit}}").decode().strip()
    source, site = temporary() / "source", temporary() / "site"
    print(f"building {name}", flush=True)
    with tarfile.open(fileobj=io.BytesIO(_git("archive", name))) as archive:
        archive.extractall(source, filter="data")
    # Where the build's requirements are installed (as in .ci/run) they are not fetched again.
    isolated = [] if find_spec("scikit_build_core") is None else ["--no-build-isolation"]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", *isolated),
            *("-C", "cmake.define.CLOSEDFORM_CUDA=OFF", "--target", str(site), str(source)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{name} does not build:\n{(done.stdout + done.stderr)[-3000:]}")
    # The matrix products' library is looked for beside the package.
    blas = find_spec("scipy_openblas32")
    for folder in (blas.submodule_search_locations or []) if blas else []:
        (site / "scipy_openblas32").symlink_to(folder)
    return Build(name, site)


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"git {' '.join(arguments)}: {done.stderr.decode().strip()}")
    return done.stdout


@cache
def temporary() -> Path:
    """A folder that goes with this process."""
    folder = tempfile.TemporaryDirectory(prefix="closedform-guard-")
    atexit.register(folder.cleanup)
    return Path(folder.name)
