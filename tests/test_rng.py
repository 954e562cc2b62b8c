"""Draws belong to an image, not to a batch."""

import torch

from pscgan.rng import Rng, key


def test_draws_do_not_depend_on_batch_layout():
    together = Rng(3, "latent", range(10, 14)).randn(2, 5)
    apart = torch.cat([Rng(3, "latent", [number]).randn(2, 5) for number in range(10, 14)])
    assert torch.equal(together, apart)


def test_successive_draws_differ_and_repeat():
    rng, again = Rng(0, "noise", [0, 1]), Rng(0, "noise", [0, 1])
    first, second = rng.rand(4), rng.rand(4)
    assert not torch.equal(first, second)
    assert torch.equal(first, again.rand(4))
    assert torch.equal(second, again.rand(4))


def test_keys_differ_in_every_part():
    triples = [(s, stream, n) for s in range(5) for stream in ("a", "b", "1") for n in range(50)]
    assert len({key(*triple) for triple in triples}) == len(triples)
    assert all(0 <= key(*triple) < 2**63 for triple in triples)


def test_integers_stay_in_range():
    draws = Rng(0, "crop", range(200)).randint(3, 7)
    assert draws.unique().tolist() == [3, 4, 5, 6]
