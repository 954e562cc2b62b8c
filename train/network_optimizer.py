"""One network of the training step with its optimiser: scheduled rates, clipping, gradients that are not finite."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from .distributed.collectives import EndsAllRanks, sum_over_ranks


class NotFinite(EndsAllRanks):
    """Terms, gradients, weights or scores of a run are not finite, so that it has failed."""


class NetworkOptimizer:
    """Generator or critic, and the optimiser of its parameters.

    Args:
        network: whose parameters the optimiser holds.
        optimizer: as configured, before its first step; the learning rate of each group is the peak of the schedule.
        clip_norm: largest norm of the gradient, or None.
    """

    def __init__(self, network: nn.Module, optimizer: Optimizer, clip_norm: float | None = None) -> None:
        self.network, self.optimizer, self.clip_norm = network, optimizer, clip_norm
        self._peak_rates = [group["lr"] for group in optimizer.param_groups]

    def step(self, learning_rate_factor: float) -> Tensor | None:
        """Step along the sum over ranks of the gradients gathered so far; their norm, or None if it is not finite.

        A gradient that is not finite is dropped, and neither parameters nor optimiser change. To learn whether it is
        finite the host waits for the device, once a step.
        """
        sum_over_ranks(self.network.parameters())
        limit = float("inf") if self.clip_norm is None else self.clip_norm
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), limit)
        finite = bool(norm.isfinite())
        if finite:
            for group, peak in zip(self.optimizer.param_groups, self._peak_rates, strict=True):
                group["lr"] = peak * learning_rate_factor
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return norm if finite else None

    def state_dict(self) -> dict[int, dict[str, Any]]:
        """Moments and step counts by number of the parameter; options come from the config, not from a checkpoint."""
        state: dict[int, dict[str, Any]] = self.optimizer.state_dict()["state"]
        return state

    def load_state_dict(self, state: dict[int, dict[str, Any]]) -> None:
        """Continue from ``state_dict``, with the options this optimiser was made with.

        Moments are laid out in memory as their parameter is, by which a fused optimiser goes; those stored by a version
        without ``channels_last`` are not.
        """
        self.optimizer.load_state_dict({"state": state, "param_groups": self.optimizer.state_dict()["param_groups"]})
        for parameter, moments in self.optimizer.state.items():
            for name, value in moments.items():
                if isinstance(value, Tensor) and value.shape == parameter.shape:
                    moments[name] = torch.empty_like(parameter, dtype=value.dtype, requires_grad=False).copy_(value)


def scale_adam_for_lazy_regularization(optimizer: Optimizer, every_steps: int) -> None:
    """With k + 1 steps where there were k, and c = k/(k+1): lr becomes c·lr, every β becomes βᶜ; nothing for k = 1.

    Only optimisers with betas are corrected: their steps are as long for a small gradient as for a large one. Plain
    SGD adds gradients up, and k + 1 steps along parts of a sum lead as far as k steps along the sum. Optimisers that
    divide by the size of gradients without betas (RMSprop) would need it too, and are left as they are.

    Args:
        optimizer: before its first step; defaults and groups are corrected in place.
        every_steps: k, 1 or more.
    """
    if every_steps == 1:
        return
    c = every_steps / (every_steps + 1)
    for options in (optimizer.defaults, *optimizer.param_groups):
        if "betas" in options:
            options["lr"] = c * options["lr"]
            options["betas"] = tuple(beta**c for beta in options["betas"])
