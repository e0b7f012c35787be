"""Networks that have learned the rules of rules.py, with the settings of the paper.

    python bench/neurons/train.py [--rules 1 2] [--seed 0] [--threads 2]

arXiv 2401.04978: two hidden layers of 1000 ELU units, L2 penalty 1e-4, dropout 0.2, Adam, learning
rate halved on a plateau, early stop, batches of 100, 10,000 rows of which 20 % validate, 1 % noise
as a factor on the decision value. Trained weights are kept outside the repository, in
$CLOSEDFORM_CACHE or ~/.cache/closedform; torch (the extra `torch`) is needed only to train.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rules import RULES, Floats, Rule

ROWS, VALIDATION, NOISE = 10_000, 0.2, 0.01
WIDTH, L2, DROPOUT, BATCH = 1000, 1e-4, 0.2, 100
RATE, PATIENCE, STOP, EPOCHS = 1e-3, 3, 15, 45

Layer = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]  # weights (out, in), bias (out,)


def training_rows(rule: Rule, seed: int) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """The rows a network was trained and validated on, (10000, d), and their noisy labels."""
    return rule.draw(ROWS, seed, NOISE)


def cache_file(rule: Rule, seed: int) -> Path:
    base = os.environ.get("CLOSEDFORM_CACHE") or Path.home() / ".cache" / "closedform"
    return Path(base) / "neurons" / f"rule{rule.name}_seed{seed}.npz"


def layers(rule: Rule, seed: int = 0, threads: int | None = None) -> list[Layer]:
    """The three dense layers of a network that has learned a rule; trained if not in the cache.

    ELU stands after the first two; the last gives one number, the latent before its sigmoid.
    """
    file = cache_file(rule, seed)
    if not file.exists():
        arrays = {
            f"{kind}{k}": array
            for k, layer in enumerate(train(rule, seed, threads))
            for kind, array in zip(("weights", "bias"), layer, strict=True)
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(f".{os.getpid()}.npz")
        np.savez(partial, **arrays)
        partial.replace(file)
    with np.load(file) as arrays:
        return [(arrays[f"weights{k}"], arrays[f"bias{k}"]) for k in range(3)]


def latent(network: list[Layer], X: Floats) -> Floats:
    """The output before its sigmoid, (n,), in float64."""
    *hidden, (weights, bias) = network
    values = X
    for w, b in hidden:
        values = values @ w.T.astype(np.float64) + b
        values = np.where(values > 0, values, np.expm1(np.minimum(values, 0)))
    return values @ weights[0].astype(np.float64) + float(bias[0])


def train(rule: Rule, seed: int, threads: int | None = None) -> list[Layer]:
    """Trains one network and gives the layers of its best epoch by validation loss."""
    import torch

    torch.manual_seed(seed)
    if threads is not None:
        torch.set_num_threads(threads)
    inputs, labels = training_rows(rule, seed)
    X = torch.tensor(inputs, dtype=torch.float32)
    y = torch.tensor(labels, dtype=torch.float32)
    fitted = round(ROWS * (1 - VALIDATION))  # the rows are independent: no shuffle before the split
    hidden = [torch.nn.Linear(X.shape[1], WIDTH), torch.nn.Linear(WIDTH, WIDTH)]
    last = torch.nn.Linear(WIDTH, 1)
    net = torch.nn.Sequential(
        *(part for h in hidden for part in (h, torch.nn.ELU(), torch.nn.Dropout(DROPOUT))), last
    )
    weights = {"params": [dense.weight for dense in (*hidden, last)], "weight_decay": L2}
    biases = {"params": [dense.bias for dense in (*hidden, last)]}
    adam = torch.optim.Adam([weights, biases], lr=RATE)
    halve = torch.optim.lr_scheduler.ReduceLROnPlateau(adam, factor=0.5, patience=PATIENCE)
    cross_entropy = torch.nn.BCEWithLogitsLoss()
    best, best_epoch = np.inf, 0
    kept = {key: value.clone() for key, value in net.state_dict().items()}
    for epoch in range(EPOCHS):
        net.train()
        for rows in torch.randperm(fitted).split(BATCH):
            loss = cross_entropy(net(X[rows])[:, 0], y[rows])
            adam.zero_grad()
            loss.backward()
            adam.step()
        net.eval()
        with torch.no_grad():
            held_out = float(cross_entropy(net(X[fitted:])[:, 0], y[fitted:]))
        halve.step(held_out)
        if held_out < best:
            best, best_epoch = held_out, epoch
            kept = {key: value.clone() for key, value in net.state_dict().items()}
        elif epoch - best_epoch >= STOP:
            break
    net.load_state_dict(kept)
    return [
        (dense.weight.detach().numpy().copy(), dense.bias.detach().numpy().copy())
        for dense in (*hidden, last)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rules", nargs="+", default=[rule.name for rule in RULES])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    for rule in RULES:
        if rule.name not in options.rules:
            continue
        begun = time.perf_counter()
        network = layers(rule, options.seed, options.threads)
        seconds = time.perf_counter() - begun
        X, labels = rule.draw(10_000, seed=2 * 10**6)
        f = latent(network, X)
        probability = 1 / (1 + np.exp(-f))
        inside = np.mean((probability >= 1e-4) & (probability <= 1 - 1e-4))
        print(
            f"rule {rule.name}: {seconds:6.1f} s, decides {np.mean((f > 0) == labels):.2%} of "
            f"fresh rows as the rule does, {inside:.0%} within the band 1e-4",
            flush=True,
        )


if __name__ == "__main__":
    main()
