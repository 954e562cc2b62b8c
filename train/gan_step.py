"""The algorithm: a generator that samples the posterior, and a critic that tells its samples from clean images."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ..checks import require_at_least
from ..data.degradation import Degradation, measure
from ..losses.adversarial import Adversarial
from ..losses.penalty import Adaptive, GeneratorPenalty, PenaltySchedule, Term, Terms
from ..models.generator import Generator, is_deterministic
from ..precision import without_autocast
from .batch import Batch, CriticBatch, StepRandomness, critic_condition
from .distributed import collectives
from .ema import Ema
from .network_optimizer import NetworkOptimizer, NotFinite, scale_adam_for_lazy_regularization
from .progress import MeanTracker, TrainingProgress
from .sampling import ProjectedDecoder, SampleBatch
from .schedule import Schedule

MakeOptimizer = Callable[[Iterable[nn.Parameter]], Optimizer]


class GANStep(nn.Module):
    """Generator against critic, with penalties on the sample set; without a critic, regression (the MMSE baseline).

    Each batch: K samples of each image are drawn once; the generator takes a step against a critic that has not seen
    them, and its average follows; the critic takes a step on the same samples, without their graph. All randomness is
    a function of (seed, number of the image).

    Args:
        generator: what is trained; the seam is models/generator.py.
        degradation: clean images to measurements, on the device of the images.
        penalties: on the sample set or on the generator, by their log name.
        generator_optimizer: parameters -> optimiser.
        ema: average of the generator, used by validation and export.
        schedule: images seen -> factor on the learning rates.
        seed: of the run.
        critic: (image, condition) -> (B,); None for regression.
        adversarial: the adversarial objective; goes with the critic.
        critic_optimizer: parameters -> optimiser; goes with the critic.
        generator_clip_norm: largest norm of the generator's gradient; None does not clip.
        critic_clip_norm: the same for the critic; clipping weakens a lazy R1, whose gradient is rare and large.
        micro_batch: images a forward pass, gradients add up to those of the whole batch; None takes all at once.
        samples_per_pass: samples of an image whose graph is held at once, the gradient being that of all K; decoding is
            then paid for twice. None holds all.
        project: whether samples are made consistent with their measurement before the losses see them, as they
            are when the generator is used.
        paired: whether the critic is also shown another sample x̂₂ of the same y: D(x̂₁ | y, x̂₂) against D(x | y, x̂₂), so
            that it sees at once where samples do not differ. At equilibrium (x, x̂₂) and (x̂₁, x̂₂) have one distribution
            given y, so x̂ has that of x. After Adler and Öktem (arXiv 1811.05910), where gradients reach both samples,
            and the truth stands in either place; here x̂₂ is part of the condition.
        alternate: True: a batch trains one network, the critic first (PSCGAN); False: it trains both.
        nonfinite_limit: so many optimiser steps of a network in a row without a finite gradient end the run.

    Attributes:
        start_weights: ``adapted_weights`` before the first validation, as the config has them.
        first_nonfinite: what began a stretch of steps without a finite gradient, after how many images; "" outside.

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
        optional = {"micro_batch": micro_batch, "samples_per_pass": samples_per_pass}
        counts = {name: count for name, count in optional.items() if count is not None}
        require_at_least(1, nonfinite_limit=nonfinite_limit, **counts)
        if paired and (critic is None or is_deterministic(cast(Generator, generator))):
            raise ValueError("paired=true needs a critic and a generator that is not deterministic")
        for network in filter(None, (generator, critic)):
            network.to(memory_format=torch.channels_last)
        self.generator, self.critic, self.adversarial = generator, critic, adversarial
        self.penalties = cast(Mapping[str, PenaltySchedule], nn.ModuleDict(penalties))
        self.degradation, self.schedule, self.seed = degradation, schedule, seed
        self.alternate, self.paired = alternate, paired
        self.micro_batch, self.samples_per_pass = micro_batch, samples_per_pass
        self.decoder = ProjectedDecoder(cast(Generator, generator), degradation, project)
        self.nonfinite_limit = nonfinite_limit
        self.ema, self.progress, self.means = ema, TrainingProgress(), MeanTracker()
        self.ema.start(generator)
        self.start_weights = self.adapted_weights()
        self.first_nonfinite = ""
        self._terms: list[tuple[str, float, Tensor]] = []
        optimizer = generator_optimizer(generator.parameters())
        self.networks = {"generator": NetworkOptimizer(generator, optimizer, generator_clip_norm)}
        if critic is not None and critic_optimizer is not None:
            optimizer = critic_optimizer(critic.parameters())
            if adversarial is not None and adversarial.gradient_penalty is not None:
                scale_adam_for_lazy_regularization(optimizer, adversarial.gradient_penalty.every_critic_steps)
            self.networks["critic"] = NetworkOptimizer(critic, optimizer, critic_clip_norm)

    def train_batch(self, images: Tensor, numbers: Sequence[int]) -> None:
        """One step on B images in [0, 1], as ``measure`` takes them; their numbers count the images of the run.

        Each rank is given its share of the batch: rank 0 the first B images, and so on.
        """
        progress = self.progress
        randomness = StepRandomness(self.seed, numbers, images.device)
        clean, measurement = measure(self.degradation, images, randomness.stream("degradation"))
        start, total = collectives.rank() * len(clean), collectives.world_size() * len(clean)
        batch = Batch(clean, measurement, randomness, start, total)
        critic_only = self.alternate and progress.critic_steps == progress.generator_steps
        critic_batches = self._sample_for_critic(batch) if critic_only else self._generator_step(batch)
        if self.critic is not None and (critic_only or not self.alternate):
            self._critic_step(self.critic, critic_batches)
        progress.images_seen += total

    def _generator_step(self, batch: Batch) -> list[CriticBatch]:
        """Adversarial term and penalties on the samples, step, average; returns what the critic will see."""
        critic_batches = []
        for part in batch.split(self.micro_batch):
            due = self._due_penalties(part)
            samples = self._sample(part, due)
            critic_batches.append(self._critic_batch(part, samples))
            terms = self._adversarial_terms(critic_batches[-1], samples) | self._penalty_terms(part, due, samples)
            self._backward("generator", terms)
            samples.backward()
        if self._update_weights("generator"):
            new_images = (2 if self.alternate else 1) * batch.total
            self.ema.update(self.generator, new_images, self.progress.images_seen + batch.total)
        self.progress.generator_steps += 1
        return critic_batches

    def _critic_step(self, critic: nn.Module, critic_batches: list[CriticBatch]) -> None:
        """Adversarial terms and, when due, the gradient penalty; a lazy one in an optimiser step of its own."""
        assert self.adversarial is not None
        adversarial, progress = self.adversarial, self.progress
        penalty = adversarial.gradient_penalty
        critic.requires_grad_(True)
        for seen in critic_batches:
            terms = adversarial.critic_terms(critic, seen.batch.clean, seen.fake, seen.condition)
            self._backward("critic", seen.batch.share(terms))
        if penalty is not None and progress.critic_steps % penalty.every_critic_steps == 0:
            lazy = penalty.every_critic_steps > 1
            if lazy:
                self._update_weights("critic")
            for seen in critic_batches:
                rng = seen.batch.randomness.stream("critic")
                terms = penalty(critic, seen.batch.clean, seen.fake, seen.condition, rng, progress.images_seen)
                self._backward("critic", seen.batch.share(terms), penalty.every_critic_steps)
            for parameter in critic.parameters():  # a bias has no part in the slope, and a step all the same
                parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            self._update_weights("critic", "gradient_penalty_" if lazy else "")
        else:
            self._update_weights("critic")
        progress.critic_steps += 1

    def _adversarial_terms(self, seen: CriticBatch, samples: SampleBatch) -> Terms:
        """The generator's side of the adversarial objective, on one sample of each image."""
        if self.critic is None or self.adversarial is None:
            return {}
        self.critic.requires_grad_(False)
        fake = samples.sample(0)
        return seen.batch.share(self.adversarial.generator_terms(self.critic, seen.batch.clean, fake, seen.condition))

    def _penalty_terms(self, batch: Batch, due: Mapping[str, int], samples: SampleBatch) -> Terms:
        """Each penalty on its K samples of its n images."""
        terms = {}
        for name, n in due.items():
            penalty, measurement = self.penalties[name], batch.measurement[:n]
            samples_KnCHW = samples.samples_KnCHW[:, :n]
            if isinstance(penalty, GeneratorPenalty):
                restore = partial(samples.restore, num_samples=penalty.samples_per_image)
                rng = batch.randomness[:n].stream(f"penalty {name}")
                value = penalty(restore, samples_KnCHW, measurement, rng)
            else:
                value = penalty(samples_KnCHW, batch.clean[:n], measurement)
            terms[name] = Term(value, penalty.weight, n, penalty.count(batch.total))
        return terms

    def _due_penalties(self, batch: Batch) -> dict[str, int]:
        """On how many images of a micro-batch each penalty of this generator step is applied; none is left out."""
        return {
            name: n
            for name, penalty in self.penalties.items()
            if penalty.is_due(self.progress.generator_steps)
            and (n := penalty.count(batch.total, batch.start, batch.start + len(batch.clean)))
        }

    def _sample(self, batch: Batch, due: Mapping[str, int]) -> SampleBatch:
        """As many samples of as many images as any penalty needs, and those for the critic of the other images."""
        return SampleBatch(
            self.decoder,
            batch.measurement,
            batch.randomness.stream("latent"),
            num_samples=max((self.penalties[name].samples_per_image for name in due), default=1),
            num_images=max(due.values(), default=0),
            num_others=2 if self.paired else 1,
            samples_per_pass=self.samples_per_pass,
        )

    @torch.no_grad()
    def _sample_for_critic(self, batch: Batch) -> list[CriticBatch]:
        """What the critic sees where the generator takes no step."""
        return [self._critic_batch(part, self._sample(part, {})) for part in batch.split(self.micro_batch)]

    def _critic_batch(self, batch: Batch, samples: SampleBatch) -> CriticBatch:
        other = samples.sample(1).detach() if self.paired else None
        return CriticBatch(batch, samples.sample(0).detach(), critic_condition(batch.measurement, other))

    def _backward(self, network: str, terms: Terms, factor: float = 1.0) -> None:
        """Add the gradient of the weighted sum, if anything is due; track every unweighted term as network/name."""
        if not terms:
            return
        loss = torch.stack([factor * t.images / t.total * t.weight * t.value for t in terms.values()]).sum()
        # autocast would compute the second derivatives of a gradient penalty in bf16
        with without_autocast(loss):
            loss.backward()  # type: ignore[no-untyped-call]
        for name, term in terms.items():
            self.means.add(f"{network}/{name}", term.value, term.images)
            self._terms.append((f"{network}/{name}", term.weight, term.value.detach()))

    def _update_weights(self, network: str, kind: str = "") -> bool:
        """An optimiser step at the scheduled rate; whether the gradient was finite. One that is not is counted."""
        progress, name = self.progress, f"{kind}{network}"
        terms, self._terms = self._terms, []
        norm = self.networks[network].step(self.schedule(progress.images_seen))
        if norm is not None:
            self.means.add(f"{network}/{kind}gradient_norm", norm, 1)
            progress.consecutive_nonfinite[name] = 0
            self.first_nonfinite = self.first_nonfinite if progress.in_bad_stretch else ""
            return True
        if not self.first_nonfinite:
            here = next((term for term, weight, value in terms if not (weight * value).isfinite()), None)
            first = next(filter(None, collectives.all_gather(here)), f"{name} gradient")
            self.first_nonfinite = f"{first} after {progress.images_seen} images"
        progress.nonfinite_steps += 1
        in_a_row = progress.consecutive_nonfinite[name] = progress.consecutive_nonfinite.get(name, 0) + 1
        if in_a_row >= self.nonfinite_limit:
            raise NotFinite(
                f"{in_a_row} steps of the {name} in a row (nonfinite_limit) had a gradient that is not finite; "
                f"the first was {self.first_nonfinite}"
            )
        return False

    def gather(self) -> None:
        """Add up what the ranks have counted and tracked, so that every one of them holds the state of the run."""
        self.means.gather()
        self.progress.gather()

    def adapt_weights(self, gain_db: float, gain_db_exact: float) -> None:
        """Tell penalties whose weight follows the gain of averaging: as measured, and of exact samples."""
        for penalty in self.penalties.values():
            for module in penalty.modules():
                if isinstance(module, Adaptive):
                    module.adapt(gain_db, gain_db_exact)

    def adapted_weights(self) -> dict[str, float]:
        """Weights that penalties adapt during the run, by log name."""
        return {
            f"generator/{name}/{weight}": float(value)
            for name, penalty in self.penalties.items()
            for module in penalty.modules()
            if isinstance(module, Adaptive)
            for weight, value in cast(nn.Module, module).named_buffers(recurse=False)
        }
