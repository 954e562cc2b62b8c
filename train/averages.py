"""Means of logged scalars between two log lines, gathered without making the host wait for the device."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from . import ranks


class Averages(nn.Module):
    """Running means over images by name, from float64 sums: the same for any micro-batches or number of ranks.

    Saved with the clock, so that a run continued between two log lines logs the same.
    """

    def __init__(self) -> None:
        super().__init__()
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._here: dict[str, tuple[Tensor, int]] = {}  # of this rank, since the last gathering

    def add(self, name: str, value: Tensor, count: int) -> None:
        """Note a mean over ``count`` images, without its graph."""
        total = value.detach().double() * count
        if ranks.size() == 1:
            self._add(name, total, count)
        else:
            before, counted = self._here.get(name, (torch.zeros_like(total), 0))
            self._here[name] = before + total, counted + count

    def gather(self) -> None:
        """Add up what the ranks have noted, on all of them; before ``pop``, and before a checkpoint."""
        here = {name: (float(total), count) for name, (total, count) in self._here.items()}
        self._here = {}
        for noted in ranks.each(here):
            for name, (total, count) in noted.items():
                self._add(name, torch.tensor(total, dtype=torch.float64), count)

    def pop(self) -> dict[str, float]:
        """The means since the last call."""
        means = {name: float(total) / self._counts[name] for name, total in self._sums.items()}
        self._sums, self._counts = {}, {}
        return means

    def _add(self, name: str, total: Tensor, count: int) -> None:
        before = self._sums.get(name)
        self._sums[name] = total if before is None else before.to(total.device) + total
        self._counts[name] = self._counts.get(name, 0) + count

    def get_extra_state(self) -> dict[str, Any]:
        """For ``state_dict``."""
        return {"sums": dict(self._sums), "counts": dict(self._counts)}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """From ``load_state_dict``."""
        self._sums, self._counts = dict(state["sums"]), dict(state["counts"])
