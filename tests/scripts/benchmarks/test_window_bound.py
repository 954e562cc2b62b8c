"""The windows that a bound on photographs is made of, and its table."""

import numpy as np
import pytest
import torch
from PIL import Image

from pscgan.data.sources.image_source import ImageSource
from pscgan.scripts.benchmarks import window_bound


@pytest.fixture
def source(tmp_path):
    """Of two images of 13 x 11 whose red is the row, whose green the column and whose blue the number of the image."""
    row, column = np.indices((13, 11))
    for number in range(2):
        pixels = np.stack([row, column, np.full_like(row, number)], axis=-1).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    return ImageSource(tmp_path)


def test_windows_are_cut_out_of_every_image_anywhere(source):
    cut = (255 * window_bound.windows(source, source.names, 3, 800, seed=0)).round().long()
    assert cut.shape == (800, 3, 3, 3)
    corner = cut[..., :1, :1]
    steps = torch.arange(3)
    expected = torch.stack([steps[:, None].expand(3, 3), steps.expand(3, 3), torch.zeros(3, 3, dtype=torch.long)])
    assert (cut - corner == expected).all()
    assert len(corner.flatten(1).unique(dim=0)) > 190  # of 198 places; 400 draws in each image miss 3 in all
    again, other = (window_bound.windows(source, source.names, 3, 800, seed=seed) for seed in (0, 1))
    assert torch.equal((255 * again).round().long(), cut)
    assert not torch.equal(again, other)


def test_images_smaller_than_a_window_are_refused(source):
    with pytest.raises(ValueError, match="side"):
        window_bound.windows(source, source.names, 12, 10, seed=0)


def test_more_is_known_in_larger_windows(capsys):
    window_bound.main(["--sides", "1", "3", "--windows", "300", "--atoms", "3000"])
    table = [line for line in capsys.readouterr().out.splitlines() if " x " in line]
    ends = [[float(word) for word in line.replace("│", " ").split() if "." in word] for line in table]
    assert ends[0][0] + 1 < ends[1][0]
