"""Evaluations of tiny runs, in this process, and methods that go wrong."""

import json

import torch
from hydra import compose, initialize_config_module
from torch.nn.functional import avg_pool2d

import pscgan.scripts.evaluate  # noqa: F401  registers the resolver of folders' names
from pscgan.rng import Rng
from pscgan.train.evaluation.setup import evaluate

FEW = (
    "samples=4",
    "bootstrap=20",
    "images.crop=32",
    "num_visualized=1",
    "visual_crop=16",
    "extractor=[]",
    "perceptual=[]",
)
FEW = (*FEW, "sigma_z=[0.5]", "trainer.accelerator=cpu")
COSTS = {"seconds"}


def config_of(folder, methods, *overrides):
    with initialize_config_module("pscgan.conf", version_base="1.3"):
        return compose("evaluate", [f"methods={methods}", f"folder={folder}", *FEW, *overrides])


def evaluated(folder, methods, *overrides):
    """Its ``result.json``."""
    evaluate(config_of(folder, methods, *overrides))
    return read(folder)


def read(folder):
    return json.loads((folder / "result.json").read_text())


def without_costs(result):
    """What must not depend on how it was computed: everything but times and provenance."""
    for method in result["methods"].values():
        method["about"].pop("seconds spent")
        method["values"].pop("seconds")
    result["comparison"].pop("seconds", None)
    return {key: value for key, value in result.items() if key not in ("provenance", "title")}


class Faulty:
    """A restorer with a fault."""

    stochastic = True

    def __init__(self, fault):
        self.fault = fault

    def restore(self, measurement, num_samples, seeds, sigma_z=1.0):
        samples = measurement.degraded.expand(num_samples, -1, -1, -1, -1).clone()
        if self.fault == "holes":
            samples[0, 0, 0, 3, 3] = torch.nan
        return samples[..., 1:] if self.fault == "shape" else samples


class Nearest:
    """Images of noise moved to the nearest that have the block means of 4 x 4 that y has."""

    stochastic = True

    def restore(self, measurement, num_samples, seeds, sigma_z=1.0):
        y = measurement.degraded.float()
        noise = 0.1 * Rng.of_images(seeds, "nearest").randn(num_samples, *y.shape[1:]).movedim(1, 0)
        means = torch.stack([avg_pool2d(sample, 4) for sample in noise])
        return y + noise - means.repeat_interleave(4, -1).repeat_interleave(4, -2)


def no_restorer():
    """An object that cannot draw."""
    return {}


def on_a_rank(folder, methods, *overrides):
    """In a process that has joined the others already."""
    from pscgan.train.evaluation.setup import evaluate_on_rank

    evaluate_on_rank(config_of(folder, methods, *overrides))


class Rounding:
    """A restorer through which no gradient comes."""

    stochastic = False

    def restore(self, measurement, num_samples, seeds, sigma_z=1.0):
        return (255 * measurement.degraded).round()[None] / 255
