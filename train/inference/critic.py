"""The critic of a run as a prior: how real an image is, as a logit."""

from typing import Any

import torch
from omegaconf import OmegaConf
from torch import nn

from ...data.degradation import network_channels
from ...losses.adversarial import Logistic, Relativistic
from ..runs import checkpoint
from . import safe_instantiate
from .sampler import LoadedSampler

CRITIC = "critic."  # in the state of GANStep


def open_critic(gan: LoadedSampler, name: str) -> nn.Module:
    """The critic of a run, whose score is a logit, frozen and on the device of the generator.

    The best critic of the logistic loss is the logit log p(x) / p_G(x); of its relativistic pairing, up to a constant.

    Raises:
        ValueError: if it is no run, has no critic, or one of another objective, by name.
    """
    if gan.run is None:
        raise ValueError(
            f"gan must be a run or a checkpoint, as an export has no critic, got {name}; or critic_weight=0"
        )
    config: Any = OmegaConf.to_container(gan.run.config, resolve=True)
    if config["critic"] is None:
        raise ValueError(f"gan must have a critic, got {name}, which was trained without")
    objective = safe_instantiate.build(config["adversarial"], "pscgan.losses", "adversarial")
    if not isinstance(objective, Logistic | Relativistic):
        kind = type(objective).__name__
        raise ValueError(f"gan must have a logistic critic (Logistic, Relativistic), got {name} of {kind}")
    return critic_of(gan, config).eval().requires_grad_(False)


def critic_of(sampler: LoadedSampler, config: dict[str, Any]) -> nn.Module:
    """The critic of the run a sampler was read from, with its weights, on the device of the generator.

    Args:
        sampler: of a run with a critic.
        config: of the run, as plain values.
    """
    assert sampler.run is not None
    with torch.random.fork_rng(devices=[]):  # initial weights are drawn, and replaced
        channels: dict[str, Any] = network_channels(sampler.image_channels, sampler.degradation)
        channels["condition_channels"] += sampler.image_channels if config["gan_step"]["paired"] else 0
        critic: nn.Module = safe_instantiate.build(config["critic"], "pscgan.models", "critic", **channels)
    path = sampler.run.checkpoint
    state = checkpoint.load(path)["gan_step"]
    weights = {key.removeprefix(CRITIC): value for key, value in state.items() if key.startswith(CRITIC)}
    checkpoint.check_same_tensors(critic.state_dict(), weights, path)
    critic.load_state_dict(weights)
    return critic.to(sampler.device)
