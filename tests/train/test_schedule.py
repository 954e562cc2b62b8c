"""Learning rates are functions of the images seen."""

import pytest

from pscgan.train.schedule import Schedule


def test_warms_up_and_ends_at_the_floor():
    schedule = Schedule(images=1000, warmup_images=100, floor=0.1)
    assert schedule(0) == pytest.approx(0.01)
    assert schedule(99) == pytest.approx(1.0)
    assert schedule(100) == pytest.approx(1.0)
    assert schedule(550) == pytest.approx(0.55)
    assert schedule(1000) == pytest.approx(0.1)
    assert schedule(5000) == pytest.approx(0.1)


def test_is_constant_by_default():
    assert {Schedule(images=10)(seen) for seen in range(12)} == {1.0}


@pytest.mark.parametrize(
    ("arguments", "named"), [({"warmup_images": 10}, "warmup_images .* got 10"), ({"floor": 1.5}, "floor .* got 1.5")]
)
def test_bad_arguments_are_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        Schedule(images=10, **arguments)
