"""The level is found where it is known, however a file stores it, or else it is said that it cannot be found."""

import io

import numpy as np
import pytest
from PIL import Image
from skimage.restoration import estimate_sigma

from pscgan.data.image_io.read_image import read
from pscgan.data.noise_level import noise_level
from pscgan.data.sources.image_source import BUNDLED, ImageSource

ROWS, COLUMNS = np.mgrid[:200, :240]
SCENES = {  # levels on the 0..255 scale
    "flat": 128.0 + 0 * ROWS,
    "gradient": 70 + 120 * COLUMNS / 240,
    "edges": 60.0 + 130 * ((ROWS // 32 + COLUMNS // 32) % 2),
}
PHOTOS = ImageSource(BUNDLED)


def noisy(scene, sigma, channels=3, seed=0):
    return scene[..., None] + sigma * np.random.default_rng(seed).standard_normal((*scene.shape, channels))


def as_file(levels, depth=np.uint8):
    top = np.iinfo(depth).max
    return np.rint(levels * (top / 255)).clip(0, top).astype(depth)


def saved(pixels, **options):
    """What is found in a file of these pixels."""
    file = io.BytesIO()
    Image.fromarray(pixels if pixels.shape[2] > 1 else pixels[..., 0]).save(file, **options)
    image = read(file.getvalue())
    return noise_level(image.pixels, tables=image.tables)


def resized(pixels, factor, method):
    height, width = pixels.shape[:2]
    return np.asarray(Image.fromarray(pixels).resize((round(width * factor), round(height * factor)), method))


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sigma", [5, 25, 50])
def test_known_levels_are_found(scene, channels, sigma):
    levels = noisy(SCENES[scene], sigma, channels)
    depth = np.uint16 if scene == "gradient" else np.uint8
    assert noise_level(as_file(levels, depth)).sigma == pytest.approx(sigma, rel=0.06)


@pytest.mark.parametrize("light", [45, 225])
def test_clipping_is_seen_through(light):
    pixels = as_file(noisy(light + 0.0 * ROWS, 50))
    assert pixels.std() < 0.85 * 50
    assert noise_level(pixels).sigma == pytest.approx(50, rel=0.1)
    assert noise_level(as_file(noisy(-10.0 + 0 * ROWS, 50))).sigma is None


def test_colours_in_different_light_have_one_level():
    scene = noisy(SCENES["gradient"], 40)
    assert noise_level(as_file(scene + np.array([-70, 0, 60]))).sigma == pytest.approx(40, rel=0.05)


def test_equal_colours_are_grey():
    grey = as_file(noisy(SCENES["edges"], 20, 1))
    assert noise_level(grey.repeat(3, axis=2)) == noise_level(grey)


@pytest.mark.parametrize("sigma", [15, 50])
def test_grain_that_is_the_same_in_all_colours(sigma):
    colours = SCENES["gradient"][..., None] + np.array([-30, 0, 10])
    assert noise_level(as_file(colours + noisy(0.0 * ROWS, sigma, 1))).sigma == pytest.approx(sigma, rel=0.05)


@pytest.mark.parametrize("value", [0, 1, 128, 254, 255])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_constant_picture_has_none(value, channels):
    assert noise_level(np.full((40, 50, channels), value, np.uint8)).sigma == 0


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_a_constant_frame_is_left_out(share):
    pixels = as_file(noisy(SCENES["gradient"], 50))
    framed = pixels.copy()
    framed[:, : round(share * 240)] = 200, 190, 180
    assert noise_level(framed).sigma == pytest.approx(50, rel=0.05)
    ROUND = (ROWS - 100) ** 2 + (COLUMNS - 120) ** 2 > 90**2
    pixels[ROUND] = 255
    assert noise_level(pixels).sigma == pytest.approx(50, rel=0.05)


def test_what_is_not_visible_is_left_out():
    pixels, visible = as_file(noisy(SCENES["flat"], 20)), COLUMNS < 120
    pixels[~visible] = as_file(noisy(SCENES["flat"], 5))[~visible]
    assert noise_level(pixels, visible).sigma == pytest.approx(20, rel=0.05)
    assert noise_level(pixels, np.zeros_like(visible)).sigma is None


@pytest.mark.parametrize("kind", ["blurred", "sharpened", "enlarged", "few blocks"])
@pytest.mark.parametrize("channels", [1, 3])
def test_noise_that_is_not_white_cannot_be_found(kind, channels):
    levels = noisy(SCENES["gradient"], 30, channels)
    mean = (levels + np.roll(levels, 1, 0) + np.roll(levels, 1, 1) + np.roll(levels, (1, 1), (0, 1))) / 4
    pixels = as_file({"blurred": mean, "sharpened": 3 * levels - 2 * mean}.get(kind, levels))
    if kind == "enlarged":
        pixels = resized(pixels.repeat(4 - channels, axis=2)[..., :3], 1.5, Image.Resampling.BICUBIC)
    if kind == "few blocks":
        pixels[:-20] = 0
        pixels[:, :-20] = 0
    assert noise_level(pixels).sigma is None


def test_a_clean_smooth_picture_has_little():
    assert noise_level(as_file(SCENES["gradient"][..., None] + np.array([-30, 0, 10]))).sigma < 1


@pytest.mark.parametrize("quality", [80, 95])
def test_luma_tells_where_chroma_was_halved(quality):
    pixels = as_file(noisy(SCENES["gradient"], 35))
    found = saved(pixels, format="JPEG", quality=quality, subsampling=2)
    assert found.luma_only
    assert found.sigma == pytest.approx(35, rel=0.05)
    assert saved(pixels, format="JPEG", quality=20, subsampling=2).sigma is None
    full = saved(pixels, format="JPEG", quality=95, subsampling=0)
    assert not full.luma_only
    assert full.sigma == pytest.approx(35, rel=0.05)


@pytest.mark.parametrize("side", [32, 64])
def test_small_pictures_are_not_said_to_hold_less_in_chroma(side):
    rng = np.random.default_rng(0)
    for name in PHOTOS.names:
        clean = PHOTOS.read(name).permute(1, 2, 0).numpy().astype(float)
        top, left = (rng.integers(0, size - side) for size in clean.shape[:2])
        part = clean[top : top + side, left : left + side]
        assert not noise_level(as_file(part + 50 * rng.standard_normal(part.shape))).luma_only


def test_it_is_in_the_unit_of_the_pixels():
    pixels = as_file(noisy(SCENES["gradient"][:120, :160], 10))
    found = noise_level(pixels).sigma
    assert noise_level(pixels[:, ::-1]).sigma == pytest.approx(found, rel=0.03)
    assert noise_level(pixels.astype(np.uint16) * 257).sigma == pytest.approx(found, rel=0.02)


@pytest.mark.parametrize("shape", [(31, 100, 3), (100, 31, 1), (1, 1, 3)])
def test_too_small_a_picture_is_refused(shape):
    with pytest.raises(ValueError, match=f"pixels must .*got {shape[0]}x{shape[1]}"):
        noise_level(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("channels", [1, 3])
def test_the_smallest_picture(channels):
    found = [noise_level(as_file(noisy(SCENES["flat"][:32, :32], 20, channels, seed))).sigma for seed in range(8)]
    assert np.mean([one for one in found if one is not None]) == pytest.approx(20, rel=0.1)
    assert found.count(None) < 5


STORED = {
    "png": lambda pixels: noise_level(pixels),
    "444 at 95": lambda pixels: saved(pixels, format="JPEG", quality=95, subsampling=0),
    "444 at 80": lambda pixels: saved(pixels, format="JPEG", quality=80, subsampling=0),
    "422 at 95": lambda pixels: saved(pixels, format="JPEG", quality=95, subsampling=1),
    "420 at 95": lambda pixels: saved(pixels, format="JPEG", quality=95, subsampling=2),
    "420 at 80": lambda pixels: saved(pixels, format="JPEG", quality=80, subsampling=2),
    "webp at 90": lambda pixels: saved(pixels, format="WEBP", quality=90),
    "enlarged": lambda pixels: noise_level(resized(pixels, 1.5, Image.Resampling.BICUBIC)),
}
TOLD = {"444 at 95", "422 at 95", "420 at 95"}


@pytest.mark.integration
@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("sigma", [5, 25, 50])
def test_photographs_within_a_tenth_or_not_at_all(sigma, stored):
    found = []
    for name in PHOTOS.names[::5]:
        clean = PHOTOS.read(name).permute(1, 2, 0).numpy().astype(float)
        pixels = as_file(clean + sigma * np.random.default_rng(sigma).standard_normal(clean.shape))
        found.append(STORED[stored](pixels).sigma)
    told = [one for one in found if one is not None]
    assert told == pytest.approx([sigma] * len(told), rel=0.1)
    if stored == "png":
        assert len(told) == len(found)
    elif stored in TOLD and sigma > 5:
        assert len(told) >= len(found) - 1


@pytest.mark.integration
@pytest.mark.parametrize("sigma", [10, 50])
def test_nearer_than_wavelets_in_grey(sigma):
    ours, theirs = [], []
    for name in PHOTOS.names[:3]:
        clean = np.asarray(Image.fromarray(PHOTOS.read(name).permute(1, 2, 0).numpy()).convert("L"), float)
        pixels = as_file(noisy(clean, sigma, 1))
        ours.append(noise_level(pixels).sigma - sigma)
        theirs.append(estimate_sigma(pixels[..., 0].astype(float)) - sigma)
    assert np.abs(ours).mean() < np.abs(theirs).mean()
