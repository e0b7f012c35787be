"""Julia and PySR: whether they can be used, and starting them.

Julia comes from one of two places: juliapkg installs it, with its packages, the first time it is
needed (the declarations are PySR's and our juliapkg.json); or it is the user's own, named by two
environment variables, and juliapkg stays out of it.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import warnings
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from closedform.errors import InputError

EXE, PROJECT = "PYTHON_JULIACALL_EXE", "PYTHON_JULIACALL_PROJECT"
THREADS = "PYTHON_JULIACALL_THREADS"
PYSR = ">=1.5.10,<3"
JULIA = ">=1.10"
PACKAGES = ("SymbolicRegression", "PythonCall", "Zygote")

_OWN = f"set {EXE} and {PROJECT}, both, to a Julia {JULIA} and a project with {', '.join(PACKAGES)}"
_JULIAPKG = f"unset {EXE} and {PROJECT} and let juliapkg install Julia, which needs the network"
_NATIVE = "use backend='native'"


def status() -> tuple[bool, str]:
    """Whether backend="pysr" can be used, and one line on what it would use or why not.

    Julia is not started; one of the user's own is asked for its version.
    """
    if (obstacle := _obstacle()) is not None:
        return False, obstacle
    version = metadata.version("pysr")
    if EXE in os.environ:
        return True, f"PySR {version}, Julia {_julia_version(os.environ[EXE])} of {EXE}"
    try:
        state = importlib.import_module("juliapkg.state").STATE
        installed = Path(state["meta"]).exists()
    except Exception as error:
        return False, f"juliapkg does not work ({_line(error)}); {_OWN}, or {_NATIVE}"
    if installed:
        return True, f"PySR {version}, Julia and its packages as juliapkg installed them"
    return True, f"PySR {version}; juliapkg will download Julia at the first use"


def start(threads: int | None) -> Any:
    """Julia's Main module, with PySR and our own modules loaded; starts Julia if need be.

    The first start of an installation downloads (without the user's own Julia) and compiles for
    minutes, later ones take seconds.

    Args:
        threads: of Julia, which are fixed when it starts; None for all cores.

    Raises:
        InputError: PySR or Julia is missing, too old, offline or half installed, and what to do; or
            Julia runs already with another number of threads.
    """
    # Looked for once: it runs the user's Julia, and every stage of a pipeline comes here.
    if "pysr" not in sys.modules and (obstacle := _obstacle()) is not None:
        raise InputError(f"backend: 'pysr' cannot be used: {obstacle}")
    if "juliacall" not in sys.modules and threads is not None:
        os.environ.setdefault(THREADS, str(threads))
    try:
        with warnings.catch_warnings():
            # PySR would rather set it itself; it is what the user asked for.
            warnings.filterwarnings("ignore", message=f"{THREADS} environment variable")
            importlib.import_module("pysr")
        main = importlib.import_module("juliacall").Main
        _give_back_ctrl_c()
        _load_modules(main)
    except Exception as error:
        raise InputError(
            f"backend: 'pysr' cannot start Julia ({_line(error)}); {_way_out()}"
        ) from error
    running = int(main.Threads.nthreads())
    if threads is not None and threads not in (1, running):
        raise InputError(
            f"threads: Julia was started with {running} and cannot change; give 1 or {running}, "
            f"or set {THREADS}={threads} before Python starts"
        )
    return main


def _give_back_ctrl_c() -> None:
    """Julia, when it starts, takes SIGINT and would end the process; Python is to have it again."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.getsignal(signal.SIGINT))


def _load_modules(main: Any) -> None:
    main.seval("using PythonCall: PythonCall")
    for name in ("GradientCosine", "SearchWatch"):
        if not main.seval(f"isdefined(Main, :{name})"):
            main.include(str(Path(__file__).parent / "julia" / f"{name}.jl"))


def _obstacle() -> str | None:
    """Why PySR cannot be used, with the way out, as far as it shows without starting Julia."""
    if find_spec("pysr") is None or find_spec("juliacall") is None:
        return f"PySR is not installed; pip install 'pysr{PYSR}', or {_NATIVE}"
    version = metadata.version("pysr")
    if not _within(version, PYSR):
        return f"PySR {version} is not supported; pip install 'pysr{PYSR}', or {_NATIVE}"
    given = [name for name in (EXE, PROJECT) if os.environ.get(name)]
    if len(given) == 1:
        return f"{given[0]} is set alone; {_OWN}; or {_JULIAPKG}; or {_NATIVE}"
    return _own_obstacle() if given else None


def _own_obstacle() -> str | None:
    """What is wrong with the user's own Julia."""
    executable, project = os.environ[EXE], Path(os.environ[PROJECT])
    version = _julia_version(executable)
    if version is None:
        return f"{EXE}={executable} does not run; {_OWN}; or {_JULIAPKG}; or {_NATIVE}"
    if not _within(version, JULIA):
        return f"{EXE} is Julia {version}, too old; install {JULIA}; or {_JULIAPKG}; or {_NATIVE}"
    manifests = sorted(project.glob("Manifest*.toml"))
    text = "".join(manifest.read_text(encoding="utf-8") for manifest in manifests)
    missing = [name for name in PACKAGES if f"deps.{name}]]" not in text]
    if missing:
        add = ", ".join(f'"{name}"' for name in missing)
        return (
            f"{PROJECT}={project} is half installed, {', '.join(missing)} missing; run "
            f"{executable} --project={project} -e 'using Pkg; Pkg.add([{add}])', or {_NATIVE}"
        )
    return None


def _way_out() -> str:
    """What to do when Julia does not start although nothing seemed wrong."""
    if os.environ.get(EXE):
        return (
            f"run {os.environ[EXE]} --project={os.environ[PROJECT]} -e 'using Pkg; "
            f"Pkg.instantiate(); using {', '.join(PACKAGES)}' to see what it lacks; "
            f"or {_JULIAPKG}; or {_NATIVE}"
        )
    return (
        "if there is no network here, let juliapkg install Julia where there is one "
        f"(python -c 'import pysr'), or {_OWN}; if an installation was cut short, run "
        f"python -c 'import juliapkg; juliapkg.resolve(force=True)'; or {_NATIVE}"
    )


def _julia_version(executable: str) -> str | None:
    path = shutil.which(executable)
    if path is None:
        return None
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"julia version (\d+\.\d+\.\d+)", done.stdout)
    return found.group(1) if found else None


def _within(version: str, wanted: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(wanted).contains(version, prereleases=True)


def _line(error: Exception) -> str:
    """The first line an exception has to say."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
