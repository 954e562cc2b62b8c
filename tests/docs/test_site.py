"""The schema for editors fits what runs compose, the reference has every key, tutorials are stored without outputs."""

import json
from pathlib import Path

import nbformat
import pytest
from hydra import compose, initialize_config_module
from jsonschema import Draft7Validator
from omegaconf import OmegaConf

import pscgan.scripts.train  # noqa: F401  registers the resolvers of folders' names
from pscgan.docs.site import config, hooks, reference
from pscgan.docs.site.schema import schema

from .pages import ROOT

EXPERIMENTS = ["demo", "jpeg_posterior", "denoiser_demo", "recorded", "sto_robust", "textures_gan", "massmap_demo"]
CHOICES = ["critic=projected_small", "penalty=[pdl,rcgan]", "degradation=real_chain", "logger=[csv,wandb]", "ema=none"]


@pytest.fixture(scope="module")
def validator():
    text = json.dumps(schema())
    Draft7Validator.check_schema(json.loads(text))
    return Draft7Validator(json.loads(text))


def composed(*words):
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        return OmegaConf.to_container(compose("train", [*words, "folder=unused"]))


@pytest.mark.parametrize("words", [*([f"experiment={name}"] for name in EXPERIMENTS), CHOICES], ids=str)
def test_the_schema_accepts_what_is_composed(words, validator):
    assert [error.json_path for error in validator.iter_errors(composed(*words))] == []


@pytest.mark.parametrize("path", sorted((ROOT / "conf" / "experiment").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_schema_accepts_the_file_of_an_experiment(path, validator):
    values = OmegaConf.to_container(OmegaConf.load(path))
    assert [error.json_path for error in validator.iter_errors(values)] == []


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"imagse": 8}, "$"),
        ({"images": "many"}, "$.images"),
        ({"gan_step": {"paired": 3}}, "$.gan_step.paired"),
        ({"generator": {"widht": 8}}, "$.generator"),
        ({"penalty": {"dct_crps": {"scale": 1.0}}}, "$.penalty.dct_crps"),
        (
            {"degradation": {"_target_": "pscgan.data.degradations.gaussian_noise.GaussianNoise", "draw": "linear"}},
            "$.degradation.draw",
        ),
    ],
)
def test_the_schema_refuses_what_a_run_would(values, place, validator):
    assert [error.json_path for error in validator.iter_errors(values)] == [place]


@pytest.mark.parametrize(
    "values",
    [
        {"images": "8_800", "generator_optimizer": {"lr": "1e-3"}},  # as YAML 1.2 reads them
        {"degradation": {"sigma": "${my_sigma}"}},
        {"generator": {"_target_": "my_package.Network", "size": 3}},
        {"penalty": {"mine": {"_target_": "pscgan.losses.penalty.Penalty", "estimator": {"_target_": "my.loss"}}}},
    ],
    ids=str,
)
def test_the_schema_leaves_the_rest_to_the_run(values, validator):
    assert [error.message for error in validator.iter_errors(values)] == []


def test_every_key_of_every_file_is_in_the_reference():
    pages = dict(reference.configs())
    for file in config.options():
        group = file.path.stem if file.path.parent == config.CONF else file.path.parent.name
        text = pages[f"{reference.CONFIG}/{group}.md"]
        assert file.path.parent == config.CONF or f"{{ #{file.path.stem} }}" in text
        assert [key.name for key in file.keys if file.targets and f"| `{key.name}`" not in text] == []


def test_a_key_has_its_type_its_default_and_what_its_comment_or_docstring_says():
    keys = {key.name: key for key in config.read(ROOT / "conf" / "penalty" / "first_moment.yaml").keys}
    weight, images = keys["first_moment.weight"], keys["first_moment.images"]
    assert (weight.hint, weight.default, weight.meaning) == (float, 10.0, "beside an adversarial weight of 0.01")
    assert (images.hint, images.default) == (int | None, None)
    assert "batch" in images.meaning
    (draw,) = (key for key in config.read(ROOT / "conf/degradation/gaussian_noise.yaml").keys if not key.is_written)
    assert (draw.name, draw.default) == ("draw", "uniform")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("README.md", "overview.md"),
        ("docs/data.md", "data.md"),
        ("docs/tutorials/own_loss.ipynb", "tutorials/own_loss.md"),
        ("losses/sure.py", "reference/api/losses.md#pscgan.losses.sure"),
        ("models/transport", "reference/api/models.transport.md"),
        ("conf/train.yaml", "reference/config/train.md"),
        ("conf/penalty/mse.yaml", "reference/config/penalty.md#mse"),
        ("conf/method", "reference/config/method.md"),
        ("scripts/sweeps/demo_grid.yaml", "source/scripts/sweeps/demo_grid.yaml"),
    ],
)
def test_a_file_of_the_repository_has_a_place_in_the_site(path, place):
    assert (ROOT / path).exists()
    assert hooks.place_of(path) == place


def test_what_a_page_loads_from_another_host_is_found():
    own = '<a href="https://a.org"></a><link rel="canonical" href="https://b.org"><img src="c.png"><script>//d</script>'
    assert hooks.LOADED.findall(own) == []
    foreign = '<link rel="stylesheet" href="https://e.org/e.css"><script async src=//f.org/f.js></script>'
    assert hooks.LOADED.findall(own + foreign) == ["https://e.org/e.css", "//f.org/f.js"]


@pytest.mark.parametrize("path", sorted(Path(ROOT / "docs" / "tutorials").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_tutorial_is_stored_without_what_it_printed(path):
    cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    assert cells
    assert all((cell.outputs, cell.execution_count) == ([], None) for cell in cells)
