"""The algorithm: a generator that samples the posterior, and a critic that looks for the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ..checks import require_at_least
from ..data.degradation import Degradation, measure
from ..data.measurement import Measurement
from ..losses.adversarial import Adversarial
from ..losses.penalty import Adaptive, GeneratorPenalty, PenaltySchedule, Term, Terms
from ..models.generator import Generator, is_deterministic
from ..rng import Rng
from .distributed import collectives
from .distributed.collectives import sum_over_ranks
from .ema import Ema
from .progress import MeanTracker, TrainingProgress
from .sampling import ProjectedDecoder, SampleBatch
from .schedule import Schedule

MakeOptimizer = Callable[[Iterable[nn.Parameter]], Optimizer]
Due = dict[str, tuple[PenaltySchedule, int]]
"""Penalties by name, each with the count of images of a part of the batch it is applied to."""
Shared = dict[str, tuple[Term, int, int]]
"""Terms that are means over some images of a batch: how many, and of how many."""


class NonfiniteGradients(RuntimeError):
    """Too many moves of a player in a row had a gradient that is not finite."""


class CriticBatch(NamedTuple):
    """What the critic judges of a part of the batch, without its graph."""

    sample: Tensor
    """One sample of each image, (B, C, H, W)."""
    other: Tensor | None
    """Another one for a critic of pairs."""


class GANStep(nn.Module):
    """Generator against critic, with penalties on the sample set; without a critic, plain regression (the MMSE twin).

    A batch is played so: K samples of each image are drawn once; the generator moves against a critic that has not seen
    them; the critic moves on the same samples, without their graph; the average of the generator follows. All
    randomness is a function of (seed, number of the image).

    Args:
        generator: what is trained; the seam is models/generator.py.
        degradation: clean images to measurements, on the device of the images.
        penalties: on the sample set or on the generator, by their log name.
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
        samples_per_pass: samples of an image whose graph is held at once, the gradient being that of all K; decoding is
            then paid for twice. None holds all.
        project: whether samples are made consistent with their measurement before they are judged, as they are when
            the generator is used.
        paired: whether the critic is also shown another sample x̂₂ of the same y: D(x̂₁ | y, x̂₂) against D(x | y, x̂₂), so
            that it sees at once where samples do not differ. At equilibrium (x, x̂₂) and (x̂₁, x̂₂) have one law given y,
            so x̂ has that of x. After Adler and Öktem (arXiv 1811.05910), where gradients reach both samples and the
            truth stands in either place; here x̂₂ is part of the condition.
        alternate: True: a batch serves one player, the critic first (PSCGAN); False: it serves both.
        nonfinite_limit: so many moves of a player in a row without a finite gradient end the run.

    Raises:
        ValueError: if critic and objective do not come together, pairs are wanted without a critic or of a
            deterministic generator, or a count is out of range.
    """

    def __init__(
        self,
        generator: nn.Module,
        degradation: Degradation,
        penalties: Mapping[str, PenaltySchedule],
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
        samples_per_pass: int | None = None,
        project: bool = True,
        paired: bool = False,
        alternate: bool = False,
        nonfinite_limit: int = 20,
    ) -> None:
        super().__init__()
        if (critic is None) != (adversarial is None):
            raise ValueError("critic and adversarial come together: choose both, or null for both")
        if adversarial is None and (alternate or not penalties):
            raise ValueError("without a critic there must be a penalty to train by, and alternate must be false")
        require_at_least(1, nonfinite_limit=nonfinite_limit)
        for name, count in (("micro_batch", micro_batch), ("samples_per_pass", samples_per_pass)):
            if count is not None:
                require_at_least(1, **{name: count})
        if paired and (critic is None or is_deterministic(cast(Generator, generator))):
            raise ValueError("paired is true; allowed with a critic and a generator that is not deterministic")
        self.generator, self.critic, self.adversarial = generator, critic, adversarial
        self.penalties = nn.ModuleDict(penalties)
        self.degradation, self.schedule, self.seed = degradation, schedule, seed
        self.alternate, self.paired = alternate, paired
        self.micro_batch, self.samples_per_pass = micro_batch, samples_per_pass
        self.decoder = ProjectedDecoder(cast(Generator, generator), degradation, project)
        self.nonfinite_limit = nonfinite_limit
        self.ema, self.clock, self.averages = ema, TrainingProgress(), MeanTracker()
        self.ema.start(generator)
        optimizer = generator_optimizer(generator.parameters())
        self.players = {"generator": NetworkOptimizer(generator, optimizer, generator_clip_norm)}
        if critic is not None and critic_optimizer is not None:
            optimizer = critic_optimizer(critic.parameters())
            if adversarial is not None and adversarial.gradient_penalty is not None:
                scale_adam_for_lazy_regularization(optimizer, adversarial.gradient_penalty.every_critic_steps)
            self.players["critic"] = NetworkOptimizer(critic, optimizer, critic_clip_norm)

    def play(self, images: Tensor, numbers: Tensor) -> None:
        """One batch: images in [0, 1] as ``measure`` takes them, and their numbers (B,) in the stream of images seen.

        Where several ranks play, each is given its share of the batch: the first B images on rank 0, and so on.
        """
        times = self.clock.times
        rng = Rng(self.seed, "degradation", numbers.tolist(), images.device)
        clean, measurement = measure(self.degradation, images, rng)
        critic_only = self.alternate and times.critic_steps == times.generator_steps
        if critic_only:
            fakes = self._draw_without_graph(measurement, numbers)
        else:
            fakes = self._move_generator(clean, measurement, numbers)
        if self.critic is not None and (critic_only or not self.alternate):
            self._move_critic(clean, measurement, numbers, fakes)
        times.images_seen += self._whole(clean)

    def gather(self) -> None:
        """Add up over the ranks what each has noted, so that every one of them holds the state of the run."""
        self.averages.gather()
        self.clock.gather()

    def adapt(self, gain_db: float, gain_db_exact: float) -> None:
        """Penalties whose weight follows the gain of averaging are told it: as measured, and of exact samples."""
        for module in self.penalties.modules():
            if isinstance(module, Adaptive):
                module.adapt(gain_db, gain_db_exact)

    def _move_generator(self, clean: Tensor, measurement: Measurement, numbers: Tensor) -> list[CriticBatch]:
        """Adversarial term, penalties, step, average; returns what the critic will judge, by part."""
        times, whole, fakes = self.clock.times, self._whole(clean), []
        for part in self._parts(len(clean)):
            due = self._due(len(clean), part)
            drawn = self._draw(measurement[part], numbers[part], due)
            fakes.append(self._fakes(drawn))
            terms = self._adversarial_terms(drawn, fakes[-1], clean[part], measurement[part], whole)
            terms |= self._penalty_terms(drawn, due, clean[part], measurement[part], numbers[part], whole)
            self._backward("generator", terms)
            drawn.backward()
        if self._step("generator"):
            batches = 2 if self.alternate else 1
            self.ema.update(self.generator, batches * whole, times.images_seen + whole)
        times.generator_steps += 1
        return fakes

    def _due(self, batch_size: int, part: slice) -> Due:
        """Penalties due at this step, and on how many images of this part of this rank's share of the batch."""
        steps, before = self.clock.times.generator_steps, collectives.rank() * batch_size
        return {
            name: (penalty, n)
            for name, penalty in self.penalties.items()
            if isinstance(penalty, PenaltySchedule)
            and penalty.is_due(steps)
            and (n := penalty.count(collectives.world_size() * batch_size, before + part.start, before + part.stop))
        }

    def _adversarial_terms(
        self, drawn: SampleBatch, fakes: CriticBatch, clean: Tensor, measurement: Measurement, batch_size: int
    ) -> Shared:
        """The game's side of the generator, on one sample of each image of a part of the batch."""
        if self.critic is None or self.adversarial is None:
            return {}
        self.critic.requires_grad_(False)
        condition = critic_condition(measurement, fakes)
        terms = self.adversarial.generator_terms(self.critic, clean, drawn.sample(0), condition)
        return _share(terms, len(clean), batch_size)

    def _penalty_terms(
        self, drawn: SampleBatch, due: Due, clean: Tensor, measurement: Measurement, numbers: Tensor, batch_size: int
    ) -> Shared:
        """Each penalty on its K samples of its n images."""
        terms: Shared = {}
        for name, (penalty, n) in due.items():
            samples_KnCHW = drawn.samples_KnCHW[:, :n]
            if isinstance(penalty, GeneratorPenalty):
                restore = partial(drawn.restore, num_samples=penalty.samples_per_image)
                rng = Rng(self.seed, f"penalty {name}", numbers[:n].tolist(), clean.device)
                value = penalty(restore, samples_KnCHW, measurement[:n].condition, rng)
            else:
                value = penalty(samples_KnCHW, clean[:n], measurement[:n])
            terms |= _share({name: Term(value, penalty.weight)}, n, penalty.count(batch_size))
        return terms

    def _move_critic(self, clean: Tensor, measurement: Measurement, numbers: Tensor, fakes: list[CriticBatch]) -> None:
        """Adversarial terms of the critic on samples without a graph, its gradient penalty when due, its steps."""
        assert self.critic is not None
        assert self.adversarial is not None
        critic, adversarial, times = self.critic, self.adversarial, self.clock.times
        gradient_penalty = adversarial.gradient_penalty
        critic.requires_grad_(True)
        rng, whole = Rng(self.seed, "critic", numbers.tolist(), clean.device), self._whole(clean)
        parts = [
            (rng[part], (critic, clean[part], fake.sample, critic_condition(measurement[part], fake)))
            for part, fake in zip(self._parts(len(clean)), fakes, strict=True)
        ]
        for rng_part, seen in parts:
            self._backward("critic", _share(adversarial.critic_terms(*seen), len(rng_part), whole))
        if gradient_penalty is not None and times.critic_steps % gradient_penalty.every_critic_steps == 0:
            lazy = gradient_penalty.every_critic_steps > 1
            if lazy:
                self._step("critic")
            for rng_part, seen in parts:
                terms = _share(gradient_penalty(*seen, rng_part, times.images_seen), len(rng_part), whole)
                self._backward("critic", terms, gradient_penalty.every_critic_steps)
            self._step("critic", "gradient_penalty_" if lazy else "")
        else:
            self._step("critic")
        times.critic_steps += 1

    def _draw(self, measurement: Measurement, numbers: Tensor, due: Due) -> SampleBatch:
        """As many samples of as many images of a part of the batch as anything due wants."""
        return SampleBatch(
            self.decoder,
            measurement,
            Rng(self.seed, "latent", numbers.tolist(), measurement.degraded.device),
            num_samples=max((penalty.samples_per_image for penalty, _ in due.values()), default=1),
            num_images=max((n for _, n in due.values()), default=0),
            num_others=2 if self.paired else 1,
            samples_per_pass=self.samples_per_pass,
        )

    def _fakes(self, drawn: SampleBatch) -> CriticBatch:
        """What the critic judges, without its graph."""
        return CriticBatch(drawn.sample(0).detach(), drawn.sample(1).detach() if self.paired else None)

    @torch.no_grad()
    def _draw_without_graph(self, measurement: Measurement, numbers: Tensor) -> list[CriticBatch]:
        """What the critic judges where the generator does not move, by part."""
        parts = self._parts(len(numbers))
        return [self._fakes(self._draw(measurement[part], numbers[part], {})) for part in parts]

    @staticmethod
    def _whole(clean: Tensor) -> int:
        """Images of the batch on all ranks, when this one's share is given."""
        return collectives.world_size() * len(clean)

    def _parts(self, batch_size: int) -> Iterator[slice]:
        """The micro-batches of this rank's share of the batch."""
        size = self.micro_batch or batch_size
        for start in range(0, batch_size, size):
            yield slice(start, min(start + size, batch_size))

    def _backward(self, player: str, terms: Shared, factor: float = 1.0) -> None:
        """Add the gradient of the weighted sum, if anything is due; note every unweighted term under player/name."""
        if not terms:
            return
        loss = torch.stack([factor * images / of * weight * value for (value, weight), images, of in terms.values()])
        loss.sum().backward()  # type: ignore[no-untyped-call]
        for name, (term, images, _) in terms.items():
            self.averages.add(f"{player}/{name}", term.value, images)

    def _step(self, name: str, kind: str = "") -> bool:
        """Step a player at the scheduled rate; count a gradient that is not finite, and whether it was finite."""
        times, move = self.clock.times, f"{kind}{name}"
        norm = self.players[name].move(self.schedule(times.images_seen))
        if norm is not None:
            self.averages.add(f"{name}/{kind}gradient_norm", norm, 1)
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


