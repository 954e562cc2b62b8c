"""Every option of every group composes and builds; nothing is trained."""

import inspect
import re
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_module
from hydra.core.hydra_config import HydraConfig
from hydra.utils import get_object, instantiate
from omegaconf import OmegaConf
from PIL import Image

import pscgan.scripts.train  # noqa: F401  registers the resolver of run names
from pscgan.train.build import build_training
from pscgan.train.runs.config_check import check_config

CONF = Path(__file__).parents[1] / "conf"
OPTIONS = [(path.parent.name, path.stem) for path in sorted(CONF.glob("*/*.yaml"))]
OF_EVALUATION = ("attack", "extractor", "perceptual", "method")
WHOLE_RUNS = [
    (group, option)
    for group, option in OPTIONS
    if group != "toy_posterior" and (CONF / group / f"{option}.yaml").read_text().startswith("# @package _global_")
]
PROBLEMS = [option for group, option in OPTIONS if group == "toy_posterior" and option not in ("points", "fields")]
IN_EVALUATION = [(group, option) for group, option in OPTIONS if group in OF_EVALUATION]
PARTS = [
    (group, option)
    for group, option in OPTIONS
    if (group, option) not in WHOLE_RUNS and group not in (*OF_EVALUATION, "toy_posterior")
]
PLACES = {"optimizer": "optimizer@generator_optimizer", "features": "+features"}
LISTS = ("penalty", "logger")


def composed(*overrides, name="train"):
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        config = compose(name, [*overrides, "folder=unused"], return_hydra_config=True)
    OmegaConf.set_readonly(config.hydra, False)
    return config


@pytest.fixture(scope="module")
def image_folders(tmp_path_factory):
    """Small stand-ins for the data sets a user brings, by the names the experiments expect: (clean, recorded)."""
    folders = [tmp_path_factory.mktemp(name) for name in ("clean", "recorded")]
    for number, folder in enumerate(folders):
        names = ("val/a.png", "val/b.png", "train/a.png", "train/b.png", "test/a.png")
        for name in (*names, "00001.png", "03000.png", "03100.png", "04000.png"):
            (folder / name).parent.mkdir(exist_ok=True)
            image = Image.effect_noise((128, 128), 50 + number).convert("RGB")
            image.putpixel((64, 64), (255, 0, 0))
            image.save(folder / name)
    return folders


def with_images(overrides, image_folders):
    """The config of a run, and that of the baseline it begins at, checked as ``pscgan train`` does."""
    config, images = composed(*overrides), []
    if OmegaConf.is_missing(config.dataset, "root"):
        images.append(f"dataset.root={image_folders[0]}")
        if isinstance(config.dataset.validation, int):
            images.append("dataset.validation=1")
    if OmegaConf.is_missing(config.dataset, "recorded"):
        images.append(f"dataset.recorded={image_folders[1]}")
    if images:
        config = composed(*overrides, *images)
    if "features" not in config:
        HydraConfig.instance().set_config(config)
        with initialize_config_module("pscgan.conf", version_base="1.3"):  # where the baseline is composed
            check_config(config, "train")
    return config


def assert_arguments_exist(node):
    """What a node names is there and takes its arguments, without building it."""
    parameters = inspect.signature(get_object(node._target_)).parameters
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    assert takes_any or {name for name in node if not name.startswith("_")} <= set(parameters)


def test_every_group_is_covered():
    covered = {*WHOLE_RUNS, *PARTS, *IN_EVALUATION, *(("toy_posterior", name) for name in PROBLEMS)}
    assert set(OPTIONS) - covered == {("toy_posterior", "points"), ("toy_posterior", "fields")}
    assert {path.name for path in CONF.iterdir() if list(path.glob("*.yaml"))} == {group for group, _ in OPTIONS}


@pytest.mark.parametrize("name", ["train", "evaluate"])
def test_help_lists_what_can_be_chosen(name):
    text = (CONF / f"{name}.yaml").read_text()
    listed = ",".join(re.findall(r"\$\{options:(.+?)\}", text)).split(",")
    entries = [entry for entry in OmegaConf.load(CONF / f"{name}.yaml").defaults if not isinstance(entry, str)]
    chosen = {key.partition("@")[0] for entry in entries for key in entry} - {"override hydra/job_logging"}
    assert set(listed) == chosen | ({"features"} if name == "train" else {"method"})  # of some penalties; in a list


@pytest.mark.parametrize(("group", "option"), WHOLE_RUNS)
def test_a_whole_run_builds(group, option, image_folders):
    config = with_images([f"{group}={option}"], image_folders)
    frozen = "frozen.FrozenFeatures" in OmegaConf.to_yaml(config.penalty)  # which have weights of their own
    with torch.device("cpu" if frozen else "meta"):  # others need no numbers here
        training = build_training(config)
    assert training.gan_step.networks["generator"].optimizer.param_groups[0]["lr"] > 0
    assert training.data.training.crop == config.dataset.crop


