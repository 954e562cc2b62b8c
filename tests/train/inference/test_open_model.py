"""What a user may name as a model is opened, and nothing of a stranger's is run."""

import hashlib
import io
import pickle
import struct

import pytest
import torch

from pscgan.train.inference.load import load, open_model
from pscgan.train.inference.load_run import load_trained
from pscgan.train.runs.checkpoint import SEAL, SEAL_BYTES, read_checksummed, write_checksummed

from ..export.exporting import exported
from ..tiny import LIGHTNING_SAYS, run

pytestmark = LIGHTNING_SAYS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return run(tmp_path_factory.mktemp("run"), "images=16")


class Payload:
    """Writes a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def seal(path, content):
    """A checksum that is right, as anybody can make it."""
    content = bytearray(content)
    content[-2:] = struct.pack("<H", SEAL_BYTES)
    path.write_bytes(bytes(content) + SEAL + hashlib.sha256(content).hexdigest().encode())
    return path


def test_a_run_a_checkpoint_and_an_export_are_opened(folder, tmp_path):
    y = torch.rand(1, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    of_run, of_checkpoint = open_model(folder), open_model(str(folder / "best.ckpt"))
    assert torch.equal(of_run.sample(y, 2), of_checkpoint.sample(y, 2))
    assert of_run.about["checkpoint"] == str(folder / "best.ckpt")
    assert of_run.about["images_seen"] == load_trained(folder).images_seen
    file = exported(tmp_path)
    assert torch.equal(open_model(file).sample(y, 2), load(file).sample(y, 2))


@pytest.mark.parametrize("sealed", [False, True])
def test_a_pickle_is_not_run(sealed, tmp_path):
    written, path = tmp_path / "written", tmp_path / "model.ckpt"
    archive = io.BytesIO()
    torch.save({"format": 2, "game": Payload(written)}, archive)
    if sealed:
        seal(path, archive.getvalue())
    else:
        path.write_bytes(archive.getvalue())
    with pytest.raises(ValueError, match="holds more than tensors" if sealed else "is damaged, or no file of pscgan"):
        open_model(path)
    assert not written.exists()
    torch.load(io.BytesIO(archive.getvalue()), weights_only=False)["game"].close()  # the payload is alive
    assert written.exists()


@pytest.mark.parametrize("suffix", [".ckpt", ".safetensors", ".pt", ".pkl", ""])
def test_nor_a_bare_one_under_any_name(suffix, tmp_path):
    written, path = tmp_path / "written", tmp_path / f"model{suffix}"
    path.write_bytes(pickle.dumps(Payload(written)))
    with pytest.raises(ValueError, match=f"model{suffix}"):
        open_model(path)
    assert not written.exists()


def evil(target, written):
    return {"_target_": target, "args": ["touch", str(written)]}


@pytest.mark.parametrize(
    "target", ["subprocess.Popen", "os.system", "builtins.open", "pscgan.train.distributed.launch.os.system"]
)
@pytest.mark.parametrize("place", ["generator", "degradation", "nested"])
def test_no_class_but_ours_is_built_of_a_checkpoint(target, place, folder, tmp_path):
    written, path = tmp_path / "written", tmp_path / "model.ckpt"
    state = read_checksummed(folder / "best.ckpt")
    if place == "nested":
        state["config"]["generator"]["width"] = evil(target, written)
    else:
        state["config"][place] = evil(target, written)
    write_checksummed(path, state)
    with pytest.raises(ValueError, match=rf"model\.ckpt: .* is {target}; allowed is a class defined in pscgan"):
        open_model(path)
    assert not written.exists()


def test_names_that_mean_nothing_are_answered(tmp_path):
    with pytest.raises(ValueError, match="bundled:nothing is no bundled model; allowed are"):
        open_model("bundled:nothing")
    with pytest.raises(ValueError, match="absent"):
        open_model(tmp_path / "absent")
