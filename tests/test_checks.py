"""Arguments out of range."""

import pytest

from pscgan.checks import require_at_least


def test_the_first_argument_below_is_named_and_the_bound_itself_is_allowed():
    require_at_least(1, width=1, levels=2)
    with pytest.raises(ValueError, match=r"^levels must be >= 1, got 0$"):
        require_at_least(1, width=1, levels=0, blocks=-1)


def test_not_a_number_is_out_of_range():
    with pytest.raises(ValueError, match="weight must be >= 0, got nan"):
        require_at_least(0, weight=float("nan"))
