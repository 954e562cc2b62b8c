"""The certificate against a count by numpy of what jpeglib reads."""

import numpy as np
import pytest
import torch

from pscgan.data.jpeg import codec
from pscgan.data.jpeg.exact_projection import project_exactly
from pscgan.data.jpeg.verify import verify

from . import libjpeg
from .libjpeg import KINDS, sampling_of

SIZES = [(64, 64), (37, 50)]


def counted(folder, file, pixels, kind, quality):
    """Levels and blocks that are wrong, all of them, and the distance of the decoded pictures."""
    again = libjpeg.read(libjpeg.save(folder / "again.jpg", pixels, kind, quality=quality))
    wrong = [one != two for one, two in zip(again.levels, file.levels, strict=True)]
    return {
        "levels_wrong": sum(w.sum() for w in wrong),
        "levels": sum(w.size for w in wrong),
        "blocks_wrong": sum(w.any(axis=(2, 3)).sum() for w in wrong),
        "blocks": sum(w.shape[0] * w.shape[1] for w in wrong),
        "reencode_rmse": np.sqrt(np.mean((again.shown.astype(float) - file.shown) ** 2)),
    }


def violation(file, pixels, kind):
    """Distances of the unquantised coefficients from the intervals, in steps, mean over levels."""
    planes = codec.dct_coefficients(libjpeg.tensor(pixels), sampling_of(kind))
    total, count = 0.0, 0
    for plane, levels, table in zip(planes, file.levels, file.tables, strict=True):
        coefficients, width = libjpeg.by_block(plane[0]), 8 * table.astype(float)
        magnitude = np.where(levels < 0, -coefficients, coefficients)  # intervals mirrored to levels of 0 or more
        low = np.where(levels == 0, 1 - width / 2, width * (abs(levels) - 0.5))
        high = width * (abs(levels) + 0.5) - 1
        total += (np.maximum(np.maximum(low - magnitude, magnitude - high), 0) / width).sum()
        count += levels.size
    return total / count


@pytest.mark.parametrize("quality", [5, 50, 92])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_counts_are_those_of_numpy(kind, size, quality, tmp_path):
    random = np.random.default_rng(0)
    truth = libjpeg.photograph(1, *size, kind)
    file = libjpeg.read(libjpeg.save(tmp_path / "file.jpg", truth, kind, quality=quality))
    one_pixel, few, all_pixels = (truth.copy() for _ in range(3))
    one_pixel[-1, -1] ^= 128
    few[:9, :9] = random.integers(0, 256, few[:9, :9].shape)
    pictures = [truth, one_pixel, few, (all_pixels // 2 + random.integers(0, 60, truth.shape)).astype(np.uint8)]
    certificate = verify(
        torch.cat([libjpeg.tensor(picture) for picture in pictures]),
        libjpeg.coded(kind, *[file] * len(pictures)),
    )
    for i, picture in enumerate(pictures):
        for name, count in counted(tmp_path, file, picture, kind, quality).items():
            assert getattr(certificate, name)[i] == pytest.approx(count, rel=1e-12), name
        assert certificate.violation[i] == pytest.approx(violation(file, picture, kind), rel=1e-12, abs=1e-15)
    assert certificate.exact.tolist()[0]
    assert not certificate.exact[3]
    assert ((certificate.violation > 0) == (certificate.levels_wrong > 0)).all()


def test_a_plain_decode_is_not_consistent_and_the_truth_is(tmp_path):
    # the known value that makes projecting worth its while
    truth = libjpeg.photograph(0, 256, 256)
    file = libjpeg.read(libjpeg.save(tmp_path / "file.jpg", truth, "4:2:0", quality=50))
    decode, coded = libjpeg.tensor(file.shown), libjpeg.coded("4:2:0", file)
    assert verify(libjpeg.tensor(truth), coded).exact
    assert not verify(decode, coded).exact
    assert verify(project_exactly(decode.float(), coded), coded).exact
