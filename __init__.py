"""Posterior samplers for image restoration: stochastic conditional GANs, one network evaluation a sample."""

__version__ = "0.1.0"
