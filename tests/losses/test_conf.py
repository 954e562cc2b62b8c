"""Every objective that can be chosen by name is built and used."""

from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_module
from hydra.utils import instantiate

import pscgan.conf
from pscgan.data.measurement import Measurement
from pscgan.losses.penalty import GeneratorPenalty, Penalty, Term
from pscgan.rng import Rng

from .critics import SmoothCritic, batch, penalty_terms
from .scalar_world import normal

CONF = Path(pscgan.conf.__file__).parent


@pytest.mark.parametrize("path", sorted((CONF / "adversarial").glob("*.yaml")), ids=lambda path: path.stem)
def test_adversarial(path):
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        config = compose("train", [f"adversarial={path.stem}", "folder=unused"])
    objective = instantiate(config.adversarial, _convert_="all")
    terms = objective.critic_terms(SmoothCritic(), **batch())
    terms |= penalty_terms(objective.gradient_penalty, SmoothCritic(), batch())
    generator = objective.generator_terms(SmoothCritic(), **batch())
    assert all(isinstance(term, Term) for term in (terms | generator).values())
    assert generator.keys() == {"adversarial"}


@pytest.mark.parametrize("path", sorted((CONF / "penalty").glob("*.yaml")), ids=lambda path: path.stem)
def test_penalty(path):
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        config = compose("train", [f"penalty=[{path.stem}]", "folder=unused"]).penalty
    recipe = len(config) > 1  # of others, each by its own name
    assert all(path.with_stem(name).exists() for name in config) if recipe else list(config) == [path.stem]
    assert {value_of(node).shape for node in config.values()} == {torch.Size([])}


def value_of(node):
    penalty = instantiate(node, _convert_="all")
    samples, clean = normal(0, penalty.samples_per_image, 2, 3, 16, 16), normal(1, 2, 3, 16, 16)
    measurement = Measurement(clean, params={"sigma": torch.full((2,), 0.1)})
    if isinstance(penalty, GeneratorPenalty):
        return penalty(lambda y: samples + y - clean, samples, measurement, Rng(0, "penalty", range(2)))
    assert isinstance(penalty, Penalty)
    return penalty(samples, clean, measurement)
