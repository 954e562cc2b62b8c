"""Numbers that are not finite are a failure, named by the first of them; what a run goes on from lies before it."""

import json
import shutil
from types import SimpleNamespace

import pytest
import torch

from pscgan.train.callbacks.checkpointing import Checkpointing
from pscgan.train.network_optimizer import NotFinite
from pscgan.train.runs import checkpoint
from pscgan.train.runs.folder import RunFolder
from pscgan.train.runs.record import read_run

from .test_gan_step import make_gan_step
from .test_gan_step import train as train_steps
from .tiny import LIGHTNING_SAYS, config_of, run

pytestmark = LIGHTNING_SAYS
SHORT = ("images=16", "checkpoint_every_images=4", "logger=[]", "~callbacks.pictures", "~callbacks.progress")
ALLOWED = "allow_changed_config=true"


def strict(folder):
    """``result.json`` by a reader that knows no NaN."""

    def refuse(name):
        raise AssertionError(name)

    return json.loads((folder / "result.json").read_text(), parse_constant=refuse)


def images_in(path):
    return torch.load(path, weights_only=True)["gan_step"]["progress._extra_state"]["images_seen"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return run(tmp_path_factory.mktemp("finite") / "run", *SHORT)


def copied(folder, path):
    shutil.copytree(folder, path)
    return path


@pytest.mark.parametrize(
    ("overrides", "first", "saved"),
    [
        (["generator_optimizer.lr=1e12"], "generator/adversarial after 4 images", 4),
        (["+generator_optimizer.eps=0"], "gan_step.generator.down", None),
        (
            ["gan_step.nonfinite_limit=3", "penalty.patch_energy.weight=inf"],
            "generator/patch_energy after 0 images",
            None,
        ),
        (
            ["adversarial=wasserstein", "gan_step.nonfinite_limit=3", "adversarial.gradient_penalty.weight=inf"],
            "critic/gradient_penalty",
            None,
        ),
    ],
)
def test_a_run_fails_with_the_first_term_named(overrides, first, saved, tmp_path):
    with pytest.raises(NotFinite, match=first):
        run(tmp_path, *SHORT, *overrides)
    outcome = strict(tmp_path)
    assert outcome["status"] == "failed"
    assert first in outcome["error"]
    assert read_run(tmp_path).state == f"failed: {outcome['error']}"
    assert not (tmp_path / "best.ckpt").exists()
    assert (images_in(tmp_path / "last.ckpt") if (tmp_path / "last.ckpt").exists() else None) == saved


def test_the_last_good_checkpoint_lies_before_and_is_gone_on_from(finished, tmp_path):
    assert strict(finished)["status"] == "finished"
    folder = copied(finished, tmp_path / "run")
    before = {name: (folder / name).read_bytes() for name in ("last.ckpt", "best.ckpt")}
    longer = ("images=32", ALLOWED)
    with pytest.raises(NotFinite, match="patch_energy after 16 images"):
        run(folder, *SHORT, *longer, "penalty.patch_energy.weight=inf", "gan_step.nonfinite_limit=3")
    assert {name: (folder / name).read_bytes() for name in before} == before
    run(folder, *SHORT, *longer)
    assert (strict(folder)["status"], strict(folder)["images_seen"]) == ("finished", 32)
    assert (images_in(folder / "last.ckpt"), read_run(folder).state) == (32, "finished")


@pytest.mark.parametrize(
    ("place", "named"), [("weights", r"gan_step\.critic\."), ("moments", r"optimizers\.critic\.0\.momentum_buffer")]
)
def test_no_checkpoint_holds_what_is_not_finite(place, named, tmp_path):
    gan_step = train_steps(make_gan_step(), 1)
    data = SimpleNamespace(digests={"validation": ""})
    module = SimpleNamespace(gan_step=gan_step, data=data, images_seen=8, images=16, scores={}, loggers=[])
    checkpointing = Checkpointing(RunFolder(config_of(tmp_path)))
    checkpointing._save(module, received=0)
    whole = (tmp_path / "last.ckpt").read_bytes()
    parameter = next(gan_step.critic.parameters())
    if place == "weights":
        parameter.data[0, 0, 0, 0] = torch.nan
    else:
        gan_step.networks["critic"].optimizer.state[parameter]["momentum_buffer"] = torch.tensor([0.0, torch.inf])
    with pytest.raises(NotFinite, match=f"{named}.* is not finite after 8 images"):
        checkpointing._save(module, received=0, best=True)
    assert (tmp_path / "last.ckpt").read_bytes() == whole
    assert not (tmp_path / "best.ckpt").exists()


def test_a_checkpoint_that_is_not_finite_is_not_gone_on_from(finished, tmp_path):
    """Left by an older version."""
    folder = copied(finished, tmp_path / "run")
    state = checkpoint.load(folder / "last.ckpt")
    name = next(name for name in state["gan_step"] if name.startswith("generator."))
    state["gan_step"][name][0, 0, 0, 0] = torch.inf
    torch.save(state, folder / "last.ckpt")
    with pytest.raises(ValueError, match=r"last\.ckpt .*generator\..* is not finite; copy best\.ckpt in its place"):
        run(folder, *SHORT, "images=32", ALLOWED)
    shutil.copy(folder / "best.ckpt", folder / "last.ckpt")
    run(folder, *SHORT, "images=32", ALLOWED)
