"""Means of logged scalars between two log lines, gathered without making the host wait for the device."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Averages(nn.Module):
    """Running means by name; saved with the clock, so that a run continued between two log lines logs the same."""

    def __init__(self) -> None:
        super().__init__()
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, name: str, value: Tensor) -> None:
        """Note one value, without its graph."""
        value = value.detach().float()
        self._sums[name] = self._sums[name].to(value.device) + value if name in self._sums else value
        self._counts[name] = self._counts.get(name, 0) + 1

    def pop(self) -> dict[str, float]:
        """The means since the last call."""
        if not self._sums:
            return {}
        sums = torch.stack(list(self._sums.values())).tolist()
        means = {name: total / self._counts[name] for name, total in zip(self._sums, sums, strict=True)}
        self._sums, self._counts = {}, {}
        return means

    def get_extra_state(self) -> dict[str, Any]:
        """For ``state_dict``."""
        return {"sums": dict(self._sums), "counts": dict(self._counts)}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """From ``load_state_dict``."""
        self._sums, self._counts = dict(state["sums"]), dict(state["counts"])
