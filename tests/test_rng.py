"""Draws belong to an image, not to a batch."""

import numpy as np
import pytest
import torch

from pscgan.rng import Rng, key

from .torch_defaults import OTHERS, torch_default


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_defaults_of_torch_change_no_draw(other):
    def draws():
        rng = Rng(0, "z", [3, 4])
        return [rng.randn(5), rng.rand(5), rng.randint(0, 9, 5), rng.poisson(Rng(1, "means", [3, 4]).rand(5))]

    expected = draws()
    with torch_default(other):
        found = draws()
    assert [draw.dtype for draw in found] == [draw.dtype for draw in expected]
    assert all(map(torch.equal, found, expected))


def test_a_seed_is_a_whole_number():
    assert key(np.int64(3), "z", 0) == key(torch.tensor(3), "z", 0) == key(3, "z", 0)
    for seed in (None, 3.0, True, "3", [3]):
        with pytest.raises(ValueError, match="seed must be a whole number"):
            Rng(seed, "z", [0])


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
