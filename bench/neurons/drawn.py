"""Models drawn at random: concepts that nobody chose, learned by small networks. Needs torch.

A concept is two or three terms, each a product of one or two functions of one input. A binary
classifier learns where it is above a quantile of its own, one of three classes where it is between
two of them; a regressor learns a monotone function of it, and one of its hidden neurons, which no
formula is known of, is what is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

import closedform as cf
from bench.neurons.rules import Floats

KINDS = ("binary", "middle", "hidden")
FUNCTIONS = ("{}", "{}*{}", "sin({})", "exp({})", "exp(-{})", "1/(1 + {}*{})")
LOW, HIGH = -1.5, 1.5
ROWS, WIDTH, BATCH, EPOCHS, RATE = 6000, 64, 100, 40, 3e-3


@dataclass(frozen=True)
class Drawn:
    """A model, and what it has learned.

    Attributes:
        concept: of the inputs, up to a function of it; None for a hidden neuron.
        network: to be interpreted.
        X: (n, d) the rows it was trained on. fresh: others.
    """

    kind: str
    concept: cf.Formula | None
    network: cf.Network
    X: Floats
    fresh: Floats


def draw(number: int) -> Drawn:
    """The model of a number, the same each time."""
    rng = np.random.default_rng([number, 2024])
    torch.manual_seed(number)
    kind = KINDS[number % len(KINDS)]
    inputs = int(rng.integers(2, 5))
    X, fresh = (rng.uniform(LOW, HIGH, (ROWS, inputs)) for _ in range(2))
    concept = _concept(rng, X)
    z = concept(X)
    if kind == "hidden":
        return Drawn(kind, None, _hidden(X, np.tanh((z - z.mean()) / z.std()), rng), X, fresh)
    if kind == "binary":
        return Drawn(
            kind, concept, _classes(X, [z > np.quantile(z, rng.uniform(0.3, 0.7))]), X, fresh
        )
    low, high = np.quantile(z, [0.33, 0.67])
    return Drawn(kind, concept, _classes(X, [z > low, z > high]), X, fresh)


def _concept(rng: np.random.Generator, X: Floats) -> cf.Formula:
    """Terms that each say as much as another, and all inputs in one of them."""
    names = [f"x{j + 1}" for j in range(X.shape[1])]
    left = list(rng.permutation(names))
    terms = []
    while left:
        own = [left.pop() for _ in range(min(len(left), int(rng.integers(1, 3))))]
        factors = [str(rng.choice(FUNCTIONS)).replace("{}", name) for name in own]
        product = "*".join(f"({factor})" for factor in factors)
        size = cf.Formula(product, names)(X).std()
        terms.append(f"{rng.choice([-1, 1]) * rng.uniform(0.7, 1.4) / size:.2g}*{product}")
    return cf.Formula(" + ".join(terms), names)


def _trained(X: Floats, targets: Floats, loss: torch.nn.Module) -> torch.nn.Sequential:
    """Two hidden layers, (n, k) targets."""
    net = torch.nn.Sequential(
        torch.nn.Linear(X.shape[1], WIDTH),
        torch.nn.ELU(),
        torch.nn.Linear(WIDTH, WIDTH),
        torch.nn.ELU(),
        torch.nn.Linear(WIDTH, targets.shape[1]),
    )
    rows = torch.tensor(X, dtype=torch.float32)
    wanted = torch.tensor(targets, dtype=torch.float32)
    adam = torch.optim.Adam(net.parameters(), RATE, weight_decay=1e-5)
    falls = torch.optim.lr_scheduler.OneCycleLR(adam, RATE, total_steps=EPOCHS * (ROWS // BATCH))
    for _ in range(EPOCHS):
        for batch in torch.randperm(ROWS).split(BATCH):
            adam.zero_grad()
            loss(net(rows[batch]), wanted[batch]).backward()
            adam.step()
            falls.step()
    return net.eval()


def _classes(X: Floats, above: list[np.ndarray]) -> cf.Network:
    """Of two classes their logit; of three the middle one's against the others."""
    if len(above) == 1:
        targets = above[0][:, None].astype(float)
        return cf.network(_trained(X, targets, torch.nn.BCEWithLogitsLoss()), classifier=True)
    which = above[0].astype(int) + above[1].astype(int)
    targets = np.eye(3)[which]
    net = _trained(X, targets, torch.nn.CrossEntropyLoss())
    return cf.network(torch.nn.Sequential(*net, torch.nn.Softmax(dim=1)), neuron=1)


def _hidden(X: Floats, y: Floats, rng: np.random.Generator) -> cf.Network:
    """One of the last hidden layer that varies."""
    net = _trained(X, y[:, None], torch.nn.MSELoss())
    with torch.no_grad():
        scatter = net[:4](torch.tensor(X, dtype=torch.float32)).std(dim=0).numpy()
    which = int(rng.choice(np.flatnonzero(scatter > np.median(scatter))))
    return cf.network(net, neuron=("3", which))
