"""The config of the baseline that a run begins at: that of the same command with ``baseline=mmse``."""

import pytest
from hydra import compose, initialize_config_module
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

import pscgan.scripts.train  # noqa: F401  registers the resolver of run names
from pscgan.train.runs.baseline import baseline_config
from pscgan.train.runs.config_check import check_config

OF_THE_SAMPLER = (
    *("penalty=[patch_energy,fair_crps]", "penalty.fair_crps.weight=0.5", "+penalty.fair_crps.images=2"),
    *("critic=patch", "critic.width=8", "adversarial=relativistic", "adversarial.gradient_penalty.gamma=2"),
    *("optimizer@critic_optimizer=adam_large", "critic_optimizer.lr=1e-2", "generator_optimizer.lr=1e-4"),
    *("generator.latent_channels=2", "evaluation.samples_per_image=4", "evaluation.every_images=80", "images=800"),
    *("gan_step.paired=true", "gan_step.alternate=true"),
)
OF_BOTH = (
    "degradation.sigma=25",
    "generator.width=8",
    "seed=3",
    "~callbacks.progress",
    "optimizer@generator_optimizer=adam",
)


def composed(*overrides):
    """The config of a run, as the running program has it."""
    config = compose("train", ["folder=/runs/mine", *overrides], return_hydra_config=True)
    OmegaConf.set_readonly(config.hydra, False)
    HydraConfig.instance().set_config(config)
    return config


@pytest.fixture(autouse=True)
def hydra():
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        yield


def plain(config):
    values = OmegaConf.to_container(
        OmegaConf.masked_copy(config, [name for name in config if name != "hydra"]), resolve=True
    )
    return {name: value for name, value in values.items() if name not in ("name", "folder")}


@pytest.mark.parametrize("experiment", ["demo", "sr4_demo"])
def test_it_is_that_of_the_public_command_whatever_the_sampler_is_given(experiment):
    task = (f"experiment={experiment}", *OF_BOTH)
    baseline = baseline_config(composed(*task, *OF_THE_SAMPLER, "init_from=baseline", "baseline_run.images=160"))
    mine = ("baseline=mmse", "baseline_run.images=160", "folder=/runs/mine_mmse")
    assert plain(baseline) == plain(composed(*task, *mine))
    assert (baseline.folder, baseline.name) == ("/runs/mine_mmse", f"{experiment}_mmse")
    assert (baseline.images, baseline.evaluation.every_images, baseline.schedule.images) == (160, 160, 160)
    assert (baseline.degradation.get("sigma"), baseline.generator.width) == (25, 8)


def test_a_quick_run_has_a_quick_baseline():
    assert baseline_config(composed("debug=quick", "init_from=baseline")).images == 16


def test_its_values_are_checked_with_those_of_the_run():
    wrong = ("baseline_run.lr=fast",)
    check_config(composed(*wrong, "init_from=null"), "train")
    with pytest.raises(ValueError, match=r"generator_optimizer\.lr must be a number"):
        check_config(composed(*wrong, "init_from=baseline"), "train")


def test_a_generator_whose_z_is_no_number_of_channels_is_refused():
    with pytest.raises(ValueError, match=r"latent_channels.*RrdbGenerator.*init_from=RUN"):
        check_config(composed("generator=rrdb", "init_from=baseline"), "train")


def test_the_one_run_of_wandb_that_an_agent_has_started_is_the_samplers(monkeypatch):
    task = ("logger=[csv,wandb]", "init_from=baseline")
    assert list(baseline_config(composed(*task)).logger) == ["csv", "wandb"]
    monkeypatch.setenv("WANDB_RUN_ID", "1234")
    assert list(baseline_config(composed(*task)).logger) == ["csv"]
