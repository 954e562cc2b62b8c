"""A GAN without a condition is a run as any other: trained, resumed, on ranks, judged and exported."""

import numpy as np
import pytest
import torch
from PIL import Image

from pscgan.scripts.synthesise import main as synthesise
from pscgan.train.export.export import export
from pscgan.train.inference.load import load
from pscgan.train.inference.synthesis import to_pixels
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


def test_images_are_synthesised(trained, tmp_path, capfd):
    """Image i of seed s is the sample of seed s + i - 1; larger ones have a z for each square."""
    synthesise([str(trained), "--count", "2", "--seed", "5", "--out", str(tmp_path / "two"), "--device", "cpu"])
    synthesise([str(trained), "--count", "1", "--size", "48x32", "--out", str(tmp_path / "large"), "--device", "cpu"])
    assert "2 calls of the GAN" in capfd.readouterr().err
    names = sorted(path.name for path in (tmp_path / "two").iterdir())
    assert names == ["00001.png", "00002.png", "grid.png", "synthesis.json"]
    expected = to_pixels(load(trained).sample(torch.full((1, 3, 32, 32), 0.5), 1, seed=6)[0, 0])
    with Image.open(tmp_path / "two/00002.png") as second, Image.open(tmp_path / "large/00001.png") as large:
        assert (np.asarray(second) == expected.permute(1, 2, 0).numpy()).all()
        assert large.size == (32, 48)
    with pytest.raises(SystemExit) as ended:
        synthesise([str(trained), "--rule", "chain", "--out", str(tmp_path / "other")])
    assert ended.value.code == 2
    assert "--rule goes with a denoiser" in capfd.readouterr().err


def test_what_y_says_is_nothing_in_a_report_too(trained, tmp_path):
    values = evaluated(tmp_path / "evaluation", f"[{trained},degraded]")["methods"]["gan"]["values"]
    assert values["residual/sample"]["value"] == values["residual/sample"]["floor"] == 0
