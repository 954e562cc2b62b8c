"""The GAN step under Lightning: which images come next, when to validate, when the run is over.

Lightning gives the loop over batches, devices, precision, loggers and callbacks. Switched off, because two networks
with optimisers of their own, or an exact resume, need something else:

- automatic optimisation, gradient clipping and accumulation: ``GANStep`` does them, as Lightning asks for with several
  optimisers;
- ``global_step`` and ``max_steps``, which count the optimiser steps of both networks: everything here follows
  ``TrainingProgress.images_seen``, and an epoch is the stretch between two validations;
- ``ModelCheckpoint`` and ``fit(ckpt_path=)``: ``Checkpointing`` writes what an exact resume needs, and the same command
  continues a run;
- ``self.log``: it averages over an epoch, and ``MeanTracker`` over the images since the last log line; ``LogTerms``
  hands the means to the loggers;
- DDP's reduction, its sampler and the sanity validation: ``ManualReduceDDP``, the data module and ``sanity_check``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from ..checks import require_at_least
from ..data.datamodule import ImageDataModule
from ..data.degradation import Degradation, Verifiable, measure
from ..data.measurement import Measurement
from ..models.generator import Generator, is_deterministic
from ..rng import Rng
from .distributed import collectives
from .gan_step import GANStep
from .metrics.calibration import Calibration
from .metrics.consistency import JpegConsistency
from .metrics.distortion import Distortion
from .network_optimizer import NotFinite
from .runs.checkpoint import first_not_finite
from .sampling import GeneratorSampler, InferenceConfig


class SamplerModule(pl.LightningModule):
    """Trains until ``images`` clean images have been seen.

    Which images come next follows from the progress alone, so an interrupted run continues where it stopped.

    Args:
        gan_step: the algorithm and its state.
        data: where clean images come from.
        evaluation: how the average of the generator is validated.
        images: length of the run in clean images seen.
        log_every_images: distance of log lines.
        checkpoint_every_images: distance of checkpoints, besides those at each validation.

    Raises:
        ValueError: if one of the last three or ``evaluation.every_images`` is no multiple of the batch size, the ranks
            cannot share a batch equally, no image is held out, or more than one sample is wanted of a generator without
            z.
    """

    def __init__(
        self,
        gan_step: GANStep,
        data: ImageDataModule,
        evaluation: ValidationConfig,
        images: int,
        log_every_images: int,
        checkpoint_every_images: int,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        counts = {
            "dataset.batch_size": data.batch_size,
            "images": images,
            "log_every_images": log_every_images,
            "checkpoint_every_images": checkpoint_every_images,
            "evaluation.every_images": evaluation.every_images,
        }
        for name, count in counts.items():
            if count < 1 or count % data.batch_size:
                raise ValueError(f"{name} must be a multiple of dataset.batch_size ({data.batch_size}), got {count}")
        if data.batch_size % (ranks := collectives.world_size()):
            raise ValueError(f"dataset.batch_size must be a multiple of the {ranks} ranks, got {data.batch_size}")
        if not data.split.validation:
            raise ValueError("dataset.validation must hold at least 1 image to validate on, got none")
        _require_single_sample_without_z(gan_step, evaluation)
        self.gan_step, self.data, self.evaluation = gan_step, data, evaluation
        self.images, self.log_every_images = images, log_every_images
        self.checkpoint_every_images = checkpoint_every_images
        k = evaluation.samples_per_image
        self.quality, self.calibration = Distortion(k), Calibration(k) if k > 1 else None
        degradation = gan_step.degradation
        self.consistency = JpegConsistency(degradation) if isinstance(degradation, Verifiable) else None
        self.scores: dict[str, float] = {}
        self.seconds_waited = 0.0
        self._step_ended = self._idle_since = time.perf_counter()

    @property
    def images_seen(self) -> int:
        """Clean images on all ranks since the start of the run."""
        return self.gan_step.progress.images_seen

    def validation_is_due(self) -> bool:
        """Whether the next thing to happen is a validation."""
        return self.images_seen % self.evaluation.every_images == 0 or self.images_seen >= self.images

    def configure_optimizers(self) -> list[Optimizer]:
        return [network.optimizer for network in self.gan_step.networks.values()]

    def train_dataloader(self) -> DataLoader[Any]:
        """Images up to the next validation."""
        every, seen = self.evaluation.every_images, self.images_seen
        stop = min((seen // every + 1) * every, self.images)
        return self.data.train_loader(seen, stop, collectives.rank(), collectives.world_size())

    def val_dataloader(self) -> DataLoader[Any]:
        return self.data.evaluation_loader("validation", collectives.rank(), collectives.world_size())

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Move the images to the device; numbers and counts stay on the host, which then never waits to read them."""
        return batch | {"clean": super().transfer_batch_to_device(batch["clean"], device, dataloader_idx)}

    def on_train_start(self) -> None:
        self._step_ended = self._idle_since = time.perf_counter()

    def on_train_batch_start(self, batch: Any, batch_index: int) -> None:
        self.seconds_waited += time.perf_counter() - self._idle_since

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_index: int) -> None:
        self._idle_since = time.perf_counter()

    def training_step(self, batch: Mapping[str, Any], batch_index: int) -> None:
        self.gan_step.train_batch(batch["clean"].float() / 255, batch["number"].tolist())
        self.gan_step.progress.skip(int(batch["skipped"].sum()))
        now = time.perf_counter()
        self.gan_step.progress.seconds += now - self._step_ended
        self._step_ended = now

    def validation_step(self, batch: Mapping[str, Any], batch_index: int) -> dict[str, Tensor] | None:
        """Score one batch of held-out images; images and samples go to the callbacks."""
        if int(batch["number"][0]) % collectives.world_size() != collectives.rank():
            return None  # there are more ranks than images
        degradation = self.gan_step.degradation
        clean, measurement = self.evaluation.measure(degradation, batch)
        generator = cast(Generator, self.gan_step.ema.average)
        samples_KBCHW = self.evaluation.draw(generator, degradation, measurement, batch["number"])
        for metric in (self.quality, self.calibration, self.consistency):
            if metric is not None:
                metric.update(samples_KBCHW, clean, measurement)
        images = {"degraded": measurement.degraded, "samples_KBCHW": samples_KBCHW, "clean": clean}
        return images | {"number": batch["number"]}

    def on_validation_epoch_end(self) -> None:
        """Compute the scores of all ranks; penalties adapt their weights to the measured gain of averaging."""
        self.scores = {}
        for prefix, metric in (("", self.quality), ("", self.calibration), ("consistency/", self.consistency)):
            if metric is not None:
                found = {f"{prefix}{name}": score for name, score in metric.compute().items()}
                self.scores |= {name: score for name, score in found.items() if isinstance(score, int | float)}
                metric.reset()
        self._require_finite_scores()
        self.gan_step.adapt_weights(self.scores["gain_db"], self.scores["gain_db_exact"])

    def _require_finite_scores(self) -> None:
        """Raise ``NotFinite``, on all ranks, with what was the first not to be: a term, a weight, or a score."""
        score = next((name for name, score in self.scores.items() if not math.isfinite(score)), None)
        if score is None:
            return
        first = self.gan_step.first_nonfinite or first_not_finite(self.gan_step.state_dict()) or "itself"
        raise NotFinite(f"validation/{score} is not finite after {self.images_seen} images; the first was {first}")

    def on_train_epoch_end(self) -> None:
        self.trainer.should_stop = self.images_seen >= self.images


