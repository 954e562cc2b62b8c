import torch

from pscgan.train.inference.sampler import RunningMoments


def test_they_are_those_of_all_samples_at_once():
    samples = 1000 + torch.randn(7, 2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    moments = RunningMoments()
    for sample in samples:
        moments.add(sample)
    wide = samples.double()
    torch.testing.assert_close(moments.mean, wide.mean(0), rtol=1e-12, atol=0)
    torch.testing.assert_close(moments.std, wide.var(0).mean(1, keepdim=True).sqrt(), rtol=1e-9, atol=0)


def test_a_single_sample_has_no_spread():
    moments = RunningMoments()
    moments.add(torch.ones(1, 3, 2, 2))
    assert moments.std.shape == (1, 1, 2, 2)
    assert not moments.std.any()
