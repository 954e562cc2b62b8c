"""The game under Lightning: which images come next, when to validate, when it is over."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import pytorch_lightning as pl
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from ..checks import require_at_least
from ..data.datamodule import ImageDataModule
from ..data.degradation import Degradation, Verifiable, measure
from ..data.measurement import Measurement
from ..losses.penalty import Adaptive, PenaltySchedule
from ..models.generator import Generator, is_deterministic
from ..rng import Rng
from .distributed import collectives
from .gan_step import GANStep
from .metrics.distortion import Distortion
from .metrics.jpeg_consistency import JpegConsistency
from .sampling import GeneratorSampler


class SamplerModule(pl.LightningModule):
    """Plays the game until ``images`` clean images have been seen.

    One epoch of Lightning is the stretch between two validations. Which images it trains on follows from the clock
    alone, so a run that was interrupted goes on where it stopped.

    Args:
        game: the algorithm and its state.
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
        game: GANStep,
        data: ImageDataModule,
        evaluation: ValidationConfig,
        images: int,
        log_every_images: int,
        checkpoint_every_images: int,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        clocks = {
            "images": images,
            "log_every_images": log_every_images,
            "checkpoint_every_images": checkpoint_every_images,
            "evaluation.every_images": evaluation.every_images,
        }
        for name, count in clocks.items():
            if count < 1 or count % data.batch_size:
                raise ValueError(f"{name} is {count}; allowed is a multiple of dataset.batch_size ({data.batch_size})")
        if data.batch_size % collectives.world_size():
            raise ValueError(
                f"dataset.batch_size is {data.batch_size}; allowed is a multiple of {collectives.world_size()} ranks"
            )
        if not data.split.validation:
            raise ValueError("dataset.validation is empty; allowed is at least 1 image to validate on")
        _require_samples(game, evaluation)
        self.game, self.data, self.evaluation = game, data, evaluation
        self.images, self.log_every_images = images, log_every_images
        self.checkpoint_every_images = checkpoint_every_images
        self.quality = Distortion(evaluation.samples_per_image)
        degradation = game.degradation
        self.consistency = JpegConsistency(degradation) if isinstance(degradation, Verifiable) else None
        self.scores: dict[str, float] = {}
        self.pruned = False
        self.seconds_waited = 0.0
        self._mark = self._idle_since = time.perf_counter()

    @property
    def images_seen(self) -> int:
        """The clock of the run."""
        return self.game.clock.times.images_seen

    def validation_is_due(self) -> bool:
        """Whether the next thing to happen is a validation."""
        return self.images_seen % self.evaluation.every_images == 0 or self.images_seen >= self.images

    def end_here(self) -> None:
        """Let the validation that has just been be the last one; the result says so."""
        self.images, self.pruned = self.images_seen, True

    def adapted_weights(self) -> dict[str, float]:
        """Weights that penalties adapt during the run, by log name."""
        return {
            f"generator/{name}/{weight}": float(value)
            for name, penalty in self.game.penalties.items()
            for module in penalty.modules()
            if isinstance(module, Adaptive) and isinstance(module, nn.Module)
            for weight, value in module.named_buffers(recurse=False)
        }

    def configure_optimizers(self) -> list[Optimizer]:
        """The players' own, which they step themselves."""
        return [player.optimizer for player in self.game.players.values()]

    def train_dataloader(self) -> DataLoader[Any]:
        """From the images seen up to the next validation."""
        every, seen = self.evaluation.every_images, self.images_seen
        return self.data.train_loader(
            seen, min((seen // every + 1) * every, self.images), collectives.rank(), collectives.world_size()
        )

    def val_dataloader(self) -> DataLoader[Any]:
        """This rank's share of the images held out for validation."""
        return self.data.evaluation_loader("validation", collectives.rank(), collectives.world_size())

    def on_train_start(self) -> None:
        """Start the stopwatches."""
        self._mark = self._idle_since = time.perf_counter()

    def on_train_batch_start(self, batch: Any, batch_index: int) -> None:
        """The batch has come."""
        self.seconds_waited += time.perf_counter() - self._idle_since

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_index: int) -> None:
        """From here on this process waits for the next batch."""
        self._idle_since = time.perf_counter()

    def training_step(self, batch: Mapping[str, Any], batch_index: int) -> None:
        """Play one batch."""
        times = self.game.clock.times
        self.game.play(batch["clean"].float() / 255, batch["number"])
        self.game.clock.skip(int(batch["skipped"].sum()))
        now = time.perf_counter()
        times.seconds, self._mark = times.seconds + now - self._mark, now

    def validation_step(self, batch: Mapping[str, Any], batch_index: int) -> dict[str, Tensor] | None:
        """Score one batch of held-out images; what was drawn goes to the callbacks."""
        if int(batch["number"][0]) % collectives.world_size() != collectives.rank():
            return None  # there are more ranks than images
        clean, measurement = self.evaluation.measure(self.game.degradation, batch)
        generator = cast(Generator, self.game.ema.average)
        degradation = self.game.degradation
        samples_KBCHW = self.evaluation.draw(generator, degradation, measurement, batch["number"])
        self.quality.update(samples_KBCHW, clean, measurement)
        if self.consistency is not None:
            self.consistency.update(samples_KBCHW, clean, measurement)
        shown = {"degraded": measurement.degraded, "samples_KBCHW": samples_KBCHW, "clean": clean}
        return shown | {"number": batch["number"]}

    def on_validation_epoch_end(self) -> None:
        """Sum up, over all ranks; penalties that follow the measured gain of averaging are told it."""
        self.scores = self.quality.compute()
        self.quality.reset()
        if self.consistency is not None:
            figures = self.consistency.compute()
            self.scores |= {f"consistency/{name}": figure for name, figure in figures.items()}
            self.consistency.reset()
        self.game.adapt(self.scores["gain_db"], self.scores["gain_db_exact"])

    def on_train_epoch_end(self) -> None:
        """Validation has just been; stop when all images have been seen."""
        self.trainer.should_stop = self.images_seen >= self.images


def _require_samples(game: GANStep, evaluation: ValidationConfig) -> None:
    """Whoever asks a generator without z for more than the one sample it has learns so before the run starts."""
    wanted = {"evaluation": evaluation.samples_per_image} | {
        f"penalty.{name}": penalty.samples_per_image
        for name, penalty in game.penalties.items()
        if isinstance(penalty, PenaltySchedule)
    }
    deterministic = is_deterministic(cast(Generator, game.generator))
    for part, count in wanted.items():
        if deterministic and count > 1:
            raise ValueError(f"{part}.samples_per_image is {count}; allowed for a deterministic generator is 1")


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
        return GeneratorSampler(generator, degradation).restore(measurement, self.samples_per_image, seeds)
