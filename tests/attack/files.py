"""Attacks by way of files: broken ones, failing writes, kills in the middle, and the commands."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
from tests.attack import drawing
from tests.attack.outcomes import Attack, Wrong, check_formulas, ensure

import closedform as cf
from closedform.cli.main import main
from closedform.tables.files import read_table

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EPIPE, errno.EROFS, errno.EDQUOT)
TOKENS = (
    *(b"nan", b"1e999", b"null", b"{", b"]", b'"', b"\n", b",", b"9" * 400, b"\xff\xfe", b"\0"),
    *(b"-1", b"1e308", b";"),
)
DEADLINE = 20.0  # seconds that a child has, on a machine that is busy
OLD = cf.Front([cf.Formula("x1 + 1", ["x1"], 0.5)])


def _written(a: Attack) -> Path:
    """A file that can be read: a table, a front, a surrogate or a network."""
    kind = a.one(["csv", "csv", "parquet", "json", "npz", "onnx"])
    path: Path = a.folder / f"good.{kind}"
    X = a.rng.uniform(1, 2, (12, 2))
    if kind in ("csv", "parquet"):
        import pandas as pd

        labels = a.one([["a", "b"], ["a b", "α"], drawing.labels(a, 2)])
        scale = 10.0 ** a.one([0, 0, 0, a.rng.integers(-300, 300)])
        frame = pd.DataFrame(X * scale, columns=labels).assign(y=X[:, 0] * X[:, 1])
        with contextlib.suppress(UnicodeError, ValueError):  # what pandas cannot write
            frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    elif kind == "json":
        cf.Front([cf.Formula("x1*2 + sin(x2)", ["x1", "x2"], 0.1, ((0, 1), (0, 2)))]).save(path)
    elif kind == "npz":
        cf.Surrogate(1, 2, time=0.05, threads=1).fit(X, X[:, 0]).save(path)
    else:
        path.write_bytes(_network())
    return path


def _network() -> bytes:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    W = numpy_helper.from_array(np.ones((1, 2), np.float32), "W")
    b = numpy_helper.from_array(np.zeros(1, np.float32), "b")
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", k]) for n, k in ("x2", "y1")]
    nodes = [helper.make_node("Gemm", ["x", "W", "b"], ["z"], transB=1, name="fc"),
             helper.make_node("Sigmoid", ["z"], ["y"], name="end")]  # fmt: skip
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [W, b])
    written: bytes = onnx.helper.make_model(graph).SerializeToString()
    return written


def _mutated(a: Attack, content: bytes) -> bytes:
    data = bytearray(content)
    for _ in range(int(a.rng.integers(1, 5))):
        at = int(a.rng.integers(len(data) + 1))
        end = at + int(a.rng.integers(1, 40))
        what = a.one(["flip", "cut", "insert", "repeat", "drop", "number"])
        if what == "flip" and at < len(data):
            data[at] ^= 1 << int(a.rng.integers(8))
        elif what == "cut":
            del data[at:]
        elif what == "drop":
            del data[at:end]
        elif what == "repeat":
            data[at:at] = data[at:end] * 3
        else:
            noise = bytes(a.rng.integers(0, 256, 8).tolist())
            data[at : at + (5 if what == "number" else 0)] = a.one([*TOKENS, noise])
        if not data:
            break
    return bytes(data)


def mutated(a: Attack) -> None:
    path = _written(a)
    if not path.exists():
        return
    content = _mutated(a, path.read_bytes()) if a.chance(0.9) else path.read_bytes()
    path.write_bytes(content)
    a.note(file=content[:300])
    X = np.full((3, 2), 1.5)
    if path.suffix in (".csv", ".parquet"):
        read = read_table(path, target=a.one(["y", "y", None]))
        ensure(np.isfinite(read.inputs.values).all(), "what is read is not finite")
    elif path.suffix == ".json":
        front = cf.Front.load(path)
        check_formulas(front)
        front.save(a.folder / "again.json")
        ensure(len(cf.Front.load(a.folder / "again.json")) == len(front), "another front")
    elif path.suffix == ".npz":
        model = cf.Surrogate.load(path)
        model.predict(X)
        model.save(a.folder / "again.npz")
    else:
        cf.network(str(path)).gradient(X)


class _Full(io.FileIO):
    """A file that takes a few bytes and no more."""

    error = 0

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        super().write(data[:3])
        raise OSError(self.error, os.strerror(self.error))


@contextlib.contextmanager
def failing(name: str, error: int) -> Iterator[None]:
    """What `output` calls fails: `open`, a function of `os`, or the file's own `write`."""

    def call(*_: object, **__: object) -> object:
        raise OSError(error, os.strerror(error))

    def full(path: Path, mode: str) -> io.FileIO:
        file = _Full(path, mode.replace("b", ""))
        file.error = error
        return file

    given = {"open": call, "write": full}
    if name in given:
        patch = mock.patch("closedform.tables.output.open", given[name], create=True)
    else:
        patch = mock.patch(f"closedform.tables.output.os.{name}", call)
    with patch:
        yield


