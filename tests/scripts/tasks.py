"""Models of every task, and pictures for them."""

from functools import cache

import numpy as np
from hydra.utils import instantiate
from PIL import Image

from ..data.choices import chosen
from ..train.export.exporting import JPEG, exported

SIZE = (44, 36)
BLOCKS = "pscgan.data.degradations.operators.block_average.BlockAverage"
LINEAR = "pscgan.data.degradations.linear.Linear"
SMALL_JPEG = {
    "_target_": "pscgan.data.degradations.chain.Chain",
    "steps": [{"_target_": LINEAR, "operator": {"_target_": BLOCKS, "factor": 2}}, JPEG],
}


def models_in(folder):
    """By the name of a degradation, an export; not trained: the promises hold for any weights."""

    @cache
    def made(name):
        degradation = SMALL_JPEG if name == "small_jpeg" else chosen(name)
        (folder / name).mkdir()
        maps = instantiate(degradation, _convert_="all").num_maps
        return exported(folder / name, degradation=degradation, maps=maps)

    return made


def saved(path, values):
    Image.fromarray(values).save(path)
    return path


def pixels(path):
    with Image.open(path) as image:
        return np.array(image)
