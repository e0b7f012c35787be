"""Siamese networks: a latent number that is near for rows of one invariant, and far for others.

Contrastive loss (Hadsell, Chopra, LeCun, CVPR 2006) over pairs: neighbours in the order of the
invariant are alike, any others are not. Small networks, seconds each. Needs torch.
"""

from __future__ import annotations

import numpy as np
import torch

from bench.neurons.rules import Floats
from bench.neurons.systems import System

ROWS, WIDTH, BATCH, EPOCHS, RATE = 6000, 64, 200, 40, 3e-3
ALIKE = 20.0  # what a pair that is alike counts, beside one that is not


class Siamese(torch.nn.Module):
    """Takes pairs of rows; `encoder` is what both go through, of one output."""

    def __init__(self, inputs: int, scale: Floats) -> None:
        super().__init__()
        self.encoder = torch.nn.Sequential(
            torch.nn.Linear(inputs, WIDTH),
            torch.nn.ELU(),
            torch.nn.Linear(WIDTH, WIDTH),
            torch.nn.ELU(),
            torch.nn.Linear(WIDTH, 1),
        )
        with torch.no_grad():  # inputs of all sizes are learned alike
            self.encoder[0].weight /= torch.tensor(scale, dtype=torch.float32)

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return (self.encoder(first) - self.encoder(second))[:, 0]


def trained(system: System, seed: int) -> tuple[torch.nn.Sequential, Floats]:
    """The encoder, and the rows it was trained on."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    X = system.draw(ROWS, seed)
    order = np.argsort(system.value(X), kind="stable")
    rows = torch.tensor(X[order], dtype=torch.float32)
    net = Siamese(X.shape[1], np.maximum(X.std(axis=0), 1e-9) if X.any() else np.ones(X.shape[1]))
    adam = torch.optim.Adam(net.parameters(), RATE)
    steps = EPOCHS * (ROWS // BATCH)
    falls = torch.optim.lr_scheduler.OneCycleLR(adam, RATE, total_steps=steps)
    for _ in range(steps):
        i = rng.integers(0, ROWS - 4, BATCH)
        alike = net(rows[i], rows[i + rng.integers(1, 4, BATCH)])
        other = net(rows[i], rows[rng.integers(0, ROWS, BATCH)])
        loss = ALIKE * (alike**2).mean() + (torch.relu(1 - other.abs()) ** 2).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        falls.step()
    return net.encoder.eval(), X
