"""The network of a loss or critic never scores, whatever its layers."""

import pytest

from pscgan.models.features.extractors import PooledFeatures
from pscgan.models.features.frozen import FrozenFeatures
from pscgan.train.evaluation.methods import training_overlap

NETWORK = "resnet10t"


@pytest.fixture(scope="module")
def extractor():
    return PooledFeatures(NETWORK, "layer4", "random", side=64)


@pytest.fixture(scope="module")
def judge():
    return FrozenFeatures(NETWORK, ["layer1", "layer2"], "random")


def test_the_same_weights_are_found_at_other_layers(extractor, judge):
    assert extractor.weights_hash == judge.weights_hash
    other = FrozenFeatures(NETWORK, ["layer1"], "random", seed=1).identity
    assert training_overlap(extractor.identity, [other, judge.identity]) == [judge.identity]
    assert training_overlap(extractor.identity, [other]) == []
    assert training_overlap(extractor.identity, []) == []


def test_the_same_weights_are_found_in_another_place(extractor, judge):
    moved = judge.identity.replace("random, seed 0", "weights/resnet.pth")
    assert training_overlap(extractor.identity, [moved]) == [moved]
