"""A GAN without a condition is a run as any other: trained, resumed, on ranks, judged and exported."""

import pytest
import torch

from pscgan.train.export.export import export
from pscgan.train.inference.load import load
from pscgan.train.lightning_module import SamplerModule

from ..scripts.evaluating import evaluated
from .distributed.on_ranks import on_ranks
from .test_recorded import learn
from .test_resume import Killed, at, kill
from .tiny import LIGHTNING_SAYS, assert_same_run, result, run

pytestmark = LIGHTNING_SAYS

GAN = ("experiment=textures_gan", "penalty=[]", "images=16")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return run(tmp_path_factory.mktemp("runs") / "gan", *GAN)


def test_a_kill_costs_no_bit(trained, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        acted = at(patch, (SamplerModule, "training_step"), 12, kill)
        with pytest.raises(Killed):
            run(folder, *GAN)
    assert acted
    assert_same_run(run(folder, *GAN), trained)


@pytest.mark.slow
def test_two_ranks_learn_as_one(trained, tmp_path):
    on_ranks(2, learn, tmp_path / "run", *GAN, join=False)
    assert result(tmp_path / "run")["crps"] == pytest.approx(result(trained)["crps"], rel=1e-3)


def test_an_export_draws_what_the_run_draws_whatever_y_is(trained, tmp_path):
    (file, _) = export(trained, tmp_path / "gan.safetensors")
    samples, exported = (load(name).sample(torch.full((2, 3, 32, 32), 0.5), 3) for name in (trained, file))
    assert torch.equal(samples, exported)
    torch.testing.assert_close(load(trained).sample(torch.rand(2, 3, 32, 32), 3), samples)


def test_what_y_says_is_nothing_in_a_report_too(trained, tmp_path):
    values = evaluated(tmp_path / "evaluation", f"[{trained},degraded]")["methods"]["gan"]["values"]
    assert values["residual/sample"]["value"] == values["residual/sample"]["floor"] == 0
