"""What an objective hands to the training step."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Term(NamedTuple):
    """A scalar of the objective: logged as it is, minimised times its weight."""

    value: Tensor
    weight: float = 1.0


Terms = dict[str, Term]
