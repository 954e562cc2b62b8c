"""Time of a run, in the two units everything is a function of: clean images seen and generator steps."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from .distributed import collectives


@dataclass
class Times:
    """What the clock reads."""

    images_seen: int = 0
    generator_steps: int = 0
    critic_steps: int = 0
    nonfinite_steps: int = 0
    skipped_images: int = 0  # of all ranks, up to the last gathering
    seconds: float = 0.0
    nonfinite_in_a_row: dict[str, int] = field(default_factory=dict)  # by move: a player, or gradient_penalty_critic


class TrainingProgress(nn.Module):
    """Own clocks, saved with the weights; Lightning's ``global_step`` counts every optimiser step of both players."""

    def __init__(self) -> None:
        super().__init__()
        self.times = Times()
        self._skipped_here = 0

    def skip(self, images: int) -> None:
        """Note images that this rank could not read."""
        self._skipped_here += images

    def gather(self) -> None:
        """Add up what the ranks have noted."""
        here, self._skipped_here = self._skipped_here, 0
        self.times.skipped_images += sum(collectives.all_gather(here))

    def get_extra_state(self) -> dict[str, Any]:
        """For ``state_dict``: plain numbers, so that a checkpoint loads without running code."""
        return asdict(self.times)

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """From ``load_state_dict``."""
        self.times = Times(**state)


class MeanTracker(nn.Module):
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
        if collectives.world_size() == 1:
            self._add(name, total, count)
        else:
            before, counted = self._here.get(name, (torch.zeros_like(total), 0))
            self._here[name] = before + total, counted + count

    def gather(self) -> None:
        """Add up what the ranks have noted, on all of them; before ``pop``, and before a checkpoint."""
        here = {name: (float(total), count) for name, (total, count) in self._here.items()}
        self._here = {}
        for noted in collectives.all_gather(here):
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
