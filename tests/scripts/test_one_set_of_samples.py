"""The same model, y and seed give the same samples in Python, in ``restore``, in ``explore`` and in ``evaluate``."""

import numpy as np
import pytest
import torch
from PIL import Image

import pscgan
from pscgan.data.degradation import Verifiable
from pscgan.data.evaluation_set import EvaluationSet
from pscgan.data.image_io.write_png import encode_png
from pscgan.data.sources.image_source import BUNDLED, ImageSource
from pscgan.rng import Rng
from pscgan.train.evaluation.dataset import EvaluationDataset
from pscgan.train.lightning_module import ValidationConfig

from .evaluating import evaluated
from .exploring import client_of, png, upload
from .restoring import report, restore

MODELS = ["bundled:demo", "bundled:jpeg"]
SEED, K, SIDE = 7, 2, 96


def clean_image(number=0):
    """The middle of a bundled photograph, (1, 3, 96, 96)."""
    source = ImageSource(BUNDLED)
    return EvaluationSet(source, source.names, SIDE)[number]["clean"][None].float() / 255


def eight_bits(sampler, samples, measurement):
    """Pixels (H, W, C) of each sample as they are written."""
    if isinstance(sampler.degradation, Verifiable):
        exact = [sampler.degradation.to_exact_uint8(sample, measurement) for sample in samples]
    else:
        exact = [(255 * sample.clamp(0, 1)).round().byte() for sample in samples]
    return [image[0].movedim(0, -1).numpy() for image in exact]


def degraded_file(sampler, folder):
    """A file as a user has it, and the measurement that it is."""
    clean = (255 * clean_image()[0]).byte().movedim(0, -1).numpy()
    if isinstance(sampler.degradation, Verifiable):
        path = folder / "y.jpg"
        Image.fromarray(clean).save(path, quality=10)
        return path, pscgan.read(path, sampler)
    y = sampler.degradation(clean_image(), Rng(0, "y", [0])).degraded.clamp(0, 1)
    path = folder / "y.png"
    path.write_bytes(encode_png((255 * y[0]).round().byte()))
    return path, pscgan.read(path, sampler)


@pytest.mark.integration
@pytest.mark.parametrize("model", MODELS)
def test_in_python_in_restore_and_in_explore(model, tmp_path, capfd):
    sampler = pscgan.load(model)
    path, measurement = degraded_file(sampler, tmp_path)
    expected = eight_bits(sampler, sampler.sample(measurement, K, seed=SEED), measurement)
    assert not np.array_equal(*expected)
    ended = restore(capfd, path, "--model", model, "--samples", K, "--seed", SEED, "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    client = client_of(model)
    name = upload(client, path.read_bytes())
    for number, pixels in enumerate(expected, start=1):
        written = tmp_path / "out" / f"y_sample{number}.png"
        assert np.array_equal(np.asarray(Image.open(written)), pixels)
        assert png(client, name, seed=SEED, sample=number) == written.read_bytes()


@pytest.mark.integration
@pytest.mark.parametrize("model", MODELS)
def test_in_python_and_in_evaluate(model, tmp_path):
    sampler, source = pscgan.load(model), ImageSource(BUNDLED)
    shown = ("images.root=bundled:photos", "images.limit=2", "num_visualized=2")
    sizes = (f"images.crop={SIDE}", f"visual_crop={SIDE}", f"seed={SEED}", f"samples={K}", "sigma_z=[]")
    result = evaluated(tmp_path, f"[{model}]", *shown, *sizes)
    assert result["protocol"]["sample_seeds"]
    images = EvaluationDataset(EvaluationSet(source, source.names, SIDE), sampler.degradation, SEED)
    for item in images.read([0, 1]):
        samples = sampler.sample(item.measurement, K, seed=SEED + item.number)
        for number, sample in enumerate(samples, start=1):
            path = tmp_path / "visuals" / str(item.number) / model.removeprefix("bundled:") / f"sample{number}.png"
            expected = (255 * sample[0].clamp(0, 1)).round().byte().movedim(0, -1).numpy()
            assert np.array_equal(np.asarray(Image.open(path)), expected)


@pytest.mark.integration
@pytest.mark.parametrize("model", MODELS)
def test_in_python_and_in_validation(model):
    sampler = pscgan.load(model)
    clean = torch.cat([clean_image(0), clean_image(1)])
    measurement = sampler.degradation(clean, Rng(0, "y", [0, 1]))
    validation = ValidationConfig(samples_per_image=K, every_images=1, seed=SEED)
    drawn = validation.draw(sampler.generator, sampler.degradation, measurement, torch.tensor([0, 1]))
    assert torch.equal(drawn, sampler.sample(measurement, K, seed=[SEED, SEED + 1]))


@pytest.mark.gpu
@pytest.mark.parametrize("model", MODELS)
def test_restore_on_a_gpu_writes_what_it_writes_on_the_cpu(model, tmp_path, capfd):
    path, _ = degraded_file(pscgan.load(model), tmp_path)
    for device in ("cpu", "cuda"):
        ended = restore(capfd, path, "--model", model, "--samples", K, "--out", tmp_path / device, device=device)
        assert ended.code == 0, ended.err
    for number in range(1, K + 1):
        on_cpu, on_gpu = (np.asarray(Image.open(tmp_path / of / f"y_sample{number}.png")) for of in ("cpu", "cuda"))
        assert np.abs(on_cpu.astype(int) - on_gpu).max() <= 3
    for entry in report(tmp_path / "cuda")["files"][0]["samples"]:
        assert entry.get("levels_wrong", 0) == 0
