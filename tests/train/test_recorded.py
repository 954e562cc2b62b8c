"""A run on recorded pairs is a run as any other: trained, resumed, judged and exported."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from pscgan.data.degradations.recorded import Recorded
from pscgan.data.measurement import Measurement
from pscgan.scripts.benchmarks.losses import penalty_and_step
from pscgan.scripts.benchmarks.throughput import main as benchmark
from pscgan.train import run as program
from pscgan.train.evaluation.attacks import Pgd
from pscgan.train.evaluation.robustness_eval import RobustnessEval
from pscgan.train.export.export import export
from pscgan.train.inference.load import load
from pscgan.train.lightning_module import SamplerModule
from pscgan.train.sampling import GeneratorSampler

from ..data.pictures import noise, write
from ..scripts.evaluating import evaluated
from .distributed.on_ranks import on_ranks
from .test_resume import Killed, at, kill
from .tiny import LIGHTNING_SAYS, assert_same_run, config_of, result, run

pytestmark = LIGHTNING_SAYS

SHORT = ("images=16", "dataset.validation=2", "evaluation.samples_per_image=4")


class Swapped:
    """y is x with red and blue swapped: a measurement that a file can hold exactly."""

    num_maps = 0

    def __call__(self, clean, rng):
        return Measurement(clean.flip(1))

    def residual(self, restored, measurement):
        return (restored.flip(1) - measurement.degraded).abs().mean(dim=(1, 2, 3))

    def project(self, restored, measurement):
        return restored


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    for index in range(6):
        pixels = noise(seed=index)
        write(folder / "clean" / f"{index}.png", pixels)
        write(folder / "recorded" / f"{index}.webp", pixels[..., ::-1].copy(), lossless=True)
    return folder / "clean", folder / "recorded"


def pairs(roots, *overrides):
    return ("experiment=recorded", f"dataset.root={roots[0]}", f"dataset.recorded={roots[1]}", *SHORT, *overrides)


@pytest.fixture(scope="module")
def trained(roots, tmp_path_factory):
    return run(tmp_path_factory.mktemp("runs") / "pairs", *pairs(roots))


def test_what_was_recorded_trains_to_the_bits_of_what_is_computed(trained, roots, tmp_path):
    """The same run but for where y comes from: two files, or one and a function."""
    like = ("dataset=folder", "dataset.crop=32", "dataset.cache=true", "dataset.num_workers=0")
    computed = "degradation._target_=pscgan.tests.train.test_recorded.Swapped"
    folder = run(tmp_path / "run", *like, *SHORT, f"dataset.root={roots[0]}", computed, "~degradation.sigma")
    assert_same_run(trained, folder, "measured_on")


def test_a_kill_costs_no_bit(trained, roots, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        acted = at(patch, (SamplerModule, "training_step"), 12, kill)
        with pytest.raises(Killed):
            run(folder, *pairs(roots))
    assert acted
    assert_same_run(run(folder, *pairs(roots)), trained)


def learn(folder, *overrides):
    return program.train(config_of(folder, *overrides))


@pytest.mark.slow
def test_two_ranks_see_the_same_pairs(trained, roots, tmp_path):
    on_ranks(2, learn, tmp_path / "run", *pairs(roots), join=False)
    found, expected = result(tmp_path / "run"), result(trained)
    assert found["psnr_degraded"] == pytest.approx(expected["psnr_degraded"], rel=1e-9)
    assert found["crps"] == pytest.approx(expected["crps"], rel=1e-3)


def test_other_recordings_are_another_run(trained, roots):
    with pytest.raises(ValueError, match=r"another config \(dataset\.recorded: .*choose another name"):
        run(trained, "experiment=recorded", f"dataset.root={roots[0]}", "dataset.recorded=elsewhere", *SHORT)


def psnr_of_held_out(roots, crop):
    """Of the recorded images to the clean ones, by the files alone, pooled over central squares."""
    errors = []
    for name in ("4", "5"):
        files = (roots[0] / f"{name}.png", roots[1] / f"{name}.webp")
        clean, recorded = (np.asarray(Image.open(path), float)[4:-4, 8:-8] for path in files)
        assert clean.shape == (crop, crop, 3)
        errors.append(np.square(clean - recorded).mean())
    return 10 * np.log10(255**2 / np.mean(errors))


@pytest.fixture(scope="module")
def judged(trained, roots, tmp_path_factory):
    """By its own held-out pairs, and by the same pairs given as roots, beside an export of it."""
    folder = tmp_path_factory.mktemp("judged")
    (file, _) = export(trained, folder / "sampler.safetensors")
    own = evaluated(folder / "own", f"[{trained},degraded]")
    given = ("images.include=['4*','5*']", f"images.root={roots[0]}", f"images.recorded={roots[1]}")
    return own, evaluated(folder / "given", f"[{trained},{file}]", *given)


def test_a_run_is_judged_on_what_was_recorded(trained, judged, roots):
    own, _ = judged
    values, scores = own["methods"]["pairs"]["values"], result(trained)
    assert own["methods"]["degraded"]["values"]["psnr/sample"]["value"] == pytest.approx(psnr_of_held_out(roots, 32))
    assert scores["psnr_degraded"] == pytest.approx(psnr_of_held_out(roots, 32))
    assert values["psnr/mean"]["value"] == pytest.approx(scores["psnr_mean"], rel=1e-6)
    assert values["crps"]["value"] == pytest.approx(255 * scores["crps"], rel=1e-6)
    assert own["protocol"]["names"] == ["4.png", "5.png"]


def test_the_residual_is_left_out_and_said_to_be(judged):
    for found in judged:
        assert [left["metric"] for left in found["left_out"] if "residual" in left["metric"]] == ["residual"]
        assert not any(figure.startswith("residual") for of in found["methods"].values() for figure in of["values"])


def test_the_audit_attacks_what_was_recorded(trained):
    clean = torch.from_numpy(noise()).permute(2, 0, 1)[None].float() / 255
    restorer, attacks = GeneratorSampler(load(trained).generator, Recorded()), {"pgd": Pgd(steps=2, samples=2)}
    found, expected = (
        RobustnessEval(attacks, [40.0], degradation, crop=16, images=1, samples=2, seed=0).states_of(
            restorer, 0, images
        )
        for degradation, images in ((Recorded(), torch.cat([clean, clean.flip(1)], dim=1)), (Swapped(), clean))
    )
    assert found
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=0)  # sums of fp32 over other strides


def test_pairs_that_are_given_are_those_that_were_held_out(judged):
    own, given = judged
    run_again, exported = given["methods"]["pairs"]["values"], given["methods"]["sampler"]["values"]
    for figure, value in own["methods"]["pairs"]["values"].items():
        if figure != "seconds":
            assert run_again[figure]["value"] == value["value"], figure
            assert exported[figure]["value"] == value["value"], figure


def test_an_export_takes_a_recorded_picture_and_keeps_paths_to_itself(trained, roots, tmp_path):
    said = []
    folder = shutil.copytree(trained, tmp_path / "run")
    (start,) = json.loads((folder / "run.json").read_text())
    start["command"] = f"pscgan train dataset.root={roots[0]} dataset.recorded={roots[1]}"
    (folder / "run.json").write_text(json.dumps([start]))
    file, card = export(folder, tmp_path / "half.safetensors", half=True, report=said.append)
    assert "float16" in said[0]
    recorded = Image.open(roots[1] / "5.webp").convert("RGB")
    samples = load(file).sample(recorded, k=2, seed=3)
    assert samples.shape == (2, 1, 3, 40, 48)
    assert not torch.equal(samples[0], samples[1])
    assert load(file).metadata["command"] == "pscgan train dataset.root=clean dataset.recorded=recorded"
    assert str(roots[0].parent) not in card.read_text()


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (
            ["degradation=gaussian_noise"],
            r"degradation must be recorded, as .*clean comes with recorded .*got GaussianNoise",
        ),
        (["images.root=CLEAN"], r"Recorded needs pairs, but .*clean comes without recorded .* images\.recorded=ROOT"),
        (["images.recorded=RECORDED"], r"images\.recorded .*recorded"),
        (["images.root=CLEAN", "images.recorded=CLEAN"], r"root and recorded must differ, got .*clean"),
        (["images.root=CLEAN", "images.recorded=bundled:photos"], r"of 6 images in .*clean 6 have no partner in"),
    ],
)
def test_an_evaluation_that_cannot_work_is_refused(overrides, words, trained, roots, tmp_path):
    places = {"CLEAN": str(roots[0]), "RECORDED": str(roots[1])}
    given = [f"{key}={places.get(value, value)}" for key, value in (override.split("=") for override in overrides)]
    with pytest.raises(ValueError, match=words):
        evaluated(tmp_path / "evaluation", f"[{trained}]", *given)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["degradation=gaussian_noise"], r"degradation must be recorded, as .*clean comes with recorded images"),
        (
            ["dataset=photos", "dataset.validation=3"],
            r"Recorded needs pairs, but .*sample_images comes without recorded images; give dataset=pairs",
        ),
    ],
)
def test_a_run_that_cannot_work_is_refused_before_anything_is_written(overrides, words, roots, tmp_path):
    given = pairs(roots) if "dataset=photos" not in overrides else ("experiment=recorded",)
    with pytest.raises(ValueError, match=words):
        run(tmp_path / "run", *given, *overrides)
    assert not list((tmp_path / "run").iterdir())


def test_benchmarks_pretend_pairs(roots, capsys):
    few = (*pairs(roots)[:3], "dataset.validation=2", "dataset.evaluation_crop=32", "dataset.batch_size=2")
    few = (*few, "generator.width=4", "critic.width=4")
    benchmark([*few, "--rounds", "1", "--samples", "2", "--device", "cpu"])
    assert "train images/s" in capsys.readouterr().out
    works = penalty_and_step("patch_energy", list(few), torch.device("cpu"))
    assert list(works) == ["critic", "step", "penalty"]
    for work in works.values():
        work()
