"""What a validation says of files: shares that match, counted independently, and only where there are files."""

import pytest
import torch

from pscgan.data.degradation import Verifiable
from pscgan.data.degradations.gaussian_noise import GaussianNoise
from pscgan.data.degradations.jpeg import Jpeg
from pscgan.data.jpeg.codec import encode
from pscgan.data.jpeg.coefficients import SAMPLINGS
from pscgan.data.sources.image_source import ImageSource
from pscgan.rng import Rng
from pscgan.train.metrics.consistency import ROWS, JpegConsistency

from ..tiny import LIGHTNING_SAYS, result, run

pytestmark = LIGHTNING_SAYS
NUMBERS = range(3)


@pytest.fixture(scope="module")
def clean():
    source = ImageSource("bundled:photos")
    return torch.stack([source.read(source.names[i])[:, 100:140, 200:256] for i in NUMBERS]).float() / 255


@pytest.fixture(scope="module")
def degradation():
    return Jpeg(quality=50)


@pytest.fixture(scope="module")
def measurement(degradation, clean):
    return degradation(clean, Rng(0, "degradation", NUMBERS))


def figures(degradation, samples_KBCHW, clean, measurement):
    metric = JpegConsistency(degradation)
    metric.update(samples_KBCHW, clean, measurement)
    return metric.compute()


def test_the_original_explains_its_file(degradation, clean, measurement):
    scores = figures(degradation, clean[None], clean, measurement)
    for row in ("sample", "mean", "sample_finished", "mean_finished"):
        assert [scores[f"{row}/{unit}"] for unit in ("levels", "blocks", "pictures")] == [1, 1, 1]
        assert scores[f"{row}/reencode_rmse"] == scores[f"{row}/violation_steps"] == 0
        assert scores[f"{row}/psnr"] > 120  # rounding of fp32


def test_shares_equal_a_count_by_hand(degradation, clean, measurement):
    scores = figures(degradation, clean[None], clean, measurement)
    tables = measurement.params["tables"]
    said = encode((255 * clean).round(), tables, SAMPLINGS["4:2:0"]).levels
    again = encode((255 * measurement.degraded).round(), tables, SAMPLINGS["4:2:0"]).levels
    wrong = [(one != other) for one, other in zip(said, again, strict=True)]
    levels = sum(part.sum() for part in wrong) / sum(part.numel() for part in wrong)
    pictures = torch.stack([part.flatten(1).any(1) for part in wrong]).any(0).float().mean()
    assert levels > 0  # the plain decode does not explain its own file
    assert scores["degraded/levels"] == pytest.approx(1 - float(levels))
    assert scores["degraded/pictures"] == pytest.approx(1 - float(pictures))
    error = (measurement.degraded - clean).square().mean()
    assert scores["degraded/psnr"] == pytest.approx(-10 * float(error.log10()), abs=1e-4)


def test_finished_restorations_explain_the_file_and_are_no_worse(degradation, clean, measurement):
    samples = clean + 0.04 * Rng(0, "noise", range(4)).randn(*clean.shape)
    scores = figures(degradation, samples, clean, measurement)
    for row in ("sample", "mean"):
        assert scores[f"{row}/blocks"] < 0.9
        assert scores[f"{row}_finished/pictures"] == 1
        assert scores[f"{row}_finished/psnr"] > scores[f"{row}/psnr"]


def test_batches_add_up(degradation, clean, measurement):
    samples = clean + 0.04 * Rng(0, "noise", range(2)).randn(*clean.shape)
    metric = JpegConsistency(degradation)
    for part in (slice(0, 1), slice(1, 3)):
        metric.update(samples[:, part], clean[part], measurement[part])
    assert metric.compute() == pytest.approx(figures(degradation, samples, clean, measurement))


def test_only_files_are_certified(degradation):
    assert isinstance(degradation, Verifiable)
    assert not isinstance(GaussianNoise(50), Verifiable)


def test_a_run_on_files_reports_it_and_a_run_on_noise_does_not(tmp_path, capsys):
    jpeg = run(tmp_path / "jpeg", "experiment=jpeg_demo", "images=16")
    assert "encoded again" in capsys.readouterr().out
    scores = result(jpeg)
    assert all(scores[f"consistency/{row}/levels"] <= 1 for row in ROWS)
    assert scores["consistency/sample_finished/pictures"] == 1
    assert "validation/consistency/sample/blocks" in (jpeg / "metrics.csv").read_text().splitlines()[0]
    noise = run(tmp_path / "noise", "images=16")
    assert "encoded again" not in capsys.readouterr().out
    assert not any(name.startswith("consistency") for name in result(noise))
