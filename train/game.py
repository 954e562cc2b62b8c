"""The algorithm: a generator that samples the posterior, and a critic that looks for the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ..bounds import require_at_least
from ..data.degradation import Degradation, project_samples
from ..data.measurement import Measurement
from ..losses.adversarial.objective import Adversarial
from ..losses.penalty import Penalty
from ..losses.term import Term, Terms
from ..models.generator import Generator, draw_samples
from ..rng import Rng
from .averages import Averages
from .clock import Clock
from .ema import Ema
from .lazy import correct_for_lazy_steps
from .player import Player
from .schedule import Schedule

MakeOptimizer = Callable[[Iterable[nn.Parameter]], Optimizer]


class NonfiniteGradients(RuntimeError):
    """Too many moves of a player in a row had a gradient that is not finite."""


class Game(nn.Module):
    """Generator against critic, with penalties on the sample set; without a critic, plain regression (the MMSE twin).

    A batch is played so: K samples of each image are drawn once; the generator moves against a critic that has not seen
    them; the critic moves on the same samples, without their graph; the average of the generator follows. All
    randomness is a function of (seed, number of the image).

    Args:
        generator: what is trained; the seam is models/generator.py.
        degradation: clean images to measurements, on the device of the images.
        penalties: on the sample set, by their log name.
        generator_optimizer: parameters -> optimiser.
        ema: average of the generator, used by validation and export.
        schedule: images seen -> factor on the learning rates.
        seed: of the run.
        critic: (image, condition) -> (B,); None for a game of one.
        adversarial: the objective of the game; goes with the critic.
        critic_optimizer: parameters -> optimiser; goes with the critic.
        generator_clip_norm: largest norm of the generator's gradient; None does not clip.
        critic_clip_norm: the same for the critic; clipping weakens a lazy R1, whose gradient is rare and large.
        micro_batch: images a forward pass, gradients add up to those of the whole batch; None takes all at once.
        project: whether samples are made consistent with their measurement before they are judged, as they are when
            the generator is used.
        alternate: True: a batch serves one player, the critic first (PSCGAN); False: it serves both.
        nonfinite_limit: so many moves of a player in a row without a finite gradient end the run.

    Raises:
        ValueError: if critic and objective do not come together, or a count is out of range.
    """

    def __init__(
        self,
        generator: nn.Module,
        degradation: Degradation,
        penalties: Mapping[str, Penalty],
        generator_optimizer: MakeOptimizer,
        ema: Ema,
        schedule: Schedule,
        seed: int,
        critic: nn.Module | None = None,
        adversarial: Adversarial | None = None,
        critic_optimizer: MakeOptimizer | None = None,
        generator_clip_norm: float | None = None,
        critic_clip_norm: float | None = None,
        micro_batch: int | None = None,
        project: bool = True,
        alternate: bool = False,
        nonfinite_limit: int = 20,
    ) -> None:
        super().__init__()
        if (critic is None) != (adversarial is None):
            raise ValueError("critic and adversarial come together: choose both, or null for both")
        if adversarial is None and (alternate or not penalties):
            raise ValueError("without a critic there must be a penalty to train by, and alternate must be false")
        require_at_least(1, nonfinite_limit=nonfinite_limit)
        if micro_batch is not None:
            require_at_least(1, micro_batch=micro_batch)
        self.generator, self.critic, self.adversarial = generator, critic, adversarial
        self.penalties = nn.ModuleDict(penalties)
        self.degradation, self.schedule, self.seed = degradation, schedule, seed
        self.project, self.alternate, self.micro_batch = project, alternate, micro_batch
        self.nonfinite_limit = nonfinite_limit
        self.ema, self.clock, self.averages = ema, Clock(), Averages()
        self.ema.start(generator)
        optimizer = generator_optimizer(generator.parameters())
        self.players = {"generator": Player(generator, optimizer, generator_clip_norm)}
        if critic is not None and critic_optimizer is not None:
            optimizer = critic_optimizer(critic.parameters())
            if adversarial is not None and adversarial.slope is not None:
                correct_for_lazy_steps(optimizer, adversarial.slope.every_critic_steps)
            self.players["critic"] = Player(critic, optimizer, critic_clip_norm)

    def play(self, clean: Tensor, numbers: Tensor) -> None:
        """One batch: clean images (B, C, H, W) in [0, 1] and their numbers (B,) in the stream of images seen."""
        times = self.clock.times
        measurement = self.degradation(clean, Rng(self.seed, "degradation", numbers.tolist(), clean.device))
        critic_only = self.alternate and times.critic_steps == times.generator_steps
        if critic_only:
            fakes = self._draw_without_graph(measurement, numbers)
        else:
            fakes = self._move_generator(clean, measurement, numbers)
        if self.critic is not None and (critic_only or not self.alternate):
            self._move_critic(clean, measurement, numbers, fakes)
        times.images_seen += len(clean)

    def _move_generator(self, clean: Tensor, measurement: Measurement, numbers: Tensor) -> list[Tensor]:
        """Adversarial term, penalties, step, average; returns one sample of each image, by part."""
        times, fakes = self.clock.times, []
        for part in self._parts(len(clean)):
            fake, terms = self._generator_terms(clean[part], measurement[part], numbers[part], part, len(clean))
            self._backward("generator", terms)
            fakes.append(fake.detach())
        if self._step("generator"):
            batches = 2 if self.alternate else 1
            self.ema.update(self.generator, batches * len(clean), times.images_seen + len(clean))
        times.generator_steps += 1
        return fakes

    def _generator_terms(
        self, clean: Tensor, measurement: Measurement, numbers: Tensor, part: slice, batch_size: int
    ) -> tuple[Tensor, Terms]:
        """One sample of each image of this part of the batch, and what the generator minimises on it."""
        steps = self.clock.times.generator_steps
        counts = {
            name: (penalty, n)
            for name, penalty in self.penalties.items()
            if isinstance(penalty, Penalty)
            and penalty.is_due(steps)
            and (n := penalty.count(batch_size, part.start, part.stop))
        }
        num_samples = max((penalty.samples_per_image for penalty, _ in counts.values()), default=1)
        num_penalised = max((n for _, n in counts.values()), default=0)
        samples_KnCHW, fake = self._draw(measurement, numbers, num_samples, num_penalised)
        terms: Terms = {}
        if self.critic is not None and self.adversarial is not None:
            self.critic.requires_grad_(False)
            terms = self.adversarial.generator_terms(self.critic, clean, fake, measurement.condition)
            terms = _share(terms, len(clean) / batch_size)
        for name, (penalty, n) in counts.items():
            value = penalty(samples_KnCHW[:, :n], clean[:n], measurement[:n])
            terms |= _share({name: Term(value, penalty.weight)}, n / penalty.count(batch_size))
        return fake, terms

    def _move_critic(self, clean: Tensor, measurement: Measurement, numbers: Tensor, fakes: list[Tensor]) -> None:
        """Adversarial terms of the critic on samples without a graph, the price on its slope when due, its steps."""
        assert self.critic is not None
        assert self.adversarial is not None
        critic, adversarial, slope, times = self.critic, self.adversarial, self.adversarial.slope, self.clock.times
        critic.requires_grad_(True)
        rng = Rng(self.seed, "critic", numbers.tolist(), clean.device)
        parts = [
            (rng[part], (critic, clean[part], fake, measurement[part].condition), len(fake) / len(clean))
            for part, fake in zip(self._parts(len(clean)), fakes, strict=True)
        ]
        for _, seen, share in parts:
            self._backward("critic", _share(adversarial.critic_terms(*seen), share))
        if slope is not None and times.critic_steps % slope.every_critic_steps == 0:
            if slope.every_critic_steps > 1:
                self._step("critic")
            for rng_part, seen, share in parts:
                terms = slope(*seen, rng_part, times.images_seen)
                self._backward("critic", _share(terms, slope.every_critic_steps * share))
            self._step("critic", "slope_" if slope.every_critic_steps > 1 else "")
        else:
            self._step("critic")
        times.critic_steps += 1

    def _draw(
        self, measurement: Measurement, numbers: Tensor, num_samples: int = 1, num_images: int = 0
    ) -> tuple[Tensor, Tensor]:
        """K samples of the first n images, (K, n, C, H, W), and one sample of every image, (B, C, H, W)."""
        rng, condition = Rng(self.seed, "latent", numbers.tolist(), measurement.degraded.device), measurement.condition
        n = num_images
        groups = [(slice(0, n), num_samples), (slice(n, len(condition)), 1)]
        drawn = []
        for group, k in groups:
            if group.start < group.stop:
                samples = draw_samples(cast(Generator, self.generator), condition[group], k, rng[group])
                if self.project:
                    samples = project_samples(self.degradation, samples, measurement[group])
                drawn.append(samples)
        return drawn[0], torch.cat([samples[0] for samples in drawn])

    @torch.no_grad()
    def _draw_without_graph(self, measurement: Measurement, numbers: Tensor) -> list[Tensor]:
        """One sample of each image, by part."""
        return [self._draw(measurement[part], numbers[part])[1] for part in self._parts(len(numbers))]

    def _parts(self, batch_size: int) -> Iterator[slice]:
        """The micro-batches of a batch."""
        size = self.micro_batch or batch_size
        for start in range(0, batch_size, size):
            yield slice(start, min(start + size, batch_size))

    def _backward(self, player: str, terms: Terms) -> None:
        """Add the gradient of the weighted sum; note every unweighted term under player/name."""
        loss = torch.stack([term.weight * term.value for term in terms.values()]).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        for name, term in terms.items():
            self.averages.add(f"{player}/{name}", term.value)

    def _step(self, name: str, kind: str = "") -> bool:
        """Step a player at the scheduled rate; count a gradient that is not finite, and whether it was finite."""
        times, move = self.clock.times, f"{kind}{name}"
        norm = self.players[name].move(self.schedule(times.images_seen))
        if norm is not None:
            self.averages.add(f"{name}/{kind}gradient_norm", norm)
            times.nonfinite_in_a_row[move] = 0
            return True
        times.nonfinite_steps += 1
        in_a_row = times.nonfinite_in_a_row[move] = times.nonfinite_in_a_row.get(move, 0) + 1
        if in_a_row >= self.nonfinite_limit:
            raise NonfiniteGradients(
                f"{in_a_row} moves of the {move} in a row (nonfinite_limit) had a gradient that is not finite, "
                f"the last one after {times.images_seen} images"
            )
        return False


def _share(terms: Terms, share: float) -> Terms:
    """Terms of a part of the batch, weighted so that the parts add up to the whole."""
    return {name: Term(value, weight * share) for name, (value, weight) in terms.items()}
