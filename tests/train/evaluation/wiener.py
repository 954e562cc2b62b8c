"""Restorers of a Gaussian field whose every property is known."""

from pscgan.data.measurement import Measurement
from pscgan.data.toy_posteriors.fields import noisy_field
from pscgan.data.toy_posteriors.gaussian import symmetric_root
from pscgan.rng import Rng


class Wiener:
    """G(y, z) = m + W (y − m) + spread · R z of a noisy field, R R the posterior covariance: exact with spread 1."""

    def __init__(self, world, spread=1.0):
        self.world, self.spread, self.stochastic = world, spread, spread > 0
        self.root = symmetric_root(world.posterior_covariance)

    def restore(self, measurement, num_samples, seeds, sigma_z=1.0):
        y = measurement.degraded.double().flatten(1)
        mean = self.world.mean + (y - self.world.mean) @ self.world.gain.T
        z = Rng.of_images(seeds, "wiener").randn(num_samples, len(self.root)).double().movedim(1, 0)
        return (mean + sigma_z * self.spread * z @ self.root.T).view(num_samples, *measurement.degraded.shape)


def field(images, size=8, sigma=50):
    """A world, x and y of some images, float64."""
    world = noisy_field(size, sigma)
    clean = world.draw(Rng(0, "clean", range(images)))
    measurement = world.degradation(clean, Rng(0, "degradation", range(images)))
    return world, clean.double(), Measurement(measurement.degraded.double(), None, measurement.params)
