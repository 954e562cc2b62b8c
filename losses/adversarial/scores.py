"""Scores of clean and fake images in the critic's phase."""

from __future__ import annotations

import torch
from torch import Tensor

from ..precision import at_least_fp32
from .critic import Critic


def critic_scores(critic: Critic, clean: Tensor, fake: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
    """D(x, y) and D(x̂, y), each (B,), in fp32, from one call; no gradient reaches the generator."""
    scores = critic(torch.cat([clean, fake.detach()]), torch.cat([condition, condition]))
    D_clean, D_fake = at_least_fp32(scores).chunk(2)
    return D_clean, D_fake
