"""Networks that have learned the rules of rules.py, with the settings of the paper. Needs torch.

arXiv 2401.04978: two hidden layers of 1000 ELU units, L2 penalty 1e-4, dropout 0.2, Adam, learning
rate halved on a plateau, early stop, batches of 100, 10,000 rows of which 20 % validate, 1 % noise
as a factor on the decision value. Trained weights are kept outside the repository, in
$CLOSEDFORM_CACHE or ~/.cache/closedform.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch

from bench.neurons.rules import Floats, Labels, Rule

ROWS, VALIDATION, NOISE = 10_000, 0.2, 0.01
WIDTH, L2, DROPOUT, BATCH = 1000, 1e-4, 0.2, 100
RATE, PATIENCE, STOP, EPOCHS = 1e-3, 3, 15, 45


def training_rows(rule: Rule, seed: int) -> tuple[Floats, Labels]:
    """The rows a network is trained and validated on, (10000, d), and their noisy labels."""
    return rule.draw(ROWS, seed, NOISE)


def cache_file(rule: Rule, seed: int) -> Path:
    base = os.environ.get("CLOSEDFORM_CACHE") or Path.home() / ".cache" / "closedform"
    return Path(base) / "neurons" / f"rule{rule.name}_seed{seed}.npz"


def trained(rule: Rule, seed: int = 0) -> torch.nn.Sequential:
    """A network that has learned a rule, without its last sigmoid; trained if not in the cache."""
    file = cache_file(rule, seed)
    if not file.exists():
        net = train(rule, seed)
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(f".{os.getpid()}.npz")
        arrays = {
            f"{kind}{k}": getattr(dense, kind).detach().numpy()
            for k, dense in enumerate(_dense(net))
            for kind in ("weight", "bias")
        }
        np.savez(partial, **arrays)
        partial.replace(file)
    net = untrained(len(rule.box))
    with np.load(file) as arrays, torch.no_grad():
        for k, dense in enumerate(_dense(net)):
            dense.weight.copy_(torch.from_numpy(arrays[f"weight{k}"]))
            dense.bias.copy_(torch.from_numpy(arrays[f"bias{k}"]))
    return net.eval()


def untrained(inputs: int) -> torch.nn.Sequential:
    hidden = [torch.nn.Linear(inputs, WIDTH), torch.nn.Linear(WIDTH, WIDTH)]
    parts = [part for h in hidden for part in (h, torch.nn.ELU(), torch.nn.Dropout(DROPOUT))]
    return torch.nn.Sequential(*parts, torch.nn.Linear(WIDTH, 1))


def _dense(net: torch.nn.Sequential) -> list[torch.nn.Linear]:
    return [part for part in net if isinstance(part, torch.nn.Linear)]


def latent(net: torch.nn.Sequential, X: Floats) -> Floats:
    """The output before its sigmoid, (n,)."""
    with torch.no_grad():
        return net(torch.tensor(X, dtype=torch.float32))[:, 0].double().numpy()


def train(rule: Rule, seed: int) -> torch.nn.Sequential:
    """Trains one network and gives that of the best epoch by validation loss."""
    torch.manual_seed(seed)
    inputs, labels = training_rows(rule, seed)
    X = torch.tensor(inputs, dtype=torch.float32)
    y = torch.tensor(labels, dtype=torch.float32)
    fitted = round(ROWS * (1 - VALIDATION))  # the rows are independent: no shuffle before the split
    net = untrained(X.shape[1])
    weights = {"params": [dense.weight for dense in _dense(net)], "weight_decay": L2}
    biases = {"params": [dense.bias for dense in _dense(net)]}
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
    return net
