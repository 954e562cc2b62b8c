"""A run begins at the averaged weights of another model, or is refused before anything is written."""

import json

import pytest
import torch
from omegaconf import OmegaConf

from pscgan.train.build import build_training
from pscgan.train.inference.safetensors_file import export_bytes
from pscgan.train.init_from import NEW_SCALE, begin
from pscgan.train.runs import checkpoint

from .tiny import LIGHTNING_SAYS, config_of, run

pytestmark = LIGHTNING_SAYS


def config_without(folder, *overrides):
    """Of a run without z."""
    return config_of(
        folder, "generator.latent_channels=0", "evaluation.samples_per_image=1", "penalty=[mse]", *overrides
    )


def gan_step_of(config):
    return build_training(config).gan_step


def saved(path, config):
    """The average of an untrained model whose generator is another than its average."""
    gan_step = gan_step_of(config)
    gan_step.progress.images_seen = 28_800
    with torch.no_grad():
        for tensor in gan_step.ema.average.parameters():
            tensor += 0.01
    checkpoint.save(path, gan_step, OmegaConf.to_container(config, resolve=True), {}, 0.0)
    return gan_step.ema.average.state_dict()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A checkpoint of a generator without z, and its averaged weights."""
    path = tmp_path_factory.mktemp("model") / "last.ckpt"
    return path, saved(path, config_without(path.parent))


def test_the_average_is_taken_and_what_is_new_keeps_a_share_of_its_random_values(model, tmp_path, capsys):
    path, average = model
    gan_step = gan_step_of(config_of(tmp_path))
    before = {name: tensor.clone() for name, tensor in gan_step.generator.state_dict().items()}
    begun = begin(gan_step, {"init_from": str(path), "folder": str(tmp_path)})
    new = before.keys() - average.keys()
    assert any(before[name].any() for name in new)
    for player in (gan_step.generator, gan_step.ema.average):
        for name, tensor in player.state_dict().items():
            expected = average[name] if name in average else NEW_SCALE * before[name]
            assert torch.equal(tensor, expected), name
    assert (begun["path"], begun["images_seen"]) == (str(path), 28_800)
    assert (begun["taken"], begun["new"]) == (len(average), ["gate", "up.*.noise"])
    (line,) = capsys.readouterr().out.splitlines()
    assert all(words in line for words in (str(path), "28800", f"{len(average)} ", f"{len(new)} ", "gate, up.*.noise"))


def test_an_export_and_a_checkpoint_of_the_same_weights_begin_the_same_run(model, tmp_path):
    path, average = model
    (tmp_path / "model.safetensors").write_bytes(export_bytes({"images_seen": 28_800}, average))
    steps = [gan_step_of(config_of(tmp_path)) for _ in range(2)]
    found = [
        begin(step, {"init_from": str(name), "folder": str(tmp_path)})
        for step, name in zip(steps, (path, tmp_path / "model.safetensors"), strict=True)
    ]
    assert found[0]["sha256"] == found[1]["sha256"]
    assert found[0]["images_seen"] == found[1]["images_seen"]
    for first, second in zip(steps[0].generator.parameters(), steps[1].generator.parameters(), strict=True):
        assert torch.equal(first, second)


def test_nothing_is_begun_at_by_default(tmp_path):
    config = config_of(tmp_path)
    gan_step = gan_step_of(config)
    before = [tensor.clone() for tensor in gan_step.generator.parameters()]
    assert begin(gan_step, config) is None
    assert all(map(torch.equal, gan_step.generator.parameters(), before))


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["generator.width=6"], r"is \(6.* there and \(4"),
        (["generator.levels=2"], r"down\.2.* there and absent"),  # of a finer model there is no place for the coarsest
        (["generator=pointwise", "generator.latent_channels=0"], "seen.* there and absent|absent there"),
    ],
)
def test_another_architecture_is_refused(overrides, words, model, tmp_path):
    path, _ = model
    if "generator.levels=2" in overrides:
        gan_step = gan_step_of(config_of(tmp_path, *overrides))
    else:
        path, gan_step = tmp_path / "other.ckpt", gan_step_of(config_of(tmp_path))
        saved(path, config_without(tmp_path, *overrides))
    before = [tensor.clone() for tensor in gan_step.generator.parameters()]
    with pytest.raises(ValueError, match=f"^init_from: .*{path.name}.*({words})"):
        begin(gan_step, {"init_from": str(path), "folder": str(tmp_path)})
    assert all(map(torch.equal, gan_step.generator.parameters(), before))


def test_a_sampler_is_no_beginning_of_a_baseline(tmp_path):
    saved(tmp_path / "last.ckpt", config_of(tmp_path))
    with pytest.raises(ValueError, match=r"^init_from: .*gate.* there and absent"):
        begin(gan_step_of(config_without(tmp_path)), {"init_from": str(tmp_path / "last.ckpt"), "folder": ""})


@pytest.mark.integration
def test_a_run_tells_what_it_began_at_and_goes_on_without_it(model, tmp_path):
    beginning = f"init_from={model[0]}"
    folder = run(tmp_path / "run", beginning, "images=16")
    (start,) = json.loads((folder / "run.json").read_text())
    assert (start["init_from"]["images_seen"], start["init_from"]["taken"]) == (28_800, len(model[1]))
    other = run(tmp_path / "other", beginning, "images=16", "generator_optimizer.lr=0.0", "ema.halflife_images=1e9")
    state = torch.load(other / "last.ckpt", weights_only=True)["gan_step"]
    for name, tensor in model[1].items():  # nothing was learned: what is validated is what was taken
        assert torch.allclose(state[f"ema.average.{name}"], tensor), name
    with pytest.raises(ValueError, match=r"init_from: .* there, elsewhere now"):
        run(folder, "init_from=elsewhere", "images=32", "allow_changed_config=true")
