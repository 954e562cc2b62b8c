"""Every name of a model opens it, with one set of samples; nothing of a stranger's code is run."""

import pickle
import shutil

import pytest
import torch

from pscgan.train.build import build_training
from pscgan.train.export.export import export
from pscgan.train.inference.load import load
from pscgan.train.inference.safetensors_file import export_bytes
from pscgan.train.runs import checkpoint

from ..export.exporting import exported
from ..tiny import LIGHTNING_SAYS, config_of, run

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


def test_a_run_a_checkpoint_and_an_export_are_opened(folder, tmp_path):
    y = torch.rand(1, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    of_run = load(folder)
    samples = of_run.sample(y, 2, seed=3)
    file, _ = export(folder, tmp_path / "model.safetensors")
    for name in (folder / "best.ckpt", str(folder), file, str(file), tmp_path):
        assert torch.equal(load(name).sample(y, 2, seed=3), samples), name
    assert (of_run.run.checkpoint, load(file).run) == (folder / "best.ckpt", None)
    assert of_run.metadata.items() <= load(file).metadata.items()


def test_a_run_is_its_average(folder):
    training = build_training(config_of(folder, "images=16"))
    state = checkpoint.load(folder / "best.ckpt")
    checkpoint.restore(training.gan_step, state, folder / "best.ckpt")
    loaded, average = load(folder), training.gan_step.ema.average
    for (name, tensor), of_run in zip(
        average.state_dict().items(), loaded.generator.state_dict().values(), strict=True
    ):
        assert torch.equal(tensor, of_run), name
    assert loaded.metadata["images_seen"] == training.images_seen
    assert not loaded.generator.training
    assert not any(parameter.requires_grad for parameter in loaded.generator.parameters())


def test_the_last_checkpoint_stands_in_for_the_best(folder, tmp_path):
    for name in ("config.yaml", "last.ckpt"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    assert load(tmp_path).run.checkpoint == tmp_path / "last.ckpt"


def test_the_global_generator_is_left_alone(folder):
    before = torch.get_rng_state()
    load(folder)
    assert torch.equal(torch.get_rng_state(), before)


def test_weights_of_another_architecture_are_refused(folder, tmp_path):
    state = torch.load(folder / "best.ckpt", weights_only=True)
    state["config"]["generator"]["width"] += 2
    torch.save(state, tmp_path / "model.ckpt")
    with pytest.raises(ValueError, match=r"model\.ckpt holds another architecture"):
        load(tmp_path / "model.ckpt")


def test_weights_that_are_not_finite_are_refused(folder, tmp_path):
    """By all that open a model: restore, export, evaluate."""
    for name in ("config.yaml", "best.ckpt"):
        shutil.copy(folder / name, tmp_path / name)
    of_run = load(folder)
    metadata, tensors = of_run.metadata, of_run.generator.state_dict()
    name = next(iter(tensors))
    tensors[name][0, 0, 0, 0] = torch.nan
    (tmp_path / "nan.safetensors").write_bytes(export_bytes(metadata, tensors))
    with pytest.raises(ValueError, match=rf"nan\.safetensors.*not finite: {name}"):
        load(tmp_path / "nan.safetensors")
    state = checkpoint.load(tmp_path / "best.ckpt")
    state["gan_step"][f"ema.average.{name}"][0, 0, 0, 0] = torch.nan
    torch.save(state, tmp_path / "best.ckpt")
    for make in (lambda: load(tmp_path), lambda: export(tmp_path, tmp_path / "model.safetensors")):
        with pytest.raises(ValueError, match=rf"best\.ckpt .*{name} is not finite"):
            make()
    assert not (tmp_path / "model.safetensors").exists()


def test_code_that_is_trusted_may_be_from_elsewhere(folder, tmp_path):
    state = torch.load(folder / "best.ckpt", weights_only=True)
    state["config"]["degradation"] = {"_target_": f"{__name__}.Theirs"}
    torch.save(state, tmp_path / "model.ckpt")
    with pytest.raises(ValueError, match="must be a class defined in pscgan"):
        load(tmp_path / "model.ckpt")
    assert type(load(tmp_path / "model.ckpt", trust_code=True).degradation).__name__ == "Theirs"
    with pytest.raises(ValueError, match="must be a class defined in pscgan"):
        load(exported(tmp_path, degradation={"_target_": f"{__name__}.Theirs"}), trust_code=True)


class Theirs:
    """A degradation of another package."""

    num_maps = 0


def test_a_pickle_is_not_run(tmp_path):
    written, path = tmp_path / "written", tmp_path / "model.ckpt"
    torch.save({"format": 3, "gan_step": Payload(written)}, path)
    with pytest.raises(ValueError, match="more than tensors"):
        load(path)
    assert not written.exists()
    torch.load(path, weights_only=False)["gan_step"].close()  # the payload is alive
    assert written.exists()


@pytest.mark.parametrize("suffix", [".ckpt", ".safetensors", ".pt", ".pkl", ""])
def test_nor_a_bare_one_under_any_name(suffix, tmp_path):
    written, path = tmp_path / "written", tmp_path / f"model{suffix}"
    path.write_bytes(pickle.dumps(Payload(written)))
    with pytest.raises(ValueError, match=f"model{suffix}"):
        load(path)
    assert not written.exists()


def evil(target, written):
    return {"_target_": target, "args": ["touch", str(written)]}


@pytest.mark.parametrize(
    "target", ["subprocess.Popen", "os.system", "builtins.open", "pscgan.train.distributed.launch.os.system"]
)
@pytest.mark.parametrize("place", ["generator", "degradation", "nested"])
def test_no_class_but_ours_is_built_of_a_checkpoint(target, place, folder, tmp_path):
    written, path = tmp_path / "written", tmp_path / "model.ckpt"
    state = torch.load(folder / "best.ckpt", weights_only=True)
    if place == "nested":
        state["config"]["generator"]["width"] = evil(target, written)
    else:
        state["config"][place] = evil(target, written)
    torch.save(state, path)
    with pytest.raises(ValueError, match=rf"model\.ckpt: .* must be a class defined in pscgan.*, got {target}"):
        load(path)
    assert not written.exists()


def test_names_that_mean_nothing_are_answered(tmp_path):
    with pytest.raises(ValueError, match="did you mean bundled:demo"):
        load("bundled:Demo")
    with pytest.raises(ValueError, match="absent"):
        load(tmp_path / "absent")
