"""``pscgan export`` to a folder: three files that sample alike, a card, half weights, the hub, ONNX without PyTorch."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
import yaml
from PIL import Image

import pscgan
from pscgan.scripts.export import main
from pscgan.train.export import export as exporting
from pscgan.train.inference.safetensors_file import read_export

from ..train.export.graphs import expected, inputs, of_onnx
from ..train.tiny import LIGHTNING_SAYS, run
from .test_export import refused

pytestmark = [pytest.mark.integration, *LIGHTNING_SAYS]
NAMES = ["README.md", "model.onnx", "model.pt2", "model.safetensors"]
PROGRAM = Path(__file__).parents[2] / "docs" / "onnx_without_torch.py"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return run(tmp_path_factory.mktemp("runs") / "tiny", "images=16")


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "tiny"
    main([str(trained), "--out", str(path)])
    return path


@pytest.fixture(scope="module")
def session(folder):
    return onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def no_graphs(monkeypatch):
    """What is tried beside them takes no time."""

    def made(generator, channels, sealed, suffixes, tell):
        tell("made")
        return {suffix: sealed.encode() for suffix in suffixes}

    monkeypatch.setattr(exporting, "graph_files", made)


def test_three_files_and_the_run_give_the_same_samples(trained, folder, session):
    assert names(folder) == NAMES
    generator, loaded = pscgan.load(trained).generator, pscgan.load(folder)
    module = torch.export.load(folder / "model.pt2").module()
    for k, batch, height, width in ((1, 1, 9, 9), (3, 2, 33, 70), (2, 1, 64, 48)):
        given = inputs(generator, 3, k, batch, height, width)
        wanted = expected(generator, *given)
        assert torch.equal(expected(loaded.generator, *given), wanted)
        for samples in (module(*given), of_onnx(session, given)):
            torch.testing.assert_close(samples, wanted, rtol=0, atol=1e-5)


def test_the_three_say_the_same_of_themselves(folder, session):
    weights, _ = read_export(folder / "model.safetensors")
    about = json.loads(session.get_modelmeta().custom_metadata_map["pscgan"])
    assert {key: value for key, value in about.items() if key not in ("graph", "sha256")} == weights
    content = (folder / "model.safetensors").read_bytes()
    assert about["sha256"].encode() in content


def test_the_card_says_what_is_in_the_folder(folder):
    _, front, body = (folder / "README.md").read_text().split("---\n", 2)
    assert yaml.safe_load(front)["pipeline_tag"] == "image-to-image"
    assert 'pscgan.load("model.safetensors")' in body
    assert "H and W from\n9 on" in body
    assert "run by ONNX Runtime on 41 x 17 pixels" in body
    assert "Only the network is in a graph" in body


def test_graphs_are_not_loaded_as_samplers(folder):
    for name, kind in {"model.pt2": "a graph of torch.export", "model.onnx": "an ONNX graph"}.items():
        with pytest.raises(ValueError, match=f"{name} is {kind}, for other programs"):
            pscgan.load(folder / name)


def test_nothing_is_overwritten_unasked(trained, tmp_path, capsys, no_graphs):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model.pt2").write_text("mine")
    refused([trained, "--out", tmp_path / "out"], "model.pt2 is there already", capsys)
    assert names(tmp_path / "out") == ["model.pt2"]
    (tmp_path / "out" / "notes.txt").write_text("mine")
    main([str(trained), "--out", str(tmp_path / "out"), "--overwrite"])
    assert names(tmp_path / "out") == sorted([*NAMES, "notes.txt"])
    assert (tmp_path / "out" / "model.pt2").read_bytes() != b"mine"


@pytest.mark.parametrize("name", ["x.pt2", "x.onnx"])
def test_one_graph_has_a_card_of_its_name(trained, tmp_path, no_graphs, name):
    main([str(trained), "--out", str(tmp_path / name)])
    assert names(tmp_path) == sorted([name, f"{name}.md"])
    card = (tmp_path / f"{name}.md").read_text()
    assert f"`{name}`: the network alone as a graph" in card
    assert "import pscgan" not in card


def test_a_failure_leaves_nothing(trained, tmp_path, capsys, no_graphs, monkeypatch):
    written, open_file = [], Path.open

    def full(path, mode="r", *arguments, **options):
        if path.suffix == ".part":
            if len(written) == 2:
                raise OSError(28, "No space left on device")
            written.append(path)
        return open_file(path, mode, *arguments, **options)

    monkeypatch.setattr(Path, "open", full)
    refused([trained, "--out", tmp_path / "out"], "model.onnx: No space left on device", capsys)
    assert not names(tmp_path)
    assert len(written) == 2


def test_a_wrong_graph_is_not_left(trained, tmp_path, capsys, monkeypatch):
    def wrong(*arguments):
        raise ValueError("samples of PyTorch differ from the network's by 1.0e+00")

    monkeypatch.setattr(exporting, "graph_files", wrong)
    for name in ("x.onnx", "out"):
        refused([trained, "--out", tmp_path / name], "differ from the network's", capsys)
    assert not names(tmp_path)


@pytest.mark.parametrize("absent", ["onnx", "onnxscript"])
def test_a_missing_package_is_one_line(trained, tmp_path, capsys, monkeypatch, absent):
    monkeypatch.setitem(sys.modules, absent, None)
    for name in ("x.onnx", "out"):
        refused([trained, "--out", tmp_path / name], f"package {absent}; pip install pscgan[onnx] brings it", capsys)
    assert not names(tmp_path)


def test_bad_input_is_one_line(trained, tmp_path, capsys):
    refused([trained, "--out", tmp_path / "no" / "out"], "no is not a folder", capsys)
    (tmp_path / "file").write_text("mine")
    refused([trained, "--out", tmp_path / "file"], "is a file; choose another --out", capsys)
    refused([trained, "--out", tmp_path / "x.onnx", "--half"], "--half stores weights of a .safetensors file", capsys)
    refused([trained, "--out", tmp_path / "x.onnx", "--push", "a/b"], "--push uploads a folder", capsys)
    refused([trained, "--out", tmp_path / "out", "--push", "ab"], "--push must be USER/REPO", capsys)


def test_half_weights_are_half_as_large_and_rounded_everywhere(trained, folder, tmp_path, capsys, monkeypatch):
    networks = {}

    def kept(generator, channels, sealed, suffixes, tell):
        networks["graph"], networks["about"] = generator, json.loads(sealed)
        return dict.fromkeys(suffixes, b"")

    monkeypatch.setattr(exporting, "graph_files", kept)
    main([str(trained), "--out", str(tmp_path / "half"), "--half"])
    _, tensors = read_export(tmp_path / "half" / "model.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    exact, half = pscgan.load(trained).generator, pscgan.load(tmp_path / "half").generator
    for name, weight in exact.state_dict().items():
        assert torch.equal(half.state_dict()[name], weight.half().float())
        assert torch.equal(networks["graph"].state_dict()[name], weight.half().float())
    assert networks["about"]["weights"] == "float16"
    line = next(line for line in capsys.readouterr().out.splitlines() if "float16" in line)
    assert f"- {line}\n" in (tmp_path / "half" / "README.md").read_text()


@pytest.fixture
def picture(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (19, 27, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "noisy.png")
    return tmp_path / "noisy.png"


def without_torch(*arguments):
    code = (
        "import runpy, sys; sys.modules['torch'] = sys.modules['pscgan'] = None; sys.argv = sys.argv[1:]; "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    words = [sys.executable, "-W", "error", "-c", code, PROGRAM, *arguments]
    return subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=120, env=os.environ)


def test_onnx_is_run_without_torch(folder, picture, tmp_path):
    done = without_torch(folder / "model.onnx", picture, "--samples", 3, "--seed", 5, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    generator = pscgan.load(folder).generator
    random = np.random.default_rng(5)
    sizes = [z.shape for z in inputs(generator, 3, 3, 1, 19, 27)[1]]
    latent = [torch.from_numpy(random.standard_normal(size, np.float32)) for size in sizes]
    y = torch.from_numpy(np.array(Image.open(picture))).movedim(-1, 0)[None].float() / 255
    samples = expected(generator, y, latent)[:, 0]
    wanted = {f"sample{k}": sample for k, sample in enumerate(samples, start=1)} | {"mean": samples.mean(dim=0)}
    for name, image in wanted.items():
        found = np.asarray(Image.open(tmp_path / "out" / f"noisy_{name}.png")).astype(int)
        pixels = (255 * image.clamp(0, 1)).round().movedim(0, -1).numpy().astype(int)
        assert np.abs(found - pixels).max() <= 1
        assert (found == pixels).mean() > 0.99
    spread = samples.var(dim=0).mean(dim=0).sqrt()
    found = torch.from_numpy(np.asarray(Image.open(tmp_path / "out" / "noisy_std.png")).astype(np.float32)) / 255
    torch.testing.assert_close(found, spread / spread.max(), rtol=0, atol=0.6 / 255)
    assert f"white is {255 * spread.max():.1f} of 255" in done.stdout


def test_the_program_reads_pictures_upright_and_grey_of_16_bits_whole(folder, picture, tmp_path):
    exif, stored = Image.Exif(), Image.open(picture)
    exif[0x0112] = 6  # shown turned by 90 degrees to the right
    stored.save(tmp_path / "stored.png", exif=exif)
    stored.transpose(Image.Transpose.ROTATE_270).save(tmp_path / "upright.png")
    stored.convert("L").save(tmp_path / "grey.png")
    Image.fromarray(np.asarray(stored.convert("L")).astype(np.uint16) * 257).save(tmp_path / "deep.png")
    for one, same in (("stored", "upright"), ("deep", "grey")):
        for name in (one, same):
            done = without_torch(folder / "model.onnx", tmp_path / f"{name}.png", "--samples", 1, "--out", tmp_path)
            assert done.returncode == 0, done.stderr
        found, wanted = (np.asarray(Image.open(tmp_path / f"{name}_sample1.png")).astype(int) for name in (one, same))
        assert np.abs(found - wanted).max() <= 1


def test_what_the_program_cannot_take_is_one_line(folder, picture):
    Image.open(picture).crop((0, 0, 8, 20)).save(picture)
    done = without_torch(folder / "model.onnx", picture)
    assert done.stderr.strip().endswith("noisy.png has 20 x 8 pixels; allowed is 9 or more a side")


class Hub:
    """The border of ``huggingface_hub``, on this disk."""

    def __init__(self, root):
        self.root, self.calls = root, []

    def create_repo(self, repo_id, repo_type, exist_ok):
        self.calls.append((repo_id, repo_type, exist_ok))
        return f"somewhere/{repo_id}"

    def upload_folder(self, repo_id, folder_path, allow_patterns, commit_message):
        for name in allow_patterns:
            (self.root / repo_id).mkdir(parents=True, exist_ok=True)
            shutil.copy(folder_path / name, self.root / repo_id / name)

    def hf_hub_download(self, repo_id, filename, revision):
        self.calls.append((repo_id, filename, revision))
        if not (self.root / repo_id / filename).is_file():
            raise RuntimeError("404 Client Error.\n\nRepository Not Found")
        return str(self.root / repo_id / filename)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    stand_in = Hub(tmp_path / "hub")
    for name in ("create_repo", "upload_folder", "hf_hub_download"):
        monkeypatch.setattr(f"huggingface_hub.{name}", getattr(stand_in, name))
    return stand_in


def test_a_folder_is_pushed_and_loaded_by_its_name(trained, hub, tmp_path, capsys, no_graphs, monkeypatch):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "private.txt").write_text("mine")
    main([str(trained), "--out", str(tmp_path / "out"), "--push", "some.body/tiny_1"])
    assert capsys.readouterr().out.splitlines()[-1] == "somewhere/some.body/tiny_1"
    assert names(hub.root / "some.body" / "tiny_1") == NAMES
    assert 'pscgan.load("hf:some.body/tiny_1")' in (tmp_path / "out" / "README.md").read_text()
    monkeypatch.chdir(tmp_path)
    for name, revision in (("hf:some.body/tiny_1", None), ("hf:some.body/tiny_1@refs/pr/1", "refs/pr/1")):
        assert pscgan.load(name).metadata["images_seen"] == 16
        assert hub.calls[-1] == ("some.body/tiny_1", "model.safetensors", revision)
    assert hub.calls[0] == ("some.body/tiny_1", "model", True)


def test_a_push_that_fails_is_one_line_and_leaves_the_folder(trained, hub, tmp_path, capsys, no_graphs, monkeypatch):
    def offline(**arguments):
        raise ConnectionError("no network\nat all")

    monkeypatch.setattr("huggingface_hub.upload_folder", offline)
    arguments = [trained, "--out", tmp_path / "out", "--push", "some/body"]
    refused(arguments, "cannot upload to some/body: no network at all; the files are in", capsys)
    assert names(tmp_path / "out") == NAMES


LOCAL = [
    "runs/absent",
    "runs/absent@main",
    "a/b.onnx",
    "runs\\absent",
    "./runs/absent",
    "../absent",
    "~/absent",
    "absent",
]


@pytest.mark.parametrize("name", [*LOCAL, *map(Path, LOCAL), "https://somewhere/a/b"])
def test_only_a_name_that_says_so_asks_the_hub(name, hub):
    with pytest.raises(ValueError, match=r"is no file, run or export .*hf:USER/REPO"):
        pscgan.load(name)
    assert not hub.calls


@pytest.mark.parametrize("name", ["hf:", "hf:absent", "hf://some/body", "hf:a/b/c", "hf:./a", "hf: a/b"])
def test_what_is_no_name_of_a_repository_is_not_asked_for(name, hub):
    with pytest.raises(ValueError, match=f"must be hf:USER/REPO .* got {name}"):
        pscgan.load(name)
    assert not hub.calls


def test_a_repository_that_cannot_be_had_is_one_line(hub, monkeypatch):
    with pytest.raises(ValueError, match=r"^hf:some/absent cannot be had: 404 Client Error\. Repository Not Found$"):
        pscgan.load("hf:some/absent")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ValueError, match=r"needs the package huggingface_hub; pip install pscgan\[hub\]"):
        pscgan.load("hf:some/absent")


def test_loading_imports_nothing_of_training_and_exporting():
    code = "import sys, pscgan; pscgan.load('bundled:demo'); print([m for m in sys.argv[1:] if m in sys.modules])"
    packages = ["onnx", "onnxscript", "onnxruntime", "deepinv", "hydra", "omegaconf", "pytorch_lightning"]
    ours = [
        f"pscgan.{part}" for part in ("losses", "train.gan_step", "train.export", "train.evaluation", "train.restore")
    ]
    words = [sys.executable, "-c", code, *packages, "torchmetrics", *ours]
    assert subprocess.run(words, capture_output=True, text=True, timeout=120, check=True).stdout.strip() == "[]"


def test_the_documented_snippets_run(folder, tmp_path, monkeypatch):
    text = (PROGRAM.parent / "export.md").read_text()
    of_graph, of_deepinv = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "demo").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(of_graph, names)
    assert names["samples"].shape == (4, 1, 3, 90, 121)
    pytest.importorskip("deepinv")
    exec(of_deepinv, names)
    assert names["sample"].shape == names["mean"].shape == (1, 3, 64, 64)
