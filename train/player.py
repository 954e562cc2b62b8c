"""One player of the game: its network, its optimiser, and how it makes a move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from .gradients import sum_over_ranks


@dataclass
class Player:
    """Generator or critic.

    Attributes:
        network: whose parameters move.
        optimizer: over those parameters; its learning rate is the peak of the schedule.
        clip_norm: largest norm of the gradient, or None.
    """

    network: nn.Module
    optimizer: Optimizer
    clip_norm: float | None = None

    def parameters(self) -> Iterator[nn.Parameter]:
        """What the player moves."""
        return self.network.parameters()

    def move(self, learning_rate_factor: float) -> Tensor | None:
        """Step along the gradients gathered so far, on all ranks; the norm, or None if it was not finite.

        A gradient that is not finite is dropped, and neither parameters nor optimiser change. Reading the norm is the
        one time in a move that the host waits for the device.
        """
        sum_over_ranks(self.network.parameters())
        limit = float("inf") if self.clip_norm is None else self.clip_norm
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), limit)
        finite = bool(norm.isfinite())
        if finite:
            for group in self.optimizer.param_groups:
                group["lr"] = self.optimizer.defaults["lr"] * learning_rate_factor
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return norm if finite else None
