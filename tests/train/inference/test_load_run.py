"""What is loaded of a run is its average, and nothing else of the world changes."""

import pytest
import torch

from pscgan.models.generator import draw_samples
from pscgan.rng import Rng
from pscgan.train.build import build_training
from pscgan.train.inference.load_run import load_trained
from pscgan.train.runs import checkpoint

from ..tiny import LIGHTNING_SAYS, config_of, run

pytestmark = LIGHTNING_SAYS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return run(tmp_path_factory.mktemp("run"), "images=16")


def test_it_is_the_average_of_the_best_checkpoint(folder):
    trained = load_trained(folder)
    training = build_training(config_of(folder, "images=16"))
    state = checkpoint.load(folder / "best.ckpt")
    checkpoint.restore(training.game, state, folder / "best.ckpt")
    condition = torch.rand(1, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    of_both = [draw_samples(g, condition, 2, Rng(0, "z", [0])) for g in (trained.generator, training.game.ema.average)]
    assert torch.equal(*of_both)
    assert not any(parameter.requires_grad for parameter in trained.generator.parameters())
    assert not trained.generator.training
    assert trained.images_seen == training.images_seen
    assert (trained.stochastic, trained.image_channels) == (True, 3)
    assert trained.checkpoint == folder / "best.ckpt"


def test_the_last_checkpoint_stands_in_for_the_best(folder, tmp_path):
    for name in ("config.yaml", "last.ckpt"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    assert load_trained(tmp_path).checkpoint == tmp_path / "last.ckpt"


def test_the_global_generator_is_left_alone(folder):
    before = torch.get_rng_state()
    load_trained(folder)
    assert torch.equal(torch.get_rng_state(), before)