def failing_write(a: Attack) -> None:
    new = cf.Front([cf.Formula("x1*3", ["x1"], 0.25)])
    path = a.folder / a.one(["front.json", "α b.json", "x" * 100])
    OLD.save(path)
    name = a.one(["open", "fsync", "replace", "chmod", "write", "write-limit"])
    a.note(name=name)
    failed = False
    try:
        if name == "write-limit":
            return _limited(a, path, new)
        with failing(name, a.one(ERRORS)):
            new.save(path)
    except OSError as error:
        failed = True
        ensure(len(str(error).splitlines()) == 1, f"not a line: {error}")
    texts = {front.best.text for front in (OLD, new)}
    ensure(
        cf.Front.load(path).best.text == (OLD if failed else new).best.text
        or (name == "fsync" and cf.Front.load(path).best.text in texts),
        "neither old nor new",
    )
    ensure([p.name for p in a.folder.iterdir()] == [path.name], "something is left beside it")


def _limited(a: Attack, path: Path, new: cf.Front) -> None:
    """A disk that is full after some bytes."""

    def child() -> int:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (40, 40))
        try:
            new.save(path)
        except OSError:
            return 0
        return 1

    ensure(_forked(child) == 0, "no error from a full disk")
    ensure(cf.Front.load(path).best.text == OLD.best.text, "the old front is gone")


def _forked(work: Callable[[], int], kill_after: float | None = None, number: int = 9) -> int:
    """The exit status of a child that does the work, a signal sent to it on the way."""
    ends = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # till the child is what it is to be
    child = os.fork()
    if child == 0:
        status = 70
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            status = work()
        except KeyboardInterrupt:
            status = 3
        finally:
            os._exit(status)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, number)
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise Wrong(f"a child that hangs {DEADLINE} s after signal {number}")


def killed_write(a: Attack) -> None:
    """kill -9 at any moment of saving: an old file or a new one, and one that can be read."""
    X = a.rng.uniform(1, 2, (12, 2))
    path = a.folder / "saved"
    model = a.one([OLD, cf.Surrogate(1, 2, time=0.05, threads=1).fit(X, X[:, 0])])
    model.save(path)

    def child() -> int:
        while True:
            model.save(path)

    ensure(_forked(child, float(a.rng.uniform(0, 0.03))) == -signal.SIGKILL, "not killed")
    type(model).load(path)


def stopped(a: Attack) -> None:
    """A signal at any moment of a search: a front, or nothing before it has begun."""
    X = a.rng.uniform(1, 2, (60, a.one([2, 7])))
    y = X[:, 0] * np.sin(X[:, -1]) + a.rng.normal(size=60)

    def child() -> int:
        front = cf.search(X, values=y, time=60, threads=2, max_size=12)
        return 0 if front.stopped == "interrupted" else 4

    number = a.one([signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    after = float(a.rng.uniform(0.0, 0.4))
    a.note(number=number, after=after)
    status = _forked(child, after, number)
    ensure(status in (0, 3, -number), f"status {status}")  # the last two before it has begun


class _Broken(io.StringIO):
    """Standard output that cannot be written to."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


def _arguments(a: Attack, path: Path) -> list[str]:
    save, page = str(a.folder / "front.json"), str(a.folder / "page.html")
    search = [
        *(["--json"], ["--quiet"], ["--save", save], ["--report", page], ["--threads", "1"]),
        *(["--operators=+,*"], ["--max-size", "5"], ["--drop", "b"], ["--seed", "7"]),
    ]
    wrong = [
        *(
            ["--save", str(path)],
            ["--report", "no/page.html"],
            ["--max-size", "1e3"],
            ["--seed", "-1"],
        ),
        *(["--time", "nan"], ["--time", "x"], ["--weights", "y"], ["--output", str(a.folder)]),
    ]
    kind = {".json": "export", ".npz": "export", ".onnx": "interpret"}.get(path.suffix, "discover")
    if a.chance(0.1):
        kind = a.one(["discover", "interpret", "export", "info", "wrong"])
    own = {
        "discover": [str(path), "--target", "y", "--evaluations", "50"],
        "interpret": [str(path), str(path), "--evaluations", "50"],
        "export": [str(path), "--to", a.one(["c", "fortran"]), "--derivatives", "1"],
    }.get(kind, [])
    for _ in range(int(a.rng.integers(4))):
        own += a.one(wrong) if a.chance(0.1) else a.one(search) if kind != "export" else []
    if kind in ("discover", "interpret") and "--time" not in own:
        own += ["--time", "0.3"]
    return [kind, *own]


def command(a: Attack) -> None:
    """A command line, run in this process."""
    path = _written(a)
    arguments = _arguments(a, path)
    a.note(arguments=arguments)
    out: io.StringIO = io.StringIO()
    if a.chance(0.1):
        out = _Broken(a.one([BrokenPipeError(32, "Broken pipe"), OSError(28, "No space left")]))
    errors = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        status = main(arguments)
    said = errors.getvalue().strip()
    ensure(status in (0, 2), f"status {status}: {said}")
    if status == 2:
        last = said.splitlines()[-1] if said else ""
        ensure(last.startswith("closedform: error: "), f"said {said!r}")
        raise ValueError(last)
    if "--json" in arguments:
        json.loads(out.getvalue())
    if "--save" in arguments:
        check_formulas(cf.Front.load(a.folder / "front.json"))
