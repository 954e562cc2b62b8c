"""Arguments out of range."""

import numpy as np
import pytest
import torch

from pscgan.checks import closest, require_at_least, require_in, whole_number


def test_the_first_argument_below_is_named_and_the_bound_itself_is_allowed():
    require_at_least(1, width=1, levels=2)
    with pytest.raises(ValueError, match=r"^levels must be >= 1, got 0$"):
        require_at_least(1, width=1, levels=0, blocks=-1)


def test_not_a_number_is_out_of_range():
    with pytest.raises(ValueError, match="weight must be >= 0, got nan"):
        require_at_least(0, weight=float("nan"))


def test_whole_numbers_of_any_library_are_numbers_of_python():
    for seven in (7, np.int8(7), np.uint64(7), np.array(7), torch.tensor(7)):
        number = whole_number("k", seven, 7)
        assert (number, type(number)) == (7, int)
    for wrong in (None, True, np.False_, torch.tensor(True), 7.0, "7", [7], torch.tensor([7, 7]), 6):
        with pytest.raises(ValueError, match="k must be a whole number >= 7, got"):
            whole_number("k", wrong, 7)
    with pytest.raises(ValueError, match=r"^k must be a whole number, got None$"):
        whole_number("k", None)


def test_what_is_no_number_is_in_no_interval():
    for wrong in (None, "1", [1], np.ones(2), torch.ones(2), float("nan")):
        with pytest.raises(ValueError, match=r"weight must be a number in \[0, 2\), got"):
            require_in("[0, 2)", weight=wrong)


def test_a_long_list_is_cut():
    said = closest("zz", (f"name{number}" for number in range(1000)))
    assert said.startswith("; there are name0, name1,")
    assert said.endswith(", ...")
    assert len(said) < 500
