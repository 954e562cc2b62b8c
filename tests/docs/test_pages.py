"""What the pages name exists, and their snippets run."""

import re
import shlex
import subprocess
import tomllib

import pytest
import torch
from hydra import compose, initialize_config_module
from PIL import Image

import pscgan.scripts.evaluate
import pscgan.scripts.train  # noqa: F401  both register the resolvers of folders' names
from pscgan.data.sources.pairs import PairSource
from pscgan.scripts.benchmarks.gallery import task_names

from ..data.pictures import folder_of, noise
from .pages import PAGES, ROOT, blocks, text_of


def composed(name, words):
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        return compose(name, [*words, "folder=unused"])


def test_a_model_is_used_as_written(tmp_path, monkeypatch):
    (snippet,) = (text for text in blocks(text_of("README.md"), "python") if "pscgan.load" in text)
    Image.fromarray(noise(40, 48, channels=3)).save(tmp_path / "noisy.png")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(snippet, names)
    assert names["samples"].shape == (8, 1, 3, 40, 48)
    assert (names["mean"].shape, names["spread"].shape) == ((1, 3, 40, 48), (1, 1, 40, 48))


def test_a_loss_is_used_alone_as_written():
    (snippet,) = (text for text in blocks(text_of("docs/extending.md"), "python") if "pscgan.losses" in text)
    names = {"restored": torch.rand(2, 3, 32, 32, requires_grad=True), "clean": torch.rand(2, 3, 32, 32)}
    exec(snippet, names)
    assert names["restored"].grad.abs().sum() > 0


def test_every_extra_is_explained():
    extras = tomllib.loads(text_of("pyproject.toml"))["project"]["optional-dependencies"]
    rows = re.findall(r"^\| `pscgan\[(\w+)\]` \|", text_of("docs/training.md"), re.MULTILINE)
    assert set(rows) == set(extras)
    pages = "".join(path.read_text() for path in PAGES)
    assert set(re.findall(r"--extra (\w+)|pscgan\[(\w+)\]", pages)) <= {(name, "") for name in extras} | {
        ("", name) for name in extras
    }


def test_every_penalty_and_objective_is_in_the_table():
    page = text_of("docs/objectives.md")
    for group in ("penalty", "adversarial"):
        for path in (ROOT / "conf" / group).glob("*.yaml"):
            assert f"`{path.stem}`" in page, path.stem


def test_every_option_of_restore_that_is_named_is_one(monkeypatch):
    from pscgan.scripts.restore import parse

    rows = re.findall(r"^\| (`--.*?) \|", text_of("docs/restoring.md"), re.MULTILINE)
    named = set(re.findall(r"--[a-z-]+", " ".join(rows)))
    assert len(named) > 8
    for option in named:
        value = {"--degrade": [], "--phase": ["RGGB"]}.get(option, ["64"])
        assert parse(["x.png", "--model", "m", "--out", "o", option, *value])


def test_every_root_of_the_commands_is_in_the_table():
    page = text_of("docs/data.md")
    roots = re.findall(r"dataset\.root=\"?(.*?)\"?'?(?:\s|$)", "\n".join(blocks(page, "bash")))
    assert len(roots) > 4
    assert all(f"| `{root}` |" in page for root in roots)


def test_patterns_of_validation_are_quoted_as_hydra_needs():
    (quoted,) = re.findall(r"'(dataset\.validation=.*?)'", text_of("docs/data.md"))
    assert composed("train", ["dataset=shards", "dataset.root=x", quoted]).dataset.validation == ["val-*"]


def test_every_task_and_demo_exists():
    page = text_of("docs/tasks.md")
    rows = re.findall(r"^\| (`.*?) \|.*\| (.*?) \|$", page, re.MULTILINE)
    tasks, demos = (re.findall(r"`(\w+)`", " ".join(column)) for column in list(zip(*rows, strict=True)))
    presets = re.findall(r"`(?:degradation=)?(icassp_\w+)`", page)
    assert tasks
    assert demos
    assert all((ROOT / "conf" / "degradation" / f"{name}.yaml").exists() for name in tasks + presets)
    assert all((ROOT / "conf" / "experiment" / f"{name}.yaml").exists() for name in demos)
    assert len(presets) == len(list((ROOT / "conf" / "degradation").glob("icassp_*.yaml")))


def test_every_demo_is_in_the_gallery():
    page = text_of("docs/gallery.md")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == task_names()


def test_every_demo_uses_the_default_objective_or_says_why_not():
    default = composed("train", [])
    for task in task_names():
        config, text = composed("train", [f"experiment={task}"]), text_of(f"conf/experiment/{task}.yaml")
        same = (config.adversarial, config.penalty) == (default.adversarial, default.penalty)
        assert same != ("not the default objective" in text), task


def test_a_mask_of_ones_own_composes():
    (line,) = (text for text in blocks(text_of("docs/tasks.md"), "bash") if "MASK.png" in text)
    config = composed("train", shlex.split(line)[2:])
    assert set(config.degradation.operator.mask) == {"_target_", "path"}


@pytest.mark.integration
def test_the_lines_on_recorded_noise_make_pairs_and_compose(tmp_path):
    page = text_of("docs/tasks.md")
    (block,) = re.findall(r"```bash\n(mkdir CLEAN.*?)```", page, re.DOTALL)
    *shell, train, evaluate = block.splitlines()
    for name in ("a 1", "b_2"):
        folder_of(tmp_path / name, 2)
        for index, kind in enumerate(("mean", "real")):
            (tmp_path / "CROPS").mkdir(exist_ok=True)
            (tmp_path / name / f"{index:02d}.png").rename(tmp_path / "CROPS" / f"{name}_{kind}.JPG")
    subprocess.run(["bash", "-ec", "\n".join(shell)], cwd=tmp_path, check=True)
    source = PairSource(tmp_path / "CLEAN", tmp_path / "RECORDED")
    assert source.names == ["a 1.jpg", "b_2.jpg"]
    assert all(not torch.equal(*source.read(name).chunk(2)) for name in source.names)
    (held_out,) = re.findall(r"`'(dataset\.validation=.*?)'`", page)
    dataset = composed("train", [*shlex.split(train)[2:], held_out]).dataset
    images = composed("evaluate", shlex.split(evaluate)[2:]).images
    assert (dataset.root, dataset.recorded, len(dataset.validation)) == ("CLEAN", "RECORDED", 7)
    assert (images.root, images.recorded) == ("CLEAN", "RECORDED")
