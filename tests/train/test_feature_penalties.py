"""Runs whose judges are frozen networks: what the folder says of them, and what a checkpoint leaves out."""

import csv
import json
import math
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate

import pscgan.conf
from pscgan.train.lightning_module import SamplerModule

from .test_resume import Killed, at, kill
from .tiny import LIGHTNING_SAYS, assert_same_run, config_of, result, run

pytestmark = LIGHTNING_SAYS
CONF = Path(pscgan.conf.__file__).parent
ON_FEATURES = sorted(path.stem for path in (CONF / "penalty").glob("*.yaml") if "/features@" in path.read_text())
PDL = ("penalty=[fair_crps,pdl]", "images=16")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return run(tmp_path_factory.mktemp("features") / "run", *PDL)


def networks(folder):
    return [start["feature_networks"] for start in json.loads((folder / "run.json").read_text())]


def weights(folder):
    return torch.load(folder / "last.ckpt", weights_only=True)["gan_step"]


def assert_finite(folder, term):
    with (folder / "metrics.csv").open() as file:
        values = [float(row[term]) for row in csv.DictReader(file) if row[term]]
    assert values
    assert all(math.isfinite(value) for value in [*values, result(folder)["crps"]])


def test_the_run_names_the_network_that_judges_and_the_hash_of_its_weights(finished):
    features = instantiate(config_of("unused", *PDL).penalty.pdl.estimator.distance.features, _convert_="all")
    assert networks(finished) == [[features.identity]]
    assert features.identity.startswith(
        "tf_efficientnet_lite0 [blocks.0, blocks.1, blocks.2, blocks.4], package, sha256 "
    )
    assert_finite(finished, "generator/pdl")


def test_a_run_without_features_names_none_and_has_the_same_tensors(finished, tmp_path):
    plain = run(tmp_path / "run", "images=16")
    assert networks(plain) == [[]]
    assert weights(finished).keys() == weights(plain).keys()


def test_it_is_continued_without_the_frozen_weights(finished, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        at(patch, (SamplerModule, "training_step"), 12, kill)
        with pytest.raises(Killed):
            run(folder, *PDL)
    assert_same_run(run(folder, *PDL), finished)
    assert networks(folder) == 2 * networks(finished)


@pytest.mark.slow
@pytest.mark.parametrize("name", ON_FEATURES)
def test_every_penalty_on_features_ends_finite(name, tmp_path):
    folder = run(tmp_path / "run", f"penalty=[fair_crps,{name}]", "images=16")
    assert_finite(folder, f"generator/{name}")
    assert networks(folder)[0]


@pytest.mark.slow
@pytest.mark.parametrize("adversarial", ["relativistic", "logistic", "wasserstein"])
def test_a_critic_on_features_ends_finite(adversarial, tmp_path):
    folder = run(tmp_path / "run", "critic=projected_small", f"adversarial={adversarial}", "images=16")
    assert_finite(folder, "generator/adversarial")
    assert networks(folder)[0]
    assert not any("_frozen" in name or "features" in name for name in weights(folder))
