"""Samples of a generator alone, each image from a generator of random numbers of its own."""

from pscgan.models.generator import scale_latent


def draw_samples(generator, condition, num_samples, rng, sigma_z=1.0):
    """K samples for each of B measurements, (K, B, C, H, W); one of a deterministic generator."""
    latent = generator.draw_latent(num_samples, *condition.shape[-2:], rng)
    return generator.decode(generator.encode(condition), scale_latent(latent, sigma_z))