@pytest.mark.parametrize(("group", "option"), PARTS)
def test_a_part_builds(group, option, image_folders):
    chosen = f"{PLACES.get(group, group)}={f'[{option}]' if group in LISTS else option}"
    config = with_images([chosen, "init_from=null"], image_folders)  # two published generators have no baseline
    part = config.get("generator_optimizer" if group == "optimizer" else group)
    if group in ("logger", "trainer"):  # they would write files, or ask for a GPU
        for node in part.values() if group == "logger" else [part]:
            assert_arguments_exist(node)
    elif group in ("penalty", "callbacks"):
        assert all(callable(instantiate(node)) or hasattr(instantiate(node), "state_dict") for node in part.values())
    elif group == "optimizer":
        (options,) = instantiate(part)([torch.nn.Parameter(torch.zeros(1))]).param_groups
        assert options["betas"] == tuple(part.betas)
    elif group in ("generator", "critic"):
        with torch.device("cpu" if "projected" in option else "meta"):  # frozen features have weights of their own
            network = instantiate(part, image_channels=3, condition_channels=3 + (option == "preconditioned"))
        assert sum(parameter.numel() for parameter in network.parameters()) > 0
    elif group == "features":
        assert_arguments_exist(part)
        if part.weights != "hub":  # no test downloads
            assert part.network in instantiate(part).identity
    elif group == "dataset":
        assert instantiate(part).training.crop == part.crop
    else:
        assert type(instantiate(part)).__module__.startswith("pscgan.")


@pytest.mark.parametrize(("group", "option"), IN_EVALUATION)
def test_an_option_of_an_evaluation_builds(group, option):
    place = [f"+method@methods.{option}={option}"] if group == "method" else ["methods=[]", f"{group}=[{option}]"]
    config = composed(*place, name="evaluate")
    node = config["methods" if group == "method" else group][option]
    if node.get("_partial_"):  # of a degradation, which is not known here
        assert_arguments_exist(node)
        assert "rule" not in node or instantiate(node.rule).calls > 0
    elif (
        not OmegaConf.is_missing(node, "weights") and node.get("weights", "package") == "package"
    ):  # others are not here
        check_config(config, "evaluate")
        assert type(instantiate(node)).__module__.startswith("pscgan.")
    else:
        assert_arguments_exist(node)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_toy_posterior_builds(problem):
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        config = compose("posterior_benchmark", [f"toy_posterior={problem}"])
    check_config(config, "posterior_benchmark")
    assert set(config.rows) <= {"exact", *config.objectives}
    assert instantiate(config.problem).degradation.num_maps >= 0


@pytest.mark.parametrize(
    ("overrides", "gamma", "correction"),
    [
        (["adversarial=relativistic"], 1, 16 / 17),
        (["adversarial=relativistic", "adversarial.gradient_penalty.gamma=2"], 2, 16 / 17),
        (["adversarial=wasserstein", "adversarial.gradient_penalty.every_critic_steps=4"], None, 4 / 5),
        (["adversarial=r3gan"], 1, 1),
        (["adversarial.gradient_penalty=null"], None, 1),
    ],
)
def test_the_gradient_penalty_is_chosen_by_one_override(overrides, gamma, correction):
    config = composed(*overrides)
    gan_step = build_training(config).gan_step
    assert getattr(gan_step.adversarial.gradient_penalty, "gamma", None) == gamma
    optimizer, chosen = gan_step.networks["critic"].optimizer, config.critic_optimizer
    for options in (optimizer.defaults, optimizer.param_groups[0]):
        assert options["lr"] == pytest.approx(correction * chosen.lr)
        assert options["betas"] == pytest.approx([beta**correction for beta in chosen.betas])
    assert gan_step.networks["generator"].optimizer.defaults["lr"] == config.generator_optimizer.lr


PENALTIES = {path.stem: OmegaConf.load(path) for path in sorted((CONF / "penalty").glob("*.yaml"))}


@pytest.mark.parametrize("option", PENALTIES)
def test_a_penalty_is_logged_under_its_own_name(option):
    assert [name for name in PENALTIES[option] if name != "defaults"] == names_of(option)


def names_of(option):
    """Its own, or of a sum of others theirs."""
    parts = [part for part in PENALTIES[option].get("defaults", []) if part in PENALTIES]
    return [name for part in parts for name in names_of(part)] or [option]


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
    assert folder("name=mine", "experiment=jpeg_demo") == "runs/mine,folder=unused"
