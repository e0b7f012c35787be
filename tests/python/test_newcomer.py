"""The first ten minutes of someone who knows pandas and scikit-learn, cell by cell."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import closedform as cf

QUICK: dict[str, Any] = {"operators": "+ * /", "evaluations": 2000, "random_state": 0}


def test_the_first_ten_minutes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.uniform(1, 2, (120, 2)), columns=["mass", "volume"])
    table["density"] = table.mass / table.volume * (1 + 0.001 * rng.normal(size=120))
    table.loc[3, "mass"] = np.nan

    found = cf.discover(table, "density", missing="drop", operators="+ * /", evaluations=2000)
    assert found.formula.readable == "mass/volume"
    assert found.provenance.target == "density"
    assert found.provenance.dropped == 1
    again = pickle.loads(pickle.dumps(found))
    assert again.formula.text == found.formula.text
    assert str(again.formula.constants) == str(found.formula.constants)
    assert again.verdict == found.verdict

    table = table.dropna()
    X, X_test, y, y_test = train_test_split(
        table[["volume", "mass"]], table["density"], random_state=0
    )
    grid = GridSearchCV(cf.ClosedFormRegressor(**QUICK), {"max_size": [1, 7]}, cv=2, n_jobs=2)
    grid.fit(X, y)
    assert grid.best_params_ == {"max_size": 7}
    assert grid.score(X_test, y_test) > 0.999

    joblib.dump(grid.best_estimator_, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(loaded.predict(X_test), grid.predict(X_test))
    assert loaded.discovery_.provenance.inputs == ("volume", "mass")

    scaled = make_pipeline(
        FunctionTransformer(lambda rows: 2 * rows), cf.ClosedFormRegressor(**QUICK)
    )
    assert scaled.fit(X, y).score(X_test, y_test) > 0.999
    heavy = cf.ClosedFormClassifier(**QUICK).fit(X, np.where(y > 1, "sinks", "floats"))
    assert set(heavy.predict(X_test)) == {"sinks", "floats"}
    assert heavy.predict_proba(X_test).shape == (len(X_test), 2)


HELP = """
from closedform.cli.main import main
try: main(["--help"])
except SystemExit: pass
"""
FIRST_RESULT = """
import numpy as np, closedform as cf
X = np.random.default_rng(0).uniform(1, 2, (50, 2))
cf.discover(X, X[:, 0] / X[:, 1], evaluations=2000)
"""


# Each costs more than all of ours; `python -m bench guard` has the seconds this stands for.
@pytest.mark.parametrize(
    ("program", "without"),
    [
        (HELP, "scipy pandas sympy sklearn rich matplotlib IPython"),
        (FIRST_RESULT, "pandas sklearn rich matplotlib IPython torch jax"),
    ],
    ids=["help", "first result"],
)
def test_starting_up_brings_little(program: str, without: str) -> None:
    code = f"{program}import sys; print(*sorted({set(without.split())!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""
