"""Progress of a run, in clean images seen and optimiser steps, and running means for its log."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from .distributed import collectives


class TrainingProgress(nn.Module):
    """Counters, saved with the weights; Lightning's ``global_step`` counts every optimiser step of both networks.

    Attributes:
        images_seen: clean images on all ranks.
        generator_steps: steps of the generator, skipped ones included.
        critic_steps: steps of the critic; a lazy gradient penalty in an optimiser step of its own does not count.
        nonfinite_steps: optimiser steps skipped because the gradient was not finite.
        consecutive_nonfinite: the same in a row and up to now, by the name of the step.
        skipped_images: unreadable images, on all ranks up to the last ``gather``.
        seconds: spent in training steps.
    """

    def __init__(self) -> None:
        super().__init__()
        self.images_seen = 0
        self.generator_steps = 0
        self.critic_steps = 0
        self.nonfinite_steps = 0
        self.consecutive_nonfinite: dict[str, int] = {}
        self.skipped_images = 0
        self.seconds = 0.0
        self._skipped_here = 0

    @property
    def in_bad_stretch(self) -> bool:
        """Whether the last step of some kind had no finite gradient."""
        return any(self.consecutive_nonfinite.values())

    def skip(self, images: int) -> None:
        """Count images that this rank could not read."""
        self._skipped_here += images

    def gather(self) -> None:
        """Add up the images skipped by all ranks."""
        here, self._skipped_here = self._skipped_here, 0
        self.skipped_images += sum(collectives.all_gather(here))

    def get_extra_state(self) -> dict[str, Any]:
        return {name: copy.copy(getattr(self, name)) for name in COUNTERS}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        for name in COUNTERS:
            setattr(self, name, copy.copy(state[name]))


COUNTERS = (
    *("images_seen", "generator_steps", "critic_steps", "nonfinite_steps", "consecutive_nonfinite"),
    *("skipped_images", "seconds"),
)


class MeanTracker(nn.Module):
    """Running means over images by name, from float64 sums: the same for any micro-batches or number of ranks.

    ``add`` does not wait for the device; ``gather`` with several ranks, ``pop`` and saving do. Saved with the
    progress, so that a run continued between two log lines logs the same.
    """

    def __init__(self) -> None:
        super().__init__()
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._here: dict[str, tuple[Tensor, int]] = {}  # of this rank, since the last gather

    def add(self, name: str, value: Tensor, count: int) -> None:
        """Add a mean over ``count`` images, without its graph."""
        total = value.detach().double() * count
        if collectives.world_size() == 1:
            self._add(name, total, count)
        else:
            before, counted = self._here.get(name, (torch.zeros_like(total), 0))
            self._here[name] = before + total, counted + count

    def gather(self) -> None:
        """Give all ranks what each has added; before ``pop``, and before a checkpoint."""
        here = {name: (float(total), count) for name, (total, count) in self._here.items()}
        self._here = {}
        for added in collectives.all_gather(here):
            for name, (total, count) in added.items():
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
        return {"sums": dict(self._sums), "counts": dict(self._counts)}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        self._sums, self._counts = dict(state["sums"]), dict(state["counts"])
