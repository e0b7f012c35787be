"""Rows and searches on the workers of a Dask cluster."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

import closedform as cf
from closedform.formulas.front import Front
from closedform.formulas.noise import Logarithmic
from closedform.searches.everywhere import densities_of, equations_of, on_all_rows
from closedform.surrogates.everywhere import Everywhere
from closedform.surrogates.separability import separated
from closedform.tables import cluster
from closedform.tables.checks import matrix
from closedform.tables.chunks import Data
from closedform.tables.cluster import Part, Partitions

pytest.importorskip("distributed", reason="needs closedform[dask]")
pytestmark = [
    pytest.mark.xdist_group("cluster"),
    # What Dask itself warns of, where a port is taken or a worker dies.
    pytest.mark.filterwarnings("default"),
]

ROWS, PARTS = 4000, 6


def table() -> pandas.DataFrame:
    rng = np.random.default_rng(0)
    X = rng.uniform(1, 3, (ROWS, 3))
    y = 2.31 * X[:, 0] * X[:, 1] / X[:, 2] + 0.3 * rng.normal(size=ROWS)
    return pandas.DataFrame({"a": X[:, 0], "b c": X[:, 1], "d": X[:, 2], "y": y})


def parts_of(frame: pandas.DataFrame, client: Any, **roles: Any) -> Partitions:
    from dask import dataframe

    rows = dataframe.from_pandas(frame, npartitions=PARTS, sort=False)
    return Partitions.of(rows, "y", None, None, client=client, **roles)


class Here:
    """This process, asked as a client is."""

    def map(self, ask: Any, parts: Any, /, *, pure: bool, **what: Any) -> Any:
        del pure
        return [Answered(partial(ask, part, **what)) for part in parts]

    def gather(self, futures: Any) -> Any:
        return [future.value() for future in futures]

    def cancel(self, futures: Any) -> None:
        pass


@dataclass
class Answered:
    value: Any
    status: str = "finished"

    def done(self) -> bool:
        return True


def here(parts: Partitions) -> Partitions:
    """The same partitions in this process."""
    return replace(parts, client=Here(), parts=tuple(parts.client.gather(list(parts.parts))))


def test_sums_have_the_same_bits_for_any_number_of_workers(clients: tuple[Any, Any]) -> None:
    texts, names = ["1.7*a*b_c**2/d + 0.1", "sin(a)"], ["a", "b_c", "d"]
    found = []
    for client in clients:
        parts = parts_of(table(), client, held_out=0.2, seed=3)
        assert sum(parts.rows) == ROWS
        assert parts.held_out == sum(round(0.2 * rows) for rows in parts.rows)
        assert parts.weight == ROWS - parts.held_out
        local = here(parts)
        for one in (parts, local):
            total = one.total(equations_of, texts, names)
            found.append([(sums.weight, sums.squares, sums.gram.tolist()) for sums in total])
        rows = np.concatenate([part.data.inputs.values[~part.held] for part in local.parts])
        y = np.concatenate([part.data.y[~part.held] for part in local.parts])
        law = cf.Formula(texts[0], names)
        assert found[0][0][1] == pytest.approx(float(np.sum((law(rows) - y) ** 2)), rel=1e-12)
        drawn, held = parts.sample(500, 7)
        assert (len(held), drawn.inputs.labels) == (500, ("a", "b c", "d"))
        found.append(drawn.inputs.values.tolist())
    assert found[0] == found[1] == found[3] == found[4]
    assert found[2] == found[5]


def noisy(rows: int) -> pandas.DataFrame:
    rng = np.random.default_rng(5)
    X = rng.uniform(0, 1, (rows, 2))
    y = np.exp(X[:, 0]) * X[:, 1] + 0.5 * rng.normal(size=rows)
    return pandas.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": y})


def bits(surrogate: cf.Surrogate) -> list[list[float]]:
    core = surrogate.core
    return [core.factor(d).ravel().tolist() for d in range(core.inputs)]


def test_a_surrogate_is_fitted_to_all_partitions_and_a_worker_may_die(
    clients: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dask import dataframe

    monkeypatch.setattr(cluster, "SAMPLE", 12_000)
    frame = noisy(48_000)
    rows = dataframe.from_pandas(frame, npartitions=PARTS, sort=False)
    passes, killed = [], []
    total = Partitions.total

    def counted(self: Partitions, question: Any, *what: Any, ends: float) -> Any:
        passes.append(question)
        if self.client is clients[1] and len(passes) == 2:
            killed.append(next(iter(self.client.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)
        return total(self, question, *what, ends=ends)

    monkeypatch.setattr(Partitions, "total", counted)

    def fitted(client: Any) -> cf.Surrogate:
        passes.clear()
        surrogate = cf.Surrogate(2, 8, smoothing=1e-8, time=math.inf, threads=1)
        return surrogate.fit(rows, "y", client=client)

    one = fitted(clients[0])
    assert 2 <= len(passes) <= 6  # of one task a partition
    two = fitted(clients[1])
    parts = Partitions.of(rows, "y", None, None, client=clients[0])
    sample = parts.sample(12_000, 0)[0]
    local, alone = (
        cf.Surrogate(2, 8, smoothing=1e-8, time=math.inf, threads=1).fit_sample(sample, everywhere)
        for everywhere in (Everywhere(here(parts)), None)
    )
    assert len(killed) == 1
    assert bits(one) == bits(two) == bits(local) != bits(alone)
    X = frame[["a", "b"]].to_numpy()
    law = np.exp(X[:, 0]) * X[:, 1]
    wrong, before = (np.mean((of.predict(X) - law) ** 2) for of in (one, alone))
    assert wrong < 0.5 * before  # all rows say more than a quarter of them
    assert one.nodes[0][[0, -1]].tolist() == [X[:, 0].min(), X[:, 0].max()]
    clients[1].wait_for_workers(2, timeout=60)
    scores = [
        cf.separability(one, rows, "y", client=client, time=math.inf, threads=1)
        for client in clients
    ]
    assert scores[0].multiplicative.tobytes() == scores[1].multiplicative.tobytes()
    everywhere = cf.separability(one, X, threads=1)
    np.testing.assert_allclose(scores[0].multiplicative, everywhere.multiplicative, rtol=1e-9)


def test_constants_under_a_noise_model_are_those_of_all_rows() -> None:
    rng = np.random.default_rng(2)
    X = rng.uniform(1, 3, (6000, 2))
    y = 2.5 * X[:, 0] ** 1.5 / X[:, 1] * np.exp(0.2 * rng.normal(size=6000))
    parts = [
        Part(Data(matrix(X[k::3]), y[k::3], None, None), np.zeros(2000, bool), 2000)
        for k in range(3)
    ]
    ranges = np.column_stack([X.min(axis=0), X.max(axis=0)])
    names = ("x1", "x2")
    rows = Partitions(Here(), tuple(parts), (2000,) * 3, 0, 6000.0, 0, names, None, ranges)
    front = Front([cf.Formula("2.4*x1**1.45/x2", names, 1.0)])
    sample = Data(matrix(X[:500]), y[:500], None, None)
    (found,) = on_all_rows(front, rows, math.inf, densities_of(front, Logarithmic(), sample))
    # In the logarithm it is a straight line.
    line = np.column_stack([np.ones(6000), np.log(X[:, 0])])
    (level, power), left, *_ = np.linalg.lstsq(line, np.log(y * X[:, 1]), rcond=None)
    errors = np.sqrt(np.diag(np.linalg.inv(line.T @ line)) * left / 5998) * [np.exp(level), 1]
    for constant, expected, error in zip(
        found.constants, (np.exp(level), power), errors, strict=True
    ):
        assert constant.value == pytest.approx(expected, abs=0.02 * error)
        assert constant.standard_error == pytest.approx(error, rel=0.1)


def test_a_cluster_that_gives_no_answer_leaves_what_the_sample_gave(
    caplog: pytest.LogCaptureFixture,
) -> None:
    frame = noisy(12_000)
    X = frame[["a", "b"]].to_numpy()
    sample = Data(matrix(X), frame["y"].to_numpy(), None, None)
    ranges = np.array([[0.0, 1.0], [0.0, 1.0]])
    gone = Partitions(Here(), (None,), (24_000,), 0, 24_000.0, 0, ("a", "b"), None, ranges)
    surrogate = cf.Surrogate(1, 6, smoothing=1e-8, time=math.inf, threads=1)
    surrogate.fit_sample(sample, Everywhere(gone))
    assert "is that of a sample of the rows: client: no answer: AttributeError" in caplog.text
    late = replace(Everywhere(gone), ends=0.0)
    scores = separated(surrogate, sample, late, time=9, seed=0, threads=1, device="cpu")
    assert np.isfinite(scores.additive).all()
    front = Front([cf.Formula("2.0*a", ("a", "b"), 1.0)])
    assert [f.text for f in on_all_rows(front, gone, math.inf)] == ["2*a"]


def test_discover_leaves_partitions_where_they_are(clients: tuple[Any, Any]) -> None:
    from dask import dataframe

    frame = table()
    found = [
        cf.discover(
            dataframe.from_pandas(frame, npartitions=PARTS, sort=False),
            "y",
            time=math.inf,
            evaluations=3000,
            operators=["+", "*", "/"],
            max_size=9,
            strategy="direct",
            noise="absolute",
            options={"colonies": 2},
            client=client,
        )
        for client in clients
    ]
    one, two = found
    assert one.formula.text == two.formula.text
    assert [f.loss for f in one.front] == [f.loss for f in two.front]
    assert one.errors == two.errors
    X = frame[["a", "b c", "d"]]
    assert one.formula.complexity == 7
    product = (X["a"] * X["b c"] / X["d"]).to_numpy()
    np.testing.assert_allclose(one.formula(X), 2.31 * product, rtol=0.01)
    # Of the rows that were not set aside, 0.85 of all.
    error = 0.3 / np.sqrt(0.85 * np.sum(product**2))
    assert one.formula.constants[0].standard_error == pytest.approx(error, rel=0.05)
    assert one.formula.labels == ("a", "b c", "d")
    assert one.formula.ranges == tuple((X[c].min(), X[c].max()) for c in X)
    told = one.provenance
    assert told.rows + told.held_out == ROWS
    errors = one.errors["direct"]
    assert errors is not None
    assert errors.rmse == pytest.approx(0.3, rel=0.1)


def test_a_worker_that_dies_changes_nothing(clients: tuple[Any, Any]) -> None:
    frame, client = table(), clients[1]
    X, y = frame[["a", "b c", "d"]], frame["y"]

    def search() -> list[str]:
        front = cf.search(
            X,
            values=y,
            time=math.inf,
            evaluations=20_000,
            operators=["+", "*", "/"],
            max_size=9,
            options={"colonies": 2},
            client=client,
        )
        return [f"{formula.text} {formula.loss!r}" for formula in front]

    whole = search()
    worker = next(iter(client.run(os.getpid).values()))
    kill = threading.Timer(0.5, os.kill, (worker, signal.SIGKILL))
    kill.start()
    assert search() == whole
    kill.join()
    client.wait_for_workers(2, timeout=60)
    again = client.run(os.getpid)
    assert worker not in again.values()


def test_a_neuron_is_searched_by_the_workers(clients: tuple[Any, Any]) -> None:
    X = np.random.default_rng(0).uniform(1, 2, (200, 2))
    neuron = cf.Formula("exp(x1*x2)", ["x1", "x2"])
    one, two = (
        cf.interpret(neuron, X, time=math.inf, evaluations=4000, operators="+ *", client=client)
        for client in clients
    )
    assert one.formula.text == two.formula.text == "x1*x2"
    assert [f.loss for f in one.front] == [f.loss for f in two.front]


def test_what_is_wrong_is_said_with_its_partition(clients: tuple[Any, Any]) -> None:
    from dask import array, dataframe

    frame, client = table(), clients[1]
    broken = frame.copy()
    broken.loc[ROWS - 1, "d"] = math.nan
    with pytest.raises(cf.InputError, match=r"^partition 5: X: row 665, column 'd'"):
        parts_of(broken, client)
    rows = dataframe.from_pandas(frame, npartitions=PARTS, sort=False)
    some = rows[rows["a"] > 2.999]  # partitions without rows
    words = rows.assign(d=rows["d"].astype(str) + "m")
    with pytest.raises(cf.InputError, match=r"^partition 0: X: column 'd'"):
        cf.discover(words, "y")
    with pytest.raises(cf.InputError, match=r"^X: no partition has rows"):
        cf.search(rows[rows["a"] > 9], values="y")
    with pytest.raises(cf.InputError, match="rows on a cluster are few"):
        cf.discover(some, "y")
    with pytest.raises(cf.InputError, match="no column 'z' in X"):
        cf.search(rows, values="z")
    with pytest.raises(cf.InputError, match=r"^weights: must be of Dask"):
        cf.search(rows, values="y", weights=np.ones(ROWS))
    with pytest.raises(cf.InputError, match=r"^y: has 2 partitions, X has 6"):
        cf.discover(rows, array.ones(ROWS, chunks=ROWS // 2))
    with pytest.raises(cf.InputError, match=r"^client: must be a dask.distributed.Client, not int"):
        cf.search(frame, values="y", client=3)
    with pytest.raises(cf.InputError, match="colonies are searched by a client's workers"):
        cf.search(frame, values="y", options={"colonies": 3})
    with pytest.raises(cf.InputError, match=r"^sigma_X: is not for rows on a cluster"):
        cf.discover(rows, "y", sigma_X=0.1)
    dropped = parts_of(broken, client, missing="drop")
    assert (sum(dropped.rows), dropped.dropped) == (ROWS - 1, 1)
    surrogate = cf.Surrogate(3, 5, time=1).fit(
        array.from_array(frame[["a", "d"]].to_numpy(), chunks=(ROWS // 2, 1)),
        array.from_array(frame["y"].to_numpy(), chunks=ROWS // 2),
    )
    assert surrogate.names == ("x1", "x2")


def test_workers_of_another_version_are_refused(
    clients: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster._core, "build_info", lambda: {"version": "0.1"})
    with pytest.raises(cf.InputError, match=r"^client: worker tcp.* this process closedform 0.1"):
        cf.search(table(), values="y", client=clients[0])


def test_a_cluster_that_goes_away_leaves_what_was_found() -> None:
    from distributed import Client, LocalCluster

    frame = table()
    cluster = LocalCluster(
        n_workers=1, processes=False, dashboard_address=":0", silence_logs="CRITICAL"
    )
    with Client(cluster) as client:
        pass
    with pytest.raises(cf.InputError, match=r"^client: is closed; make one"):
        cf.search(frame[["a", "d"]], values=frame["y"], client=client)
    cluster.close()


def test_nothing_of_dask_is_imported_without_it() -> None:
    code = (
        "import sys, numpy as np, closedform as cf\n"
        "X = np.random.default_rng(0).uniform(1, 2, (50, 2))\n"
        "cf.search(X, values=X[:, 0] / X[:, 1], evaluations=1000)\n"
        "assert not {'dask', 'distributed'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_the_command_line_reads_parquet_on_the_workers(
    clients: tuple[Any, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from closedform.cli.main import main

    folder = tmp_path / "rows"
    folder.mkdir()
    for part in range(2):
        table().iloc[part::2].to_parquet(folder / f"{part}.parquet")
    address = clients[1].scheduler.address
    words = ["--scheduler", address, "--evaluations", "1000", "--quiet"]
    assert main(["discover", str(folder), "--target", "y", "--strategy", "direct", *words]) == 0
    assert "b_c" in capsys.readouterr().out
    both = ["--target", "y", "--target", "d", "--operators", "+", "--max-size", "3"]
    assert main(["discover", str(folder), *both, "--strategy", "direct", *words]) == 0
    assert "  d = " in capsys.readouterr().out
    words[1] = "tcp://127.0.0.1:9"
    assert main(["discover", str(folder), "--target", "y", *words]) == 2
    assert "does not answer" in capsys.readouterr().err


def test_what_a_user_knows_goes_to_the_workers(clients: tuple[Any, Any]) -> None:
    frame = table()
    front = cf.search(
        frame[["a", "b c", "d"]],
        values=frame["y"],
        operators=["+", "*", "/", {"sinc": "sin(x)/x"}],
        units={"a": "m", "b_c": "s", "d": "s", "y": "m"},
        limits={"constants": 1},
        start=["2*a*b_c/d", "sinc(b_c/d)*a"],
        evaluations=1000,
        time=math.inf,
        client=clients[1],
    )
    assert front.best.complexity == 7
    assert front.best(frame) == pytest.approx(front.best(frame[["d", "b c", "a"]]))
    assert all(len(formula.constants) <= 1 for formula in front)