def _require_single_sample_without_z(gan_step: GANStep, evaluation: ValidationConfig) -> None:
    if not is_deterministic(cast(Generator, gan_step.generator)):
        return
    asked = {"evaluation": evaluation.samples_per_image}
    asked |= {f"penalty.{name}": penalty.samples_per_image for name, penalty in gan_step.penalties.items()}
    for part, count in asked.items():
        if count > 1:
            raise ValueError(f"{part}.samples_per_image must be 1 for a deterministic generator, got {count}")


PIXELS_PER_PASS = 2**18
"""Of all samples that a validation decodes at once: what keeps a device busy, in little memory."""


@dataclass(frozen=True)
class ValidationConfig:
    """When and with how many samples to validate.

    Measurement and latents of image i are functions of (seed, i) alone and are drawn on the CPU: the same for any
    batch size, number of workers, rank or device, and for runs that differ in their training seed. The seed of the
    samples of image i is seed + i, as in an evaluation.

    Attributes:
        samples_per_image: K; 1 for a deterministic restorer.
        every_images: validate each time so many clean images have been seen, and at the end.
        seed: of the measurements and of the latents.
    """

    samples_per_image: int
    every_images: int
    seed: int = 0

    def __post_init__(self) -> None:
        counts = {"evaluation.samples_per_image": self.samples_per_image, "evaluation.every_images": self.every_images}
        require_at_least(1, **counts)

    def measure(self, degradation: Degradation, batch: Mapping[str, Any]) -> tuple[Tensor, Measurement]:
        """Clean images in [0, 1] and their measurements, on the device of the batch."""
        images = batch["clean"].float() / 255
        rng = Rng(self.seed, "evaluation", batch["number"].tolist())
        clean, measurement = measure(degradation, images.cpu(), rng)
        return clean.to(images.device), measurement.to(images.device)

    def draw(self, generator: Generator, degradation: Degradation, measurement: Measurement, numbers: Tensor) -> Tensor:
        """K projected samples (K, B, C, H, W) in fp32."""
        seeds = [self.seed + number for number in numbers.tolist()]
        bf16 = torch.is_autocast_enabled(measurement.degraded.device.type)
        pixels = measurement.degraded[:, 0].numel()
        config = InferenceConfig(max(1, PIXELS_PER_PASS // pixels), "bf16" if bf16 else "fp32")
        return GeneratorSampler(generator, degradation, config).restore(measurement, self.samples_per_image, seeds)
