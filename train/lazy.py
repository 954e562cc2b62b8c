"""Adam for a player that takes lazy regularisation in steps of its own (StyleGAN2, arXiv 1912.04958)."""

from __future__ import annotations

from torch.optim import Optimizer


def correct_for_lazy_steps(optimizer: Optimizer, every_steps: int) -> None:
    """With k + 1 steps where there were k, and c = k/(k+1): lr becomes c·lr, every β becomes βᶜ; nothing for k = 1.

    Only optimisers with betas are corrected: their steps are as long for a small gradient as for a large one. Plain
    SGD adds gradients up, and k + 1 steps along parts of a sum lead as far as k steps along the sum. Optimisers that
    divide by the size of gradients without betas (RMSprop) would want it too, and do without.

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
