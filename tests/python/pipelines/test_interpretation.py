"""From a network to its formula, link and threshold; the networks are made by hand."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import closedform as cf
from closedform._typing import Floats
from closedform.cli import main
from closedform.errors import InputError
from closedform.searches.objectives import unit
from closedform.searches.progress import Progress

X = np.random.default_rng(0).uniform(-1, 1, (1500, 2))
FRESH = np.random.default_rng(1).uniform(-1, 1, (1000, 2))
BUDGET = {"time": math.inf, "evaluations": 1_500_000, "threads": 2}


def concept(X: Floats) -> Floats:
    return X[:, 0] ** 2 + 2 * X[:, 1] ** 2


def latent(X: Floats) -> Floats:
    return 9 * np.exp(concept(X) - 1) - 9


def latent_gradient(X: Floats) -> Floats:
    return 9 * np.exp(concept(X) - 1)[:, None] * np.stack([2 * X[:, 0], 4 * X[:, 1]], axis=1)


CLASSIFIER = cf.network((latent, latent_gradient), classifier=True)


@pytest.fixture(scope="module")
def ellipse() -> cf.Interpretation:
    return cf.interpret(CLASSIFIER, X, **BUDGET)


def test_a_classifier_gives_its_concept_link_and_threshold(ellipse: cf.Interpretation) -> None:
    """The sigmoid and the exponential around the concept do not show in the formula."""
    exact = unit(np.stack([FRESH[:, 0], 2 * FRESH[:, 1]], axis=1))
    np.testing.assert_allclose(unit(ellipse.formula.gradient(FRESH)), exact, atol=1e-6)
    assert ellipse.formula.complexity == 9
    assert ellipse.front.best is ellipse.formula
    assert 0 <= ellipse.formula.loss < 1e-12
    assert ellipse.threshold is not None
    above = ellipse.formula(FRESH) > ellipse.threshold
    assert np.mean(above == (concept(FRESH) > 1)) >= 0.998
    np.testing.assert_allclose(ellipse.link(ellipse.formula(FRESH)), latent(FRESH), atol=0.2)
    F = 1 / (1 + np.exp(-latent(X)))
    assert 0 < ellipse.gradients.share < 1
    assert ellipse.gradients.share == pytest.approx(
        np.mean(F < 1e-4) + np.mean(F > 0.9999), abs=0.01
    )


def test_fidelity_is_measured_on_rows_set_aside(ellipse: cf.Interpretation) -> None:
    measured = ellipse.fidelity
    assert measured.cosine == pytest.approx(1, abs=1e-12)
    assert measured.rank_correlation == pytest.approx(1, abs=1e-12)
    assert measured.agreement is not None
    assert measured.agreement >= 0.99
    assert 100 <= measured.rows <= 150  # a tenth of the rows, without the saturated ones


def test_the_same_seed_gives_the_same_for_any_number_of_threads(
    ellipse: cf.Interpretation,
) -> None:
    again = cf.interpret(CLASSIFIER, X, **{**BUDGET, "threads": 1})
    assert [str(f) for f in again.front] == [str(f) for f in ellipse.front]
    assert again.formula == ellipse.formula
    assert (again.threshold, again.fidelity) == (ellipse.threshold, ellipse.fidelity)


A, B, C, D = 3.0, 1.5, 0.75, 2.0


def regressor(X: Floats) -> Floats:
    return A / (np.exp(B * X[:, 0] + C * np.sin(D * X[:, 1])) + 1)


def regressor_gradient(X: Floats) -> Floats:
    grown = np.exp(B * X[:, 0] + C * np.sin(D * X[:, 1]))
    inner = np.stack([np.full(len(X), B), C * D * np.cos(D * X[:, 1])], axis=1)
    return (-A * grown / (grown + 1) ** 2)[:, None] * inner


@pytest.mark.parametrize("symmetries", [True, False])
def test_a_regressor_gives_its_inner_function_and_then_the_outer_one(symmetries: bool) -> None:
    """a / (exp(b x1 + c sin(d x2)) + 1) of arXiv 2401.04978: first z, then g of g(z)."""
    rows = 2 * X
    found = cf.interpret((regressor, regressor_gradient), rows, symmetries=symmetries, **BUDGET)
    assert found.threshold is None
    assert found.fidelity.agreement is None
    assert (found.symmetries is None) == (not symmetries)
    inner = unit(np.stack([np.full(1000, -B), -C * D * np.cos(2 * D * FRESH[:, 1])], axis=1))
    np.testing.assert_allclose(unit(found.formula.gradient(2 * FRESH)), inner, atol=1e-6)
    assert found.formula.complexity <= 10  # -(x1 + 0.5 sin(2 x2)), written with the sign
    assert found.link.formula is not None
    values = found.link(found.formula(2 * FRESH))
    np.testing.assert_allclose(values, regressor(2 * FRESH), rtol=1e-6)
    assert found.fidelity.rank_correlation == pytest.approx(1, abs=1e-12)


def of_concept(text: str, phi: Any, slope: Any, names: tuple[str, ...]) -> Any:
    """Value and gradient of phi(g), by the chain rule."""
    g = cf.Formula(text, names)
    return lambda X: phi(g(X)), lambda X: slope(g(X))[:, None] * g.gradient(X)


MODEST = {"time": math.inf, "evaluations": 100_000, "threads": 1}


def test_a_middle_class_has_a_level_set_for_its_decision() -> None:
    """The neuron rises with its concept up to 1, and falls from there."""
    neuron = of_concept(
        "x1*x1 + 2*x2*x2", lambda g: 2 - 6 * (g - 1) ** 2, lambda g: -12 * (g - 1), ("x1", "x2")
    )
    found = cf.interpret(neuron, X, classifier=True, **MODEST)
    assert found.formula.text == "x1*x1 + 2*(x2*x2)"
    assert found.link.extrema == pytest.approx((1.0,), abs=0.02)
    np.testing.assert_allclose(found.link(concept(FRESH)), neuron[0](FRESH), atol=1e-6)
    assert found.threshold is None
    assert found.level_set is not None
    ((low, high),) = found.level_set
    assert (low, high) == pytest.approx((1 - 3**-0.5, 1 + 3**-0.5), abs=0.02)
    assert found.fidelity.agreement is not None
    assert found.fidelity.agreement >= 0.98
    assert found.verdict.kind == "concept found"


@pytest.mark.parametrize(
    ("concept", "logit", "slope", "level_set"),
    [
        # Both sides of a middle class that is sure of its middle, and the two branches of x1*x2,
        # between which the neuron does not turn around.
        ("x1 - x2", lambda g: 40 - 160 * g**2, lambda g: -320 * g, (-0.5, 0.5)),
        ("x1*x2", lambda g: 40 * (g - 0.5), lambda g: 40 * np.ones_like(g), (0.5, math.inf)),
    ],
)
def test_rows_within_the_band_may_lie_in_parts(
    concept: str, logit: Any, slope: Any, level_set: tuple[float, float]
) -> None:
    neuron = of_concept(concept, logit, slope, ("x1", "x2"))
    found = cf.interpret(neuron, X, classifier=True, **MODEST)
    assert found.formula.text in (concept, "x2 - x1")
    assert found.level_set is not None
    assert found.level_set[0] == pytest.approx(level_set, abs=0.05)
    assert found.verdict.kind == "concept found"


def test_a_neuron_that_rises_needs_no_sign_for_every_row(ellipse: cf.Interpretation) -> None:
    assert ellipse.link.extrema == ()
    assert ellipse.level_set == ((ellipse.threshold, math.inf),)


def test_units_of_the_inputs_do_not_decide_the_formula() -> None:
    """p V / T, as behind a StandardScaler: by raw gradients it is V / T, or T alone."""
    rows = np.random.default_rng(2).uniform(1, 2, (600, 3)) * [1e5, 1e-3, 300]
    neuron = of_concept("p*V/T", np.tanh, lambda g: 1 / np.cosh(g) ** 2, ("p", "V", "T"))
    found = cf.interpret(cf.network(neuron, names=["p", "V", "T"]), rows, **MODEST)
    assert found.formula.inputs == ("p", "V", "T")
    assert found.formula.complexity == 5
    assert found.fidelity.rank_correlation == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("several", [False, True])
def test_labels_of_chance_are_no_concept(several: bool) -> None:
    """A network of random features that fit random labels has gradients, but no formula."""

    def chance(seed: int) -> Any:
        rng = np.random.default_rng(seed)
        W, phase = 6 * rng.normal(size=(2, 80)), rng.uniform(0, 6, 80)
        a = rng.normal(size=80)
        return (
            lambda X: np.sin(X @ W + phase) @ a,
            lambda X: (np.cos(X @ W + phase) * a) @ W.T,
        )

    model = [chance(0), chance(1)] if several else chance(0)
    found = cf.interpret(model, X, time=math.inf, evaluations=30_000, threads=1)
    assert found.verdict.kind == "no closed form found"


def test_several_networks_say_what_their_own_noise_is() -> None:
    def trained(seed: int, sign: float) -> Any:
        """The concept and an error of a few per cent, another one for every network."""
        a, b = (0.06 * np.random.default_rng(seed).normal(size=2)).tolist()
        error = f"{a!r}*sin(3*x1 + {seed}) + {b!r}*sin(2*x1 - 3*x2)"
        text = f"x1*x1 + 2*x2*x2 + {error}"
        return of_concept(text, lambda g: sign * g**3, lambda g: sign * 3 * g**2, ("x1", "x2"))

    found = cf.interpret([trained(1, 1.0), trained(2, -1.0), trained(3, 1.0)], X, **MODEST)
    assert found.verdict.kind == "concept found"
    assert found.verdict.noise is not None
    assert found.verdict.noise == pytest.approx(found.verdict.loss, rel=1.0)
    exact = unit(np.stack([FRESH[:, 0], 2 * FRESH[:, 1]], axis=1))
    assert np.mean(np.sum(unit(found.formula.gradient(FRESH)) * exact, axis=1)) > 0.9995
    assert found.fidelity.rank_correlation > 0.97


def test_too_few_rows_within_the_band_are_found_before_the_search() -> None:
    def saturated(rows: Floats) -> Floats:
        return np.where(np.arange(len(rows)) % 20 == 0, 1.0, 50.0)

    phases: list[str] = []

    def callback(progress: Progress) -> bool:
        phases.append(progress.phase)
        return False

    with pytest.raises(InputError, match="band: only 4 of 80 rows"):
        cf.interpret((saturated, latent_gradient), X[:100], classifier=True, callback=callback)
    assert phases == ["gradients"]


def test_stopping_keeps_the_best_so_far() -> None:
    phases: list[str] = []

    def callback(progress: Progress) -> bool:
        phases.append(progress.phase)
        return len(phases) > 1

    def rough(X: Floats) -> Floats:  # no formula of 30 nodes has such gradients
        return latent_gradient(X) + np.sin(40 * X[:, ::-1])

    found = cf.interpret((latent, rough), X, time=60, callback=callback)
    assert found.stopped == "interrupted"
    assert phases[0] == "gradients"
    assert found.link.isotonic.at[0] < found.link.isotonic.at[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X": X[:, :1]}, "model: has one input"),
        ({"X": X[:49]}, "X: has too few rows (49); at least 50"),
        ({"weights": np.ones(3)}, "weights: has 3 values for 1500 rows"),
        ({"operators": ["+", "gamma"]}, "operators: 'gamma'"),
        ({"time": 0}, "time: 0"),
        ({"band": 0.7}, "band: 0.7"),
        ({"neuron": 3}, "neuron"),
        ({"model": CLASSIFIER, "classifier": True}, "classifier: is settled for a Network"),
        ({"model": []}, "model: is an empty list"),
        # Where JAX is loaded it is asked first, and has words of its own.
        ({"model": [latent, latent_gradient]}, "model: "),
        (
            {"model": [CLASSIFIER, cf.Formula("x1", ["x1"])]},
            "model: the networks have different inputs",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        cf.interpret(**{"model": (latent, latent_gradient), "X": X, **arguments})
    assert "\n" not in str(caught.value)


def test_the_page_needs_nothing_else(ellipse: cf.Interpretation, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    ellipse.report(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    for expected in [str(ellipse.formula), "<math", "agreement", "dropped as saturated"]:
        assert expected in page
    assert page.count("<svg") == 2
    assert not re.search(r"(src|href)=.https?:", page)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, ellipse: cf.Interpretation) -> list[dict[str, Any]]:
    """Gives the command line what was found before; the list is of what it asked for."""
    seen: list[dict[str, Any]] = []

    def interpret(model: object, X: object, **options: Any) -> cf.Interpretation:
        seen.append({"model": model, "X": X, **options})
        options["callback"](Progress("search", 1.0, 59.0, 1000, ellipse.formula, 0.5))
        return ellipse

    def network(model: object, **options: Any) -> tuple[object, dict[str, Any]]:
        return model, options

    monkeypatch.setitem(
        sys.modules, "closedform.pipelines.interpretation", SimpleNamespace(interpret=interpret)
    )
    monkeypatch.setitem(sys.modules, "closedform.neurons.network", SimpleNamespace(network=network))
    return seen


@pytest.fixture
def points(tmp_path: Path) -> Path:
    path = tmp_path / "points.csv"
    path.write_text("a,id,w,b\n1,1,2,0.5\n2,2,3,0.5\n")
    return path


def test_the_command_line(
    calls: list[dict[str, Any]],
    points: Path,
    ellipse: cf.Interpretation,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["interpret", "model.onnx", str(points), "--drop", "id", "--weights", "w"]
    more = ["--neuron", "hidden:4", "--classifier", "--band", "0.01", "--no-symmetries"]
    assert main.main([*arguments, *more, "--extra-points", "9", "--operators=+,*"]) == 0
    printed = capsys.readouterr()
    for expected in [f"T = {ellipse.formula}", "class 1 where T >", "agreement", "dropped"]:
        assert expected in printed.out
    assert printed.err.split()[-1] == "search"
    (call,) = calls
    assert call["model"] == ("model.onnx", {"neuron": ("hidden", 4), "classifier": True})
    assert call["X"].names == ("a", "b")
    np.testing.assert_array_equal(call["weights"], [2, 3])
    assert (call["band"], call["extra_points"], call["symmetries"]) == (0.01, 9, False)
    assert (call["operators"], call["time"]) == (["+", "*"], 60)


def test_the_command_line_in_json(
    calls: list[dict[str, Any]], points: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["interpret", "model.onnx", str(points), "--neuron", "0", "--boundary", "--json"]
    assert main.main(arguments) == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out, parse_constant=lambda name: pytest.fail(name))
    assert printed.err == ""
    assert document["fidelity"]["cosine"] > 0.999
    assert document["rows"]["dropped"] > 0
    assert document["formula"] in document["front"]
    assert (calls[0]["weights"], calls[0]["model"][1]["classifier"]) == ("boundary", None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--neuron", "a"], "argument --neuron: invalid"),
        (["--weights", "w", "--boundary"], "--boundary: cannot be used with --weights"),
        (["--weights", "c"], "weights: no column 'c' in"),
        (["--save", "{tmp}/no/front.json"], "--save: cannot write"),
    ],
)
def test_bad_arguments(
    arguments: list[str],
    message: str,
    calls: list[dict[str, Any]],
    points: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    filled = [argument.format(tmp=tmp_path) for argument in arguments]
    assert main.main(["interpret", "model.onnx", str(points), *filled]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(r"closedform: error: [^\n]+\n", printed.err)
    assert message in printed.err
    assert not calls


def test_an_onnx_file_is_interpreted_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    onnx = pytest.importorskip("onnx")
    helper, array = onnx.helper, onnx.numpy_helper.from_array
    # Units of a sine layer: the logit is 2 sin(x1 - x2) + sin(x3 / 2).
    constants = {
        "w1": np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.5]]),
        "w2": np.array([[2.0], [1.0]]),
    }
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["a"]),
        helper.make_node("Sin", ["a"], ["b"]),
        helper.make_node("MatMul", ["b", "w2"], ["c"]),
        helper.make_node("Sigmoid", ["c"], ["y"]),
    ]
    number = onnx.TensorProto.DOUBLE
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", number, ["n", 3])],
        [helper.make_tensor_value_info("y", number, ["n", 1])],
        [array(value, name) for name, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 20)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), tmp_path / "net.onnx")
    rows = np.random.default_rng(0).uniform(-1, 1, (1000, 3))
    np.savetxt(tmp_path / "X.csv", rows, delimiter=",", header="x1,x2,x3", comments="")
    command = ["interpret", str(tmp_path / "net.onnx"), str(tmp_path / "X.csv")]
    assert main.main([*command, "--time", "20", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    formula = cf.Formula(found["formula"]["text"], ("x1", "x2", "x3"))
    truth = cf.Formula("2*sin(x1 - x2) + sin(0.5*x3)", ("x1", "x2", "x3"))
    assert formula.complexity <= truth.complexity
    cosine = np.sum(unit(formula.gradient(rows)) * unit(truth.gradient(rows)), axis=1)
    np.testing.assert_allclose(cosine, 1, atol=1e-10)
    assert found["threshold"] == pytest.approx(0, abs=0.02)
