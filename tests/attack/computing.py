"""Attacks on what computes: searches, pipelines, surrogates, structure, networks."""

from __future__ import annotations

import numpy as np
from tests.attack import drawing
from tests.attack.outcomes import Attack, check_formulas, check_losses, ensure

import closedform as cf
from closedform.pipelines.discovery import _draw_held_out


def search_values(a: Attack) -> None:
    X = drawing.columns(a)
    y, w = drawing.target(a, X), drawing.weights(a, len(X))
    given, limits = drawing.table(a, X), drawing.limits(a, values_only=True)
    front = cf.search(given, values=y, weights=w, **limits)
    check_formulas(front, limits["max_size"], limits["operators"])
    ensure(front.best in list(front), "the best is not of the front")
    _check_squares(front, given, y, w)


def _check_squares(front: cf.Front, given: object, y: np.ndarray, w: np.ndarray | None) -> None:
    mass = np.ones(len(y)) if w is None else w / np.max(w)  # sums that are finite
    scale = float(np.average(np.square(y), weights=mass))

    def loss_of(formula: cf.Formula) -> float:
        residual = np.where(mass > 0, formula(given) - y, 0.0)
        return float(np.average(np.square(residual), weights=mass))

    check_losses(front, loss_of, scale)


def search_labels(a: Attack) -> None:
    X = drawing.columns(a)
    y = drawing.target(a, X)
    above = y > np.median(y)
    labels = a.one([above, above, above * 5.0, above - 1.0, np.sign(y), np.zeros(len(y)), y])
    given, limits = drawing.table(a, X), drawing.limits(a, values_only=True)
    front = cf.search(given, labels=labels, **limits)
    check_formulas(front, limits["max_size"], limits["operators"])
    signs = np.where(np.asarray(labels, float) == np.max(labels), 1.0, -1.0)

    def loss_of(formula: cf.Formula) -> float:
        return float(np.mean(np.maximum(0.0, 1.0 - signs * formula(given))))

    check_losses(front, loss_of, 1.0)


def search_gradients(a: Attack) -> None:
    X = drawing.columns(a)
    normal = a.rng.normal(size=X.shape)
    gradients = a.one([2 * X, normal, np.zeros(X.shape), normal * 1e300, normal[:, :1], X * normal])
    given, limits = drawing.table(a, X), drawing.limits(a, values_only=False)
    signed = a.chance(0.3)
    front = cf.search(given, gradients=gradients, signed=signed, **limits)
    check_formulas(front, limits["max_size"], limits["operators"])
    ensure(all(0 <= f.loss <= 4 for f in front), f"losses {[f.loss for f in front]}")


def discover(a: Attack) -> None:
    X = drawing.columns(a, 4)
    y, w = drawing.target(a, X), drawing.weights(a, len(X))
    given, limits = drawing.table(a, X), drawing.limits(a, values_only=True)
    limits["time"] = 0.3 if limits["time"] == 2.0 else limits["time"]
    strategy = a.one(["auto", "auto", "direct", "global"])
    noise = a.one(["absolute", "absolute", "auto", "auto", "robust", "log", "mixed", "relative"])
    a.note(strategy=strategy, noise=noise)
    found = cf.discover(given, y, weights=w, strategy=strategy, noise=noise, **limits)
    check_formulas([found.formula, *found.front], limits["max_size"], limits["operators"])
    ensure(np.isfinite(found.formula.loss), "a loss that is not finite")
    mass = np.ones(len(y)) if w is None else w.astype(float)
    mass[_draw_held_out(y, w, limits["seed"])] = 0.0  # losses are those of the rows searched
    if noise == "absolute":  # else the rows are weighed by how they scatter
        _check_squares(found.front, given, y, mass)
    ensure(found.verdict.kind in ("law", "approximation", "no law"), found.verdict.kind)
    repr(found)
    str(found.verdict)


def interpret(a: Attack) -> None:
    X = drawing.columns(a, 3)
    if a.chance(0.8):
        X = np.resize(X, (80, X.shape[1])) * a.rng.uniform(0.9, 1.1, (80, 1))
    inputs = X.shape[1] if a.chance(0.95) else 2
    sign = a.one(["+", "*", "-"])
    names = [f"x{j + 1}" for j in range(inputs)]
    inner = sign.join(names)
    text = a.one([inner, f"exp({inner})", f"1/(1 + exp(-({inner})))", "1", f"0*({inner})"])
    limits = drawing.limits(a, values_only=False)
    limits["time"] = 0.3 if limits["time"] == 2.0 else limits["time"]
    found = cf.interpret(cf.Formula(text, names), drawing.table(a, X), **limits)
    check_formulas([found.formula, *found.front], limits["max_size"], limits["operators"])
    repr(found)


def surrogate(a: Attack) -> None:
    X = drawing.columns(a)
    y, w = drawing.target(a, X), drawing.weights(a, len(X))
    given = drawing.table(a, X)
    patch = a.one([0, 1, 2, 3])
    degree = int(a.rng.integers(min(patch, 1), patch + 1)) if a.chance(0.9) else 2
    model = cf.Surrogate(
        a.one(["auto", 1, 2, 5]),
        a.one(["auto", 1, 3]),
        patch,
        degree,
        a.one(["linear", "clamp", "error"]),
        time=0.2,
        threads=1,
        seed=int(a.rng.integers(100)),
    )
    model.fit(given, y, weights=w)
    value = model.predict(given)
    ensure(np.isfinite(value).all(), "a value that is not finite")
    ensure(np.isfinite(model.gradient(given)).all(), "a gradient that is not finite")
    path = a.folder / a.one(["model.npz", "a b.npz", "α.npz"])
    model.save(path)
    again = cf.Surrogate.load(path)
    ensure(np.array_equal(again.predict(given), value), "another value after load")
    ensure(again.names == model.names and again.labels == model.labels, "other names after load")
    if a.chance(0.5):
        cf.network(model).gradient(given)
        model.code(a.one(["c", "fortran"]), a.one([0, 1]))
    if a.chance(0.3):
        repr(cf.separability(model, given, time=0.2))


def separability(a: Attack) -> None:
    X = drawing.columns(a, 4)
    y = drawing.target(a, X)
    model = cf.Surrogate(2, 3, time=0.1, threads=1).fit(X, y)
    found = cf.separability(model, drawing.table(a, X), a.one([None, y]), time=0.2)
    repr(found)
