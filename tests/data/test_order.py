"""An order is a permutation by (seed, epoch); a window of it needs few shards."""

from itertools import permutations

import pytest
import torch

from pscgan.data.order import full_order, images_per_shard, window_order
from pscgan.rng import Rng

COUNTS = [5, 1, 7, 3, 2, 4, 6]
SHARDS = torch.repeat_interleave(torch.arange(len(COUNTS)), torch.tensor(COUNTS))


@pytest.mark.parametrize("window", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("epoch", [0, 1, 9])
def test_each_image_once_and_few_shards_in_a_window(window, epoch):
    order = window_order(COUNTS, window, 0, epoch)
    assert sorted(order.tolist()) == list(range(sum(COUNTS)))
    visited = list(dict.fromkeys(SHARDS[order].tolist()))
    place = 0
    for first in range(0, len(visited), window):
        inside = visited[first : first + window]
        size = sum(COUNTS[shard] for shard in inside)
        assert set(SHARDS[order[place : place + size]].tolist()) == set(inside)
        place += size


def test_orders_are_functions_of_seed_and_epoch():
    def orders(seed):
        return [window_order(COUNTS, 2, seed, epoch).tolist() for epoch in range(3)]

    torch.manual_seed(1)
    first = orders(0)
    torch.manual_seed(2)
    assert orders(0) == first
    assert len({tuple(order) for order in (*first, *orders(1))}) == 6


def test_shards_and_images_come_in_any_order_alike():
    counts = {order: 0 for order in permutations(range(4))}
    for epoch in range(2400):
        counts[tuple(window_order([2, 2], 1, 0, epoch).tolist())] += 1
    possible = [(0, 1, 2, 3), (1, 0, 2, 3), (0, 1, 3, 2), (1, 0, 3, 2)]
    possible += [(*order[2:], *order[:2]) for order in possible]
    assert min(counts[order] for order in possible) > 300 - 4 * 17  # 2400 draws of 8 kinds: sd 16.2
    assert sum(counts[order] for order in possible) == 2400


def test_the_full_order_is_that_of_earlier_runs():
    expected = torch.randperm(11, generator=Rng(3, "order", [5]).generators[0])
    assert torch.equal(full_order(11, 3, 5), expected)


def test_images_are_counted_by_shard():
    names = ["a.tar-1.tar/x", "a.tar/x", "a.tar/y", "c.tar/x"]
    assert images_per_shard(names, ["a.tar-1.tar", "a.tar", "b.tar", "c.tar"]) == [1, 2, 1]
