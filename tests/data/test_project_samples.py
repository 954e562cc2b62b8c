"""K samples are projected as one batch, each as it is alone."""

import pytest
import torch

from pscgan.data.degradation import project_samples
from pscgan.data.degradations.jpeg import Jpeg
from pscgan.data.degradations.linear import Linear
from pscgan.data.degradations.masks import RandomPixels
from pscgan.data.degradations.operators.masked import Masked
from pscgan.data.degradations.operators.resampling import Bicubic
from pscgan.rng import Rng


@pytest.mark.parametrize(
    "degradation",
    [Jpeg(10), Jpeg([5, 90], ["4:4:4", "4:2:0"]), Linear(Bicubic(2)), Linear(Masked(RandomPixels()))],
    ids=["jpeg", "jpegs", "bicubic", "masked"],
)
def test_samples_are_projected_as_each_alone_in_one_call(degradation, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    clean, samples = torch.rand(3, 3, 24, 40, generator=generator), torch.rand(4, 3, 3, 24, 40, generator=generator)
    measurement = degradation(clean, Rng(0, "degradation", range(3)))
    expected = torch.stack([degradation.project(sample, measurement) for sample in samples])
    calls, project = [], degradation.project
    monkeypatch.setattr(degradation, "project", lambda *arguments: calls.append(1) or project(*arguments))
    torch.testing.assert_close(project_samples(degradation, samples, measurement), expected, atol=2e-6, rtol=0)
    assert len(calls) == 1
