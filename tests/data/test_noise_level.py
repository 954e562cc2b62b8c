"""The level is found where it is known, clipped or not, and no texture is taken for it where colours tell."""

import numpy as np
import pytest
from PIL import Image
from skimage.restoration import estimate_sigma

from pscgan.data.noise_level import noise_level
from pscgan.data.sources.image_source import BUNDLED, ImageSource

ROWS, COLUMNS = np.mgrid[:240, :320]
SCENES = {  # levels on the 0..255 scale
    "flat": 128.0 + 0 * ROWS,
    "gradient": 70 + 120 * COLUMNS / 320,
    "texture": 128 + 50 * np.sin(ROWS / 1.5) * np.cos(COLUMNS / 2.5),
    "edges": 60.0 + 130 * ((ROWS // 16 + COLUMNS // 16) % 2),
}
PHOTOS = ImageSource(BUNDLED)


def noisy(scene, sigma, channels=3, seed=0):
    return scene[..., None] + sigma * np.random.default_rng(seed).standard_normal((*scene.shape, channels))


def as_file(levels, depth=np.uint8):
    top = np.iinfo(depth).max
    return np.rint(levels * (top / 255)).clip(0, top).astype(depth)


def photograph(name, grey=False):
    pixels = PHOTOS.read(name).permute(1, 2, 0).numpy()
    return np.asarray(Image.fromarray(pixels).convert("L"), float) if grey else pixels.astype(float)


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sigma", [5, 25, 50])
def test_known_levels_are_found(scene, channels, sigma):
    levels = noisy(SCENES[scene], sigma, channels)
    assert noise_level(levels / 255) == pytest.approx(sigma, rel=0.03)
    assert noise_level(as_file(levels)) == pytest.approx(sigma, rel=0.05)
    assert noise_level(as_file(levels, np.uint16)) == pytest.approx(sigma, rel=0.05)


@pytest.mark.parametrize("light", [30, 225])
def test_clipping_is_seen_through(light):
    pixels = as_file(noisy(light + 0.0 * ROWS, 50))
    assert pixels.std() < 0.85 * 50
    assert noise_level(pixels) == pytest.approx(50, rel=0.03)


def test_colours_in_different_light_have_one_level():
    scene = noisy(SCENES["gradient"], 40)
    assert noise_level(as_file(scene + np.array([-70, 0, 60]))) == pytest.approx(40, rel=0.03)


@pytest.mark.parametrize("sigma", [5, 75])
def test_photographs_in_colour(sigma):
    found = [noise_level(as_file(noisy_photograph(name, sigma))) for name in PHOTOS.names]
    assert found == pytest.approx([sigma] * len(PHOTOS.names), rel=0.05)


def noisy_photograph(name, sigma, grey=False):
    clean = photograph(name, grey)
    clean = clean[..., None] if grey else clean
    return clean + sigma * np.random.default_rng(sigma).standard_normal(clean.shape)


@pytest.mark.parametrize(("sigma", "tolerance"), [(25, 2.5)])
def test_photographs_in_grey(sigma, tolerance):
    found = [noise_level(as_file(noisy_photograph(name, sigma, grey=True))) for name in PHOTOS.names]
    assert found == pytest.approx([sigma] * len(PHOTOS.names), abs=tolerance)


@pytest.mark.parametrize("sigma", [10, 50])
def test_nearer_than_wavelets(sigma):
    ours, theirs = [], []
    for name in PHOTOS.names[:3]:
        pixels = as_file(noisy_photograph(name, sigma))
        ours.append(noise_level(pixels) - sigma)
        theirs.append(estimate_sigma(pixels.astype(float), channel_axis=-1, average_sigmas=True) - sigma)
    assert np.abs(ours).mean() < np.abs(theirs).mean()


@pytest.mark.parametrize("value", [0, 1, 128, 254, 255])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_constant_picture_has_none(value, channels):
    assert noise_level(np.full((40, 50, channels), value, np.uint8)) == 0


def test_it_is_in_the_unit_of_the_pixels():
    levels = noisy(SCENES["texture"][:160, :160], 10) / 255  # all places are seen
    whole = noise_level(levels)
    assert noise_level(levels / 2 + 0.2) == pytest.approx(whole / 2)
    assert noise_level(levels[:, ::-1]) == pytest.approx(whole, rel=1e-6)
    assert noise_level(levels[..., ::-1]) == pytest.approx(whole, rel=1e-6)
    pixels = as_file(noisy(SCENES["texture"], 10))
    assert noise_level(pixels.astype(np.uint16) * 257) == pytest.approx(noise_level(pixels), abs=0.02)


@pytest.mark.parametrize("shape", [(31, 100, 3), (100, 31, 1), (1, 1, 3)])
def test_too_small_a_picture_is_refused(shape):
    with pytest.raises(ValueError, match=f"pixels must .*got {shape[0]}x{shape[1]}"):
        noise_level(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("channels", [1, 3])
def test_the_smallest_picture(channels):
    found = [noise_level(as_file(noisy(SCENES["flat"][:32, :32], 20, channels, seed))) for seed in range(20)]
    assert np.mean(found) == pytest.approx(20, rel=0.1)
