"""A value changed before a run goes on changes what it learns next, or is refused before anything is written."""

import shutil

import pytest
import torch
from omegaconf import OmegaConf

from pscgan.train.lightning_module import SamplerModule
from pscgan.train.runs.cli_errors import USER_ERRORS
from pscgan.train.runs.provenance import flatten_config

from .test_resume import Killed, at, kill
from .tiny import LIGHTNING_SAYS, assert_same, config_of, run

pytestmark = LIGHTNING_SAYS
# every number of it acts in the step from image 12 to 16 and the validation that follows
BASE = (
    *("images=16", "checkpoint_every_images=4", "logger=[]", "~callbacks.pictures", "~callbacks.progress"),
    *("degradation=inpaint_pixels", "adversarial=r3gan"),
    *("penalty=[patch_energy,spread_reward]", "penalty.patch_energy.images=2"),
    *("ema.halflife_images=0.7", "gan_step.generator_clip_norm=0.01", "gan_step.critic_clip_norm=0.01"),
    *("+generator_optimizer.eps=1e-8", "+generator_optimizer.weight_decay=0.01"),
    *("+critic_optimizer.eps=1e-8", "+critic_optimizer.weight_decay=0.01"),
)
CANNOT_CHANGE_A_STATE = {
    "log_every_images": "when it is logged",
    "checkpoint_every_images": "when it is saved",
    "evaluation.every_images": "when it is validated; the end always is",
    "allow_changed_config": "whether changes are refused",
    "gan_step.nonfinite_limit": "when a run without finite gradients ends",
    "generator_optimizer.fused": "how it is computed",
    "critic_optimizer.fused": "how it is computed",
    "baseline_run.images": "how long another run is",
    "baseline_run.lr": "the rate of another run",
    "dataset.cache": "what is kept in memory",
    "dataset.num_workers": "who reads",
    "dataset.validation_batch": "images validated at once",
    "trainer.devices": "who computes",
    "trainer.deterministic": "how it is computed",
}
PARTS = (
    *("seed", "images", "evaluation", "gan_step", "critic", "adversarial", "critic_optimizer"),
    *("penalty", "degradation", "dataset", "generator", "generator_optimizer", "ema", "schedule"),
)


def numbers(config):
    """Key, place in a list or None, and value of each number and truth value."""
    for key, leaf in flatten_config(OmegaConf.to_container(config, resolve=True)).items():
        for place, value in enumerate(leaf) if isinstance(leaf, list) else [(None, leaf)]:
            if isinstance(value, int | float) and key not in CANNOT_CHANGE_A_STATE and not key.endswith("_partial_"):
                yield key, place, value, leaf


def another(value):
    if isinstance(value, bool):
        return not value
    return 2 * value or 1 if isinstance(value, int) else value / 2 or 0.25


def contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def state_of(folder):
    state = torch.load(folder / "last.ckpt", weights_only=True)
    state["gan_step"]["progress._extra_state"]["seconds"] = 0.0
    return {name: state[name] for name in ("gan_step", "optimizers")}


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """A run that was killed after 12 of 16 images."""
    folder = tmp_path_factory.mktemp("changed") / "run"
    with pytest.MonkeyPatch.context() as patch:
        at(patch, (SamplerModule, "training_step"), 12, kill)
        with pytest.raises(Killed):
            run(folder, *BASE)
    return folder


@pytest.fixture(scope="module")
def unchanged(interrupted):
    """The state in which it ends."""
    folder = interrupted.with_name("unchanged")
    shutil.copytree(interrupted, folder)
    return state_of(run(folder, *BASE))


def continued(interrupted, folder, *overrides):
    """The state in which it ends; the refusal, where nothing was written."""
    shutil.copytree(interrupted, folder)
    before = contents(folder)
    try:
        run(folder, *BASE, *overrides, "allow_changed_config=true")
        return state_of(folder)
    except USER_ERRORS as error:
        assert contents(folder) == before, overrides
        return str(error)


def differ(first, second):
    try:
        assert_same(first, second, "")
    except AssertionError:
        return True
    return False


@pytest.mark.integration
@pytest.mark.parametrize("part", PARTS)
def test_each_number_acts_or_is_refused(part, interrupted, unchanged, tmp_path):
    found, ignored = list(numbers(config_of(interrupted, *BASE))), []
    assert {key.partition(".")[0] for key, *_ in found} == set(PARTS)
    for key, place, value, leaf in found:
        if key.partition(".")[0] != part:
            continue
        replaced = another(value) if place is None else [*leaf[:place], another(value), *leaf[place + 1 :]]
        state = continued(interrupted, tmp_path / f"{key}-{place}", f"{key}={replaced}".replace(" ", ""))
        if not isinstance(state, str) and not differ(state, unchanged):
            ignored.append(f"{key}={value}")
    assert ignored == []


@pytest.mark.integration
@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        (["+generator_optimizer.amsgrad=true"], "generator_optimizer.amsgrad"),
        (["+critic_optimizer.centered=true"], "critic_optimizer.centered"),
        (["critic_optimizer._target_=torch.optim.SGD"], "critic_optimizer._target_"),
        (["init_from=elsewhere"], "init_from"),
        (["images=12"], "images must be more than the 12"),
        (["+trainer.gradient_clip_val=1"], "gradient_clip_val"),
        (["+trainer.max_steps=1"], "max_steps"),
        (["+trainer.precision=16"], "trainer may have accelerator"),
    ],
)
def test_what_cannot_be_continued_is_refused(overrides, named, interrupted, tmp_path):
    refused = continued(interrupted, tmp_path / "run", *overrides)
    assert isinstance(refused, str)
    assert named in refused


@pytest.mark.integration
def test_the_best_of_another_validation_is_not_compared_with(tmp_path):
    """However low its CRPS: K, images or their crop were others."""
    folder = run(tmp_path / "run", *BASE)
    state = torch.load(folder / "last.ckpt", weights_only=True)
    torch.save(state | {"best_crps": 1e-9}, folder / "last.ckpt")
    longer = ["images=32", "allow_changed_config=true"]
    for overrides, best in ((longer, 16), ([*longer, "images=48", "dataset.evaluation_crop=40"], 48)):
        run(folder, *BASE, *overrides)
        state = torch.load(folder / "best.ckpt", weights_only=True)
        assert state["gan_step"]["progress._extra_state"]["images_seen"] == best
