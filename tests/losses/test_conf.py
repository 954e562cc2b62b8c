"""Every objective that can be chosen by name is built and used."""

from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_module
from hydra.utils import instantiate
from omegaconf import OmegaConf

import pscgan.conf
from pscgan.losses.penalty import GeneratorPenalty, Penalty, Term
from pscgan.rng import Rng

from .critics import SmoothCritic, batch
from .scalar_world import normal
from .test_adversarial import critic_terms

CONF = Path(pscgan.conf.__file__).parent


@pytest.mark.parametrize("path", sorted((CONF / "adversarial").glob("*.yaml")), ids=lambda path: path.stem)
def test_adversarial(path):
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        config = compose("train", [f"adversarial={path.stem}", "folder=unused"])
    objective = instantiate(config.adversarial, _convert_="all")
    terms = critic_terms(objective, SmoothCritic(), batch())
    generator = objective.generator_terms(SmoothCritic(), **batch())
    assert all(isinstance(term, Term) for term in (terms | generator).values())
    assert generator.keys() == {"adversarial"}


@pytest.mark.parametrize("path", sorted((CONF / "penalty").glob("*.yaml")), ids=lambda path: path.stem)
def test_penalty(path):
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        config = compose("train", [f"penalty=[{path.stem}]", "folder=unused"]).penalty
    assert list(config) == [path.stem]
    penalty = instantiate(config[path.stem], _convert_="all")
    samples, clean = normal(0, penalty.samples_per_image, 2, 3, 8, 8), normal(1, 2, 3, 8, 8)
    if isinstance(penalty, GeneratorPenalty):
        value = penalty(lambda condition: samples + condition - clean, samples, clean, Rng(0, "penalty", range(2)))
    else:
        assert isinstance(penalty, Penalty)
        value = penalty(samples, clean, None)
    assert value.shape == torch.Size([])


def test_published_values():
    adversarial = OmegaConf.load(CONF / "adversarial" / "wasserstein.yaml")
    penalty = OmegaConf.load(CONF / "penalty" / "first_moment_biased.yaml").first_moment_biased
    assert (adversarial.generator_weight, adversarial.slope.weight, adversarial.slope.sided) == (1e-3, 10.0, "two")
    assert (penalty.weight, penalty.samples_per_image, penalty.images, penalty.every_generator_steps) == (1.0, 8, 8, 1)
    assert penalty.estimator.biased
