"""``pscgan export``: a file, a card, and what is not overwritten; ``pscgan evaluate`` takes the file for the run."""

import json
import shutil
import subprocess
import sys

import pytest
import torch
import yaml

import pscgan
from pscgan.scripts.export import main

from ..train.export.exporting import exported
from ..train.tiny import LIGHTNING_SAYS, result, run
from .evaluating import evaluated

pytestmark = [pytest.mark.integration, *LIGHTNING_SAYS]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return run(tmp_path_factory.mktemp("runs") / "tiny", "images=16")


@pytest.fixture(scope="module")
def written(trained, tmp_path_factory):
    file = tmp_path_factory.mktemp("export") / "model.safetensors"
    main([str(trained), "--out", str(file)])
    return file


def test_file_and_card_are_written_and_named(trained, tmp_path, capsys):
    file = tmp_path / "model.safetensors"
    main([str(trained / "best.ckpt"), "--out", str(file)])
    assert capsys.readouterr().out.split() == [str(file), str(tmp_path / "model.md")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.md", "model.safetensors"]
    assert pscgan.load(str(file)).metadata["images_seen"] == 16


def test_the_card_says_what_the_run_says(trained, written):
    text, scores = written.with_suffix(".md").read_text(), result(trained)
    _, front, body = text.split("---\n", 2)
    assert yaml.safe_load(front) == {
        "library_name": "pscgan",
        "pipeline_tag": "image-to-image",
        "tags": ["image-restoration", "posterior-sampling", "gaussiannoise"],
        "license": "other",
    }
    assert f"| CRPS / 255 | {255 * scores['crps']:.2f} |" in body
    assert f"| PSNR mean | {scores['psnr_mean']:.2f} |" in body
    assert "degradation: GaussianNoise, sigma 50\n" in body
    assert "of bundled:photos; 16 seen in training" in body
    assert 'pscgan.load("model.safetensors")' in body


def test_where_images_lie_is_not_told(trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "private")
    state = torch.load(folder / "best.ckpt", weights_only=True)
    state["config"]["dataset"]["root"] = "/home/somebody/faces/"
    torch.save(state, folder / "best.ckpt")
    starts = json.loads((folder / "run.json").read_text())
    starts[-1]["command"] = "pscgan train dataset.root=/home/somebody/faces/ seed=0"
    (folder / "run.json").write_text(json.dumps(starts))
    (folder / "result.json").unlink()
    (folder / "metrics.csv").unlink()
    main([str(folder), "--out", str(tmp_path / "model.safetensors")])
    card = (tmp_path / "model.md").read_text()
    assert "of faces; 16 seen" in card
    assert "`pscgan train dataset.root=faces seed=0`" in card
    assert "None were found" in card
    assert "somebody" not in card
    assert b"somebody" not in (tmp_path / "model.safetensors").read_bytes()


def test_any_model_is_exported(written, tmp_path):
    """A file that says less of itself than a run, in another form; the weights stay."""
    made = exported(tmp_path)
    main([str(made), "--out", str(tmp_path / "again.safetensors")])
    y = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert torch.equal(pscgan.load(tmp_path / "again.safetensors").sample(y, 2), pscgan.load(made).sample(y, 2))
    main([str(written), "--out", str(tmp_path / "same.safetensors")])
    assert (tmp_path / "same.safetensors").read_bytes() == written.read_bytes()


def refused(arguments, words, capsys):
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    (line,) = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert line.startswith("pscgan export: ")
    assert words in line


@pytest.mark.parametrize("there", ["model.safetensors", "model.md"])
def test_nothing_is_overwritten_unasked(trained, tmp_path, capsys, there):
    (tmp_path / there).write_text("mine")
    arguments = [trained, "--out", tmp_path / "model.safetensors"]
    refused(arguments, f"{tmp_path / there} is there already; choose another --out, or allow --overwrite", capsys)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]
    main([*map(str, arguments), "--overwrite"])
    assert pscgan.load(tmp_path / "model.safetensors").stochastic
    assert (tmp_path / "model.md").read_text().startswith("---\n")


def test_bad_input_is_one_line(trained, tmp_path, capsys):
    refused([tmp_path, "--out", tmp_path / "a.safetensors"], "is no file, run or export", capsys)
    allowed = "a file of suffix .safetensors, .pt2, .onnx, or a folder, got"
    refused([trained, "--out", tmp_path / "a.pt"], allowed, capsys)
    refused([trained, "--out", tmp_path / "no" / "a.safetensors"], "no is not a folder", capsys)
    assert not list(tmp_path.iterdir())


def test_a_class_of_somebody_else_is_not_exported(trained, tmp_path, capsys):
    folder = shutil.copytree(trained, tmp_path / "theirs")
    state = torch.load(folder / "best.ckpt", weights_only=True)
    state["config"]["degradation"]["_target_"] = "pscgan.tests.scripts.test_export.Theirs"
    torch.save(state, folder / "best.ckpt")
    refused(
        [folder, "--out", tmp_path / "a.safetensors"],
        "must be a class defined in pscgan.data.degradations, got pscgan.tests.scripts.test_export.Theirs",
        capsys,
    )
    assert not (tmp_path / "a.safetensors").exists()


class Theirs:
    """A degradation from elsewhere."""

    def __init__(self, sigma):
        self.num_maps = 0


def test_an_evaluation_gives_the_figures_of_the_run(trained, written, tmp_path):
    images = ("images.root=bundled:photos", "images.limit=2")
    of_run = evaluated(tmp_path / "run", f"{{it: {trained}}}", *images)["methods"]["it"]
    found = evaluated(tmp_path / "export", f"[{written}]", *images)["methods"]["model"]
    assert found["about"]["kind"] == "export"
    assert found["about"]["images seen"] == 16
    assert found["values"]["crps"] == of_run["values"]["crps"]
    assert found["values"]["psnr/mean"] == of_run["values"]["psnr/mean"]


def test_an_evaluation_of_exports_alone_is_told_its_images(written, tmp_path):
    with pytest.raises(ValueError, match=r"images\.root must be .* no run is evaluated, got null"):
        evaluated(tmp_path, f"[{written}]")


def test_the_package_stays_light():
    code = "import sys, pscgan; assert 'torch' not in sys.modules; assert callable(pscgan.load)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
