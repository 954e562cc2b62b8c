"""Means of logged scalars."""

import pytest
import torch

from pscgan.train.averages import Averages


def test_means_since_the_last_call():
    averages = Averages()
    for value in (1.0, 2.0, 6.0):
        averages.add("a", torch.tensor(value, requires_grad=True))
    averages.add("b", torch.tensor(5.0, dtype=torch.bfloat16))
    assert averages.pop() == {"a": pytest.approx(3.0), "b": pytest.approx(5.0)}
    assert averages.pop() == {}


def test_goes_on_after_saving():
    first, second = Averages(), Averages()
    first.add("a", torch.tensor(1.0))
    second.load_state_dict(first.state_dict())
    second.add("a", torch.tensor(4.0))
    assert second.pop() == {"a": pytest.approx(2.5)}
