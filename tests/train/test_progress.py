"""Means of logged scalars."""

import pytest
import torch

from pscgan.train.progress import MeanTracker


def test_means_since_the_last_call():
    averages = MeanTracker()
    for value in (1.0, 2.0, 6.0):
        averages.add("a", torch.tensor(value, requires_grad=True), 1)
    averages.add("b", torch.tensor(5.0, dtype=torch.bfloat16), 3)
    assert averages.pop() == {"a": pytest.approx(3.0), "b": pytest.approx(5.0)}
    assert averages.pop() == {}


def test_parts_of_a_batch_weigh_what_they_hold():
    averages = MeanTracker()
    averages.add("a", torch.tensor(2.0), 3)
    averages.add("a", torch.tensor(10.0), 1)
    assert averages.pop() == {"a": pytest.approx(4.0)}


def test_goes_on_after_saving():
    first, second = MeanTracker(), MeanTracker()
    first.add("a", torch.tensor(1.0), 1)
    second.load_state_dict(first.state_dict())
    second.add("a", torch.tensor(4.0), 2)
    second.gather()
    assert second.pop() == {"a": pytest.approx(3.0)}
