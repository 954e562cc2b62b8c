"""Both penalties against linear generators, whose worst and whose mean change are known."""

import pytest
import torch

from pscgan.data.measurement import Measurement
from pscgan.losses.experimental.robustness_probe import JacobianRobustness
from pscgan.losses.penalty import GeneratorPenalty
from pscgan.losses.robustness import Robustness
from pscgan.rng import Rng

from .scalar_world import normal

SINGULAR = torch.tensor([2.0, 0.6, 0.3, 0.1], dtype=torch.float64)
HADAMARD = torch.tensor([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]).double() / 2
N = 4  # values of an image of 2 x 2


class LinearGenerator(torch.nn.Module):
    """G(y, z) = W y + z for images of 2 x 2; its first right singular vector has equal values."""

    def __init__(self, images, K=2):
        super().__init__()
        v = normal(0, N)
        reflection = torch.eye(N).double() - 2 * torch.outer(v, v) / v.dot(v)  # orthogonal without a factorisation
        self.W = torch.nn.Parameter(reflection @ torch.diag(SINGULAR) @ HADAMARD)
        self.z, self.seen = normal(1, K, images, 1, 2, 2), []

    def forward(self, y):
        self.seen.append(y.detach())
        return (y.flatten(1) @ self.W.mT).view(-1, 1, 2, 2) + self.z


def measured(images):
    return Measurement(normal(2, images, 1, 2, 2))


def value_of(estimator, generator, images, seed=0):
    measurement = measured(images)
    return estimator(generator, generator(measurement.degraded), measurement, Rng(seed, "penalty", range(images)))


def test_the_attack_finds_the_largest_singular_value():
    generator, epsilon = LinearGenerator(3), 1e-3
    value = value_of(Robustness(epsilon, steps=5), generator, 3)
    assert value.item() == pytest.approx((epsilon * SINGULAR[0].item()) ** 2 / N, rel=1e-3)


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_the_attack_stays_in_the_ball(steps):
    generator, epsilon = LinearGenerator(3), 0.5
    value_of(Robustness(epsilon, steps), generator, 3)
    original, *moved = generator.seen
    assert len(moved) == steps + 1
    for y in moved:
        norms = (y - original).flatten(1).norm(dim=1)
        assert torch.all(norms <= epsilon * (1 + 1e-9))
        assert torch.all(norms > 0.1 * epsilon)


def test_the_gradient_is_that_of_the_last_evaluation_alone():
    """R = ε²/n ‖W u‖² with u the first right singular vector: ∂R/∂W = 2ε²/n W u u'."""
    generator, epsilon = LinearGenerator(3), 1e-3
    value = value_of(Robustness(epsilon), generator, 3)
    assert generator.W.grad is None
    value.backward()
    u = HADAMARD[0]
    expected = 2 * epsilon**2 / N * generator.W.detach() @ torch.outer(u, u)
    assert torch.allclose(generator.W.grad, expected, rtol=0.01, atol=0.01 * expected.abs().max().item())


def test_the_expectation_of_the_probe_is_the_frobenius_norm():
    images, epsilon = 20_000, 0.5
    generator = LinearGenerator(images, K=1)
    value = value_of(JacobianRobustness(epsilon), generator, images).item()
    assert value == pytest.approx(epsilon**2 * SINGULAR.square().sum().item() / N**2, rel=0.03)


def test_the_probe_is_no_larger_than_the_worst_case_and_costs_one_evaluation():
    generator = LinearGenerator(3)
    worst = value_of(Robustness(1e-3), generator, 3)
    generator.seen.clear()
    assert value_of(JacobianRobustness(1e-3), generator, 3) <= worst
    assert len(generator.seen) == 2  # one of them the samples themselves


@pytest.mark.parametrize("estimator", [Robustness(0.5), JacobianRobustness(0.5)])
def test_a_function_of_the_generators_and_of_each_image_alone(estimator):
    generator = LinearGenerator(3)
    whole = value_of(estimator, generator, 3)
    assert torch.equal(whole, value_of(estimator, generator, 3))
    assert not torch.equal(whole, value_of(estimator, generator, 3, seed=1))
    measurement, rng, parts = measured(3), Rng(0, "penalty", range(3)), []
    for b in range(3):
        alone = LinearGenerator(1)
        alone.z = generator.z[:, b : b + 1]
        part = measurement[b : b + 1]
        parts.append(estimator(alone, alone(part.degraded), part, rng[b : b + 1]))
    assert torch.allclose(torch.stack(parts).mean(), whole, rtol=1e-9)


@pytest.mark.parametrize("estimator", [Robustness(0.5), JacobianRobustness(0.5)])
def test_a_generator_that_ignores_its_input_pays_nothing(estimator):
    samples = normal(3, 2, 3, 1, 2, 2).requires_grad_()
    measurement = Measurement(normal(4, 3, 1, 2, 2))
    value = estimator(lambda moved: samples + 0 * moved, samples, measurement, Rng(0, "penalty", range(3)))
    assert value == 0


def test_penalty_hands_over_fp32_and_the_first_samples():
    seen = {}

    def spy(restore, samples_KBCHW, measurement, rng):
        seen.update(samples=samples_KBCHW, restored=restore(measurement.degraded))
        return samples_KBCHW.mean()

    samples, y = normal(0, 4, 2, 3, 4, 4).bfloat16(), Measurement(normal(1, 2, 3, 4, 4).bfloat16())
    GeneratorPenalty(spy, samples_per_image=2)(lambda y: samples[:2] + y, samples, y, Rng(0, "", range(2)))
    assert {tensor.dtype for tensor in seen.values()} == {torch.float32}
    assert torch.equal(seen["samples"], samples[:2].float())


@pytest.mark.parametrize("name", ["epsilon", "steps", "learning_rate"])
def test_bad_arguments_are_refused_by_name(name):
    with pytest.raises(ValueError, match=f"{name}.*-1"):
        Robustness(**{name: -1})
    with pytest.raises(ValueError, match=r"epsilon.*-1"):
        JacobianRobustness(-1)
