"""Files of others are called what they are, under any name, by all that opens a model; damaged is what was ours."""

import gzip
import io
import pickle
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save

import pscgan
from pscgan.train.export.export import export
from pscgan.train.inference.load import FOLDER
from pscgan.train.runs.checkpoint import FORMAT

STATE = {"model.conv.weight": torch.zeros(4, 3, 3, 3), "model.conv.bias": torch.zeros(4)}
LIGHTNING = {"pytorch-lightning_version": "2.1.0", "state_dict": STATE, "hyper_parameters": {"lr": 0.1}}


def saved(state, **options):
    file = io.BytesIO()
    torch.save(state, file, **options)
    return file.getvalue()


def archive(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        for name, content in members.items():
            zipped.writestr(name, content)
    return file.getvalue()


FILES = {
    "lightning": (saved(LIGHTNING), "a Lightning checkpoint of another project"),
    "with objects": (saved(LIGHTNING | {"hyper_parameters": np.float64(1)}), "a Lightning checkpoint"),
    "training": (saved({"state_dict": STATE, "epoch": 3}), "a checkpoint of another project"),
    "state dict": (saved(STATE), "weights without the config"),
    "legacy": (saved(STATE, _use_new_zipfile_serialization=False), "a pickle"),
    "BasicSR": (saved({"params": STATE, "params_ema": STATE}), "in the layout of BasicSR and KAIR"),
    "module": (saved(torch.nn.Conv2d(3, 4, 3)), "a pickled network"),
    "pickle": (pickle.dumps({"a": 1}), "a pickle"),
    "timm": (save(STATE), "no export of pscgan, .* weights without the config"),
    "diffusers": (save(STATE, {"format": "pt"}), "no export of pscgan, .* weights without the config"),
    "gguf": (b"GGUF" + bytes(60), "a GGUF file"),
    "onnx": (b"\x08\x08\x12\x07pytorch" + bytes(60), "an ONNX graph"),
    "graph": (archive(**{"x/models/model.json": "{}"}), "a graph of torch.export"),
    "torchscript": (archive(**{"x/constants.pkl": "", "x/data.pkl": ""}), "a TorchScript graph"),
    "zip": (archive(**{"a.txt": "hi"}), "an archive of another kind"),
    "gzip": (gzip.compress(save(STATE)), "no checkpoint and no export"),
    "html": (b"\n<!DOCTYPE html><title>404 Not Found</title>", "a page of HTML"),
    "json": (b'{"error": "Repository not found"}', "JSON"),
    "lfs": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n",
        "a pointer of Git LFS, which git lfs pull",
    ),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(60), "a picture"),
    "text": (b"hello", "no checkpoint and no export"),
    "empty": (b"", "empty"),
}


@pytest.mark.parametrize("suffix", [".ckpt", ".safetensors", ".pth", ".onnx", ""])
@pytest.mark.parametrize("kind", FILES)
def test_a_foreign_file_is_called_what_it_is(kind, suffix, tmp_path):
    content, words = FILES[kind]
    path = tmp_path / f"model{suffix}"
    path.write_bytes(content)
    for use in (pscgan.load, lambda model: export(model, tmp_path / "out.safetensors")):
        with pytest.raises(ValueError, match=f"is {words}.*pscgan train or pscgan export") as error:
            use(path)
        message = str(error.value)
        assert message.startswith(f"{path} ")
        assert message.isprintable()
        assert "damaged" not in message


OURS = (FOLDER / "demo.safetensors").read_bytes()
ANOTHER = saved({"format": FORMAT, "config": {}, "gan_step": STATE})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (OURS[: len(OURS) // 2], "damaged or cut short"),
        (OURS[:100], "damaged or cut short"),
        (OURS[:-9] + b"\x77" + OURS[-8:], "damaged: its checksum"),
        (ANOTHER[: len(ANOTHER) // 2], "damaged or cut short"),
        (ANOTHER.replace(b"conv.bias", b"conv.bios", 1), "damaged: .* another checksum"),
        (b"PK\x03\x04", "damaged or cut short"),
        (ANOTHER, "no whole checkpoint of pscgan: it has no 'progress._extra_state'"),
        (saved({"format": FORMAT}), "no whole checkpoint of pscgan: it has no 'config'"),
        (saved({"format": 2, "version": "0.0.9"}), "format 3 .* got 2; pscgan 0.0.9 opens it"),
    ],
)
def test_what_was_ours_is_damaged_or_of_another_format(content, words, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"model .*{words}"):
        pscgan.load(path)


def test_a_name_does_not_decide(tmp_path):
    (tmp_path / "demo.ckpt").write_bytes(OURS)
    assert pscgan.load(tmp_path / "demo.ckpt").metadata == pscgan.load("bundled:demo").metadata


def test_the_nearest_name_beside_is_given(tmp_path):
    for name in ("denoise_a", "denoise_b", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").touch()
    (tmp_path / "dangling.safetensors").symlink_to("nowhere")
    bundled = ", ".join(f"bundled:{path.stem}" for path in sorted(FOLDER.glob("*.safetensors")))
    beside = f"{bundled}, denoise_a, denoise_b, other"
    for name, words in {
        "denoise_aa": "did you mean denoise_a?",
        "dangling.safetensors": beside,
        "": f"there are {beside}",
    }.items():
        with pytest.raises(ValueError, match="is no file, run or export") as error:
            pscgan.load(tmp_path / name)
        assert str(error.value).endswith(words)
