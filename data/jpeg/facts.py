"""What .jpg files say as tensors whose first axis is the image, also for images of different sampling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from .coded import BLOCK, Coded, Sampling, blocks


def facts_of(coded: Coded) -> dict[str, Tensor]:
    """As facts of a measurement.

    Returns:
        ``levels``, (B, C, 8 rows, 8 columns) int16 of the luma's size, chroma in its upper left part and 0 beyond;
        ``tables``, (B, C, 8, 8); ``sampling``, (B, 2): horizontal, vertical.
    """
    luma = coded.levels[0]
    levels = luma.new_zeros(len(luma), len(coded.levels), *luma.shape[1:])
    for component, plane in enumerate(coded.levels):
        levels[:, component, : plane.shape[1], : plane.shape[2]] = plane
    sampling = torch.tensor(coded.sampling, device=luma.device).repeat(len(luma), 1)
    return {"levels": levels, "tables": coded.tables, "sampling": sampling}


def coded_of(facts: Mapping[str, Tensor], height: int, width: int) -> Iterator[tuple[Tensor, Coded]]:
    """The way back: by sampling, the numbers of the images in the batch, and what their files say."""
    for horizontal, vertical in torch.unique(facts["sampling"], dim=0).tolist():
        sampling = Sampling(horizontal, vertical)
        (images,) = (facts["sampling"] == facts["sampling"].new_tensor(sampling)).all(dim=1).nonzero(as_tuple=True)
        levels = facts["levels"][images]
        rows, columns = (blocks(side, step) * BLOCK for side, step in ((height, vertical), (width, horizontal)))
        planes = [levels[:, 0], *(plane[:, :rows, :columns] for plane in levels[:, 1:].unbind(1))]
        yield images, Coded(planes, facts["tables"][images], sampling, height, width)
