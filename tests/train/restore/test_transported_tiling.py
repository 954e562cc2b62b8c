"""Transported pictures by tiles are transported pictures as a whole, whatever the task, the space and the noise."""

import pytest
import torch

from pscgan.models.transport.spaces import Pixels, Unshuffled
from pscgan.train.inference.transport import open_transport
from pscgan.train.inference.windows import Window
from pscgan.train.restore.tiling import Tiling
from pscgan.train.restore.transported_tiling import TransportedTiling, transported

from ...data.choices import chosen
from ..inference.transports import written
from .pictures import by_tiles, jpeg_sampler, jpg, noise_sampler, opened, png, task_sampler

SIZE, SMALL = (150, 101), (35, 26)  # no multiple of anything; times 4, more than a tile either way
TASKS = {
    "noise": ("RGB", SIZE),
    "noise in grey": ("L", SIZE),
    "jpeg": ("JPEG", SIZE),
    "sr4": ("RGB", SMALL),
    "sr4_bicubic": ("L", SMALL),  # projected as a whole
}


def opened_task(task, folder):
    mode, size = TASKS[task]
    if task == "jpeg":
        sampler, path = jpeg_sampler(folder / "model"), jpg(folder / "photo.jpg", size)
    else:
        sampler = noise_sampler(folder / "model") if "noise" in task else task_sampler(folder / "model", chosen(task))
        path = png(folder / "photo.png", size, mode)
    return sampler, opened(sampler, path)


@pytest.mark.parametrize(
    ("space", "patch", "still"), [(Pixels(), 3, False), (Unshuffled(4), 2, False), (Pixels(), 3, True)]
)
@pytest.mark.parametrize("task", TASKS)
def test_tiles_are_the_whole(task, space, patch, still, tmp_path):
    sampler, y = opened_task(task, tmp_path)
    opened_map = open_transport(written(tmp_path / "dot.safetensors", 3, space, patch, still), 3)
    tiles, whole = (TransportedTiling(Tiling(sampler, side), opened_map, 0.3) for side in (64, 192))
    found = by_tiles(tiles, y, 2, seed=3)
    torch.testing.assert_close(found, by_tiles(whole, y, 2, seed=3), atol=1e-4, rtol=0)
    assert (found - by_tiles(tiles.tiling, y, 2, seed=3)).abs().max() > 1e-3


def test_a_tile_is_what_load_draws_transported(tmp_path):
    sampler, y = opened_task("noise", tmp_path)
    moving = open_transport(written(tmp_path / "dot.safetensors", still=True), 3)  # draws of its own for each sample
    picture = y.degraded(Window(0, 0, *SIZE[::-1]))
    drawn = enumerate(sampler.sample(picture[None], 2, seed=3), start=1)
    expected = torch.cat([moving(sample, 0.3, [3], number) for number, sample in drawn])
    found = by_tiles(TransportedTiling(Tiling(sampler, 64), moving, 0.3), y, 2, seed=3)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_alpha_one_is_the_tiling_itself(tmp_path):
    tiling = Tiling(noise_sampler(tmp_path / "model"), 64)
    assert transported(tiling, written(tmp_path / "dot.safetensors"), 1.0) is tiling


def test_a_space_that_sees_without_end_takes_the_whole(tmp_path):
    sampler, y = opened_task("noise", tmp_path)
    moving = open_transport(written(tmp_path / "dot.safetensors"), 3)
    by_parts = by_tiles(TransportedTiling(Tiling(sampler, 64), moving, 0.0), y, 1)
    moving.radius = None
    endless = TransportedTiling(Tiling(sampler, 64), moving, 0.0)
    assert len(endless.windows(y)) == 1
    torch.testing.assert_close(by_tiles(endless, y, 1), by_parts, atol=1e-4, rtol=0)