def critic_condition(measurement: Measurement, fakes: CriticBatch) -> Tensor:
    """What the critic is conditioned on: y, its maps, and the other sample of a pair."""
    condition = measurement.condition
    return condition if fakes.other is None else torch.cat([condition, fakes.other], dim=1)


def _share(terms: Terms, images: int, of: int) -> Shared:
    """Terms of a part of the batch; the parts, on all ranks, add up to the whole."""
    return {name: (term, images, of) for name, term in terms.items()}


@dataclass
class NetworkOptimizer:
    """Generator or critic.

    Attributes:
        network: whose parameters move.
        optimizer: over those parameters; its learning rate is the peak of the schedule.
        clip_norm: largest norm of the gradient, or None.
    """

    network: nn.Module
    optimizer: Optimizer
    clip_norm: float | None = None

    def parameters(self) -> Iterator[nn.Parameter]:
        """What the player moves."""
        return self.network.parameters()

    def move(self, learning_rate_factor: float) -> Tensor | None:
        """Step along the gradients gathered so far, on all ranks; the norm, or None if it was not finite.

        A gradient that is not finite is dropped, and neither parameters nor optimiser change. Reading the norm is the
        one time in a move that the host waits for the device.
        """
        sum_over_ranks(self.network.parameters())
        limit = float("inf") if self.clip_norm is None else self.clip_norm
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), limit)
        finite = bool(norm.isfinite())
        if finite:
            for group in self.optimizer.param_groups:
                group["lr"] = self.optimizer.defaults["lr"] * learning_rate_factor
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return norm if finite else None


def scale_adam_for_lazy_regularization(optimizer: Optimizer, every_steps: int) -> None:
    """With k + 1 steps where there were k, and c = k/(k+1): lr becomes c·lr, every β becomes βᶜ; nothing for k = 1.

    Only optimisers with betas are corrected: their steps are as long for a small gradient as for a large one. Plain
    SGD adds gradients up, and k + 1 steps along parts of a sum lead as far as k steps along the sum. Optimisers that
    divide by the size of gradients without betas (RMSprop) would want it too, and do without.

    Args:
        optimizer: before its first step; defaults and groups are corrected in place.
        every_steps: k, 1 or more.
    """
    if every_steps == 1:
        return
    c = every_steps / (every_steps + 1)
    for options in (optimizer.defaults, *optimizer.param_groups):
        if "betas" in options:
            options["lr"] = c * options["lr"]
            options["betas"] = tuple(beta**c for beta in options["betas"])
